"""What `make demo` shows without any data: faces from the front, every table, a report."""

import importlib.util
from pathlib import Path

from rich.console import Console

from protocols.errors import DataError, DatasetUnavailable, PackageUnavailable
from protocols.images import read_image
from protocols.roots import artifacts_folder


def demonstrate(root: Path | None, jobs: int, console: Console) -> None:
    """A group photo from the front, Table 4 as released where it is there, then everything.

    Args:
        root: Folder of AFLW2000-3D, if not the usual place.
        jobs: Processes; 0 for one a core.
        console: Where everything is told.

    Raises:
        DataError: Something is broken or in use, or the disk is full.
    """
    from results.reproducing.everything import reproduce_all
    from results.reproducing.experiment import Experiment

    experiment = Experiment("synthetic", "tiny")
    console.print(experiment.sentence, highlight=False)
    frontalize_group_photo(console)
    show_released(root, console)
    reproduce_all(experiment, console, jobs=jobs)


def show_released(root: Path | None, console: Console) -> None:
    """Table 4 from the landmarks that the paper's authors released, or how to get them."""
    from results.publish import publish
    from results.tables.table4 import Table4, compute

    try:
        result = compute(Table4(root=root))
    except DataError as error:
        console.print(f"Table 4 of the authors' own landmarks: {error}", highlight=False)
        console.print("They are free, 7 MB, and need no registration.")
        return
    publish(result, console, folder="table4-released")


def group_photo() -> Path:
    """The photo that comes with the package insightface.

    Raises:
        DatasetUnavailable: The installed package has none.
    """
    package = importlib.util.find_spec("insightface")
    folder = Path(package.origin or "").parent if package else Path()
    path = folder / "data" / "images" / "t1.jpg"
    if not path.is_file():
        raise DatasetUnavailable("insightface's group photo", path, "pip install insightface")
    return path


def frontalize_group_photo(console: Console) -> None:
    """Turn its faces with the built-in face model; say so if dlib is not installed."""
    from cfr.frontalizers.render import RenderFrontalizer
    from cfr.landmarks.policy import Tally
    from cfr.landmarks.sources import load_landmarker
    from cfr.morphable.sources import load_model
    from results.figures.sheet import draw_sheet
    from results.frontalizing.manifest import FILE
    from results.frontalizing.methods import ByRender
    from results.frontalizing.running import frontalize_photos

    try:
        landmarker = load_landmarker("dlib", need_68=True)
        photo = group_photo()
    except (DatasetUnavailable, PackageUnavailable) as error:
        console.print(f"[bold]No photo was frontalized.[/] {error}", highlight=False)
        return
    out, tally = artifacts_folder() / "demo", Tally(landmarker.name, "all")
    (out / FILE).unlink(missing_ok=True)  # a demonstration starts anew
    with console.status("turning the faces of insightface's group photo"):
        model = load_model("builtin")
        method = ByRender(RenderFrontalizer(model))
        written = frontalize_photos(photo, out, landmarker, method, tally)
    parts = ("crop", "projected", "estimated")
    rows = [{name: read_image(out / one.files[name]) for name in parts} for one in written]
    draw_sheet(rows).savefig(out / "sheet.png")
    console.print(f"Frontalized with {model}.", highlight=False)
    console.print(tally.sentence(), highlight=False)
    console.print(f"{len(written)} faces: {out / 'sheet.png'}", highlight=False)

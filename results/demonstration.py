"""What `make demo` shows without any data: a group photo, face by face, from the front."""

import importlib.util
from pathlib import Path

from rich.console import Console

from protocols.errors import DatasetUnavailable, PackageUnavailable
from protocols.images import read_image
from protocols.roots import artifacts_folder


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

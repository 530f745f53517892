"""Turn the faces of a photo, or of a folder of photos, to a pose."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.progress import Progress

from protocols.errors import BadOption
from results.console import run


@dataclass(frozen=True)
class Frontalize:
    """Which photos, by what, to which pose."""

    photos: Annotated[Path, tyro.conf.Positional]
    """A photo, or a folder; its subfolders count."""
    out: Annotated[Path, tyro.conf.Positional]
    """The folder to write to."""
    method: Literal["render"] = "render"
    """render: a fitted face model, no network."""
    model: str = "builtin"
    """Face model: builtin, ict:DIR or bfm09:FILE."""
    yaw: float = 0.0
    """Degrees; positive turns the nose to the image's right."""
    pitch: float = 0.0
    """Degrees; positive lowers it."""
    landmarks: Literal["dlib", "dlib-hog", "insightface", "retinaface", "sidecar", "tddfa"] = "dlib"
    """What finds faces and their 68 points (docs/landmarks.md)."""
    landmarks_root: Path | None = None
    """Folder of its weights, or of the points' files; beats CFR_DATA, data.toml and data/NAME."""
    several: Literal["largest", "centre", "all", "error"] = "all"
    """Which of several faces."""
    missing: Literal["error", "skip"] = "error"
    """What to do about a photo without a face."""
    damaged: Literal["error", "skip"] = "error"
    """What to do about a photo that cannot be read."""
    size: int = 224
    """Pixels along each side of the pictures."""


def main(console: Console) -> None:
    """Find, fit, turn, write."""
    config = tyro.cli(Frontalize, prog="frontalize.py", description=__doc__)
    if not 32 <= config.size <= 1024:
        raise BadOption(f"--size {config.size}", "32 to 1024 pixels")
    if not (-90 <= config.yaw <= 90 and -90 <= config.pitch <= 90):
        raise BadOption(f"--yaw {config.yaw} --pitch {config.pitch}", "−90 to 90 degrees")
    import math

    from cfr.frontalizers.render import RenderFrontalizer
    from cfr.landmarks.policy import Tally
    from cfr.landmarks.sources import load_landmarker
    from cfr.morphable.sources import load_model
    from results.frontalizing import doubtful, frontalize_photos

    model = load_model(config.model)
    landmarker = load_landmarker(config.landmarks, config.landmarks_root, need_68=True)
    frontalizer = RenderFrontalizer(
        model, math.radians(config.yaw), math.radians(config.pitch), config.size
    )
    tally = Tally(landmarker.name, config.several, config.missing)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("photos", total=None)
        written = frontalize_photos(
            *(config.photos, config.out, landmarker, frontalizer, tally),
            damaged=config.damaged,
            progress=lambda total: bar.update(task, total=total, advance=1),
        )
    for line in (str(model), tally.sentence(), f"{len(written)} faces: {config.out}"):
        console.print(line, highlight=False, soft_wrap=True)
    if warning := doubtful(written):
        console.print(f"[yellow]{warning}[/]", highlight=False)


if __name__ == "__main__":
    run(main)

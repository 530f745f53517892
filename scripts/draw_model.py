"""Draw a face model: from five sides, ten random people, or its expressions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console

from protocols.errors import BadOption
from results.console import run


@dataclass(frozen=True)
class DrawModel:
    """Which model, and where the picture goes."""

    name: Annotated[str, tyro.conf.Positional]
    """builtin, bfm09 or ict."""
    root: Path | None = None
    """Its folder or file; beats CFR_DATA, data.toml and data/NAME."""
    what: Literal["views", "people", "expressions"] = "views"
    """The mean and random faces from five sides; ten people; named expressions."""
    out: Path | None = None
    """The picture, a PNG; artifacts/models/NAME-WHAT.png by default."""
    size: int = 224
    """Pixels along each side of a view."""
    seed: int = 0
    """Of what is random."""


def main(console: Console) -> None:
    """Load the model, draw it, say where the picture is."""
    config = tyro.cli(DrawModel, prog="draw_model.py", description=__doc__)
    if not 16 <= config.size <= 2048:
        raise BadOption(f"--size {config.size}", "16 to 2048 pixels")
    if config.out and (config.out.suffix.lower() != ".png" or config.out.is_dir()):
        raise BadOption(f"--out {config.out}", "a file that ends in .png")
    from cfr.camera import Camera
    from cfr.morphable.sources import load_model
    from protocols.roots import artifacts_folder
    from results.figures.people import draw_expressions, draw_people
    from results.figures.views import draw_views

    draw = {"views": draw_views, "people": draw_people, "expressions": draw_expressions}
    model = load_model(config.name, config.root)
    console.print(str(model), highlight=False)
    name = f"{config.name.partition(':')[0]}-{config.what}.png"
    out = config.out or artifacts_folder() / "models" / name
    out.parent.mkdir(parents=True, exist_ok=True)
    draw[config.what](model, Camera().resized(config.size), config.seed).savefig(out)
    console.print(f"Picture: {out}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    run(main)

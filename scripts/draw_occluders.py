"""Draw every kind of occluder on faces of a face model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from protocols.errors import BadOption
from results.console import run


@dataclass(frozen=True)
class DrawOccluders:
    """Which faces, and where the picture goes."""

    name: Annotated[str, tyro.conf.Positional] = "builtin"
    """The face model: builtin, ict or bfm09."""
    root: Path | None = None
    """Its folder or file; beats CFR_DATA, data.toml and data/NAME."""
    out: Path | None = None
    """The picture, a PNG; artifacts/occluders/NAME.png by default."""
    size: int = 224
    """Pixels along each side of a face's picture."""
    seed: int = 0
    """Of the faces and of what covers them."""


def main(console: Console) -> None:
    """Load the model, draw it, say where the picture is."""
    config = tyro.cli(DrawOccluders, prog="draw_occluders.py", description=__doc__)
    if not 16 <= config.size <= 2048:
        raise BadOption(f"--size {config.size}", "16 to 2048 pixels")
    if config.seed < 0:
        raise BadOption(f"--seed {config.seed}", "0 or more")
    if config.out and (config.out.suffix.lower() != ".png" or config.out.is_dir()):
        raise BadOption(f"--out {config.out}", "a file that ends in .png")
    from cfr.camera import Camera
    from cfr.morphable.sources import load_model
    from protocols.roots import artifacts_folder
    from results.figures.occluders import draw_kinds

    model = load_model(config.name, config.root)
    console.print(str(model), highlight=False)
    out = config.out or artifacts_folder() / "occluders" / f"{config.name.partition(':')[0]}.png"
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_kinds(model, Camera().resized(config.size), config.seed).savefig(out)
    console.print(f"Picture: {out}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    run(main)

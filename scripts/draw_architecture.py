"""Draw the house: its rooms, the imports that there are, and the types that flow."""

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from protocols.errors import BadOption
from results.console import run


@dataclass(frozen=True)
class DrawArchitecture:
    """Where the picture goes."""

    out: Path | None = None
    """The picture, a PNG; artifacts/architecture.png by default."""


def main(console: Console) -> None:
    """Read the checkout, draw it, say where the picture is."""
    config = tyro.cli(DrawArchitecture, prog="draw_architecture.py", description=__doc__)
    if config.out and (config.out.suffix.lower() != ".png" or config.out.is_dir()):
        raise BadOption(f"--out {config.out}", "a file that ends in .png")
    from protocols.roots import artifacts_folder, project_root
    from results.figures.architecture import save_architecture

    out = config.out or artifacts_folder() / "architecture.png"
    out.parent.mkdir(parents=True, exist_ok=True)
    save_architecture(project_root(), out)
    console.print(f"Picture: {out}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    run(main)

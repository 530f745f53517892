"""Learn the built-in face model from photos; three to ten minutes on 2 cores, 5 GB of memory."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console
from rich.progress import Progress

from protocols.errors import BadOption
from results.console import run


@dataclass(frozen=True)
class BuildFaceModel:
    """Which photos, and where the model goes."""

    photos: Path
    """A list of photos, one path a line: one face each, about in the middle."""
    root: Path
    """The folder that the list's paths are in."""
    out: Path = Path("cfr/morphable/builtin.npz")
    """The model."""


def main(console: Console) -> None:
    """Learn, write, say what was learned from."""
    config = tyro.cli(BuildFaceModel, prog="build_face_model.py", description=__doc__)
    if not config.out.absolute().parent.is_dir():
        raise BadOption(f"--out {config.out}", "a file in a folder that exists")
    from cfr.morphable.builtin import load, save
    from cfr.morphable.sculpt.build import build

    with Progress(console=console) as bar:

        def stage(name: str, steps: int) -> Callable[[], None]:
            task = bar.add_task(name, total=steps)
            return lambda: bar.advance(task)

        built = build(config.photos, config.root, stage)
    save(config.out, built.model)
    for name, value in built.notes.items():
        console.print(f"{name}: {value:.4g}", highlight=False)
    console.print(f"{load(config.out)}, {config.out.stat().st_size / 1e6:.2f} MB: {config.out}")


if __name__ == "__main__":
    run(main)

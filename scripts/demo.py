"""The main jobs on what is at hand: faces turned to the front; Table 4, or what it needs."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from results.console import run


@dataclass(frozen=True)
class Demo:
    """Where the demo finds its data."""

    root: Path | None = None
    """Folder of AFLW2000-3D; beats CFR_DATA, data.toml and data/aflw2000."""


def main(console: Console) -> None:
    """Turn the faces of insightface's group photo, then run Table 4 or say what is missing."""
    import tyro

    from results.demonstration import frontalize_group_photo

    config = tyro.cli(Demo, prog="demo.py", description=__doc__)
    frontalize_group_photo(console)
    _table4(config.root, console)


def _table4(root: Path | None, console: Console) -> None:
    from protocols.errors import DatasetUnavailable
    from results.tables.table4 import Table4, compute

    try:
        result = compute(Table4(root=root))
    except DatasetUnavailable as error:
        console.print("[bold]Table 4 was not measured: its data are not here yet.[/]")
        console.print(str(error), highlight=False)
        console.print("These labels and landmarks are free, 7 MB, and need no registration.")
        python = os.path.relpath(sys.executable)
        console.print(f"Then again: {python} scripts/fetch.py aflw2000 && make demo")
        return
    from results.publish import publish

    publish(result, console)


if __name__ == "__main__":
    run(main)

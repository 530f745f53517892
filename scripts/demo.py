"""The main job on what is at hand: Table 4 where its labels are, else what to fetch for it."""

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
    """Run Table 4, or say plainly what is missing."""
    import tyro

    from protocols.errors import DatasetUnavailable
    from results.tables.table4 import Table4, compute

    config = tyro.cli(Demo, prog="demo.py", description=__doc__)
    try:
        result = compute(Table4(root=config.root))
    except DatasetUnavailable as error:
        console.print("[bold]Nothing was measured: the demo's data are not here yet.[/]")
        console.print(str(error), highlight=False)
        console.print("These labels and landmarks are free, 7 MB, and need no registration.")
        python = os.path.relpath(sys.executable)
        console.print(f"Then again: {python} scripts/fetch.py aflw2000 && make demo")
        return
    from results.publish import publish

    publish(result, console)


if __name__ == "__main__":
    run(main)

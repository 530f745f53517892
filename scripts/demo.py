"""The main jobs on a machine that has nothing else: faces turned, Tables 1-4, figures, a report."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from results.console import run


@dataclass(frozen=True)
class Demo:
    """Where the demo finds what it does not need, and how much of the machine it takes."""

    root: Path | None = None
    """Folder of AFLW2000-3D; beats CFR_DATA, data.toml and data/aflw2000. Where its labels are,
    Table 4 of the authors' own landmarks is shown too."""
    jobs: int = 0
    """Processes; 0 for one a core."""


def main(console: Console) -> None:
    """Turn the faces of insightface's group photo, then make every table on made-up people."""
    import tyro

    config = tyro.cli(Demo, prog="demo.py", description=__doc__)
    from results.demonstration import demonstrate

    demonstrate(config.root, config.jobs, console)


if __name__ == "__main__":
    run(main)

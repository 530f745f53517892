"""Measure what has a bar: times against a reference in the same run, the face model's quality."""

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from protocols.errors import BadOption
from results.bench.subjects import SUBJECTS
from results.console import run
from results.option_checks import require_least


@dataclass(frozen=True)
class Bench:
    """What to time, and how often."""

    subjects: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Any of startup, table4, bootstrap, render, fit, face-model, score, load, embed, regress,
    pairs, train-gan, restore, augment, synth, train-recognizer; all by default."""
    root: Path | None = None
    """Folder of AFLW2000-3D for table4, of LFW for face-model, of a synthetic world for synth;
    beats CFR_DATA and data.toml."""
    repeats: int = 5
    """Timed pairs of each subject and its reference, after one warm-up."""


def main(console: Console) -> None:
    """Print a row a timing."""
    config = tyro.cli(Bench, prog="bench.py", description=__doc__)
    unknown = sorted(set(config.subjects) - set(SUBJECTS))
    if unknown:
        raise BadOption(", ".join(unknown), f"any of {', '.join(SUBJECTS)}")
    require_least(config, {"repeats": 1})
    console.print(f"{platform.machine()}, Python {platform.python_version()}, wall seconds")
    heading: tuple[str, ...] = ()
    for name in config.subjects or SUBJECTS:
        for one in SUBJECTS[name](config.root, config.repeats):
            if heading != one.HEADING:
                heading = one.HEADING
                console.print(f"\n| {' | '.join(heading)} |\n{'|---' * len(heading)}|")
            console.print(f"| {' | '.join(one.cells)} |", highlight=False)


if __name__ == "__main__":
    run(main)

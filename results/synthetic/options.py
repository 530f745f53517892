"""The command line of ``make_synthetic.py``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from protocols.errors import BadOption
from results.option_checks import require_least

Scale = Literal["tiny", "small", "mini", "full"]
Name = Literal["casia", "rafdb", "lfw", "ijba", "ijbb", "ijbc", "aflw2000"]
NAMES: tuple[Name, ...] = ("casia", "rafdb", "lfw", "ijba", "ijbb", "ijbc", "aflw2000")


@dataclass(frozen=True)
class MakeSynthetic:
    """Make photos of people who do not exist, as the data sets that are tested and trained on.

    A run that was killed goes on where it was, and ends with the same bytes.
    """

    out: Annotated[Path, tyro.conf.Positional]
    """The folder to write to; CFR_DATA=OUT lets every other command read it."""
    scale: Scale = "tiny"
    """tiny: for a test, a minute; small: for a demonstration, two; mini: what small networks learn
    from; full: as many people and photos as the data sets have, which takes hours."""
    sets: tuple[Name, ...] = NAMES
    """Which data sets; others can be added to the same folder later."""
    seed: int = 0
    """Of everything: another seed is another world, with other people."""
    jobs: int = 0
    """Processes; 0 for one a core."""

    def __post_init__(self) -> None:
        """Refuse what no run could use, before anything is drawn."""
        require_least(self, {"seed": 0, "jobs": 0})
        if not self.sets or len(set(self.sets)) < len(self.sets):
            raise BadOption(f"--sets {' '.join(self.sets)}", f"some of {', '.join(NAMES)}, once")

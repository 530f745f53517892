"""From a folder of people to a list of pairs, and what to do with it next."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from protocols.people_folder import Drawn, People, Wanted, draw_pairs, find_people, write_pairs


@dataclass(frozen=True)
class MakePairs:
    """Make a list of pairs from a folder that has one sub-folder of photos a person."""

    folder: Annotated[Path, tyro.conf.Positional]
    """The folder; LFW's, or a collection of your own."""
    out: Path = Path("pairs.csv")
    """The file to write; docs/own-data.md says what is in it."""
    folds: int = 10
    """Parts for cross-validation, each with people of its own; fewer where there are too few
    people. 0 for none."""
    genuine: int | None = None
    """At most so many genuine pairs of each person, drawn; all by default."""
    impostors: int | None = None
    """How many impostor pairs, drawn; as many as genuine ones by default."""
    seed: int = 0
    """Seed of every draw."""

    def __post_init__(self) -> None:
        """Refuse what no list can be drawn with, before any folder is looked at."""
        _ = self.wanted

    @property
    def wanted(self) -> Wanted:
        """What to draw."""
        return Wanted(self.folds, self.genuine, self.impostors, self.seed)


def make_pairs(config: MakePairs) -> Iterator[str]:
    """Make the list; says what was found and drawn, and the next command.

    Raises:
        DatasetUnavailable: There is no such folder.
        BadInput: It is not what it has to be.
        BadOption: There are not so many pairs.
        OSError: The list cannot be written.
    """
    people = find_people(config.folder)
    drawn = draw_pairs(people, config.wanted)
    write_pairs(drawn, config.out)
    yield from _told(people, drawn, config)
    words = ["python", "scripts/evaluate.py", str(config.out)]
    if config.out.parent.resolve() != config.folder.resolve():  # paths start at the list otherwise
        words += ["--root", str(config.folder)]
    yield f"Next: {shlex.join(words)} --recognizer my.onnx --frontalizer none render"


def _told(people: People, drawn: Drawn, config: MakePairs) -> Iterator[str]:
    photos = sum(map(len, people.photos.values()))
    single = f"; {people.single:,} with one photo, for impostor pairs only" if people.single else ""
    yield f"{len(people.photos):,} people, {photos:,} photos{single}"
    if people.passed_over:
        yield f"{people.passed_over:,} files or folders passed over: they hold no person's photos"
    impostors = len(drawn.pairs) - drawn.genuine
    folds = f"{drawn.folds} folds" if drawn.folds else "no folds"
    yield f"{drawn.genuine:,} genuine and {impostors:,} impostor pairs, {folds}: {config.out}"
    if drawn.folds < config.folds:
        yield (
            f"{config.folds} folds were asked for. Each needs two people and a genuine pair of its "
            f"own: {folds} can be made."
        )
    if impostors < (config.impostors or drawn.genuine):
        yield "Fewer impostor than genuine pairs: some folds have no more."

"""The paper's tables of recognition as data: their rows and columns, and what fills the cells.

A cell is filled where all that it needs is there; else it says everything that is missing. What
measures is imported only then: without any data a table is printed within a second or two.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cfr.frontalizers.sources import NONE, lacking, weight_file
from protocols.errors import BadOption, DatasetUnavailable
from protocols.manifest import read_manifest
from protocols.roots import is_dir, project_root
from protocols.types import InputFile
from results.environment import current_environment
from results.loading import Source, load
from results.paper import TABLES, paper_value
from results.record import Cell, Comparison, RunRecord, World, origin_of
from results.reproducing.profiles import Data, ProfileName
from results.tables import seeds
from results.tables.places import RECOGNIZERS, Places
from results.tables.result import Result, TableFigure

if TYPE_CHECKING:
    from results.systems import Measured

HOW_WEIGHTS = "train it, or put an ONNX file of your own there"


@dataclass(frozen=True)
class Column:
    """A column of the paper, and what is read off for it.

    Attributes:
        name: As in :mod:`results.paper`.
        protocol: The protocol's name, as ``protocol.py`` takes it.
        far: The false accept rate at which TAR is read off; without one, it is the accuracy …
        subset: … over the folds, or on this subset of an expression protocol.
    """

    name: str
    protocol: str
    far: float | None = None
    subset: str = ""


@dataclass(frozen=True)
class Row:
    """A row of the paper, and what it needs.

    Attributes:
        name: As in :mod:`results.paper`.
        weights: The name of its networks, as :meth:`Places.files` knows them; empty for a row of
            the literature, whose numbers the paper reports.
        frontalizer: What the test photos go through first.
        note: What the row is, in a sentence.
    """

    name: str
    weights: str = ""
    frontalizer: str = NONE
    note: str = ""

    @property
    def reported(self) -> bool:
        """Whether it is a row of the literature."""
        return not self.weights


@dataclass(frozen=True)
class Ready:
    """A row that can be measured.

    Attributes:
        row: It.
        files: Its networks, one a training.
    """

    row: Row
    files: tuple[Path, ...]

    @property
    def name(self) -> str:
        """As the table calls it."""
        return self.row.name

    @property
    def seeds(self) -> tuple[int, ...]:
        """Each training's seed, by the number that its file's name ends in; else its place."""
        found = [re.search(r"-(\d+)$", file.stem) for file in self.files]
        return tuple(int(one[1]) if one else place for place, one in enumerate(found))

    @property
    def titles(self) -> tuple[str, ...]:
        """What each training is called where they stand side by side."""
        if len(self.files) == 1:
            return (self.name,)
        return tuple(f"{self.name} #{seed}" for seed in self.seeds)

    def beside(self, other: "Ready") -> list[tuple[int, int]]:
        """Places of trainings to compare, its own and another row's: of one seed, or one of each.

        Rows without a seed in common are compared by place.
        """
        pairs = [
            (mine, other.seeds.index(seed))
            for mine, seed in enumerate(self.seeds)
            if seed in other.seeds
        ]
        return pairs or [(one, one) for one in range(min(len(self.files), len(other.files)))]


@dataclass(frozen=True)
class Options:
    """What the tables of recognition share."""

    data: Data | None = None
    """real, or synthetic: people who do not exist, drawn here (docs/synthetic.md). By default real
    if the roots of all of a table's protocols are there."""
    profile: ProfileName | None = None
    """How large synthetic sets are, and how long networks are trained. tiny: minutes on two cores;
    mini: hours; paper: as the paper, for a GPU. By default tiny, and paper of real data."""
    world: World = "real"
    """What the photos are, for the record; those of make_synthetic.py are known."""
    resamples: int = 1000
    """Bootstrap resamples behind each 95 % interval; 0 for none."""
    seed: int = 0
    """Seed of the bootstrap."""

    def __post_init__(self) -> None:
        """Refuse what nothing could be computed with, before any file is read."""
        if self.resamples and not 100 <= self.resamples <= 100_000:
            raise BadOption(f"--resamples {self.resamples}", "0, or 100 to 100,000")
        if self.seed < 0:
            raise BadOption(f"--seed {self.seed}", "a number that is not negative")

    def plain(self) -> dict[str, str | int]:
        """As plain values, without paths of this machine."""
        return {"world": self.world, "resamples": self.resamples, "seed": self.seed}


@dataclass(frozen=True)
class Found:
    """What was measured on one protocol.

    Attributes:
        values: By row and column.
        comparisons: Of its rows.
        rule: The definition of the numbers.
        notes: What a reader has to know.
        inputs: sha256 of each file of the protocol.
        devices: Where networks ran.
        counted: By which counts the protocol was checked.
        figures: What belongs to it.
    """

    values: Mapping[str, Mapping[str, "Measured"]]
    comparisons: Sequence[Comparison] = ()
    rule: str = ""
    notes: Sequence[str] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    devices: Sequence[str] = ()
    counted: str = ""
    figures: Sequence[TableFigure] = ()


Measure = Callable[[str, Sequence[Ready], Sequence[Column]], Found]
"""From a protocol's name, the rows that can be measured and its columns, to what was measured."""
Absent = str
"""What of a protocol is absent, and how to get it."""


def fill(
    table: str,
    rows: Sequence[Row],
    columns: Sequence[Column],
    measure: Measure,
    config: Options,
    places: Places | None = None,
) -> Result:
    """Measure what can be measured, beside the paper's values.

    Args:
        table: Its name in :mod:`results.paper`.
        rows: Those of the paper.
        columns: Those of the paper.
        measure: What measures on one protocol.
        config: The options.
        places: Where data and weights lie.

    Raises:
        BadInput: A file that is there is not what it has to be.
    """
    started, paper, places = time.perf_counter(), TABLES[table], places or Places()
    lacking = {row.name: tuple(_lacking(row, places)) for row in rows if not row.reported}
    ready = [
        Ready(row, places.files(row.weights))
        for row in rows
        if not row.reported and not lacking[row.name]
    ]
    parts = {
        protocol: _part(protocol, ready, columns, measure, places)
        for protocol in dict.fromkeys(column.protocol for column in columns)
    }
    found = {name: part for name, part in parts.items() if isinstance(part, Found)}
    cells = tuple(
        _cell(table, row, column, lacking.get(row.name, ()), parts[column.protocol], config)
        for row in rows
        for column in columns
    )
    used = [row for row in ready if any(row.name in part.values for part in found.values())]
    empty = sum(cell.value is None for cell in cells)
    devices = sorted({device for part in found.values() for device in part.devices})
    record = RunRecord(
        table=table,
        title=paper.title,
        rule="; ".join(f"{_title(name)}: {part.rule}" for name, part in found.items() if part.rule)
        or "nothing was measured",
        columns=tuple(column.name for column in columns),
        rows=tuple(row.name for row in rows),
        cells=cells,
        comparisons=tuple(one for part in found.values() for one in part.comparisons),
        notes=(*places.notes, *_notes(table, rows, used, columns, found)),
        config={**config.plain(), **places.told},
        inputs={file: digest for part in found.values() for file, digest in part.inputs.items()},
        seed=config.seed,
        seconds=time.perf_counter() - started,
        environment=current_environment(device=", ".join(devices) or "cpu"),
        weights={name: InputFile.of(file).sha256 for one in used for name, file in _files(one)},
        status=f"{empty} of {len(cells)} cells are unavailable" if empty else "complete",
    )
    return Result(record, tuple(figure for part in found.values() for figure in part.figures))


def _lacking(row: Row, places: Places) -> Iterator[str]:
    """What is absent of a row, whatever the protocol."""
    if not places.files(row.weights):
        yield f"{RECOGNIZERS}/{row.weights}.onnx ({HOW_WEIGHTS})"
    if how := lacking(row.frontalizer):
        yield f"the frontalizer {row.frontalizer} ({how})"


def _files(ready: Ready) -> Iterator[tuple[str, Path]]:
    """The weights that a row's numbers come from, each by a name of its own."""
    several, weights = len(ready.files) > 1, ready.row.weights
    for seed, file in zip(ready.seeds, ready.files, strict=True):
        yield (f"{weights} #{seed}" if several else f"{weights}.onnx"), file
    if (file := weight_file(ready.row.frontalizer)) is not None:
        yield file.name, file


def _part(
    protocol: str,
    ready: Sequence[Ready],
    columns: Sequence[Column],
    measure: Measure,
    places: Places,
) -> Found | Absent:
    """What was measured on a protocol, or why it cannot be had."""
    entry = read_manifest()[protocol]
    if not is_dir(places.root(protocol)):
        return f"{entry.title} ({entry.parts[0].get})"
    try:
        if not ready:  # the reasons shall be complete all the same
            load(Source(protocol, places.roots.get(protocol)))
            return Found({})
        mine = [column for column in columns if column.protocol == protocol]
        return measure(protocol, ready, mine)
    except DatasetUnavailable as error:
        how = error.how.replace(f"{project_root()}/", "").rstrip(".")
        return f"{error.what} ({how})"


def _cell(
    table: str,
    row: Row,
    column: Column,
    lacking: Sequence[str],
    part: Found | Absent,
    config: Options,
) -> Cell:
    paper = paper_value(table, row.name, column.name)
    printed = paper.value if paper else None
    if row.reported and printed is not None:
        return Cell(row.name, column.name, printed, "reported by the paper", paper=printed)
    if row.reported:
        reason = paper.citation if paper else "the paper has no number here"
        return Cell(row.name, column.name, None, "unavailable", reason=reason)
    missing = [part] if isinstance(part, str) else []
    missing += lacking
    if missing or isinstance(part, str):
        reason = f"absent: {'; '.join(missing)}"
        return Cell(row.name, column.name, None, "unavailable", paper=printed, reason=reason)
    one = part.values[row.name][column.name]
    return Cell(
        row=row.name,
        column=column.name,
        value=one.value,
        origin="unavailable" if one.value is None else origin_of(part.counted, config.world),
        n=one.n,
        interval=one.interval,
        paper=printed,
        reason=one.reason,
        seeds=one.seeds,
    )


def _notes(
    table: str,
    rows: Sequence[Row],
    used: Sequence[Ready],
    columns: Sequence[Column],
    found: Mapping[str, Found],
) -> Iterator[str]:
    """What the paper's numbers are, what each row is, and what was said on the way."""
    if TABLES[table].note:
        yield TABLES[table].note
    values = [paper_value(table, row.name, column.name) for row in rows for column in columns]
    gaps = sum(value is not None and value.value is None for value in values)
    if gaps:
        yield f"Of the paper's {len(values)} numbers {gaps} are not transcribed: they show as –."
    for row in rows:
        if row.reported:
            yield f"{row.name}: reported by the paper from the literature, not measured here."
        elif row.note:
            yield f"{row.name}: {row.note}."
    for one in used:
        how = one.row.frontalizer
        through = "" if how == NONE else f", test photos through {how}"
        count = len(one.files)
        network = f"{one.row.weights}.onnx" if count == 1 else f"{count} trainings of one kind"
        yield f"{one.name}: {network}{through}."
    for count in sorted({len(one.files) for one in used} - {1}):
        yield f"{seeds.words(count)}."
    for protocol, part in found.items():
        yield from (f"{_title(protocol)}: {note}" for note in part.notes)
    names = dict.fromkeys(column.protocol for column in columns)
    if len(used) < sum(not row.reported for row in rows) or len(found) < len(names):
        doctor = " ".join(("python scripts/doctor.py", *names, RECOGNIZERS))
        yield f"Where everything is looked for: {doctor}."


def _title(protocol: str) -> str:
    return read_manifest()[protocol].title

"""What a run leaves behind: cells with their origin, and a record of how they came about."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from protocols.errors import BadInput

Origin = Literal[
    "measured on real data",
    "measured on the synthetic world",
    "reported by the paper",
    "unavailable",
]
World = Literal["real", "synthetic"]
MEASURED: Mapping[World, Origin] = {
    "real": "measured on real data",
    "synthetic": "measured on the synthetic world",
}
"""Where a number comes from, by the world that the photos show."""
MADE_UP = "made-up people"
"""What a ``counts.json`` of the synthetic world begins with."""


def origin_of(counted: str, stated: World) -> Origin:
    """Where a number comes from that was measured on a protocol.

    Args:
        counted: By which counts the protocol was checked; those of the synthetic world tell it.
        stated: What the command was told.
    """
    return MEASURED["synthetic" if f"({MADE_UP}" in counted else stated]


@dataclass(frozen=True)
class Cell:
    """One value of a table, with everything that a reader may ask about it.

    Attributes:
        row: The row's name.
        column: The column's name.
        value: The number, or None where it is unavailable.
        origin: Where the number comes from.
        n: How many units (images, pairs) it was computed from.
        interval: Two-sided 95 % interval, low and high.
        paper: The paper's value for this cell, or None where the paper has none.
        reason: Why the value is unavailable.
        seeds: Of how many trainings the value is the mean.
    """

    row: str
    column: str
    value: float | None
    origin: Origin
    n: int | None = None
    interval: tuple[float, float] | None = None
    paper: float | None = None
    reason: str = ""
    seeds: int = 1

    def __post_init__(self) -> None:
        """A cell has a number or a reason, never neither."""
        if (self.value is None) != (self.origin == "unavailable"):
            raise ValueError(f"{self.row}, {self.column}: {self.origin} with value {self.value}")
        if self.value is None and not self.reason:
            raise ValueError(f"{self.row}, {self.column}: unavailable without a reason")

    @property
    def difference(self) -> float | None:
        """Measured minus paper; None for a number that is the paper's own."""
        if self.value is None or self.paper is None or self.origin == "reported by the paper":
            return None
        return self.value - self.paper


@dataclass(frozen=True)
class Comparison:
    """Row ``left`` minus row ``right`` in one column, resampled as a pair.

    Attributes:
        left: The row subtracted from.
        right: The row subtracted.
        column: The column compared.
        difference: Left minus right.
        interval: Two-sided 95 % interval of the difference; None where there are too few units.
        real: Whether the interval excludes 0; None without an interval.
        seeds: Over how many trainings of both rows, pair by pair, the difference is the mean.
    """

    left: str
    right: str
    column: str
    difference: float
    interval: tuple[float, float] | None
    real: bool | None
    seeds: int = 1


@dataclass(frozen=True)
class Environment:
    """Where and with what a run was made.

    Attributes:
        git_commit: Of the checkout; None where there is none.
        git_dirty: Whether files differed from it.
        device: What the numbers were computed on.
        versions: Of Python and of packages.
        command: As it was typed, without paths of the machine; empty if it was no command of ours.
    """

    git_commit: str | None
    git_dirty: bool | None
    device: str
    versions: Mapping[str, str]
    command: str = ""


@dataclass(frozen=True)
class RunRecord:
    """One run of one table.

    Attributes:
        table: The table's short name, such as ``table4``.
        title: Its title, with unit.
        rule: Which labels, bins and normaliser: the definition of the numbers.
        columns: Column names, in order.
        rows: Row names, in order.
        cells: Every value; each names its row and column.
        comparisons: Paired differences between rows.
        notes: What a reader has to know, in sentences.
        config: The configuration, as plain values.
        inputs: sha256 of each file read, by its path below the data root.
        seed: Seed of every random draw.
        seconds: Wall time of the computation.
        environment: Commit, device, versions.
        weights: sha256 of each network's weights, by name.
        status: ``complete``, or what is missing.
    """

    table: str
    title: str
    rule: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    cells: tuple[Cell, ...]
    config: Mapping[str, Any]
    inputs: Mapping[str, str]
    seed: int
    seconds: float
    environment: Environment
    comparisons: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()
    weights: Mapping[str, str] = field(default_factory=dict)
    status: str = "complete"

    def cell(self, row: str, column: str) -> Cell:
        """The cell of a row and column.

        Raises:
            KeyError: There is none.
        """
        for cell in self.cells:
            if (cell.row, cell.column) == (row, column):
                return cell
        raise KeyError((row, column))

    def to_json(self) -> str:
        """As JSON, floats in full precision."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False)


def read_record(path: Path) -> RunRecord:
    """Read a record that :meth:`RunRecord.to_json` wrote.

    Raises:
        BadInput: The file is no record, or something in it is of another type than it has to be.
    """

    def pair(value: list[float] | None) -> tuple[float, float] | None:
        return None if value is None else (value[0], value[1])

    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        cells = (Cell(**{**cell, "interval": pair(cell["interval"])}) for cell in table["cells"])
        comparisons = (
            Comparison(**{**one, "interval": pair(one["interval"])}) for one in table["comparisons"]
        )
        record = RunRecord(
            **{
                **table,
                "cells": tuple(cells),
                "comparisons": tuple(comparisons),
                "columns": tuple(table["columns"]),
                "rows": tuple(table["rows"]),
                "notes": tuple(table["notes"]),
                "environment": Environment(**table["environment"]),
            }
        )
    except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
        raise BadInput(path, "", "a run record", f"{type(error).__name__}: {error}") from error
    for place, value, kind in _typed(record):
        wrong = isinstance(value, bool) or not isinstance(value, kind)
        if wrong or (isinstance(value, float) and not math.isfinite(value)):
            raise BadInput(path, place, _NAMES.get(kind, "another type"), repr(value)[:80])
    for cell in record.cells:
        if cell.origin not in get_args(Origin):
            raise BadInput(path, f"{cell.row}, {cell.column}", "an origin", repr(cell.origin)[:80])
    return record


_NUMBER: Any = int | float
_NAMES = {
    _NUMBER: "a number",
    int: "a whole number",
    str: "a text",
    dict: "names and values",
    type(None): "true, false or null",
}


def _typed(record: RunRecord) -> Iterator[tuple[str, object, Any]]:
    """What has to be of which type, and where it stands."""
    yield "seconds", record.seconds, _NUMBER
    for name in ("table", "title", "rule", "status"):
        yield name, getattr(record, name), str
    for name in ("columns", "rows", "notes"):
        yield from ((name, one, str) for one in getattr(record, name))
    for name in ("config", "inputs", "weights"):
        yield name, getattr(record, name), dict
    environment = record.environment
    yield "environment", environment.versions, dict
    commit = environment.git_commit
    texts = (environment.device, environment.command, *([] if commit is None else [commit]))
    yield from (("environment", one, str) for one in texts)
    if environment.git_dirty not in (True, False):
        yield "environment", environment.git_dirty, type(None)
    for cell in record.cells:
        place = f"{cell.row}, {cell.column}"
        yield from ((place, one, str) for one in (cell.row, cell.column, cell.reason))
        yield place, cell.seeds, int
        numbers = (cell.value, cell.paper, cell.n, *(cell.interval or ()))
        yield from ((place, one, _NUMBER) for one in numbers if one is not None)
    for one in record.comparisons:
        place = f"{one.left} − {one.right}, {one.column}"
        yield from ((place, name, str) for name in (one.left, one.right, one.column))
        yield place, one.seeds, int
        yield from ((place, each, _NUMBER) for each in (one.difference, *(one.interval or ())))
        yield from ((place, each, type(None)) for each in (one.real,) if each not in (True, False))

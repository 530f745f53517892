"""What there is to report: records of the last runs, records kept for good, pictures."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from protocols.errors import BadInput
from results.paper import TABLES
from results.publish import file_name
from results.record import Cell, Origin, RunRecord, read_record

FIGURES = ("fig1", "fig2", "fig5", "fig6", "fig7", "fig8", "fig9")
"""The paper's figures that reproduce.py draws."""
VERIFICATION, CUMULATIVE, RANKS = "ROC and DET", "Cumulative errors (CED)", "Ranks (CMC)"
CURVES = (VERIFICATION, CUMULATIVE, RANKS)
"""Kinds of curves, in the order of the page."""
_ENDINGS = {"roc": VERIFICATION, "det": VERIFICATION, "ranks": RANKS}
_UPPER = {"roc": "ROC", "det": "DET"}


@dataclass(frozen=True)
class Run:
    """A record, and where it comes from.

    Attributes:
        name: Of the folder below the artifacts, or the name that it is kept by.
        record: What was measured.
        kept: Whether it is kept for good; else it is the last run's.
        pictures: PNG files beside it.
    """

    name: str
    record: RunRecord
    kept: bool
    pictures: tuple[Path, ...] = ()

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return f"{'kept' if self.kept else 'run'}-{file_name(self.name)}"

    @property
    def label(self) -> str:
        """Whose numbers these are, in two words."""
        return "longer run" if self.kept else "this run"


@dataclass(frozen=True)
class Found:
    """Everything that was found.

    Attributes:
        runs: Of the last runs.
        kept: Of records kept for good.
        problems: What could not be read, a sentence each.
    """

    runs: tuple[Run, ...]
    kept: tuple[Run, ...]
    problems: tuple[str, ...]

    def of(self, table: str) -> tuple[Run, ...]:
        """All runs of a table, the last one first."""
        return tuple(run for run in (*self.runs, *self.kept) if run.record.table == table)

    def others(self) -> tuple[str, ...]:
        """Tables that are not the paper's."""
        tables = dict.fromkeys(run.record.table for run in (*self.runs, *self.kept))
        return tuple(table for table in tables if table not in TABLES)


def gather(artifacts: Path, records: Path) -> Found:
    """Look for records.

    Args:
        artifacts: The folder of outputs; each table's folder lies directly in it.
        records: The folder of records kept for good.
    """
    runs, kept, problems = [], [], []
    folders = sorted(path.parent for path in artifacts.glob("*/record.json"))
    for folder in folders:
        if folder.name.startswith("."):  # of a run that is not done
            continue
        try:
            record = read_sound(folder / "record.json")
        except BadInput as error:
            problems.append(str(error))
        else:
            runs.append(Run(folder.name, record, False, tuple(sorted(folder.glob("*.png")))))
    for path in sorted(records.glob("*.json")):
        try:
            kept.append(Run(path.stem, read_sound(path), True))
        except BadInput as error:
            problems.append(str(error))
    return Found(tuple(runs), tuple(kept), tuple(problems))


def read_sound(path: Path) -> RunRecord:
    """Read a record whose values are numbers and whose names are words, as the page needs them.

    Raises:
        BadInput: The file is no record, or something in it is of another type.
    """
    record = read_record(path)
    for place, value, kinds in _typed(record):
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise BadInput(path, place, "a run record", repr(value)[:80])
    for cell in record.cells:
        if cell.origin not in get_args(Origin):
            raise BadInput(path, f"{cell.row}, {cell.column}", "an origin", repr(cell.origin)[:80])
    return record


def _typed(record: RunRecord) -> Iterator[tuple[str, object, type | tuple[type, ...]]]:
    """What has to be of which type, by its place."""
    number = (int, float)
    yield "seconds", record.seconds, number
    for name in ("table", "title", "rule", "status"):
        yield name, getattr(record, name), str
    for name in ("columns", "rows", "notes"):
        yield from ((name, one, str) for one in getattr(record, name))
    for name in ("config", "inputs", "weights"):
        yield name, getattr(record, name), dict
    yield "environment", record.environment.versions, dict
    for cell in record.cells:
        place = f"{cell.row}, {cell.column}"
        yield place, cell.reason, str
        values = (cell.value, cell.paper, cell.n, cell.seeds, *(cell.interval or ()))
        yield from ((place, one, number) for one in values if one is not None)
    for one in record.comparisons:
        place = f"{one.left} − {one.right}, {one.column}"
        yield from ((place, name, str) for name in (one.left, one.right, one.column))
        for value in (one.difference, *(one.interval or ())):
            yield place, value, number


def cells_of(record: RunRecord) -> dict[tuple[str, str], Cell]:
    """A record's cells by row and column."""
    return {(cell.row, cell.column): cell for cell in record.cells}


def curve_kind(run: Run, picture: Path) -> str | None:
    """Which kind of curves a picture shows; None for what is no curve."""
    words = picture.stem.split("-")
    if run.record.table == "table4" and words[-3:] != ["points", "on", "photos"]:
        return CUMULATIVE
    return _ENDINGS.get(words[-1])


def row_and_rest(run: Run, picture: Path) -> tuple[str, str]:
    """The row that a picture belongs to, empty for all rows, and what its file's name adds."""
    rows = {file_name(row): row for row in run.record.rows}
    rows[file_name(run.record.table)] = ""
    stem = picture.stem
    for slug in sorted(rows, key=len, reverse=True):
        if stem == slug or stem.startswith(f"{slug}-"):
            rest = stem[len(slug) :].strip("-").split("-")
            return rows[slug], " ".join(_UPPER.get(word, word) for word in rest)
    return "", stem.replace("-", " ")


def figure_files(artifacts: Path, figure: str) -> tuple[Path, ...]:
    """The pictures of one of the paper's figures."""
    return tuple(sorted((artifacts / figure).glob("*.png")))


@dataclass(frozen=True)
class FigureWords:
    """What a figure's JSON file says of it; empty where it does not."""

    title: str = ""
    caption: str = ""
    command: str = ""


def figure_words(artifacts: Path, figure: str) -> FigureWords:
    """A figure's title and caption, and the command that drew it.

    Raises:
        BadInput: The file is no JSON object.
    """
    path = artifacts / figure / f"{figure}.json"
    if not path.is_file():
        return FigureWords()
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        command = told.get("environment", {}).get("command", "")
        said = told.get("title", ""), told.get("caption", ""), command
        return FigureWords(*(" ".join(str(one).split()) for one in said))
    except (OSError, ValueError, AttributeError) as error:
        found = f"{type(error).__name__}: {error}"
        raise BadInput(path, "", "what a figure shows, as JSON", found) from error


def short(name: str, table: str) -> str:
    """A run's name without its table's; empty if it is called as its table."""
    return "" if name == table else name.removeprefix(f"{table}-")

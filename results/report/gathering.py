"""What there is to report: records of the last runs, records kept for good, pictures."""

import json
from dataclasses import dataclass
from pathlib import Path

from protocols.errors import BadInput
from results.paper import TABLES
from results.pictures import options as pictures
from results.publish import file_name
from results.record import Cell, RunRecord, read_record

FIGURES = tuple(pictures.FIGURES)
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
            record = read_record(folder / "record.json")
        except BadInput as error:
            problems.append(str(error))
        else:
            runs.append(Run(folder.name, record, False, tuple(sorted(folder.glob("*.png")))))
    for path in sorted(records.glob("*.json")):
        try:
            kept.append(Run(path.stem, read_record(path), True))
        except BadInput as error:
            problems.append(str(error))
    return Found(tuple(runs), tuple(kept), tuple(problems))


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

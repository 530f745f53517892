"""A table of the page: for each row the paper's numbers, this run's, and those kept for good."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from results.paper import TABLES, paper_value
from results.record import MEASURED, Cell, Origin
from results.report.facts import Fact, cell_facts, difference_facts, paper_facts
from results.report.gathering import Run, cells_of, short
from results.tables.layout import number

KINDS: dict[Origin, str] = {
    MEASURED["real"]: "real",
    MEASURED["synthetic"]: "synthetic",
    "reported by the paper": "reported",
    "unavailable": "unavailable",
}
"""Origin → the word that styles it."""
_DIGITS = 3
_MANY = 160
"""Characters of a reason that are shown in a line; what opens has all of them."""


@dataclass(frozen=True)
class Shown:
    """A number as it is shown.

    Attributes:
        text: The number, or why there is none.
        kind: How it is styled: by origin, ``printed`` by the paper, ``difference``, ….
        interval: Its 95 % interval, or empty.
        facts: What opens at it; nothing opens without any.
        title: What stands over them.
        span: Over how many columns it stands.
    """

    text: str
    kind: str
    interval: str = ""
    facts: tuple[Fact, ...] = ()
    title: str = ""
    span: int = 1


@dataclass(frozen=True)
class Line:
    """Numbers of one source.

    Attributes:
        label: Whose: ``paper``, ``this run``, ….
        note: What tells it apart from others, and over how many trainings it is the mean.
        kind: How it is styled.
        shown: Column by column.
    """

    label: str
    note: str
    kind: str
    shown: tuple[Shown, ...]


@dataclass(frozen=True)
class Block:
    """A row of the table, or a pair of rows, and its lines."""

    name: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Grid:
    """A table ready to be laid out.

    Attributes:
        columns: Their names.
        counts: How many units a column's numbers are of, a line a source.
        blocks: The rows.
        labelled: Whether lines are told apart by labels; else each row has one line.
    """

    columns: tuple[str, ...]
    counts: tuple[Line, ...]
    blocks: tuple[Block, ...]
    labelled: bool


def table_grid(table: str, runs: Sequence[Run]) -> Grid:
    """The numbers of a table.

    Args:
        table: Its short name; the paper's own rows and columns are shown in any case.
        runs: Its runs.
    """
    paper = TABLES.get(table)
    printed = (paper.columns, tuple(paper.rows)) if paper else ((), ())
    columns = _union([printed[0], *(run.record.columns for run in runs)])
    rows = _union([printed[1], *(run.record.rows for run in runs)])
    digits = _digits(table)
    blocks = tuple(
        Block(row, tuple(_lines(table, row, columns, runs, digits=digits))) for row in rows
    )
    counts = tuple(line for run in runs for line in _counts(run, columns))
    return Grid(columns, counts, blocks, labelled=paper is not None or len(runs) > 1)


def differences_grid(runs: Sequence[Run]) -> Grid | None:
    """The paired differences of rows; None where no run has any."""
    compared = [one for run in runs for one in run.record.comparisons]
    if not compared:
        return None
    columns = tuple(dict.fromkeys(one.column for one in compared))
    pairs = dict.fromkeys((one.left, one.right) for one in compared)
    digits = _digits(runs[0].record.table)
    blocks = []
    for left, right in pairs:
        lines = tuple(
            line for run in runs for line in _differences(run, left, right, columns, digits)
        )
        blocks.append(Block(f"{left} − {right}", lines))
    sources = {line.label + line.note for block in blocks for line in block.lines}
    return Grid(columns, (), tuple(blocks), labelled=len(sources) > 1)


def _union(names: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for some in names for name in some))


def _digits(table: str) -> int:
    """As many decimals as the paper prints; two of percents where none is transcribed."""
    if table not in TABLES:
        return _DIGITS
    printed = [
        repr(value.value).partition(".")[2]
        for row in TABLES[table].rows.values()
        for value in row.values()
        if value.value is not None
    ]
    return max(map(len, printed), default=2)


def _lines(
    table: str, row: str, columns: Sequence[str], runs: Sequence[Run], *, digits: int
) -> Iterator[Line]:
    """The paper's line, then of each run its numbers, and what they are more than the paper's."""
    if table in TABLES and row in TABLES[table].rows:
        yield Line("paper", "", "paper", tuple(_printed(table, row, one) for one in columns))
    for run in runs:
        cells = cells_of(run.record)
        mine = [cells.get((row, column)) for column in columns]
        if not any(mine):
            continue
        kind = "kept" if run.kept else "run"
        shown = tuple(_merged(run, mine, digits))
        yield Line(run.label, _note(run, mine), kind, shown)
        if any(cell is not None and cell.difference is not None for cell in mine):
            gaps = tuple(_gap(cell, digits) for cell in mine)
            yield Line("− paper", "", "difference", gaps)


def _printed(table: str, row: str, column: str) -> Shown:
    value = paper_value(table, row, column)
    if value is None:
        return Shown("", "none")
    text = number(value.value, f".{_digits(table)}f")
    return Shown(text, "printed", facts=paper_facts(value), title=f"{row}, {column}: paper")


def _note(run: Run, cells: Sequence[Cell | None]) -> str:
    """What a run is called, its profile, and of how many trainings its values are the mean."""
    seeds = sorted({cell.seeds for cell in cells if cell is not None and cell.value is not None})
    span = "–".join(map(str, dict.fromkeys((*seeds[:1], *seeds[-1:]))))
    many = f"{span}\N{NO-BREAK SPACE}seeds" if seeds and seeds != [1] else ""
    called = short(run.name, run.record.table)
    profile = str(run.record.config.get("profile", ""))
    return ", ".join(filter(None, (called, profile if profile not in called else "", many)))


def _merged(run: Run, cells: Sequence[Cell | None], digits: int) -> Iterator[Shown]:
    """Cell by cell; neighbours that are unavailable for one reason stand together."""
    place = 0
    while place < len(cells):
        cell = cells[place]
        span = 1
        if cell is not None and cell.value is None:
            rest = cells[place + 1 :]
            same = (
                one is not None and one.value is None and one.reason == cell.reason for one in rest
            )
            span += next((at for at, one in enumerate(same) if not one), len(rest))
        yield _shown(run, cell, digits, span)
        place += span


def _shown(run: Run, cell: Cell | None, digits: int, span: int) -> Shown:
    if cell is None:
        return Shown("", "none")
    facts, title = cell_facts(run, cell), f"{cell.row}, {cell.column}: {run.label}"
    if cell.value is None:
        reason = cell.reason if len(cell.reason) <= _MANY else f"{cell.reason[: _MANY - 1]}…"
        text = f"unavailable: {reason}" if span > 1 else "unavailable"
        return Shown(text, "unavailable", facts=facts, title=title, span=span)
    form = f".{digits}f"
    ends = _between(cell.interval, form)
    return Shown(number(cell.value, form), KINDS[cell.origin], ends, facts, title)


def _gap(cell: Cell | None, digits: int) -> Shown:
    if cell is None or cell.difference is None:
        return Shown("", "difference")
    text = number(cell.difference, f"+.{digits}f")
    return Shown(text if text.strip("+−0.") else text[1:], "difference")  # 0.000 has no sign


def _between(ends: tuple[float, float] | None, form: str) -> str:
    """Low and high, short enough for a cell."""
    return "" if ends is None else f"[{number(ends[0], form)}, {number(ends[1], form)}]"


def _counts(run: Run, columns: Sequence[str]) -> Iterator[Line]:
    """How many units each column's numbers are of; nothing where no column knows."""
    texts = []
    for column in columns:
        found = {cell.n for cell in run.record.cells if cell.column == column} - {None}
        alike = len(found) == 1
        texts.append(f"{found.pop():,}" if alike else "differs" if found else "")
    if any(texts):
        called = short(run.name, run.record.table)
        shown = tuple(Shown(text, "count") for text in texts)
        yield Line(f"n, {run.label}", called, "count", shown)


def _differences(
    run: Run, left: str, right: str, columns: Sequence[str], digits: int
) -> Iterator[Line]:
    found = {
        one.column: one for one in run.record.comparisons if (one.left, one.right) == (left, right)
    }
    if not found:
        return
    form, shown = f"+.{digits}f", []
    for column in columns:
        one = found.get(column)
        if one is None:
            shown.append(Shown("", "none"))
            continue
        kind = {True: "decided", False: "undecided", None: "undecided"}[one.real]
        text, ends = number(one.difference, form), _between(one.interval, form)
        title = f"{column}: {run.label}"
        shown.append(Shown(text, kind, ends, difference_facts(run, one), title))
    seeds = max(one.seeds for one in found.values())
    called = short(run.name, run.record.table)
    note = ", ".join(filter(None, (called, f"{seeds}\N{NO-BREAK SPACE}seeds" if seeds > 1 else "")))
    yield Line(run.label, note, "kept" if run.kept else "run", tuple(shown))

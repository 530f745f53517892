"""The page's sections as data: verdicts, tables, curves, figures, origins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from protocols.errors import BadInput
from results.paper import TABLES
from results.publish import file_name
from results.record import Origin
from results.report.facts import Fact, run_facts
from results.report.gathering import (
    CURVES,
    FIGURES,
    FigureWords,
    Found,
    Run,
    curve_kind,
    figure_files,
    figure_words,
    row_and_rest,
)
from results.report.tables import KINDS as ORIGINS
from results.report.tables import Grid, differences_grid, table_grid
from results.tables.remarks import remarks
from results.verdicts import Outcome, Verdict, judge

_MEANINGS: dict[Origin, str] = {
    "measured on real data": "on photos of real people",
    "measured on the synthetic world": "on people and photos that this project draws itself: it "
    "says how methods compare there, not what they reach on real photos",
    "reported by the paper": "printed in the paper or taken by it from the literature; not "
    "measured here",
    "unavailable": "not measured; the cell says what is missing",
}
_STRENGTH: tuple[Outcome, ...] = ("not testable here", "reproduced", "not reproduced")
OUTCOMES: tuple[Outcome, ...] = ("reproduced", "not reproduced", "not testable here")


@dataclass(frozen=True)
class Counted:
    """How many cells are of an origin, in the last runs and in those kept."""

    origin: Origin
    kind: str
    meaning: str
    now: int
    kept: int


@dataclass(frozen=True)
class Finding:
    """What one body of data says of a claim, and the runs that it was measured in."""

    verdict: Verdict
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Judged:
    """A claim and what is said of it; the strongest word stands over them."""

    statement: str
    notes: tuple[str, ...]
    outcome: Outcome
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Made:
    """How a run came about, in full."""

    anchor: str
    title: str
    notes: tuple[str, ...]
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Picture:
    """A picture's file, and what it shows."""

    path: Path
    caption: str


@dataclass(frozen=True)
class Section:
    """A table with all that belongs to it.

    Attributes:
        anchor: Its place on the page.
        name: ``Table 1``, or the record's own short name.
        title: What is measured.
        remark: What the paper's table is, and which way is better.
        missing: That it was not run, and the command; empty if it was.
        grid: The numbers.
        differences: Paired differences, if any.
        made: Its runs.
        pictures: Those that are no curves.
    """

    anchor: str
    name: str
    title: str
    remark: str
    missing: str
    grid: Grid
    differences: Grid | None
    made: tuple[Made, ...]
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Sheet:
    """One of the paper's figures.

    Attributes:
        anchor: Such as ``fig5``.
        name: Such as ``Fig. 5``.
        title: What it shows, in a few words; empty if nobody says.
        command: What draws it.
        pictures: Its files; none if it was not drawn.
    """

    anchor: str
    name: str
    title: str
    command: str
    pictures: tuple[Picture, ...]

    @property
    def missing(self) -> str:
        """That it was not drawn, and the command; empty if it was."""
        return "" if self.pictures else f"{self.name} was not drawn: {self.command}"


def count_origins(found: Found) -> tuple[Counted, ...]:
    """Cells by origin."""

    def count(runs: Sequence[Run], origin: Origin) -> int:
        return sum(cell.origin == origin for run in runs for cell in run.record.cells)

    return tuple(
        Counted(
            origin, ORIGINS[origin], meaning, count(found.runs, origin), count(found.kept, origin)
        )
        for origin, meaning in _MEANINGS.items()
    )


def judge_claims(found: Found) -> tuple[Judged, ...]:
    """Every claim of the paper, by the last runs and by those kept."""
    runs = {run.anchor: run for run in (*found.runs, *found.kept)}
    claims: dict[str, list[Verdict]] = {}
    for one in judge([run.record for run in runs.values()], list(runs)):
        claims.setdefault(one.claim.name, []).append(one)
    return tuple(_judged(verdicts, runs) for verdicts in claims.values())


def _judged(verdicts: Sequence[Verdict], runs: dict[str, Run]) -> Judged:
    """A claim's verdicts; those that say the same stand together."""
    alike: dict[tuple[str, str, str], list[Verdict]] = {}
    for one in verdicts:
        alike.setdefault((one.outcome, one.data, one.sentence), []).append(one)
    findings = []
    for some in alike.values():
        sources = tuple(runs[one.record] for one in some if one.record is not None)
        findings.append(Finding(some[0], sources))
    strongest = max(verdicts, key=lambda one: _STRENGTH.index(one.outcome)).outcome
    notes = tuple(dict.fromkeys(note for one in verdicts for note in one.notes))
    return Judged(verdicts[0].claim.statement, notes, strongest, tuple(findings))


def table_section(table: str, found: Found) -> Section:
    """A table of the paper, or another one that was measured."""
    runs = found.of(table)
    paper = TABLES.get(table)
    name = _name(table)
    command = f"python scripts/reproduce.py {table}"
    missing = (
        f"{name} was not run: {command}" if paper and not any(not one.kept for one in runs) else ""
    )
    remark = ""
    if paper:
        way = "Higher is better." if paper.higher_is_better else "Lower is better."
        remark = f"{way} {paper.note}"
    return Section(
        anchor=table if paper else f"record-{file_name(table)}",
        name=name,
        title=paper.title if paper else runs[0].record.title,
        remark=remark,
        missing=missing,
        grid=table_grid(table, runs),
        differences=differences_grid(runs),
        made=tuple(_made(run) for run in runs),
        pictures=tuple(one for run in runs for one in _pictures(run, None)),
    )


def _made(run: Run) -> Made:
    record = run.record
    config = "\n".join(f"{name} = {value}" for name, value in record.config.items())
    weights = "\n".join(f"{name}  {digest}" for name, digest in record.weights.items())
    inputs = "\n".join(f"{name}  {digest}" for name, digest in record.inputs.items())
    more = (
        Fact("rule", record.rule),
        Fact("status", record.status),
        Fact("configuration", config),
        Fact("weights (sha256)", weights),
        Fact("inputs (sha256)", inputs),
    )
    short = (one for one in run_facts(run) if not one.term.startswith("weights"))
    facts = tuple(one for one in (*short, *more) if one.text)
    return Made(run.anchor, f"{run.label}: {run.name}", tuple(remarks(record)), facts)


def curves(found: Found) -> dict[str, tuple[Picture, ...]]:
    """Curves by their kind; kinds without any are left out."""
    shown = {
        kind: tuple(one for run in found.runs for one in _pictures(run, kind)) for kind in CURVES
    }
    return {kind: pictures for kind, pictures in shown.items() if pictures}


def _pictures(run: Run, kind: str | None) -> Iterator[Picture]:
    """Those of a kind: of all rows first, then row by row as in the table."""
    order = ("", *run.record.rows)
    told = {path: row_and_rest(run, path) for path in run.pictures if curve_kind(run, path) == kind}
    for path in sorted(told, key=lambda path: (order.index(told[path][0]), told[path][1] == "DET")):
        row, rest = told[path]
        words = ": ".join(filter(None, (row, rest))) or "all rows"
        yield Picture(path, f"{_name(run.record.table)}, {words}")


def _name(table: str) -> str:
    """As a reader calls it."""
    return f"Table {table.removeprefix('table')}" if table in TABLES else table


def sheets(artifacts: Path) -> tuple[tuple[Sheet, ...], tuple[str, ...]]:
    """The paper's figures, and what could not be read of them."""
    shown, problems = [], []
    for name in FIGURES:
        words = FigureWords()
        try:
            words = figure_words(artifacts, name)
        except BadInput as error:
            problems.append(str(error))
        called = f"Fig. {name.removeprefix('fig')}"
        files = figure_files(artifacts, name)
        captions = (called if len(files) == 1 else f"{called} ({path.stem})" for path in files)
        pictures = tuple(
            Picture(path, f"{caption}. {words.caption}".removesuffix(". "))
            for path, caption in zip(files, captions, strict=True)
        )
        command = words.command or f"python scripts/reproduce.py {name}"
        shown.append(Sheet(name, called, words.title, command, pictures))
    return tuple(shown), tuple(problems)

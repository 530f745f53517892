"""Where a number comes from, as terms and their meanings: what opens at a cell."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from results.paper import PaperValue
from results.record import Cell, Comparison
from results.report.gathering import Run
from results.tables.layout import number

_DIGEST = 12
"""Characters of a digest that tell files apart; the run's own section has all of it."""


@dataclass(frozen=True)
class Fact:
    """A term and what it means here."""

    term: str
    text: str


def cell_facts(run: Run, cell: Cell) -> tuple[Fact, ...]:
    """Everything that a reader may ask about a cell."""
    return tuple(fact for fact in (*_of_cell(run, cell), *run_facts(run)) if fact.text)


def _of_cell(run: Run, cell: Cell) -> Iterator[Fact]:
    yield Fact("origin", cell.origin)
    yield Fact("reason", cell.reason)
    yield Fact("value", "" if cell.value is None else number(cell.value, ".6g"))
    yield Fact("95 % interval", interval(cell.interval, ".6g"))
    yield Fact("paper", "" if cell.paper is None else number(cell.paper, "g"))
    if cell.difference is not None:
        yield Fact("difference to paper", number(cell.difference, "+.4f"))
    if cell.value is not None:
        yield Fact("n", "not recorded" if cell.n is None else f"{cell.n:,}")
        yield Fact("trainings (seeds)", str(cell.seeds))
    yield Fact("rule", run.record.rule)


def difference_facts(run: Run, one: Comparison) -> tuple[Fact, ...]:
    """What a paired difference is of."""
    excludes = {True: "excludes 0", False: "holds 0", None: "none: too few units"}[one.real]
    facts = (
        Fact("difference", f"{one.left} − {one.right}"),
        Fact("value", number(one.difference, "+.6g")),
        Fact("95 % interval", f"{interval(one.interval, '+.6g')} ({excludes})".strip()),
        Fact("trainings (seeds)", f"{one.seeds}, pair by pair"),
    )
    return (*facts, *(fact for fact in run_facts(run) if fact.text))


def paper_facts(value: PaperValue) -> tuple[Fact, ...]:
    """Where a number of the paper is printed, and how that was checked."""
    return Fact("origin", "reported by the paper"), Fact("citation", value.citation)


def run_facts(run: Run, digest: int = _DIGEST) -> Iterator[Fact]:
    """How a run came about.

    Args:
        run: The run.
        digest: How many characters of each digest.
    """
    record = run.record
    made = record.environment
    yield Fact("record", f"{run.name} ({'kept' if run.kept else 'the last run'})")
    yield Fact("command", made.command or "not recorded")
    yield Fact("commit", f"{made.git_commit or 'unknown'} ({cleanness(made.git_dirty)})")
    yield Fact("device", made.device)
    yield Fact("seconds", f"{record.seconds:,.1f}")
    yield Fact("seed of draws", str(record.seed))
    yield Fact("weights (sha256)", listed(record.weights, digest))
    yield Fact("versions", listed(made.versions))


def cleanness(dirty: bool | None) -> str:
    """Whether files differed from the commit, in words."""
    return {True: "with uncommitted changes", False: "clean", None: "dirty or not: unknown"}[dirty]


def listed(values: Mapping[str, object], most: int | None = None) -> str:
    """Names and values in one line, each value cut to so many characters."""
    return ", ".join(f"{name} {str(value)[:most]}" for name, value in values.items())


def interval(ends: tuple[float, float] | None, form: str) -> str:
    """Low and high; empty without an interval."""
    return "" if ends is None else f"{number(ends[0], form)} to {number(ends[1], form)}"

"""Evidence in words: the numbers, what goes which way, what is missing."""

from collections.abc import Iterable, Sequence

from results.verdicts.orders import higher_is_better
from results.verdicts.types import FEWEST_TRAININGS, Evidence, State

_ORDER: tuple[State, ...] = ("goes the other way", "not decided", "holds", "not measured")
"""What goes against a claim is said first."""


def sentence(shown: Sequence[Evidence]) -> str:
    """The numbers of a verdict.

    Args:
        shown: One or more.
    """
    measured = [one for one in shown if one.state != "not measured"]
    parts = []
    for state in _ORDER:
        some = [one for one in shown if one.state == state]
        if some:
            told = _missing(some) if state == "not measured" else _numbers(some)
            parts.append(f"{state[0].upper()}{state[1:]}: {told}.")
    if measured:
        parts.insert(0, _trainings(measured))
        if not higher_is_better(measured[0].order.table):
            parts.append("Lower is better.")
    return " ".join(parts)


def _trainings(measured: Sequence[Evidence]) -> str:
    """Over how many trainings, and that they are too few where they are."""
    fewest, most = (f({one.seeds for one in measured}) for f in (min, max))
    count = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    told = f"{count} training{'s' if most > 1 else ''}"
    if fewest >= FEWEST_TRAININGS:
        return f"Over {told} of each row."
    return (
        f"{told} of each row, where {FEWEST_TRAININGS} are needed: "
        "this is about these networks alone."
    )


def _numbers(some: Iterable[Evidence]) -> str:
    """Differences by pair of rows, as the record's unit has them."""
    pairs: dict[str, list[str]] = {}
    for one in some:
        title = f"{one.order.better} − {one.order.worse}"
        pairs.setdefault(title, []).append(f"{one.order.column} {_signed(one)}")
    return "; ".join(f"{title}: {', '.join(told)}" for title, told in pairs.items())


def _signed(one: Evidence) -> str:
    low, high = one.interval or (None, None)
    text = f"{_number(one.difference)} (95 % {_number(low)} to {_number(high)}"
    if one.allowed:
        text += f", may fall short by {one.allowed:.3f}"
    return f"{text})"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}".replace("-", "−")


def _missing(some: Iterable[Evidence]) -> str:
    """Pairs of rows and columns by the reason why they were not measured."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for one in some:
        title = f"{one.order.better} − {one.order.worse}"
        columns = reasons.setdefault(one.reason.rstrip("."), {}).setdefault(title, [])
        columns.append(one.order.column)
    return "; ".join(f"{_gaps(pairs)}: {reason}" for reason, pairs in reasons.items())


def _gaps(pairs: dict[str, list[str]]) -> str:
    """Pairs that lack the same columns are named together."""
    by_columns: dict[tuple[str, ...], list[str]] = {}
    for title, columns in pairs.items():
        by_columns.setdefault(tuple(columns), []).append(title)
    return ", ".join(_gap(titles, columns) for columns, titles in by_columns.items())


def _gap(titles: Sequence[str], columns: Sequence[str]) -> str:
    return f"{', '.join(titles)} ({', '.join(columns)})"

"""Whether an order holds in a record: the paired difference of its rows against 0, or a margin."""

from results.paper import Order
from results.record import MEASURED, Cell, RunRecord, World
from results.verdicts.orders import higher_is_better
from results.verdicts.types import Evidence, State


def evidence(order: Order, record: RunRecord) -> Evidence:
    """What a record shows of an order.

    An order with a tolerance holds where the interval of what the row falls short by ends within
    that share of the other row's value, which is taken as exact.

    Args:
        order: With its rows as the record calls them.
        record: Of the order's table.
    """
    better, worse = (_cell(record, row, order.column) for row in (order.better, order.worse))
    world = _world(better) or _world(worse)
    found = _difference(order, record)
    if found is None or better is None or worse is None or worse.value is None:
        return Evidence(order, "not measured", world, reason=_why_not(order, record))
    difference, interval, seeds = found
    allowed = None if order.tolerance is None else order.tolerance * abs(worse.value)
    if interval is None:
        return Evidence(
            order, "not measured", world, difference, reason="too few units for an interval"
        )
    state = _state(interval, allowed, higher=higher_is_better(order.table))
    return Evidence(order, state, world, difference, interval, allowed, seeds)


def _state(interval: tuple[float, float], allowed: float | None, *, higher: bool) -> State:
    low, high = interval if higher else (-interval[1], -interval[0])
    margin = 0.0 if allowed is None else allowed
    if low + margin > 0 or (allowed is not None and low + margin == 0):
        return "holds"
    return "goes the other way" if high + margin < 0 else "not decided"


def _difference(
    order: Order, record: RunRecord
) -> tuple[float, tuple[float, float] | None, int] | None:
    """Better minus worse, its interval and trainings, whichever way round the record has it."""
    rows = order.better, order.worse
    for one in record.comparisons:
        if one.column != order.column or {one.left, one.right} != set(rows):
            continue
        if (one.left, one.right) == rows:
            return one.difference, one.interval, one.seeds
        turned = None if one.interval is None else (-one.interval[1], -one.interval[0])
        return -one.difference, turned, one.seeds
    return None


def _cell(record: RunRecord, row: str, column: str) -> Cell | None:
    try:
        return record.cell(row, column)
    except KeyError:
        return None


def _world(cell: Cell | None) -> World | None:
    worlds: dict[str, World] = {origin: world for world, origin in MEASURED.items()}
    return None if cell is None else worlds.get(cell.origin)


def _why_not(order: Order, record: RunRecord) -> str:
    """What is missing of two rows, as their cells tell it."""
    reasons: dict[str, None] = {}
    for row in (order.better, order.worse):
        cell = _cell(record, row, order.column)
        if row not in record.rows:
            reasons[f"the record has no row {row}"] = None
        elif cell is None:
            reasons["the record has no such column"] = None
        elif cell.value is None:
            reasons[cell.reason] = None
        elif cell.origin == "reported by the paper":
            reasons[f"{row} is a row of the literature ({cell.value:g})"] = None
    return " / ".join(reasons) or "no paired difference was recorded"

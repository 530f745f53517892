"""Small records of whichever rows, differences and worlds a test wants."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from results.paper import TABLES
from results.record import Cell, Comparison, Environment, Origin, RunRecord

Differences = Mapping[tuple[str, str], tuple[float, float]]
"""(left, right) → the interval of left minus right, in every column."""
MakeRecord = Callable[..., RunRecord]


@pytest.fixture
def make_record() -> MakeRecord:
    def make(
        table: str,
        differences: Differences,
        *,
        rows: Sequence[str] = (),
        columns: Sequence[str] = (),
        seeds: int = 3,
        value: float = 90.0,
        origin: Origin = "measured on the synthetic world",
        unavailable: Mapping[str, str] | None = None,
    ) -> RunRecord:
        """Every cell has the value; rows that are unavailable have their reason."""
        rows = rows or tuple(dict.fromkeys(row for pair in differences for row in pair))
        columns = columns or TABLES[table].columns
        reasons = unavailable or {}
        return RunRecord(
            table=table,
            title=f"Title of {table}",
            rule="by a test",
            columns=tuple(columns),
            rows=tuple(rows),
            cells=tuple(
                Cell(row, column, None, "unavailable", reason=reasons[row])
                if row in reasons
                else Cell(row, column, value, origin, 100, seeds=seeds)
                for row in rows
                for column in columns
            ),
            comparisons=tuple(
                Comparison(*pair, column, sum(ends) / 2, ends, ends[0] > 0 or ends[1] < 0, seeds)
                for pair, ends in differences.items()
                for column in columns
            ),
            config={},
            inputs={},
            seed=0,
            seconds=1.0,
            environment=Environment("c" * 40, False, "cpu", {}, "python scripts/reproduce.py x"),
        )

    return make

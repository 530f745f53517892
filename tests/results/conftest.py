"""A small record with everything that a layout can stumble over."""

import pytest

from results.record import Cell, Comparison, Environment, RunRecord


@pytest.fixture(scope="session")
def record() -> RunRecord:
    return RunRecord(
        table="table9",
        title="Sizes, cm",
        rule='by ruler <&> "eye"',
        columns=("0–30", "50%_wide"),
        rows=("first & foremost", "second"),
        cells=(
            Cell(
                "first & foremost", "0–30", 1.23456, "measured on real data", 7, (1.0, 1.5), 1.2341
            ),
            Cell("first & foremost", "50%_wide", None, "unavailable", reason="no ruler"),
            Cell("second", "0–30", -0.5, "measured on the synthetic world", 7),
            Cell("second", "50%_wide", 4.0, "reported by the paper", paper=4.0),
        ),
        comparisons=(
            Comparison("first & foremost", "second", "0–30", 1.73456, (1.5, 2.0), True),
            Comparison("first & foremost", "second", "50%_wide", -0.001, (-0.2, 0.3), False),
        ),
        config={"source": "ruler", "seed": 3},
        inputs={"a.txt": "00"},
        seed=3,
        seconds=0.25,
        environment=Environment("abc", True, "cpu", {"python": "3.11"}),
        notes=("Mind the gap.",),
    )

"""Records survive the disk, and a cell never lacks both number and reason."""

from dataclasses import replace
from pathlib import Path

import pytest

from protocols.errors import BadInput
from results.record import Cell, RunRecord, origin_of, read_record


def test_a_record_survives_the_disk(record: RunRecord, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(record.to_json(), encoding="utf-8")
    assert read_record(path) == record


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"cells": [{"row": 1}]}', "NaN"])
def test_what_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "record.json"
    path.write_text(text)
    with pytest.raises(BadInput, match="expected a run record"):
        read_record(path)


def test_a_number_that_is_not_finite_never_reaches_the_disk(record: RunRecord) -> None:
    cell = replace(record.cells[0], value=float("nan"))
    with pytest.raises(ValueError, match="not JSON compliant"):
        replace(record, cells=(cell,)).to_json()


@pytest.mark.parametrize(
    ("value", "origin", "reason"),
    [
        (None, "measured on real data", ""),
        (1.0, "unavailable", "why"),
        (None, "unavailable", ""),
    ],
)
def test_a_cell_has_a_number_or_a_reason(value, origin, reason) -> None:
    with pytest.raises(ValueError, match="r, c"):
        Cell("r", "c", value, origin, reason=reason)


def test_cells_are_found_by_name(record: RunRecord) -> None:
    assert record.cell("second", "0–30").value == -0.5
    assert record.cells[0].difference == pytest.approx(0.00046)
    assert record.cells[1].difference is None
    with pytest.raises(KeyError):
        record.cell("third", "0–30")


def test_the_synthetic_world_tells_itself() -> None:
    """Whatever a command was told: numbers of made-up people are never called real."""
    told = "counts.json (made-up people, scale tiny, seed 0)"
    assert origin_of(told, "real") == "measured on the synthetic world"
    assert origin_of("official counts", "real") == "measured on real data"
    assert origin_of("official counts", "synthetic") == "measured on the synthetic world"

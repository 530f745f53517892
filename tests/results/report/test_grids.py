"""Tables of the page: whose lines, how many decimals, what stands together, which marks."""

from dataclasses import replace
from pathlib import Path

from results.record import Cell, RunRecord
from results.report.gathering import Run, curve_kind, row_and_rest
from results.report.tables import Line, differences_grid, table_grid


def lines(record: RunRecord, *more: Run) -> dict[str, tuple[Line, ...]]:
    grid = table_grid(record.table, [Run("t", record, False), *more])
    return {block.name: block.lines for block in grid.blocks}


def test_another_table_has_a_line_a_row(record: RunRecord) -> None:
    grid = table_grid("table9", [Run("table9", record, False)])
    assert not grid.labelled
    assert [block.name for block in grid.blocks] == ["first & foremost", "second"]
    shown = [one for block in grid.blocks for one in block.lines[0].shown]
    assert [one.text for one in shown] == ["1.235", "unavailable", "−0.500", "4.000"]
    assert [one.kind for one in shown] == ["real", "unavailable", "synthetic", "reported"]
    assert shown[0].interval == "[1.000, 1.500]"
    assert [one.text for one in grid.counts[0].shown] == ["7", ""]


def test_the_gap_to_the_paper_is_of_the_measured_alone(record: RunRecord) -> None:
    by_row = lines(record)
    assert [one.label for one in by_row["first & foremost"]] == ["this run", "− paper"]
    assert [one.text for one in by_row["first & foremost"][1].shown] == ["0.000", ""]
    assert [one.label for one in by_row["second"]] == ["this run"]


def test_runs_of_other_names_are_told_apart(record: RunRecord) -> None:
    kept = replace(record, rows=("second", "third"), cells=record.cells[2:])
    by_row = lines(record, Run("table9-long", kept, True))
    told = [(one.label, one.note) for one in by_row["second"]]
    assert told == [("this run", "t"), ("longer run", "long")]
    assert by_row["third"] == ()


def test_neighbours_without_a_value_for_one_reason_stand_together(record: RunRecord) -> None:
    reasons = {"0–30": "x" * 300, "50%_wide": "x" * 300}
    cells = [
        Cell("second", column, None, "unavailable", reason=why) for column, why in reasons.items()
    ]
    (alike,) = lines(replace(record, cells=(*record.cells[:2], *cells)))["second"]
    assert [(one.span, len(one.text)) for one in alike.shown] == [(2, 160 + len("unavailable: "))]
    assert any(fact.text == "x" * 300 for fact in alike.shown[0].facts)
    cells[1] = replace(cells[1], reason="y")
    (apart,) = lines(replace(record, cells=(*record.cells[:2], *cells)))["second"]
    assert [(one.span, one.text) for one in apart.shown] == [(1, "unavailable")] * 2


def test_differences_that_exclude_zero_are_marked(record: RunRecord) -> None:
    grid = differences_grid([Run("table9", record, False)])
    assert grid is not None
    (line,) = grid.blocks[0].lines
    assert [(one.text, one.kind) for one in line.shown] == [
        ("+1.735", "decided"),
        ("−0.001", "undecided"),
    ]
    assert differences_grid([Run("table9", replace(record, comparisons=()), False)]) is None


def test_pictures_are_told_by_their_names(record: RunRecord) -> None:
    run = Run("table4", replace(record, table="table4"), False)
    told = {
        "first-foremost": (("first & foremost", ""), "Cumulative errors (CED)"),
        "table4-occluded-photos": (("", "occluded photos"), "Cumulative errors (CED)"),
        "table4-points-on-photos": (("", "points on photos"), None),
    }
    for stem, (words, kind) in told.items():
        assert row_and_rest(run, Path(f"{stem}.png")) == words
        assert curve_kind(run, Path(f"{stem}.png")) == kind
    other = Run("table1", replace(record, table="table1"), False)
    assert curve_kind(other, Path("table1-lfw-roc.png")) == "ROC and DET"
    assert row_and_rest(other, Path("table1-lfw-roc.png")) == ("", "lfw ROC")
    assert curve_kind(other, Path("second-scores.png")) is None

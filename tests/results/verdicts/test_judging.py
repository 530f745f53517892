"""Verdicts flip with the signs, and three trainings, all rows and all columns are needed."""

from dataclasses import replace

import pytest

from results.paper import CLAIMS, TABLES
from results.record import Cell, RunRecord
from results.verdicts import Verdict, judge

PLAIN, RIVAL, OURS = TABLES["table1"].rows
BASELINE, FINE_TUNED, BASELINE_OCCLUDED, OCCLUDED = TABLES["table4"].rows
UP, DOWN, AROUND = (0.1, 0.5), (-0.5, -0.1), (-0.2, 0.3)


def of(claim: str, *records: RunRecord) -> list[Verdict]:
    return [one for one in judge(records) if one.claim.name == claim]


def only(claim: str, *records: RunRecord) -> Verdict:
    (verdict,) = of(claim, *records)
    return verdict


def test_every_claim_has_a_verdict_without_any_record() -> None:
    found = judge([])
    assert [one.claim for one in found] == list(CLAIMS)
    assert {one.outcome for one in found} == {"not testable here"}
    assert {(one.data, one.record) for one in found} == {("–", None)}
    assert "no record of table1" in only("table1-augmentation").sentence
    assert "restoration-renders" in only("fig9-swap").sentence
    assert "0.05 s" in only("speed").sentence


def test_reproduced_needs_every_interval_above_0(make_record) -> None:
    record = make_record("table1", {(OURS, RIVAL): UP, (RIVAL, PLAIN): UP})
    verdict = only("table1-augmentation", record)
    assert verdict.outcome == "reproduced"
    assert (verdict.data, verdict.record) == ("synthetic world", "table1")
    assert "Over 3 trainings" in verdict.sentence
    assert f"{OURS} − {RIVAL}: LFW accuracy +0.300 (95 % +0.100 to +0.500)" in verdict.sentence
    record = make_record("table1", {(OURS, RIVAL): UP, (RIVAL, PLAIN): AROUND})
    verdict = only("table1-augmentation", record)
    assert verdict.outcome == "not reproduced"
    assert f"Not decided: {RIVAL} − {PLAIN}: LFW accuracy +0.050" in verdict.sentence
    assert f"Holds: {OURS} − {RIVAL}" in verdict.sentence


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_the_other_sign_is_the_other_verdict_however_few_trainings(make_record, seeds) -> None:
    record = make_record("table1", {(OURS, RIVAL): UP, (RIVAL, PLAIN): DOWN}, seeds=seeds)
    verdict = only("table1-augmentation", record)
    assert verdict.outcome == "not reproduced"
    assert f"Goes the other way: {RIVAL} − {PLAIN}: LFW accuracy −0.300" in verdict.sentence


def test_a_difference_the_other_way_round_says_the_same(make_record) -> None:
    record = make_record("table1", {(RIVAL, OURS): DOWN, (PLAIN, RIVAL): DOWN})
    assert only("table1-augmentation", record).outcome == "reproduced"
    record = make_record("table1", {(RIVAL, OURS): UP, (PLAIN, RIVAL): UP})
    verdict = only("table1-augmentation", record)
    assert verdict.outcome == "not reproduced"
    assert f"{OURS} − {RIVAL}: LFW accuracy −0.300 (95 % −0.500 to −0.100)" in verdict.sentence


@pytest.mark.parametrize(("seeds", "told"), [(1, "1 training of"), (2, "2 trainings of")])
def test_fewer_than_three_trainings_are_about_these_networks(make_record, seeds, told) -> None:
    record = make_record("table1", {(OURS, RIVAL): UP, (RIVAL, PLAIN): UP}, seeds=seeds)
    verdict = only("table1-augmentation", record)
    assert verdict.outcome == "not testable here"
    assert told in verdict.sentence
    assert "3 are needed" in verdict.sentence
    assert "Holds: " in verdict.sentence


def test_one_order_of_too_few_trainings_is_enough(make_record) -> None:
    record = make_record("table1", {(OURS, RIVAL): UP, (RIVAL, PLAIN): UP})
    first, *others = record.comparisons
    record = replace(record, comparisons=(replace(first, seeds=2), *others))
    verdict = only("table1-augmentation", record)
    assert verdict.outcome == "not testable here"
    assert "2 to 3 trainings" in verdict.sentence


def test_what_is_missing_is_named_with_its_reason(make_record) -> None:
    record = make_record(
        "table1",
        {(OURS, PLAIN): UP},
        rows=(PLAIN, RIVAL, OURS),
        unavailable={RIVAL: "absent: rival.onnx (train it)"},
    )
    verdict = only("table1-augmentation", record)
    assert verdict.outcome == "not testable here"
    assert verdict.data == "synthetic world"
    assert f"{OURS} − {RIVAL}, {RIVAL} − {PLAIN} (LFW accuracy, IJB-A" in verdict.sentence
    assert "absent: rival.onnx (train it)" in verdict.sentence


def test_a_row_that_is_not_there_and_too_few_units_are_missing(make_record) -> None:
    record = make_record("table1", {(OURS, RIVAL): UP})
    verdict = only("table1-augmentation", record)
    assert f"IJB-A TAR@FAR=.001): the record has no row {PLAIN}." in verdict.sentence
    narrow = make_record(
        "table1", {(OURS, RIVAL): UP, (RIVAL, PLAIN): UP}, columns=["LFW accuracy"]
    )
    verdict = only("table1-augmentation", narrow)
    assert verdict.outcome == "not testable here"
    assert "the record has no such column" in verdict.sentence
    record = make_record("table3", {("VGG16 + ours", "VGG16"): UP})
    few = tuple(replace(one, interval=None, real=None) for one in record.comparisons)
    verdict = only("table3-expression", replace(record, comparisons=few))
    assert verdict.outcome == "not testable here"
    assert "too few units" in verdict.sentence


def test_nothing_measured_is_on_no_data(make_record) -> None:
    rows = (PLAIN, RIVAL, OURS)
    record = make_record("table1", {}, rows=rows, unavailable=dict.fromkeys(rows, "absent: LFW"))
    verdict = only("table1-augmentation", record)
    assert (verdict.outcome, verdict.data, verdict.record) == ("not testable here", "–", "table1")
    assert "absent: LFW" in verdict.sentence
    assert "training" not in verdict.sentence


@pytest.mark.parametrize(("ends", "outcome"), [(DOWN, "reproduced"), (UP, "not reproduced")])
def test_of_errors_the_lower_is_the_better(make_record, ends, outcome) -> None:
    record = make_record("table4", {(OCCLUDED, BASELINE_OCCLUDED): ends}, value=4.0)
    verdict = only("table4-occluded-beats-baseline", record)
    assert verdict.outcome == outcome
    assert "Lower is better." in verdict.sentence


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [
        ((0.1, 0.4), "reproduced"),  # exactly a tenth of 4.0 at most
        ((0.1, 0.41), "not reproduced"),
        ((0.41, 0.5), "not reproduced"),
        ((-0.2, -0.1), "reproduced"),
    ],
)
def test_a_tenth_may_be_lost(make_record, ends, outcome) -> None:
    record = make_record("table4", {(OCCLUDED, FINE_TUNED): ends}, value=4.0)
    verdict = only("table4-occluded-near-original", record)
    assert verdict.outcome == outcome
    assert "may fall short by 0.400" in verdict.sentence
    against = "Goes the other way" in verdict.sentence
    assert against == (ends[0] > 0.4)


def test_no_worse_allows_nothing_but_equals(make_record) -> None:
    for ends, outcome in (
        ((-0.2, 0.0), "reproduced"),
        ((-0.2, 0.01), "not reproduced"),
        ((0.01, 0.2), "not reproduced"),
    ):
        record = make_record("table4", {(FINE_TUNED, BASELINE): ends}, value=3.0)
        verdict = only("table4-original-no-worse", record)
        assert verdict.outcome == outcome
        assert "fall short" not in verdict.sentence


def test_rows_of_the_literature_are_not_testable(make_record) -> None:
    record = make_record("table3", {("VGG16 + ours", "VGG16"): UP}, origin="measured on real data")
    reported = Cell("GACNN", "occlusion", 80.54, "reported by the paper", paper=80.54)
    record = replace(record, rows=(*record.rows, "GACNN"), cells=(*record.cells, reported))
    verdict = only("table3-equals-gacnn", record)
    assert (verdict.outcome, verdict.data) == ("not testable here", "real data")
    assert "GACNN is a row of the literature (80.54)" in verdict.sentence
    assert "different test sets" in " ".join(verdict.notes)
    assert only("table3-expression", record).outcome == "reproduced"


def test_each_record_and_each_world_has_a_verdict_of_its_own(make_record) -> None:
    up = make_record("table1", {(OURS, RIVAL): UP, (RIVAL, PLAIN): UP})
    down = make_record(
        "table1", {(OURS, RIVAL): DOWN, (RIVAL, PLAIN): DOWN}, origin="measured on real data"
    )
    found = [one for one in judge([up, down], ["long", "short"]) if one.claim is CLAIMS[0]]
    assert [(one.record, one.data, one.outcome) for one in found] == [
        ("long", "synthetic world", "reproduced"),
        ("short", "real data", "not reproduced"),
    ]
    mixed = replace(up, cells=tuple(_real(one) for one in up.cells))
    real, synthetic = of("table1-augmentation", mixed)
    assert (real.data, synthetic.data) == ("real data", "synthetic world")
    assert {real.outcome, synthetic.outcome} == {"not testable here"}
    assert "only on synthetic world" in real.sentence
    with pytest.raises(ValueError, match="argument 2"):
        judge([up, down], ["one name"])


def _real(cell: Cell) -> Cell:
    return replace(cell, origin="measured on real data") if "LFW" in cell.column else cell


def test_the_papers_own_table_is_held_against_its_claims() -> None:
    note = " ".join(only("table4-original-no-worse").notes)
    assert "The paper's own table keeps 3 of 4 comparisons, not 30–60." in note
    assert "3.404 against 3.332" in note
    assert "keeps 4 of 4 comparisons." in " ".join(only("table4-occluded-beats-baseline").notes)
    assert "keeps 2 of 2 comparisons; of 4 more a number is not transcribed here." in " ".join(
        only("table1-augmentation").notes
    )
    assert "not transcribed" in " ".join(only("table2-preprocessing-helps").notes)
    assert only("fig9-swap").notes == ()

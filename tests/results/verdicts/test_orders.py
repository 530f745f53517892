"""What stands for the paper's rows: ablations, our own models, recognizers of other protocols."""

from dataclasses import replace

import pytest

from results.paper import CLAIMS
from results.record import RunRecord
from results.restoration import methods
from results.restoration.measuring import IDENTITY, SSIM
from results.tables.restoration import Restoration
from results.verdicts import Verdict, judge
from results.verdicts.orders import ABLATIONS, JUDGED_BY, OF_ONE_BUDGET, TURNED, WITHOUT_IDENTITY
from results.verification import ACCURACY

UP, DOWN = (0.1, 0.5), (-0.5, -0.1)


def of(claim: str, *records: RunRecord) -> list[Verdict]:
    return [one for one in judge(records) if one.claim.name == claim]


def test_names_are_those_of_the_tables() -> None:
    """They are written out, because what measures imports PyTorch."""
    assert methods.OF_ONE_BUDGET == OF_ONE_BUDGET
    assert sorted(methods.ABLATED) == sorted(ABLATIONS.values())
    assert (SSIM, IDENTITY) == JUDGED_BY
    assert {"masked-pairs", "renders"} < set(Restoration().data)
    assert {*ABLATIONS, *TURNED} <= {claim.name for claim in CLAIMS}
    assert f", {methods.ROTATE_AND_RENDER}" in TURNED["table2-rotate-and-render-harms"][0]


@pytest.mark.parametrize("claim", list(ABLATIONS))
def test_an_ablation_is_held_against_ours_of_its_budget(make_record, claim: str) -> None:
    def record(ends: tuple[float, float]) -> RunRecord:
        rows = {(OF_ONE_BUDGET, ABLATIONS[claim]): ends}
        return make_record("restoration-renders", rows, columns=JUDGED_BY, seeds=1)

    (verdict,) = of(claim, record(UP))
    assert verdict.outcome == "not testable here"
    assert "this is about these networks alone. Holds" in verdict.sentence
    assert "short budget" in " ".join(verdict.notes)
    (verdict,) = of(claim, record(DOWN))
    assert verdict.outcome == "not reproduced"
    others = [one for one in judge([record(UP)]) if one.claim.name in ABLATIONS]
    assert {one.record for one in others} == {"restoration-renders"}


def test_models_of_our_own_stand_for_the_papers(make_record) -> None:
    pairs = {
        ("baseline, occluded", "stage2, occluded"): UP,
        ("baseline", "stage2"): UP,
        ("stage2, occluded", "stage2"): UP,
    }
    record = make_record("table4", pairs, seeds=1, value=3.0, origin="measured on real data")
    (verdict,) = of("table4-occluded-beats-baseline", record)
    assert verdict.outcome == "not testable here"
    assert "Holds: stage2, occluded − baseline, occluded: 0–30 −0.300" in verdict.sentence
    assert "stage2 for ours" in " ".join(verdict.notes)
    (verdict,) = of("table4-occluded-near-original", record)
    assert "+0.300" in verdict.sentence


def test_recognizers_behind_frontalizers_are_another_protocol(make_record) -> None:
    pairs = {
        ("dlib, cfr-gan", "dlib"): DOWN,
        ("dlib, rotate-and-render", "dlib"): DOWN,
        ("dlib, cfr-gan:mini-without-identity", "dlib"): DOWN,
    }
    columns = (ACCURACY, f"{ACCURACY} std", "TAR@0.01", "EER")
    record = make_record(
        "evaluate-lfw-1-1", pairs, columns=columns, seeds=1, origin="measured on real data"
    )
    (helps,) = of("table2-preprocessing-helps", record)
    assert (helps.outcome, helps.data) == ("not reproduced", "real data")
    assert "accuracy −0.300" in helps.sentence
    assert "std" not in helps.sentence
    assert "EER" not in helps.sentence
    assert "Another protocol" in " ".join(helps.notes)
    (harms,) = of("table2-rotate-and-render-harms", record)
    assert harms.outcome == "not testable here"
    assert "Holds: dlib − dlib, rotate-and-render: accuracy +0.300" in harms.sentence
    (loss,) = of("table2-identity-loss-helps", record)
    assert loss.outcome == "not testable here"
    assert "Holds: dlib − dlib, cfr-gan:mini-without-identity: accuracy +0.300" in loss.sentence
    assert f"the record has no row dlib, {OF_ONE_BUDGET}" in loss.sentence
    (training,) = of("table2-training-augmentation-helps", record)
    assert training.record is None


def test_another_budget_is_told(make_record) -> None:
    rows = {("CASIA, ours", WITHOUT_IDENTITY): UP, ("CASIA", WITHOUT_IDENTITY): UP}
    record = make_record("table2", rows)
    told = f"{WITHOUT_IDENTITY}: of a shorter training than ours."
    record = replace(record, notes=("CASIA: as it is.", told))
    (verdict,) = of("table2-identity-loss-helps", record)
    assert verdict.outcome == "reproduced"
    assert told in " ".join(verdict.notes)
    assert "as it is" not in " ".join(verdict.notes)

"""From values to a table: means, paired differences, what is unavailable, and honest verdicts."""

import time
from dataclasses import replace

import numpy as np
import pytest

from results.record import Cell, Comparison, RunRecord
from results.restoration.cases import CaseSet
from results.restoration.measuring import (
    IDENTITY,
    IOU,
    OCCLUDED,
    PSNR,
    SSIM,
    Judges,
    Measured,
    Values,
)
from results.restoration.methods import (
    ABLATED,
    GUIDE,
    NONE,
    OF_ONE_BUDGET,
    OURS,
    RENDER,
    ROTATE_AND_RENDER,
    Methods,
)
from results.restoration.tabulating import NO_FACE, Tabulating, tabulate
from results.restoration.verdicts import verdicts
from results.tables.layout import to_markdown

COUNT = 20


@pytest.fixture
def measured(methods: Methods) -> Measured:
    """Ours is 0.1 above the others in every photo; photos differ by far more."""
    rng = np.random.default_rng(0)
    photo = rng.uniform(0, 1, COUNT)
    values: Values = {}
    for row in methods.rows:
        better = 0.1 if row.name == OURS else 0.0
        values[row.name] = {one: (photo + better).copy() for one in OCCLUDED}
        if not row.masked:
            values[row.name][IOU] = np.full(COUNT, np.nan)
    return Measured(values, (), ())


def record_of(
    faces: CaseSet, methods: Methods, judges: Judges, measured: Measured, **changes: object
) -> RunRecord:
    numbers = Tabulating(500, 0)
    cases = replace(faces, **changes)
    config = {"size": 64}
    started = time.perf_counter()
    return tabulate(cases, methods, judges, measured, numbers, config, started).record


def test_means_and_paired_differences(
    faces: CaseSet, methods: Methods, judges: Judges, measured: Measured
) -> None:
    record = record_of(faces, methods, judges, measured, faceless=("x", "y"))
    cell = record.cell(OURS, SSIM)
    assert cell.value == pytest.approx(measured.values[OURS][SSIM].mean())
    assert cell.n == COUNT
    assert cell.interval is not None
    assert cell.value is not None
    assert cell.interval[0] < cell.value < cell.interval[1]
    assert cell.origin == "measured on the synthetic world"
    assert record.cell(OURS, NO_FACE).value == 2
    assert "x, y" in " ".join(record.notes)
    (found,) = (
        one for one in record.comparisons if (one.left, one.right, one.column) == (OURS, NONE, SSIM)
    )
    # Paired: photos differ by far more than 0.1, the differences do not differ at all.
    assert found.difference == pytest.approx(0.1)
    assert found.interval == pytest.approx((0.1, 0.1))
    assert found.real


def test_an_ablation_is_compared_with_ours_of_its_budget(
    faces: CaseSet, methods: Methods, judges: Judges, measured: Measured
) -> None:
    """And with ours, which had more steps, as every row is."""
    photo = measured.values[NONE][SSIM]
    for row, better in ((ABLATED[1], 0.2), (OF_ONE_BUDGET, 0.3)):
        measured.values[row] = dict.fromkeys(OCCLUDED, photo + better)
    record = record_of(faces, methods, judges, measured)
    found = {
        (one.left, one.right): one.difference for one in record.comparisons if one.column == SSIM
    }
    assert found[OF_ONE_BUDGET, ABLATED[1]] == pytest.approx(0.1)
    assert found[OURS, ABLATED[1]] == pytest.approx(-0.1)
    assert [pair for pair in found if pair[0] == OF_ONE_BUDGET] == [(OF_ONE_BUDGET, ABLATED[1])]


def test_what_is_unavailable_says_why(
    faces: CaseSet, methods: Methods, judges: Judges, measured: Measured
) -> None:
    lacking = replace(judges, unavailable={IDENTITY: "dlib is not installed"})
    untrained = replace(methods, unavailable={ROTATE_AND_RENDER: "train it"})
    measured.values[NONE][PSNR][3] = np.inf
    measured.values[ROTATE_AND_RENDER] = {one: np.full(COUNT, np.nan) for one in OCCLUDED}
    record = record_of(faces, untrained, lacking, measured)
    assert record.cell(OURS, IDENTITY).reason == "dlib is not installed"
    assert "the truth itself" in record.cell(NONE, PSNR).reason
    assert record.cell(NONE, IOU).reason == "it predicts no mask"
    assert record.cell(ROTATE_AND_RENDER, SSIM).reason == "train it"
    absent = record_of(faces, methods, judges, measured, absent="LFW is not there", cases=())
    assert absent.cell(OURS, SSIM).reason == "LFW is not there"
    assert absent.status == "no photos"
    assert "LFW is not there" in to_markdown(absent)


def cell(value: float) -> Cell:
    return Cell(OURS, IOU, value, "measured on real data", 9, (value - 0.01, value + 0.01))


def apart(right: str, column: str, low: float, high: float) -> Comparison:
    return Comparison(OURS, right, column, (low + high) / 2, (low, high), low > 0 or high < 0)


def test_verdicts_are_told_also_when_missed() -> None:
    found = [
        apart(NONE, SSIM, 0.1, 0.2),
        apart(RENDER, SSIM, -0.1, 0.2),
        apart(GUIDE, SSIM, -0.2, -0.1),
    ]
    by_key = {(one.left, one.right, one.column): one for one in found}
    told = list(verdicts({(OURS, IOU): cell(0.59)}, by_key))
    assert "none met (+0.150, 95 % +0.100 to +0.200)" in told[0]
    assert "render missed, not decided" in told[0]
    assert "guide missed, it is worse (−0.150" in told[0]
    assert f"{ROTATE_AND_RENDER} not measured" in told[0]
    assert "missed (0.590" in told[-1]
    assert "met (0.600" in list(verdicts({(OURS, IOU): cell(0.6)}, by_key))[-1]


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(0.0, 0.1, ": met"), (-0.1, 0.1, "not decided"), (-0.2, -0.1, "missed, it is lower")],
)
def test_where_nothing_is_hidden_ours_is_compared_with_render(
    low: float, high: float, word: str
) -> None:
    one = apart(RENDER, IDENTITY, low, high)
    told = list(verdicts({}, {(OURS, RENDER, IDENTITY): one}))
    assert word in told[0]
    assert "not measured" in told[1]


def test_the_figure_has_every_column(faces: CaseSet, methods: Methods, judges: Judges) -> None:
    from results.figures.ablations import draw_ablations
    from results.restoration.measuring import measure

    found = measure(replace(faces, cases=faces.cases[:2]), methods, judges, size=64, shown=2)
    figure = draw_ablations(found.shown, "faces")
    titles = [one.get_title() for one in figure.axes[: len(figure.axes) // 2]]
    assert titles[:3] == ["input", "R_p", "R_e"]
    assert titles[-3:] == ["cfr-gan", "cfr-gan, blended", "truth"]
    assert "cfr-gan:blind" in titles

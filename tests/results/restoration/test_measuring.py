"""Values of cases against the metrics called by hand, and what is left out."""

from dataclasses import replace

import numpy as np
import pytest

from cfr.align import align_deep3d, five_from_68
from eval.restoration import intersection_over_union, psnr
from results.restoration.cases import CaseSet
from results.restoration.measuring import (
    IDENTITY,
    IOU,
    LPIPS,
    PSNR,
    SSIM,
    Judges,
    Measured,
    measure,
)
from results.restoration.methods import BLENDED, NONE, OURS, OURS_TOLD, RENDER, Methods, blended


@pytest.fixture(scope="module")
def measured(faces: CaseSet, methods: Methods, judges: Judges) -> Measured:
    return measure(faces, methods, judges, size=64, shown=2)


def test_one_value_is_the_metrics_own(
    measured: Measured, faces: CaseSet, methods: Methods, judges: Judges
) -> None:
    """The first case, step by step, at the generator's own size."""
    case = faces.cases[0]
    one = methods.sources[methods.ours].in_place([case.photo], [case.points])[0]
    alignment = align_deep3d(five_from_68(case.points), 64)
    assert case.hidden is not None
    white = np.repeat(case.hidden[..., None] * np.uint8(255), 3, 2)
    hidden = (alignment.crop(white)[..., 0] > 127) & one.face
    truth = alignment.crop(case.truth)
    assert measured.values[NONE][PSNR][0] == pytest.approx(psnr(one.crop, truth, hidden))
    assert measured.values[OURS][PSNR][0] == pytest.approx(psnr(one.painted, truth, hidden))
    told = blended(replace(one, occlusion=hidden))
    assert measured.values[OURS_TOLD][PSNR][0] == pytest.approx(psnr(told, truth, hidden))
    assert one.occlusion is not None
    expected = intersection_over_union(one.occlusion, hidden, one.face)
    assert measured.values[OURS][IOU][0] == pytest.approx(expected)
    assert np.isfinite(measured.values[RENDER][LPIPS]).all()


def test_the_photo_itself_is_no_farther_for_the_judge_beside_the_face(
    measured: Measured,
) -> None:
    assert (measured.values[NONE][IDENTITY] < 1).all()
    assert np.isnan(measured.values[NONE][IOU]).all()
    assert np.isnan(measured.values["cfr-gan:blind"][IOU]).all()
    assert np.isfinite(measured.values["cfr-gan:blind"][SSIM]).all()


def test_cases_that_are_shown_are_spread_evenly(measured: Measured, faces: CaseSet) -> None:
    assert [one.name for one in measured.shown] == [faces.cases[at].name for at in (0, 2)]


def test_without_a_mask_nothing_is_blended(
    faces: CaseSet, weights: tuple[str, str], judges: Judges
) -> None:
    from results.restoration.methods import load_methods

    few = replace(faces, cases=faces.cases[:1])
    found = measure(few, load_methods(weights[1:], None), judges, size=64, shown=1)
    assert np.isnan(found.values[BLENDED][SSIM]).all()
    assert BLENDED not in found.shown[0].pictures


def test_hardly_hidden_faces_are_named(faces: CaseSet, methods: Methods, judges: Judges) -> None:
    case = faces.cases[0]
    none = replace(case, hidden=np.zeros(case.photo.shape[:2], bool))
    found = measure(replace(faces, cases=(none,)), methods, judges, size=64, shown=1)
    assert found.barely == [case.name]
    assert np.isnan(found.values[OURS][SSIM]).all()
    assert np.isfinite(found.values[OURS][IDENTITY]).all()

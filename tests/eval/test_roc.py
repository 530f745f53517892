"""TAR at a FAR against its plain definitions on the whole ROC, scikit-learn, and loops."""

import bisect
import itertools
import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_auc_score, roc_curve

from eval import tail
from eval.curve import Curve, allowed, point_at, tar_at, upper_curve
from eval.roc import RULES, Rule, auc, det, equal_error_rate, roc, tar_at_far

FARS = (1e-3, 0.01, 0.1, 0.25, 0.5, 0.9, 1.0)
Points = list[tuple[float, float, float]]


def all_points(scores: np.ndarray, genuine: np.ndarray) -> Points:
    """FAR, TAR and threshold of every threshold, by counting; first the one that accepts nobody."""
    points = [(0.0, 0.0, math.inf)]
    others, matches = sorted(scores[~genuine].tolist()), sorted(scores[genuine].tolist())
    for threshold in sorted(set(scores[scores > -np.inf].tolist()), reverse=True):
        false, true = (len(one) - bisect.bisect_left(one, threshold) for one in (others, matches))
        points.append((false / len(others), true / len(matches), threshold))
    return points


def plain_nearest(scores: np.ndarray, genuine: np.ndarray, far: float) -> tuple[float, ...]:
    """What the insightface scripts do with scikit-learn's curve of the scores above −∞."""
    there = scores > -np.inf
    if not there.any():
        return 0.0, 0.0, math.inf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns when a class is empty, and says NaN
        fpr, tpr, thresholds = roc_curve(genuine[there], scores[there])
    # Rates of all pairs, those that failed to enrol included.
    fpr = np.rint(np.nan_to_num(fpr) * np.sum(there & ~genuine)) / np.sum(~genuine)
    tpr = np.rint(np.nan_to_num(tpr) * np.sum(there & genuine)) / np.sum(genuine)
    fpr, tpr, thresholds = np.flipud(fpr), np.flipud(tpr), np.flipud(thresholds)
    best = min(zip(abs(fpr - far), range(len(fpr)), strict=True))[1]
    return float(tpr[best]), float(fpr[best]), float(thresholds[best])


def _one_class(genuine: np.ndarray) -> bool:
    return bool(genuine.all()) or not genuine.any()


def plain_conservative(scores: np.ndarray, genuine: np.ndarray, far: float) -> tuple[float, ...]:
    reached, tar, threshold = [p for p in all_points(scores, genuine) if p[0] <= far][-1]
    return tar, reached, threshold


def plain_interpolated(scores: np.ndarray, genuine: np.ndarray, far: float) -> tuple[float, ...]:
    points = all_points(scores, genuine)
    place = max(i for i, point in enumerate(points) if point[0] <= far)
    if place == len(points) - 1:
        reached, tar, threshold = points[place]
        return tar, reached, threshold
    (x0, y0, threshold), (x1, y1, _) = points[place : place + 2]
    return y0 + (y1 - y0) * (far - x0) / (x1 - x0), far, threshold


def plain_kth_impostor(scores: np.ndarray, genuine: np.ndarray, far: float) -> tuple[float, ...]:
    """PFE's way: the k-th of the falling impostor scores, k by NumPy's rounding."""
    others = np.sort(scores[~genuine])[::-1]
    k = int(np.round(far * len(others)))
    threshold = float(others[k - 1])
    if threshold == -math.inf:  # a threshold has to be finite: all that enrolled
        finite = scores[scores > -np.inf]
        threshold = float(finite.min()) if len(finite) else math.inf
    return (
        float(np.mean(scores[genuine] >= threshold)),
        float(np.mean(others >= threshold)),
        threshold,
    )


PLAIN: dict[Rule, Callable[[np.ndarray, np.ndarray, float], tuple[float, ...]]] = {
    "nearest": plain_nearest,
    "conservative": plain_conservative,
    "interpolated": plain_interpolated,
    "kth-impostor": plain_kth_impostor,
}


def check(scores: np.ndarray, genuine: np.ndarray) -> None:
    impostors = int((~genuine).sum())
    for rule in RULES:
        for point in tar_at_far(scores, genuine, FARS, rule):
            assert (point.genuine, point.impostors) == (genuine.sum(), impostors)
            if genuine.any() and round(point.far * impostors) >= 10:
                assert not point.reason
                got = (point.tar, point.reached, point.threshold)
                expected = PLAIN[rule](scores, genuine, point.far)
                assert got == pytest.approx(expected, rel=1e-12, abs=1e-12), (rule, point.far)
            else:
                assert (point.tar, point.reached, point.threshold) == (None, None, None)
                assert point.reason


@st.composite
def scored(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Scores with few or many ties, in both widths, with failures to enrol, in any order."""
    count = draw(st.integers(1, 300))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    genuine = rng.uniform(size=count) < draw(st.sampled_from([0.0, 0.02, 0.3, 0.9, 1.0]))
    scores = rng.normal(0, 0.3, count) + genuine * draw(st.sampled_from([0.0, 0.5, 3.0, -3.0]))
    step = draw(st.sampled_from([0.0, 1e-3, 0.2, 5.0]))
    if step:
        scores = np.round(scores / step) * step
    scores = scores.astype(draw(st.sampled_from([np.float32, np.float64])))
    scores[rng.uniform(size=count) < draw(st.sampled_from([0.0, 0.2, 1.0]))] = -np.inf
    return scores, genuine


@settings(max_examples=300, deadline=None)
@given(scored())
def test_every_rule_is_its_plain_definition(data: tuple[np.ndarray, np.ndarray]) -> None:
    check(*data)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(scored())
def test_every_rule_is_its_plain_definition_at_length(
    data: tuple[np.ndarray, np.ndarray],
) -> None:
    check(*data)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["runs", "alternating", "all equal", "best last", "signed zero"])
def test_adversarial_orders(order: str, kind: type) -> None:
    """Long runs of impostors are one edge of the ROC: the nearest corner may be far away."""
    values = np.linspace(-1, 1, 4000).astype(kind)
    genuine = np.zeros(4000, bool)
    if order == "runs":
        genuine[[0, 1, 2000, 3990, 3999]] = True
    elif order == "alternating":
        genuine[::2] = True
    elif order == "all equal":
        genuine[:7], values = True, np.full(4000, 0.25, kind)
    elif order == "best last":
        genuine[:3] = True
    else:
        genuine[:2000], values = True, np.tile(np.array([0.0, -0.0, -1e-30, 1e-30], kind), 1000)
    check(values, genuine)


def test_nearest_finds_a_corner_beyond_any_window() -> None:
    """Three thousand impostors without a corner on either side of the target."""
    rng = np.random.default_rng(0)
    scores = np.arange(20_000.0)
    genuine = np.zeros(20_000, bool)
    genuine[[13_990, 17_400, 17_402]] = True
    order = rng.permutation(20_000)
    for far in (0.13, 0.2, 0.21, 0.22, 0.3, 0.301):
        (point,) = tar_at_far(scores[order], genuine[order], (far,), "nearest")
        expected = plain_nearest(scores, genuine, far)
        assert (point.tar, point.reached, point.threshold) == pytest.approx(expected)


def test_a_short_curve_says_so_or_agrees_with_the_whole() -> None:
    """However little of the curve is kept: no answer, or the right one."""
    rng = np.random.default_rng(1)
    scores = np.round(rng.normal(size=400), 2)
    genuine = rng.uniform(size=400) < 0.1
    whole = upper_curve(scores, genuine)
    unsure = 0
    for reach in range(1, 361):
        curve = upper_curve(scores, genuine, reach)
        assert curve.false[-1] >= reach or curve.complete
        np.testing.assert_array_equal(curve.false, whole.false[: len(curve.false)])
        np.testing.assert_array_equal(curve.true, whole.true[: len(curve.true)])
        for rule in RULES:
            for far in FARS:
                place = point_at(curve, far, rule)
                unsure += place is None
                if place is not None:
                    expected = point_at(whole, far, rule)
                    assert expected is not None
                    assert tar_at(curve, far, rule, place) == tar_at(whole, far, rule, expected)
    assert 0 < unsure < 360 * 4 * len(FARS)


def test_a_curve_is_not_complete_above_a_match() -> None:
    """The lowest impostors are reached, but a genuine pair is lower still."""
    scores = np.array([0.9, 0.5, 0.5, 0.5, 0.1])
    genuine = np.array([False, False, False, False, True])
    curve = upper_curve(scores, genuine, 2)
    assert (curve.false.tolist(), curve.complete) == ([1, 4], False)
    assert upper_curve(scores[:4], np.array([True, False, False, False]), 2).complete


def test_equal_fars_may_go_on_below_a_short_curve() -> None:
    """In a resample the last impostor kept may count for nothing: its FAR's last point is open."""
    counts = np.array([2, 6, 6]), np.array([1, 2, 5])
    short, whole = (Curve(np.zeros(3), *counts, 20, 9, complete) for complete in (False, True))
    assert point_at(short, 0.25, "nearest") is None
    assert point_at(whole, 0.25, "nearest") == 2


def test_what_a_far_allows_is_not_lost_to_rounding() -> None:
    """0.29 · 100 is a little less than 29 as a float, yet 29 of 100 is a FAR of 0.29."""
    for impostors in (1, 7, 100, 9_979):
        for most in range(0, impostors + 1, 1 + impostors // 300):
            assert allowed(most / impostors, impostors) == most
            assert allowed(np.nextafter(most / impostors, -1), impostors) == most - 1


def test_points_without_a_step_do_not_count() -> None:
    """Rows of weight zero, as a bootstrap makes them, change no rule's answer."""
    rng = np.random.default_rng(2)
    for _ in range(50):
        false, true = rng.integers(0, 3, (2, 40)) * rng.integers(0, 2, (2, 40))
        moved = (false > 0) | (true > 0)
        count = int(moved.sum())
        sums = false.cumsum(), true.cumsum()
        made = [
            Curve(np.zeros(len(f)), f, t, int(sums[0][-1]) + 5, int(sums[1][-1]) + 3, True)
            for f, t in (sums, (sums[0][moved], sums[1][moved]))
        ]
        assert count < 40
        for rule in RULES:
            for far in (0.01, *FARS):
                full, thin = (point_at(curve, far, rule) for curve in made)
                assert full is not None
                assert thin is not None
                answers = [
                    tar_at(curve, far, rule, place)[:2]  # which of equal rows is no matter
                    for curve, place in zip(made, (full, thin), strict=True)
                ]
                assert answers[0] == answers[1]


def test_rules_by_hand() -> None:
    """A hundred impostors, three of them high; FAR 0.1 allows ten."""
    impostor = np.concatenate([[0.9, 0.8, 0.7], np.full(8, 0.5), np.linspace(0.2, 0.1, 89)])
    match = np.array([0.95, 0.85, 0.6, 0.5, 0.15])
    scores = np.concatenate([match, impostor])
    genuine = np.arange(105) < 5
    got = {rule: tar_at_far(scores, genuine, (0.1,), rule)[0] for rule in RULES}
    # All eight at 0.5 make eleven: too many to stay within, but the nearest, and the tenth.
    assert (got["conservative"].tar, got["conservative"].reached) == (0.6, 0.03)
    assert got["conservative"].threshold == 0.6
    assert (got["nearest"].tar, got["nearest"].reached) == (0.8, 0.11)
    assert (got["kth-impostor"].tar, got["kth-impostor"].threshold) == (0.8, 0.5)
    assert got["interpolated"].tar == pytest.approx(0.6 + 0.2 * 7 / 8)
    assert got["interpolated"].reached == 0.1


def test_fewer_than_ten_impostors_give_a_reason_and_no_number() -> None:
    scores = np.linspace(0, 1, 9_989)
    genuine = np.arange(9_989) >= 9_979
    few, enough = tar_at_far(scores, genuine, (9e-4, 1e-3), "conservative")
    assert few.tar is None
    assert few.reason == "9 of 9,979 impostor scores within FAR 0.0009, 10 are needed"
    assert enough.tar == 1.0  # an IJB-A split's 9,979 count as ten at 0.001
    for only in (True, False):
        (point,) = tar_at_far(np.zeros(30), np.full(30, only), (0.5,), "nearest")
        assert point.reason == f"no {'impostor' if only else 'genuine'} pairs"
    (nothing,) = tar_at_far(np.zeros(0), np.zeros(0, bool), (0.5,), "nearest")
    assert nothing.tar is None


def test_failures_to_enrol_are_never_accepted() -> None:
    scores = np.concatenate([np.full(4, -np.inf), [0.9] * 6, np.full(10, -np.inf), [0.1] * 30])
    genuine = np.arange(50) < 10
    for rule in RULES:
        (point,) = tar_at_far(scores, genuine, (1.0,), rule)
        assert (point.tar, point.reached) == (0.6, 0.75)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_score_that_is_no_number_is_named(bad: float, kind: type) -> None:
    scores = np.zeros(40, kind)
    scores[[17, 30]] = bad, np.nan
    scores[3] = -np.inf
    genuine = np.arange(40) < 20
    for metric in (equal_error_rate, auc, roc, lambda s, g: tar_at_far(s, g, (0.5,), "nearest")):
        with pytest.raises(ValueError, match="pair 17: its score is"):
            metric(scores, genuine)


@pytest.mark.parametrize("far", [0.0, -0.1, 1.5, math.nan])
def test_a_far_outside_its_range_is_refused(far: float) -> None:
    with pytest.raises(ValueError, match=r"a FAR is in \(0, 1\]"):
        tar_at_far(np.zeros(40), np.arange(40) < 20, (far,), "nearest")


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_kth_largest_is_the_sorted_one(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over blocks that end anywhere, of numbers that share many leading bits."""
    monkeypatch.setattr(tail, "_BLOCK", 7)
    rng = np.random.default_rng(3)
    narrow = 1 + rng.integers(0, 40, 90) * np.finfo(kind).eps
    for values in (rng.normal(size=90), narrow, -narrow, np.array([-np.inf, 0.0, -0.0, 5e-324])):
        scores = values.astype(kind)
        genuine = rng.uniform(size=len(scores)) < 0.3
        falling = np.sort(scores[~genuine])[::-1]
        for k in range(1, len(falling) + 1):
            floor = tail.kth_largest_impostor(scores, genuine, k)
            assert floor == falling[k - 1]
            above, equal = tail.impostors_above(scores, genuine, floor)
            np.testing.assert_array_equal(np.sort(above), np.sort(falling[falling > floor]))
            assert equal == (falling == floor).sum()
            places = tail.impostors_from(scores, genuine, floor)
            expected = np.flatnonzero((scores >= floor) & ~genuine & (scores > -np.inf))
            np.testing.assert_array_equal(places, expected)


@settings(max_examples=300, deadline=None)
@given(scored())
def test_equal_error_rate_is_the_crossing(data: tuple[np.ndarray, np.ndarray]) -> None:
    scores, genuine = data
    if _one_class(genuine):
        with pytest.raises(ValueError, match="needs genuine and impostor pairs"):
            equal_error_rate(scores, genuine)
        return
    points = [*all_points(scores, genuine), (1.0, 1.0, -math.inf)]
    found = equal_error_rate(scores, genuine)
    for (x0, y0, high), (x1, y1, low) in itertools.pairwise(points):
        if x1 >= 1 - y1:  # the first point past the crossing
            gap0, gap1 = (1 - y0) - x0, x1 - (1 - y1)
            rate = x0 + (x1 - x0) * gap0 / (gap0 + gap1)
            assert found.rate == pytest.approx(rate, abs=1e-12)
            tied = gap0 == pytest.approx(gap1, abs=1e-12)
            assert found.threshold in ((high, low) if tied else ((high, low)[gap0 > gap1],))
            break


def test_equal_error_rate_prefers_the_stricter_of_equals() -> None:
    """All scores equal: accepting nobody and accepting everybody are as far apart."""
    assert equal_error_rate(np.full(4, 0.5), np.arange(4) < 2) == (0.5, math.inf)


def test_equal_error_rate_agrees_with_a_root_finder() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        genuine = rng.uniform(size=500) < 0.4
        scores = np.round(rng.normal(size=500) + genuine, 1)
        fpr, tpr, _ = roc_curve(genuine, scores)
        curve = interp1d(fpr, tpr)
        root = brentq(lambda x, tpr=curve: 1 - x - tpr(x), 0, 1, xtol=1e-14)
        assert equal_error_rate(scores, genuine).rate == pytest.approx(root, abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(scored())
def test_area_is_scikit_learns(data: tuple[np.ndarray, np.ndarray]) -> None:
    scores, genuine = data
    if _one_class(genuine):
        with pytest.raises(ValueError, match="needs genuine and impostor pairs"):
            auc(scores, genuine)
        return
    expected = roc_auc_score(genuine, np.maximum(scores, scores.dtype.type(-1e9)))
    assert auc(scores, genuine) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(scored(), st.integers(12, 200))
def test_a_thinned_curve_keeps_its_steps(data: tuple[np.ndarray, np.ndarray], most: int) -> None:
    """What is left out lies between kept points that no edge of either axis separates."""
    scores, genuine = data
    if _one_class(genuine) or not (scores > -np.inf).any():
        with pytest.raises(ValueError, match=r"needs genuine and impostor|no score above"):
            roc(scores, genuine, most)
        return
    thin, trade = roc(scores, genuine, most), det(scores, genuine, most)
    np.testing.assert_array_equal(thin.tar, 1 - trade.frr)
    full = all_points(scores, genuine)
    place = {threshold: i for i, (_, _, threshold) in enumerate(full)}
    kept = [place[threshold] for threshold in thin.threshold.tolist()]
    assert len(kept) <= most
    assert (kept[0], kept[-1]) == (0, len(full) - 1)
    for i, far, tar in zip(kept, thin.far, thin.tar, strict=True):
        assert (far, tar) == pytest.approx(full[i][:2], abs=1e-12)
    for axis, count in enumerate((int((~genuine).sum()), int(genuine.sum()))):
        edges = sorted({int(rank) - 1 for rank in np.geomspace(1, count, (most - 2) // 4)})
        errors = [round((1 - p[1] if axis else p[0]) * count) for p in full]
        for before, after in itertools.pairwise(kept):
            if after > before + 1:
                low, high = sorted((errors[before], errors[after]))
                assert bisect.bisect_left(edges, low) == bisect.bisect_left(edges, high)


def test_a_curve_needs_room() -> None:
    with pytest.raises(ValueError, match="at least 12 points"):
        roc(np.zeros(4), np.arange(4) < 2, 11)

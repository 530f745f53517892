"""Accuracy over folds against loops over every threshold."""

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.folds import FoldScores, Thresholds, fold_accuracy


def by_grid(scores: np.ndarray, genuine: np.ndarray, fold: np.ndarray) -> list[tuple[float, float]]:
    """The insightface way, a threshold at a time, on the squared distance."""
    distances = np.array([math.inf if s == -math.inf else 2 - 2 * float(s) for s in scores])
    result = []
    for held_out in range(fold.max() + 1):
        train, test = fold != held_out, fold == held_out
        best = max(
            np.arange(0, 4, 0.01).tolist(),
            key=lambda t, train=train: np.sum((distances[train] < t) == genuine[train]),
        )  # max() takes the first of equals
        result.append((float(np.mean((distances[test] < best) == genuine[test])), 1 - best / 2))
    return result


def by_trying(
    scores: np.ndarray, genuine: np.ndarray, fold: np.ndarray
) -> list[tuple[float, float]]:
    """Every cut of the training scores, from the strictest; then the middle of its gap."""
    scores = scores.astype(float)  # NumPy would round a middle to the scores' own precision
    result = []
    for held_out in range(fold.max() + 1):
        train, test = fold != held_out, fold == held_out
        values = sorted({s for s in scores[train].tolist() if s > -math.inf}, reverse=True)
        best, most = math.inf, int(np.sum(~genuine[train]))
        for value, lower in itertools.zip_longest(values, values[1:]):
            correct = int(np.sum((scores[train] >= value) == genuine[train]))
            if correct > most:
                best, most = value if lower is None else (value + lower) / 2, correct
        result.append((float(np.mean((scores[test] >= best) == genuine[test])), best))
    return result


LOOPS: dict[Thresholds, Callable[[np.ndarray, np.ndarray, np.ndarray], list]] = {
    "grid": by_grid,
    "exact": by_trying,
}


@st.composite
def folded(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    count = draw(st.integers(2, 80))
    folds = draw(st.integers(2, min(10, count)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    genuine = rng.uniform(size=count) < draw(st.sampled_from([0.0, 0.5, 1.0]))
    scores = np.clip(rng.normal(0, 0.3, count) + 0.4 * genuine, -1, 1)
    step = draw(st.sampled_from([0.0, 0.005, 0.25]))
    if step:
        scores = np.round(scores / step) * step
    scores = scores.astype(draw(st.sampled_from([np.float32, np.float64])))
    scores[rng.uniform(size=count) < draw(st.sampled_from([0.0, 0.3, 1.0]))] = -np.inf
    fold = np.concatenate([np.arange(folds), rng.integers(0, folds, count - folds)])
    return scores, genuine, fold.astype(np.int32)


@settings(max_examples=150, deadline=None)
@given(folded())
def test_folds_equal_the_loops(data: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    scores, genuine, fold = data
    for thresholds, plain in LOOPS.items():
        found = fold_accuracy(scores, genuine, fold, thresholds)
        expected = plain(scores, genuine, fold)
        assert found.accuracies.tolist() == pytest.approx([one for one, _ in expected])
        assert found.thresholds.tolist() == pytest.approx([one for _, one in expected])
        accuracies = [one for one, _ in expected]
        mean = sum(accuracies) / len(accuracies)
        squares = sum((one - mean) ** 2 for one in accuracies)
        assert found.mean == pytest.approx(mean)
        assert found.std == pytest.approx(math.sqrt(squares / len(accuracies)))
        k = len(accuracies)
        assert found.sem == pytest.approx(math.sqrt(squares / (k - 1)) / math.sqrt(k))


def right_share(
    accepted: np.ndarray, genuine: np.ndarray, inside: np.ndarray, weights: np.ndarray
) -> Fraction:
    """How many pairs of a fold are right: p · TPR + (1 − p) · TNR, of as many as the list has."""
    total = Fraction(0)
    for label in (False, True):
        members = inside & (genuine == label)
        if members.any():
            right = int(weights[members & (accepted == label)].sum())
            total += int(members.sum()) * Fraction(right, int(weights[members].sum()))
    return total


def resampled(
    data: tuple[np.ndarray, np.ndarray, np.ndarray], weights: np.ndarray, thresholds: Thresholds
) -> list[tuple[float, float]]:
    """A resample's accuracy and threshold for each fold, in exact fractions."""
    scores, genuine, fold = data
    parts = range(fold.max() + 1)
    distances = np.array([math.inf if s == -math.inf else 2 - 2 * float(s) for s in scores])
    result = []
    for held_out in parts:
        train = [fold == part for part in parts if part != held_out]
        there = np.any(train, axis=0) & (weights > 0) & (scores > -math.inf)
        values = sorted(set(scores[there].tolist()), reverse=True)
        if thresholds == "grid":
            cuts = [(t, distances < t, 1 - t / 2) for t in np.arange(0, 4, 0.01).tolist()]
        else:
            middles = [(a + b) / 2 for a, b in itertools.pairwise(values)] + values[-1:]
            cuts = [(math.inf, np.zeros(len(scores), bool), math.inf)]
            cuts += [(m, scores >= m, m) for m in middles]
        goods = [sum(right_share(c[1], genuine, one, weights) for one in train) for c in cuts]
        _, accepted, threshold = cuts[goods.index(max(goods))]  # the first of equals
        test = fold == held_out
        share = right_share(accepted, genuine, test, weights) / int(test.sum())
        result.append((float(share), threshold))
    return result


@settings(max_examples=30, deadline=None)
@given(folded(), st.integers(0, 2**32))
def test_a_resample_keeps_the_share_of_genuine_pairs(
    data: tuple[np.ndarray, np.ndarray, np.ndarray], seed: int
) -> None:
    scores, genuine, fold = data
    weights = np.random.default_rng(seed).integers(0, 4, len(scores))
    lost = any(
        members.any() and not weights[members].any()
        for part in range(fold.max() + 1)
        for members in ((fold == part) & (genuine == label) for label in (False, True))
    )
    for thresholds in LOOPS:
        prepared = FoldScores(scores, genuine, fold, thresholds)
        assert prepared.keeps(weights) != lost
        if lost:
            with pytest.raises(ValueError, match="a fold has lost all its"):
                prepared.measure(weights)
            weights = np.maximum(weights, 1)
            lost = False
        expected = resampled(data, weights, thresholds)
        accuracies, chosen = prepared.measure(weights)
        assert accuracies.tolist() == pytest.approx([one for one, _ in expected])
        assert chosen.tolist() == pytest.approx([one for _, one in expected])


def test_cuts_that_are_equally_good_stay_so_in_a_resample() -> None:
    """In fractions such as 10/3 · 2 they differ in the last bit: the strictest is to be chosen."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        fold = np.arange(60, dtype=np.int32) % 3
        genuine = rng.uniform(size=60) < 0.5
        scores = np.round(rng.uniform(-1, 1, 60), 1)
        weights = rng.integers(0, 4, 60)
        found = FoldScores(scores, genuine, fold, "exact").measure(weights)
        expected = resampled((scores, genuine, fold), weights, "exact")
        assert found[0].tolist() == pytest.approx([one for one, _ in expected])
        assert found[1].tolist() == pytest.approx([one for _, one in expected])


def test_by_hand() -> None:
    """Fold 0 is judged at 0.4, between 0.3 and 0.5 of fold 1; fold 1 at 0.35."""
    scores = np.array([0.6, 0.1, 0.39, 0.5, 0.3, 0.9])
    genuine = np.array([True, False, True, True, False, True])
    fold = np.array([0, 0, 0, 1, 1, 1], dtype=np.int32)
    found = fold_accuracy(scores, genuine, fold, "exact")
    assert found.thresholds.tolist() == pytest.approx([0.4, 0.245])
    assert found.accuracies.tolist() == pytest.approx([2 / 3, 2 / 3])


@pytest.mark.parametrize(
    ("fold", "message"),
    [
        (None, "needs a fold column"),
        ([0, 0, 0, 0], "at least two folds"),
        ([0, 2, 0, 2], r"none empty, they hold \[2, 0, 2\]"),
        ([0, 1, -1, 1], "pair 2: its fold is -1"),
    ],
)
def test_folds_that_cannot_be_used(fold: list[int] | None, message: str) -> None:
    folds = None if fold is None else np.array(fold, dtype=np.int32)
    with pytest.raises(ValueError, match=message):
        fold_accuracy(np.zeros(4), np.arange(4) < 2, folds, "exact")


def test_no_pairs_at_all() -> None:
    with pytest.raises(ValueError, match="at least two folds"):
        fold_accuracy(np.zeros(0), np.zeros(0, bool), np.zeros(0, np.int32), "exact")


def test_scores_that_cannot_be_used() -> None:
    genuine, fold = np.arange(4) < 2, np.array([0, 1, 0, 1], dtype=np.int32)
    with pytest.raises(ValueError, match="pair 1: its score is nan"):
        fold_accuracy(np.array([0.0, np.nan, 0.0, 0.0]), genuine, fold, "grid")
    far_off = np.array([0.0, -np.inf, 37.0, 0.0])
    with pytest.raises(ValueError, match=r"pair 2: the grid is for cosines, its score is 37\.0"):
        fold_accuracy(far_off, genuine, fold, "grid")
    assert fold_accuracy(far_off, genuine, fold, "exact").mean == 0.5

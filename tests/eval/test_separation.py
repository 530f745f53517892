"""Separation against the statistics module, its bootstrap against a loop over lists of people."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.separation import compare, separation
from eval.units import Units

GENUINE = np.array([True] * 4 + [False] * 6)


def by_hand(scores: list[float], genuine: list[bool]) -> float:
    same = [one for one, is_genuine in zip(scores, genuine, strict=True) if is_genuine]
    other = [one for one, is_genuine in zip(scores, genuine, strict=True) if not is_genuine]
    gap = statistics.fmean(same) - statistics.fmean(other)
    return gap / statistics.pstdev(other)


def each(count: int = len(GENUINE)) -> Units:
    return Units.each(count)


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    scale=st.floats(0.1, 100),
    shift=st.floats(-10, 10),
    width=st.sampled_from([np.float32, np.float64]),
)
def test_equals_the_formula_whatever_the_unit_of_scores(seed, scale, shift, width) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=10)
    found = separation((scale * scores + shift).astype(width), GENUINE)
    assert found is not None
    wanted = by_hand(scores.tolist(), GENUINE.tolist())
    assert found == pytest.approx(wanted, abs=1e-3 if width == np.float32 else 1e-9)


def test_strangers_that_are_more_alike_separate_negatively() -> None:
    scores = np.array([0.0, 0, 0, 0, 1, 2, 1, 2, 1, 2])
    assert separation(scores, GENUINE) == pytest.approx(-3)


def test_failed_faces_are_left_out() -> None:
    scores = np.random.default_rng(1).normal(size=10)
    scores[[0, 5, 7]] = -np.inf, np.nan, np.inf
    keep = np.isfinite(scores)
    wanted = by_hand(scores[keep].tolist(), GENUINE[keep].tolist())
    assert separation(scores, GENUINE) == pytest.approx(wanted)


@pytest.mark.parametrize("lost", [[0, 1, 2], [4, 5, 6, 7, 8]])
def test_too_few_of_a_kind(lost) -> None:
    scores = np.arange(10.0)
    scores[lost] = np.nan
    with pytest.raises(ValueError, match="two finite scores of each kind"):
        separation(scores, GENUINE)
    with pytest.raises(ValueError, match="two finite scores of each kind"):
        compare(np.arange(10.0), scores, GENUINE, each(), resamples=9, rng=np.random.default_rng(0))


@pytest.mark.parametrize("noise", [0, 1e-8])
def test_equal_strangers_have_no_separation(noise) -> None:
    scores = np.where(GENUINE, 0.9, 0.3) + noise * np.arange(10)
    assert separation(scores, GENUINE) is None
    varied = np.random.default_rng(0).normal(size=10)
    for both in ((scores, varied), (varied, scores)):
        found = compare(*both, GENUINE, each(), resamples=9, rng=np.random.default_rng(0))
        assert found is None


def test_equal_genuine_scores_do_no_harm() -> None:
    scores = np.array([1.0, 1, 1, 1, 0, 2, 0, 2, 0, 2])
    assert separation(scores, GENUINE) == 0


def people_and_scores(seed: int) -> tuple[Units, np.ndarray, np.ndarray, np.ndarray]:
    """Twelve people with two faces each; some people are more alike to all others."""
    rng = np.random.default_rng(seed)
    one, other = np.triu_indices(24, 1)
    person = np.repeat(np.arange(12), 2)
    genuine = person[one] == person[other]
    alike = np.array([4.0, 2.0] + 10 * [0.0])[person]
    first = rng.normal(size=len(one)) + 3 * genuine + alike[one] + alike[other]
    second = first - 0.9 * (alike[one] + alike[other]) + 0.6 * rng.normal(size=len(one))
    return Units(one.astype(np.int32), other.astype(np.int32), person), genuine, first, second


def test_the_difference_is_resampled_by_people() -> None:
    units, genuine, first, second = people_and_scores(2)
    rng = np.random.default_rng(3)
    found = compare(first, second, genuine, units, resamples=4000, rng=rng, level=0.9)
    assert found is not None
    assert found.first == separation(first, genuine)
    assert found.second == separation(second, genuine)
    assert found.difference == found.second - found.first
    assert found.left_out == 0

    people = units.unit.tolist()
    ends = list(zip(units.left.tolist(), units.right.tolist(), strict=True))
    gaps = []
    for _ in range(1000):
        drawn = rng.integers(0, 12, 12).tolist()
        rows = []
        for pair, (left, right) in enumerate(ends):
            a, b = people[left], people[right]
            times = drawn.count(a) if a == b else drawn.count(a) * drawn.count(b)
            rows += [pair] * times
        kinds = genuine[rows].tolist()
        values = [by_hand(scores[rows].tolist(), kinds) for scores in (first, second)]
        gaps.append(values[1] - values[0])
    assert found.interval is not None
    wanted = np.quantile(gaps, [0.05, 0.95])
    width = wanted[1] - wanted[0]
    np.testing.assert_allclose(found.interval, wanted, atol=0.12 * width)


def test_a_pair_counts_only_if_both_inputs_have_a_score() -> None:
    units, genuine, first, second = people_and_scores(4)
    broken, other = first.copy(), second.copy()
    broken[[3, 50]], other[[3, 70]] = -np.inf, np.nan
    keep = np.isfinite(broken) & np.isfinite(other)
    kept = Units(units.left[keep], units.right[keep], units.unit)
    one, two = (
        compare(a, b, same, of, resamples=50, rng=np.random.default_rng(1))
        for a, b, same, of in (
            (broken, other, genuine, units),
            (first[keep], second[keep], genuine[keep], kept),
        )
    )
    assert one is not None
    assert two is not None
    assert (one.left_out, two.left_out) == (3, 0)
    assert one[:4] == two[:4]


def test_the_other_way_round_the_difference_changes_its_sign() -> None:
    units, genuine, first, second = people_and_scores(5)
    ways = [
        compare(*both, genuine, units, resamples=200, rng=np.random.default_rng(6))
        for both in ((first, second), (second, first))
    ]
    assert ways[0] is not None
    assert ways[1] is not None
    assert ways[0].interval is not None
    assert ways[1].interval is not None
    assert ways[1].difference == -ways[0].difference
    assert ways[1].interval == pytest.approx((-ways[0].interval.high, -ways[0].interval.low))


def test_equal_scores_differ_by_nothing() -> None:
    units, genuine, first, _ = people_and_scores(7)
    found = compare(first, first, genuine, units, resamples=20, rng=np.random.default_rng(0))
    assert found is not None
    assert found.difference == 0
    assert found.interval == (0, 0)


def test_one_person_alone_cannot_be_resampled() -> None:
    units, genuine, first, second = people_and_scores(8)
    alone = Units(units.left, units.right, np.zeros(24, np.int64))
    found = compare(first, second, genuine, alone, resamples=20, rng=np.random.default_rng(0))
    assert found is not None
    assert found.interval is None
    assert math.isfinite(found.difference)


def test_units_of_other_pairs() -> None:
    scores = np.arange(10.0)
    scores[0] = np.nan  # nine are left, as many as there are units
    with pytest.raises(ValueError, match="units are of 9 pairs, the scores of 10"):
        compare(scores, scores, GENUINE, each(9), resamples=9, rng=np.random.default_rng(0))

"""Bootstrap intervals of shares of probes or pictures: rank-k, DIR at a FAR, accuracy.

The probes' people are drawn with replacement; the gallery stays as it is. Part of
``eval/resampling.py``, which says how to read the intervals, and when there is None.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64

from eval.bootstrap import (
    Difference,
    Samples,
    difference_of,
    interval_of,
    resampled_tars,
    sample,
)
from eval.curve import Rule
from eval.identification import Search, dir_at_far, rank_rate
from eval.intervals import Interval
from eval.units import Draws, Units, Weights


def rate_interval(
    values: Float64[np.ndarray, " n"],
    unit: Int64[np.ndarray, " n"],
    *,
    resamples: int,
    rng: np.random.Generator,
    level: float = 0.95,
) -> Interval | None:
    """The interval of a mean, such as of 1 for each picture that is classified rightly.

    Args:
        values: In 0 … 1, one a picture or probe.
        unit: Whose each is, from 0.
        resamples: How many to draw.
        rng: Where the draws come from.
        level: How much of the resamples the interval holds.

    Returns:
        The interval; None where none can be had, as all are of one unit.

    Raises:
        ValueError: There is no value, one is outside 0 … 1, a unit is negative, or the level is not
            inside (0, 1).
    """
    return interval_of(_means((values,), unit, resamples, rng), (0, 0), level)


def rate_difference(
    first: Float64[np.ndarray, " n"],
    second: Float64[np.ndarray, " n"],
    unit: Int64[np.ndarray, " n"],
    *,
    resamples: int,
    rng: np.random.Generator,
    level: float = 0.95,
) -> Difference | None:
    """How a second system's mean differs on the same pictures: see :func:`rate_interval`."""
    samples = _means((first, second), unit, resamples, rng)
    return difference_of(float(second.mean() - first.mean()), samples, 0, level)


def rank_interval(
    search: Search,
    k: int,
    unit: Int64[np.ndarray, " p"],
    *,
    resamples: int,
    rng: np.random.Generator,
    level: float = 0.95,
) -> Interval | None:
    """The interval of the rank-k rate; ``unit`` says whose each probe is; None if all are one's.

    Raises:
        ValueError: As ``rank_rate``, or a unit is negative, or the level is not inside (0, 1).
    """
    samples = _means(_found((search,), k), unit[search.mated], resamples, rng)
    return interval_of(samples, (0, 0), level)


def rank_difference(
    first: Search,
    second: Search,
    k: int,
    unit: Int64[np.ndarray, " p"],
    *,
    resamples: int,
    rng: np.random.Generator,
    level: float = 0.95,
) -> Difference | None:
    """How a second system's rank-k rate differs on the same probes: see :func:`rank_interval`."""
    found = _found((first, second), k)
    samples = _means(found, unit[first.mated], resamples, rng)
    return difference_of(float(found[1].mean() - found[0].mean()), samples, 0, level)


def dir_intervals(
    search: Search,
    fars: Sequence[float],
    rule: Rule,
    unit: Int64[np.ndarray, " p"],
    *,
    rank: int = 1,
    resamples: int,
    rng: np.random.Generator,
    level: float = 0.95,
) -> tuple[Interval | None, ...]:
    """Intervals of the detection and identification rate at each FAR.

    People who are in the gallery and people who are not are drawn separately: the protocol fixes
    how many there are of each. Args as ``dir_at_far``, and ``unit`` says whose each probe is.

    Returns:
        An interval for each FAR; None where ``dir_at_far`` has no rate, or where fewer than two
        people are in the gallery or fewer than two are not.

    Raises:
        ValueError: As ``dir_at_far``, or a unit is negative, or the level is not inside (0, 1).
    """
    asked = [point.far for point in dir_at_far(search, fars, rule, rank) if not point.reason]
    samples = _dirs((search,), unit, asked, rule, rank, resamples, rng)
    found = iter(interval_of(samples, (0, place), level) for place in range(len(asked)))
    return tuple(next(found) if far in asked else None for far in fars)


def dir_differences(
    first: Search,
    second: Search,
    fars: Sequence[float],
    rule: Rule,
    unit: Int64[np.ndarray, " p"],
    *,
    rank: int = 1,
    resamples: int,
    rng: np.random.Generator,
    level: float = 0.95,
) -> tuple[Difference | None, ...]:
    """How a second system's rates differ on the same probes: see :func:`dir_intervals`."""
    _check_same((first, second))
    points = [dir_at_far(one, fars, rule, rank) for one in (first, second)]
    gaps = {
        one.far: other.tar - one.tar
        for one, other in zip(*points, strict=True)
        if one.tar is not None and other.tar is not None
    }
    samples = _dirs((first, second), unit, list(gaps), rule, rank, resamples, rng)
    found = {
        far: difference_of(gap, samples, place, level)
        for place, (far, gap) in enumerate(gaps.items())
    }
    return tuple(found.get(far) for far in fars)


def _dirs(
    searches: Sequence[Search],
    unit: np.ndarray,
    fars: Sequence[float],
    rule: Rule,
    rank: int,
    resamples: int,
    rng: np.random.Generator,
) -> Samples:
    mated = searches[0].mated
    whose = Units.of(unit)
    whose = Units(whose.left, whose.right, unit, mated.astype(np.int64))
    scores = [one.scores(rank) for one in searches]
    return resampled_tars(scores, mated, whose, fars, rule, resamples, rng)


def _found(searches: Sequence[Search], k: int) -> list[np.ndarray]:
    """Whether each mated probe is found, 0 or 1, by each system."""
    _check_same(searches)
    for one in searches:
        rank_rate(one, k)  # refuses what has no rate
    return [one.found(k)[one.mated].astype(np.float64) for one in searches]


def _check_same(searches: Sequence[Search]) -> None:
    if not all(np.array_equal(searches[0].mated, one.mated) for one in searches):
        raise ValueError("the two searches are not of the same probes")


def _means(
    systems: Sequence[np.ndarray],
    unit: np.ndarray,
    resamples: int,
    rng: np.random.Generator,
) -> Samples:
    """Each resample's mean of each system's values."""
    for values in systems:
        if not len(values) or not ((values >= 0) & (values <= 1)).all():
            raise ValueError("a rate's interval needs values in 0 … 1, and at least one")
    draws = Draws(Units.of(unit))
    number = draws.sides(slice(None))[0]
    counts = np.bincount(number, minlength=draws.count)
    sums = np.stack([np.bincount(number, values, draws.count) for values in systems])

    def measure(weights: Weights) -> np.ndarray | None:
        drawn = weights[:-1]
        return (sums @ drawn / (counts @ drawn))[:, None]

    return sample(draws, measure, resamples, rng)

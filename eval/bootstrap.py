"""Drawing resamples until enough have a value, and intervals of what they say."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int32

from eval.curve import Rule, point_at, tar_at
from eval.intervals import Interval, percentile_interval
from eval.units import Draws, Totals, Units, Weights
from eval.weighted import WeightedCurve

_PATIENCE = 100
"""Resamples in a row that may lack a value, such as one without any impostor pair."""
Samples = Float64[np.ndarray, "b systems values"] | None
"""What every resample says; None where resampling says nothing: see :func:`sample`."""


class Difference(NamedTuple):
    """Two systems on the same data.

    Attributes:
        difference: The second's value minus the first's.
        interval: Of the difference, over the same draws for both.
        first: The interval of the first's value.
        second: Of the second's.
    """

    difference: float
    interval: Interval
    first: Interval
    second: Interval


def draws_of(units: Units, count: int, stratum: Int32[np.ndarray, " p"] | None = None) -> Draws:
    """The draws for pairs, within strata of pairs if there are any.

    Raises:
        ValueError: The units are of another number of pairs.
    """
    if len(units) != count:
        raise ValueError(f"the units are of {len(units)} pairs, the scores of {count}")
    return Draws(units if stratum is None else units.within(stratum))


def sample(
    draws: Draws,
    measure: Callable[[Weights], np.ndarray | None],
    resamples: int,
    rng: np.random.Generator,
) -> Samples:
    """Measure resamples; one without a value is drawn again.

    An interval needs draws that differ. Where a stratum does not differ in any, it would pass for
    certain, and the interval be too narrow, in the extreme without any width.

    Args:
        draws: What is drawn.
        measure: ``(systems, values)`` under such weights, or None if they leave nothing to measure.
        resamples: How many to draw.
        rng: Where the draws come from.

    Returns:
        ``(resamples, systems, values)``; None where a stratum has fewer than two units, where a
        class vanishes in most resamples (so that hardly any has a value), or where all resamples
        with a value have a stratum just as the data have it.

    Raises:
        ValueError: No resample is asked for.
    """
    if resamples < 1:
        raise ValueError(f"a bootstrap needs at least one resample, got {resamples}")
    if draws.fewest < 2:
        return None
    found: list[np.ndarray] = []
    moved = np.zeros(draws.count + 1, bool)
    missed = 0
    while len(found) < resamples:
        weights = draws.weights(rng)
        one = measure(weights)
        if one is not None:
            found.append(one)
            moved |= weights != 1
            missed = 0
            continue
        missed += 1
        if missed > _PATIENCE:
            return None
    return np.stack(found) if draws.each_stratum(moved) else None


def interval_of(samples: Samples, place: tuple[int, int], level: float) -> Interval | None:
    """The interval of one system's value; None where there are no samples."""
    if samples is None:
        return None
    return percentile_interval(samples[:, place[0], place[1]], level)


def difference_of(value: float, samples: Samples, place: int, level: float) -> Difference | None:
    """The difference of two systems' rates, and its interval; None where there are no samples."""
    if samples is None:
        return None
    gaps, first, second = (
        percentile_interval(one, level)
        for one in (
            samples[:, 1, place] - samples[:, 0, place],
            samples[:, 0, place],
            samples[:, 1, place],
        )
    )
    return Difference(value, gaps, first, second)


def resampled_tars(
    systems: Sequence[np.ndarray],
    genuine: Bool[np.ndarray, " p"],
    units: Units,
    fars: Sequence[float],
    rule: Rule,
    resamples: int,
    rng: np.random.Generator,
) -> Samples:
    """Each resample's TAR of each system at each FAR; None also if no FAR is asked for.

    Raises:
        ValueError: The units are of another number of pairs.
    """
    draws = draws_of(units, len(genuine))
    if not fars:
        return None
    totals = Totals(draws, genuine)
    curves = [WeightedCurve(one, genuine, draws, totals, max(fars)) for one in systems]

    def measure(weights: Weights) -> np.ndarray | None:
        if not totals.impostors(weights):
            return None
        found = [_tars(curve, weights, fars, rule) for curve in curves]
        return None if None in found else np.array(found)

    return sample(draws, measure, resamples, rng)


def _tars(
    curve: WeightedCurve, weights: Weights, fars: Sequence[float], rule: Rule
) -> list[float] | None:
    """One resample's TARs; the curve is prolonged until all can be read from it."""
    while True:
        resample = curve.under(weights)
        if not resample.genuine:
            return None
        places = [point_at(resample, far, rule) for far in fars]
        if None not in places:
            return [
                tar_at(resample, far, rule, place)[0]
                for far, place in zip(fars, places, strict=True)
                if place is not None
            ]
        curve.prolong()

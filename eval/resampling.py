"""Bootstrap intervals of recognition metrics that respect the sampling unit.

A person stands in many pairs, so pairs are not independent: what is drawn with replacement are
people (``eval/units.py`` says how pairs are weighted then, and by whom the method is). Every system
sees the same draws, so that their difference is resampled as a pair; a FAR's threshold is found
anew in each resample, as it was found in the data. Intervals are percentiles.

What to expect: the weight w_a · w_b makes impostor pairs vary more than people alone do, so that
the intervals are cautious where single pairs, not people, decide the FAR (Owen, "The pigeonhole
bootstrap", 2007). They say how far the numbers would move with other people of the same kind; not
with other cameras, other trainings or other galleries.

Where no interval can be had, every function here returns None in its place: if a stratum (a fold;
the known or the unknown people of a search) has fewer than two units, if a class vanishes in most
resamples, or if only resamples that equal the data in a stratum have both classes. Draws that are
all the same would make an interval without width, and any difference look real.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int32

from eval.bootstrap import (
    Difference,
    Samples,
    difference_of,
    draws_of,
    interval_of,
    resampled_tars,
    sample,
)
from eval.curve import Rule
from eval.folds import FoldScores, Thresholds
from eval.intervals import Interval
from eval.resampling_rates import (
    dir_differences,
    dir_intervals,
    rank_difference,
    rank_interval,
    rate_difference,
    rate_interval,
)
from eval.roc import tar_at_far
from eval.tail import check_scores
from eval.units import Totals, Units, Weights
from eval.weighted import WeightedCurve, area, equal_errors

__all__ = [
    "Difference",
    "Units",
    "curve_intervals",
    "dir_differences",
    "dir_intervals",
    "fold_accuracy_difference",
    "fold_accuracy_interval",
    "paired_difference",
    "rank_difference",
    "rank_interval",
    "rate_difference",
    "rate_interval",
    "verification_intervals",
]


def verification_intervals(
    scores: Float[np.ndarray, " p"],
    genuine: Bool[np.ndarray, " p"],
    units: Units,
    fars: Sequence[float],
    rule: Rule,
    *,
    resamples: int,
    rng: np.random.Generator,
    level: float = 0.95,
) -> tuple[Interval | None, ...]:
    """Intervals of TAR at each FAR.

    Only the impostor scores that the largest FAR needs are kept and weighted.

    Args:
        scores: Similarities; −∞ for a failure to enrol.
        genuine: Which pairs are of one person.
        units: Whose they are. With ``Units.each`` the intervals are too narrow if people repeat.
        fars: In (0, 1].
        rule: See ``eval.curve.Rule``.
        resamples: How many to draw.
        rng: Where the draws come from.
        level: How much of the resamples an interval holds.

    Returns:
        An interval for each FAR; None where ``tar_at_far`` has no TAR, and where none can be had:
        see the top of this file.

    Raises:
        ValueError: A score is NaN or +∞, a FAR or the level is out of range, or ``units`` are of
            another number of pairs.
    """
    asked = [point.far for point in tar_at_far(scores, genuine, fars, rule) if not point.reason]
    samples = resampled_tars((scores,), genuine, units, asked, rule, resamples, rng)
    found = iter(interval_of(samples, (0, place), level) for place in range(len(asked)))
    return tuple(next(found) if far in asked else None for far in fars)


def paired_difference(
    first: Float[np.ndarray, " p"],
    second: Float[np.ndarray, " p"],
    genuine: Bool[np.ndarray, " p"],
    units: Units,
    fars: Sequence[float],
    rule: Rule,
    *,
    resamples: int,
    rng: np.random.Generator,
    level: float = 0.95,
) -> tuple[Difference | None, ...]:
    """How the TAR of a second system differs from a first one's, at each FAR.

    Args and errors are those of :func:`verification_intervals`; the pairs are the same. None where
    one has no TAR, and where no interval can be had.
    """
    points = [tar_at_far(one, genuine, fars, rule) for one in (first, second)]
    gaps = {
        one.far: other.tar - one.tar
        for one, other in zip(*points, strict=True)
        if one.tar is not None and other.tar is not None
    }
    samples = resampled_tars((first, second), genuine, units, list(gaps), rule, resamples, rng)
    found = {
        far: difference_of(gap, samples, place, level)
        for place, (far, gap) in enumerate(gaps.items())
    }
    return tuple(found.get(far) for far in fars)


def curve_intervals(
    scores: Float[np.ndarray, " p"],
    genuine: Bool[np.ndarray, " p"],
    units: Units,
    statistics: Sequence[Literal["eer", "auc"]],
    *,
    resamples: int,
    rng: np.random.Generator,
    level: float = 0.95,
) -> tuple[Interval | None, ...]:
    """The intervals of the equal error rate and of the area under the ROC, whichever are asked for.

    Both need the whole curve in each resample: meant for thousands of pairs, not for millions.
    Args and errors are those of :func:`verification_intervals`.

    Returns:
        An interval for each statistic; None where none can be had.
    """
    check_scores(scores, genuine)
    draws = draws_of(units, len(scores))
    curve = WeightedCurve(scores, genuine, draws, Totals(draws, genuine))
    values = [{"eer": equal_errors, "auc": area}[one] for one in statistics]

    def measure(weights: Weights) -> np.ndarray | None:
        resample = curve.under(weights)
        if not (resample.impostors and resample.genuine):
            return None
        return np.array([[value(resample) for value in values]])

    samples = sample(draws, measure, resamples, rng)
    return tuple(interval_of(samples, (0, place), level) for place in range(len(values)))


def fold_accuracy_interval(
    scores: Float[np.ndarray, " p"],
    genuine: Bool[np.ndarray, " p"],
    fold: Int32[np.ndarray, " p"] | None,
    units: Units,
    thresholds: Thresholds,
    *,
    resamples: int,
    rng: np.random.Generator,
    level: float = 0.95,
) -> Interval | None:
    """The interval of the mean accuracy over folds; None where none can be had.

    Units are drawn within each fold, as LFW's folds share nobody (a person in two folds of another
    list counts as two). Thresholds are chosen anew in each resample, from its other folds: the
    interval then covers that choice too. Each fold keeps its own share of genuine pairs: see
    ``eval.folds.FoldScores.measure``. Args and errors are those of ``eval.folds.fold_accuracy``
    and of :func:`verification_intervals`.
    """
    samples = _accuracies((scores,), genuine, fold, units, thresholds, resamples, rng)[1]
    return interval_of(samples, (0, 0), level)


def fold_accuracy_difference(
    first: Float[np.ndarray, " p"],
    second: Float[np.ndarray, " p"],
    genuine: Bool[np.ndarray, " p"],
    fold: Int32[np.ndarray, " p"] | None,
    units: Units,
    thresholds: Thresholds,
    *,
    resamples: int,
    rng: np.random.Generator,
    level: float = 0.95,
) -> Difference | None:
    """How a second system's mean accuracy differs: see :func:`fold_accuracy_interval`."""
    both = (first, second)
    (one, other), samples = _accuracies(both, genuine, fold, units, thresholds, resamples, rng)
    return difference_of(other - one, samples, 0, level)


def _accuracies(
    systems: Sequence[np.ndarray],
    genuine: np.ndarray,
    fold: np.ndarray | None,
    units: Units,
    thresholds: Thresholds,
    resamples: int,
    rng: np.random.Generator,
) -> tuple[list[float], Samples]:
    """Each system's mean accuracy over folds, and that of each resample."""
    prepared = [FoldScores(one, genuine, fold, thresholds) for one in systems]
    fold = prepared[0].fold
    draws = draws_of(units, len(genuine), fold)
    left, right = draws.sides(slice(None))

    def measure(weights: Weights) -> np.ndarray | None:
        pairs = (weights[left] * weights[right]).astype(np.int64)
        if not prepared[0].keeps(pairs):
            return None
        return np.array([[one.measure(pairs)[0].mean()] for one in prepared])

    values = [float(one.measure()[0].mean()) for one in prepared]
    return values, sample(draws, measure, resamples, rng)

"""Several trainings of a row as one: means, and intervals that know both people and seeds.

Two things move a number: which people were tested, and which seed a network was trained with. The
first is measured for each training by a bootstrap, whose half-widths are averaged, as if all
trainings erred on the same people (they do, mostly); the second by Student's interval over the
trainings. The two half-widths add in squares.
"""

from collections.abc import Sequence

import numpy as np

from results.systems import Measured

Interval = tuple[float, float]
Gap = tuple[float, Interval | None]
"""A difference in percent, and its interval."""


def mean_of(values: Sequence[Measured]) -> Measured:
    """A value over trainings; lacking if one of them lacks it.

    Args:
        values: One a training; one alone is itself.
    """
    if len(values) == 1:
        return values[0]
    numbers = [one.value for one in values if one.value is not None]
    if len(numbers) < len(values):
        reason = next(one.reason for one in values if one.value is None)
        return Measured(None, values[0].n, None, reason)
    interval = _interval(numbers, [one.interval for one in values])
    if interval is not None:
        interval = (max(interval[0], 0.0), min(interval[1], 100.0))
    return Measured(float(np.mean(numbers)), values[0].n, interval, seeds=len(values))


def mean_gap(gaps: Sequence[Gap]) -> Gap:
    """A difference of two rows over trainings, one of each a pair; one alone is itself."""
    if len(gaps) == 1:
        return gaps[0]
    numbers = [gap for gap, _ in gaps]
    return float(np.mean(numbers)), _interval(numbers, [interval for _, interval in gaps])


def _interval(values: Sequence[float], intervals: Sequence[Interval | None]) -> Interval | None:
    """Of the mean of two values or more; None where one of them has none."""
    from scipy.stats import t

    known = [one for one in intervals if one is not None]
    if len(known) < len(values):
        return None
    mean, count = float(np.mean(values)), len(values)
    spread = float(np.std(values, ddof=1) / np.sqrt(count) * t.ppf(0.975, count - 1))
    below = np.mean([value - low for value, (low, _) in zip(values, known, strict=True)])
    above = np.mean([high - value for value, (_, high) in zip(values, known, strict=True)])
    return mean - float(np.hypot(below, spread)), mean + float(np.hypot(above, spread))


def words(count: int) -> str:
    """What an interval over trainings is, in a sentence."""
    return (
        f"{count} trainings a row, which differ in their seed: values are means. Intervals: the "
        f"mean half-width of the trainings' own, and Student's half-width over the {count} "
        f"trainings, added in squares; a difference is taken training by training"
    )

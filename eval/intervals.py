"""Bootstrap intervals that respect the sampling unit, and paired comparison of systems.

A resample draws *units* (images, templates, subjects) with replacement, the same ones for every
system, so that the difference of two systems is resampled as a pair. Strata (such as yaw bins)
are resampled separately and keep their sizes: the design fixes them.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64


class Interval(NamedTuple):
    """A two-sided percentile interval."""

    low: float
    high: float

    def excludes(self, value: float) -> bool:
        """Whether ``value`` lies outside: for a difference, whether it is real at this level."""
        return not self.low <= value <= self.high


def bootstrap_means(
    values: Float64[np.ndarray, "systems units"],
    stratum_of: Int64[np.ndarray, " units"],
    *,
    resamples: int,
    rng: np.random.Generator,
) -> Float64[np.ndarray, "resamples systems strata"]:
    """Stratum means of every system under the bootstrap.

    Args:
        values: One value a system and unit.
        stratum_of: Each unit's stratum, ``0 … s−1``; all zeros for no stratification.
        resamples: How many resamples to draw.
        rng: Where the draws come from.

    Returns:
        The mean of every stratum for every resample and system. Within one resample all systems
        see the same units.

    Raises:
        ValueError: A stratum is empty, or there is nothing to draw.
    """
    sizes = np.bincount(stratum_of)
    if not len(sizes) or not (sizes > 0).all() or resamples < 1:
        raise ValueError(
            f"a bootstrap needs units in every stratum and at least one resample, "
            f"got strata of {sizes.tolist()} units and {resamples} resamples"
        )
    means = np.empty((resamples, len(values), len(sizes)))
    for stratum, size in enumerate(sizes):
        members = np.ascontiguousarray(values[:, stratum_of == stratum].T)
        # Draw a bounded block at a time, as counts: one matrix product serves all systems.
        block = max(1, 4_000_000 // int(size))
        for start in range(0, resamples, block):
            rows = min(block, resamples - start)
            drawn = rng.integers(0, size, (rows, size), dtype=np.int32)
            drawn += np.arange(rows, dtype=np.int32)[:, None] * np.int32(size)
            counts = np.bincount(drawn.ravel(), minlength=rows * int(size))
            means[start : start + rows, :, stratum] = counts.reshape(rows, size) @ members / size
    return means


def percentile_interval(samples: Float64[np.ndarray, " b"], level: float = 0.95) -> Interval:
    """The central interval that holds ``level`` of the bootstrap samples.

    Raises:
        ValueError: There are no samples, or the level is not inside (0, 1).
    """
    if not len(samples) or not 0 < level < 1:
        raise ValueError(f"needs samples and a level inside (0, 1), got {len(samples)}, {level}")
    tail = (1 - level) / 2
    low, high = np.quantile(samples, (tail, 1 - tail))
    return Interval(float(low), float(high))


class Splits(NamedTuple):
    """A metric over several splits of one data set.

    Attributes:
        mean: Over the splits.
        std: Their population standard deviation, as published tables of IJB-A give it.
        interval: Of the mean, by Student's t with the sample standard deviation.
    """

    mean: float
    std: float
    interval: Interval


def splits_summary(values: Float64[np.ndarray, " s"], level: float = 0.95) -> Splits:
    """Mean, spread and interval over splits.

    The interval takes the splits for independent. Random splits of one set of people, such as
    IJB-A's, share most of them, so that it is rather too narrow.

    Raises:
        ValueError: There are fewer than two splits, a value is not finite, or the level is not
            inside (0, 1).
    """
    from scipy.stats import t

    if len(values) < 2 or not np.isfinite(values).all() or not 0 < level < 1:
        raise ValueError(f"needs two finite values or more and a level, got {values}, {level}")
    mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    reach = error * float(t.ppf((1 + level) / 2, len(values) - 1))
    return Splits(mean, float(values.std()), Interval(mean - reach, mean + reach))

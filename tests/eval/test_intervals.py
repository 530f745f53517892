"""The bootstrap against exhaustive enumeration and against SciPy's."""

import itertools
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from eval.intervals import Interval, bootstrap_means, percentile_interval, splits_summary


def test_every_resample_is_equally_likely() -> None:
    """Three units have 27 resamples: the means' frequencies are those of the enumeration."""
    values = np.array([[0.0, 1.0, 5.0]])
    rng = np.random.default_rng(0)
    drawn = bootstrap_means(values, np.zeros(3, dtype=np.int64), resamples=200_000, rng=rng)
    exact = Counter(round(sum(three) / 3, 9) for three in itertools.product(values[0], repeat=3))
    seen = Counter(np.round(drawn[:, 0, 0], 9).tolist())
    assert set(seen) == set(exact)
    for mean, times in exact.items():
        assert seen[mean] / 200_000 == pytest.approx(times / 27, abs=0.004)


def test_interval_agrees_with_scipy() -> None:
    values = np.random.default_rng(1).gamma(2, 3, 400)
    ours = percentile_interval(
        bootstrap_means(
            values[None],
            np.zeros(400, dtype=np.int64),
            resamples=20_000,
            rng=np.random.default_rng(2),
        )[:, 0, 0]
    )
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=3
    ).confidence_interval
    assert ours == pytest.approx(tuple(theirs), rel=0.01)


def test_systems_are_resampled_together_and_strata_apart() -> None:
    rng = np.random.default_rng(4)
    first = rng.normal(size=50)
    stratum_of = np.repeat([0, 1], [20, 30])
    values = np.stack([first, first + 2.0, np.where(stratum_of == 0, 7.0, -1.0)])
    means = bootstrap_means(values, stratum_of, resamples=500, rng=rng)
    assert means.shape == (500, 3, 2)
    np.testing.assert_allclose(means[:, 1] - means[:, 0], 2.0, atol=1e-12)
    # A stratum never sees the other's units.
    np.testing.assert_allclose(means[:, 2], [[7.0, -1.0]] * 500, atol=1e-12)


def test_blocks_do_not_change_the_distribution() -> None:
    """A stratum so large that resamples are drawn in several blocks still has the right spread."""
    values = np.random.default_rng(5).normal(size=(1, 50_000))
    means = bootstrap_means(
        values, np.zeros(50_000, dtype=np.int64), resamples=300, rng=np.random.default_rng(6)
    )[:, 0, 0]
    assert len(np.unique(means)) == 300
    assert means.std() == pytest.approx(values.std() / np.sqrt(50_000), rel=0.15)


def test_the_same_seed_gives_the_same_numbers() -> None:
    values = np.arange(10.0)[None]
    once, again = (
        bootstrap_means(
            values, np.zeros(10, dtype=np.int64), resamples=20, rng=np.random.default_rng(8)
        )
        for _ in range(2)
    )
    np.testing.assert_array_equal(once, again)


@pytest.mark.parametrize(("strata", "resamples"), [([0, 2], 5), ([], 5), ([0, 0], 0)])
def test_nothing_to_draw_is_refused(strata: list[int], resamples: int) -> None:
    with pytest.raises(ValueError, match="a bootstrap needs"):
        bootstrap_means(
            np.zeros((1, len(strata))),
            np.array(strata, dtype=np.int64),
            resamples=resamples,
            rng=np.random.default_rng(0),
        )


def test_percentiles_by_hand() -> None:
    samples = np.arange(101.0)
    assert percentile_interval(samples, 0.9) == pytest.approx((5.0, 95.0))
    for bad in ((np.array([]), 0.9), (samples, 1.0), (samples, 0.0)):
        with pytest.raises(ValueError, match="needs samples"):
            percentile_interval(*bad)


def test_an_interval_excludes_what_is_outside() -> None:
    assert Interval(0.1, 0.2).excludes(0.0)
    assert not Interval(-0.1, 0.2).excludes(0.0)
    assert not Interval(0.0, 0.2).excludes(0.0)


def test_splits_summary_is_scipys() -> None:
    values = np.array([0.81, 0.84, 0.79, 0.9])
    found = splits_summary(values, 0.9)
    theirs = stats.ttest_1samp(values, 0.0).confidence_interval(0.9)
    assert found.interval == pytest.approx((theirs.low, theirs.high))
    assert found.mean == pytest.approx(0.835)
    squares = sum((value - 0.835) ** 2 for value in values.tolist())
    assert found.std == pytest.approx((squares / 4) ** 0.5)


@pytest.mark.parametrize(
    ("values", "level"), [([0.5], 0.9), ([], 0.9), ([0.5, np.nan], 0.9), ([0.5, 0.6], 1.0)]
)
def test_splits_that_have_no_interval(values: list[float], level: float) -> None:
    with pytest.raises(ValueError, match="needs two finite values or more"):
        splits_summary(np.array(values), level)

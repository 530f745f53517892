"""Means over trainings, and intervals that know people and seeds."""

import numpy as np
import pytest
from scipy.stats import t

from results.systems import Measured
from results.tables.seeds import mean_gap, mean_of


def test_one_training_is_itself() -> None:
    one = Measured(70.0, 9, (60.0, 80.0))
    assert mean_of([one]) is one
    assert mean_gap([(1.5, None)]) == (1.5, None)


def test_equal_trainings_keep_their_interval() -> None:
    """Nothing is gained by repeating what does not vary: people are the same."""
    found = mean_of([Measured(70.0, 9, (64.0, 78.0))] * 3)
    assert (found.value, found.n, found.seeds) == (70.0, 9, 3)
    assert found.interval == pytest.approx((64.0, 78.0))


def test_without_people_it_is_students_interval() -> None:
    values = np.array([1.0, 2.0, 4.0])
    gap, interval = mean_gap([(float(one), (float(one), float(one))) for one in values])
    reach = t.ppf(0.975, 2) * values.std(ddof=1) / np.sqrt(3)
    assert gap == pytest.approx(values.mean())
    assert interval == pytest.approx((values.mean() - reach, values.mean() + reach))


def test_both_add_in_squares_and_sides_may_differ() -> None:
    gap, interval = mean_gap([(1.0, (0.0, 3.0)), (3.0, (0.0, 4.0))])
    spread = t.ppf(0.975, 1) * np.std([1.0, 3.0], ddof=1) / np.sqrt(2)
    assert gap == 2.0
    assert interval == pytest.approx((2 - np.hypot(2.0, spread), 2 + np.hypot(1.5, spread)))


def test_a_rate_stays_a_rate() -> None:
    found = mean_of([Measured(99.0, 9, (98.0, 100.0)), Measured(95.0, 9, (90.0, 100.0))])
    assert found.interval is not None
    assert 0 <= found.interval[0] < 97 < found.interval[1] == 100.0


def test_what_one_training_lacks_is_lacking() -> None:
    found = mean_of([Measured(99.0, 9, (98.0, 100.0)), Measured(None, 9, None, "too few")])
    assert (found.value, found.reason) == (None, "too few")
    assert mean_of([Measured(1.0, 9, None), Measured(2.0, 9, (1.0, 3.0))]).interval is None


def test_the_interval_covers_as_often_as_it_says() -> None:
    """Trainings and people both vary; the true mean lies within in 95 % of worlds, about."""
    rng, inside, worlds = np.random.default_rng(0), 0, 400
    for _ in range(worlds):
        people = rng.normal(0, 2.0)
        values = people + rng.normal(0, 1.5, 3)
        gaps = [(float(one), (float(one - 1.96 * 2), float(one + 1.96 * 2))) for one in values]
        _, interval = mean_gap(gaps)
        assert interval is not None
        inside += interval[0] <= 0 <= interval[1]
    assert 0.94 <= inside / worlds <= 1.0

"""Ratios and gains of landmark errors, against a bootstrap written here."""

import numpy as np
import pytest

from results.tables.landmark_scores import LandmarkScores

BINS = np.repeat([0, 1, 2], [60, 40, 20])


def scores(**errors: np.ndarray) -> LandmarkScores:
    return LandmarkScores(errors, BINS, ("0–30", "30–60", "60–90"), 3000, 0)


@pytest.fixture
def four() -> LandmarkScores:
    rng = np.random.default_rng(1)
    base = rng.gamma(4, 1, 120)
    return scores(
        a=base,
        a_hands=base + rng.gamma(2, 2, 120) + BINS,
        b=base + rng.normal(0, 0.2, 120),
        b_hands=base + rng.gamma(2, 0.5, 120),
    )


def test_a_ratio_of_losses_equals_a_bootstrap_written_here(four: LandmarkScores) -> None:
    ratio, interval = four.ratio(("b", "b_hands"), ("a", "a_hands"))
    rng = np.random.default_rng(9)
    groups = [np.flatnonzero(index == BINS) for index in range(3)]

    def loss(name: str, drawn: list[np.ndarray]) -> float:
        pair = four.errors[f"{name}_hands"], four.errors[name]
        return float(np.mean([pair[0][rows].mean() - pair[1][rows].mean() for rows in drawn]))

    assert ratio == pytest.approx(loss("b", groups) / loss("a", groups))
    samples = []
    for _ in range(3000):
        drawn = [rng.choice(rows, len(rows)) for rows in groups]
        samples.append(loss("b", drawn) / loss("a", drawn))
    low, high = np.quantile(samples, (0.025, 0.975))
    assert interval is not None
    assert interval == pytest.approx((low, high), abs=0.08 * (high - low))


def test_no_interval_where_there_may_be_no_loss(four: LandmarkScores) -> None:
    still = scores(**{**four.errors, "a_hands": four.errors["a"] + np.tile([-2.0, 2.1], 60)})
    assert still.ratio(("b", "b_hands"), ("a", "a_hands"))[1] is None
    better = scores(**{**four.errors, "a_hands": four.errors["a"] - 1})
    assert better.ratio(("b", "b_hands"), ("a", "a_hands"))[1] is None


def test_gains_are_differences_of_differences(four: LandmarkScores) -> None:
    pair = (("a", "a_hands"), ("b", "b_hands"))
    (mean,) = (one for one in four.compare_gains([pair], "{}: loss") if one.column == "Mean")
    value = {row: four.values[row][3] for row in four.errors}
    assert (mean.left, mean.right) == ("a: loss", "b: loss")
    expected = value["a_hands"] - value["a"] - (value["b_hands"] - value["b"])
    assert mean.difference == pytest.approx(expected)
    assert mean.interval is not None
    assert mean.interval[0] < expected < mean.interval[1]
    assert mean.real


def test_one_resample_is_the_same_for_all_rows(four: LandmarkScores) -> None:
    """A row that is another plus 1 differs by 1 in every resample."""
    shifted = scores(a=four.errors["a"], b=four.errors["a"] + 1)
    for one in shifted.compare([("b", "a")]):
        assert one.interval is not None
        expected = 0 if one.column == "Std" else 1
        assert one.interval == pytest.approx((expected, expected))

"""The metric against loops written here, and its edges."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.nme import box_size, cumulative_error, normalised_mean_error, summarise_bins


def reference_nme(predicted: np.ndarray, truth: np.ndarray) -> list[float]:
    errors = []
    for image_predicted, image_truth in zip(predicted, truth, strict=True):
        xs, ys = [p[0] for p in image_truth], [p[1] for p in image_truth]
        size = math.sqrt((max(xs) - min(xs)) * (max(ys) - min(ys)))
        total = 0.0
        for (px, py), (tx, ty) in zip(image_predicted, image_truth, strict=True):
            total += math.hypot(px - tx, py - ty)
        errors.append(100 * total / len(image_truth) / size)
    return errors


@given(st.integers(1, 6), st.integers(2, 68), st.integers(0, 2**32 - 1))
def test_nme_equals_the_loops(images: int, points: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0, 300, (images, points, 2))
    predicted = truth + rng.normal(0, 10, truth.shape)
    errors = normalised_mean_error(predicted, truth, box_size(truth))
    np.testing.assert_allclose(errors, reference_nme(predicted, truth), rtol=1e-12)


def test_nme_by_hand() -> None:
    """A box of 8 × 2 has size 4; every point is off by (3, 4), that is 5: 125 %."""
    truth = np.array([[[0.0, 0.0], [8.0, 2.0]]])
    assert box_size(truth) == [4.0]
    assert normalised_mean_error(truth + np.array([3.0, 4.0]), truth, box_size(truth)) == [125.0]


def test_a_box_without_area_names_the_image() -> None:
    truth = np.array([[[0.0, 0.0], [8.0, 2.0]], [[1.0, 5.0], [7.0, 5.0]]])
    with pytest.raises(ValueError, match="image 1"):
        box_size(truth)
    truth[1, 0, 1] = np.nan
    with pytest.raises(ValueError, match="image 1"):
        box_size(truth)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan])
def test_a_useless_normaliser_is_refused(bad: float) -> None:
    points = np.zeros((2, 3, 2))
    with pytest.raises(ValueError, match="image 1: normaliser"):
        normalised_mean_error(points, points, np.array([1.0, bad]))


def test_a_landmark_that_is_not_finite_is_refused() -> None:
    truth = np.zeros((2, 3, 2))
    predicted = truth.copy()
    predicted[1, 2, 0] = np.inf
    with pytest.raises(ValueError, match="image 1: a landmark"):
        normalised_mean_error(predicted, truth, np.ones(2))


def test_bins_by_hand() -> None:
    """Bins of 1, 2 and 3 images: the mean of bins is not the mean of images."""
    summary = summarise_bins(
        np.array([6.0, 1.0, 3.0, 10.0, 11.0, 12.0]), np.array([0, 1, 1, 2, 2, 2])
    )
    assert summary.bins.tolist() == [6.0, 2.0, 11.0]
    assert summary.mean == pytest.approx(19 / 3)
    variance = sum((value - 19 / 3) ** 2 for value in (6, 2, 11)) / 3
    assert summary.std == pytest.approx(math.sqrt(variance))
    assert summary.per_image == pytest.approx(43 / 6)


@pytest.mark.parametrize("bin_of", [[], [0, 2]])
def test_an_empty_bin_is_refused(bin_of: list[int]) -> None:
    with pytest.raises(ValueError, match="every bin"):
        summarise_bins(np.zeros(len(bin_of)), np.array(bin_of, dtype=np.int64))


def test_cumulative_error_counts_ties() -> None:
    errors = np.array([3.0, 1.0, 1.0, 2.0])
    thresholds = np.array([0.5, 1.0, 1.5, 2.0, 3.0])
    expected = [sum(error <= t for error in errors) / 4 for t in thresholds]
    assert cumulative_error(errors, thresholds).tolist() == expected
    with pytest.raises(ValueError, match="at least one"):
        cumulative_error(np.array([]), thresholds)

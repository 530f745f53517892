"""Restoration metrics against scikit-image's own and numbers worked out by hand."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from jaxtyping import TypeCheckError
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from eval.restoration import intersection_over_union, mean_inside, psnr, ssim_map


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, np.ndarray]:
    """A photo, and the same with noise on its right half."""
    photo = np.ascontiguousarray(data.astronaut()[100:160, 180:250])
    rng = np.random.default_rng(0)
    noisy = np.clip(photo + rng.normal(0, 25, photo.shape), 0, 255).astype(np.uint8)
    noisy[:, :35] = photo[:, :35]
    return noisy, photo


def test_the_whole_picture_is_scikit_images_value(pictures: tuple[np.ndarray, np.ndarray]) -> None:
    found, truth = pictures
    every = np.ones(truth.shape[:2], bool)
    assert psnr(found, truth, every) == pytest.approx(
        peak_signal_noise_ratio(truth, found, data_range=255)
    )
    # scikit-image leaves out a border of half a window.
    inner = np.zeros_like(every)
    inner[5:-5, 5:-5] = True
    expected = structural_similarity(
        truth,
        found,
        channel_axis=2,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert mean_inside(ssim_map(found, truth), inner) == pytest.approx(expected, abs=1e-6)


def test_one_pixels_ssim_is_wangs_formula(pictures: tuple[np.ndarray, np.ndarray]) -> None:
    """Written out: 11 × 11 Gaussian weights, the means, variances and covariance under them."""
    found, truth = pictures
    row, column = 30, 50
    offsets = np.arange(-5, 6)
    line = np.exp(-(offsets**2) / (2 * 1.5**2))
    weights = np.outer(line, line)
    weights /= weights.sum()
    first, second = ((0.01 * 255) ** 2, (0.03 * 255) ** 2)
    each = []
    for channel in range(3):
        x, y = (
            one[row - 5 : row + 6, column - 5 : column + 6, channel].astype(float)
            for one in (found, truth)
        )
        mx, my = (weights * x).sum(), (weights * y).sum()
        vx, vy = (weights * (x - mx) ** 2).sum(), (weights * (y - my) ** 2).sum()
        both = (weights * (x - mx) * (y - my)).sum()
        each.append(
            (2 * mx * my + first)
            * (2 * both + second)
            / ((mx**2 + my**2 + first) * (vx + vy + second))
        )
    assert ssim_map(found, truth)[row, column] == pytest.approx(np.mean(each), abs=1e-5)


def test_only_the_mask_counts() -> None:
    truth = np.full((12, 12, 3), 100, np.uint8)
    found = truth.copy()
    found[2, 3] = (110, 100, 100)
    mask = np.zeros((12, 12), bool)
    mask[2, 3:5] = True  # one pixel is 10 off in one channel: a mean square of 100 / 6
    assert psnr(found, truth, mask) == pytest.approx(10 * math.log10(255**2 * 6 / 100))
    assert psnr(found, truth, ~mask) == math.inf
    values = np.zeros((12, 12))
    values[2, 3], values[0, 0] = 3.0, np.nan
    assert mean_inside(values, mask) == 1.5


def test_intersection_over_union_by_hand() -> None:
    found, truth = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    found[:2], truth[1:3] = True, True
    assert intersection_over_union(found, truth) == pytest.approx(4 / 12)
    within = np.zeros((4, 4), bool)
    within[:2, :2] = True
    assert intersection_over_union(found, truth, within) == pytest.approx(2 / 4)


PICTURE, MASK = np.zeros((12, 12, 3), np.uint8), np.ones((12, 12), bool)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: psnr(PICTURE, PICTURE, ~MASK), "mask: expected one that is not empty"),
        (lambda: ssim_map(PICTURE[:10], PICTURE[:10]), "sides of 11 or more"),
        (lambda: mean_inside(np.full((12, 12), np.nan), MASK), "finite values"),
        (lambda: intersection_over_union(~MASK, ~MASK), "not empty"),
    ],
)
def test_what_cannot_be_measured_is_told(call: Callable[[], object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: psnr(PICTURE, PICTURE[1:], MASK),
        lambda: psnr(PICTURE, PICTURE, MASK[1:]),
        lambda: intersection_over_union(MASK, MASK[1:]),
        lambda: intersection_over_union(MASK, MASK, MASK[1:]),
    ],
)
def test_other_sizes_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises((ValueError, TypeCheckError)):  # the latter under pytest alone
        call()

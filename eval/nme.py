"""Normalised mean error (NME) of landmarks, its summary by bin, and its cumulative curve.

The paper's Table 4 follows from :func:`box_size` as the normaliser, per-bin means, their
unweighted mean, and the *population* standard deviation of those means (``docs/table4.md``).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64


class BinSummary(NamedTuple):
    """Errors summarised by bin.

    Attributes:
        bins: ``(b,)`` mean error of each bin.
        mean: Unweighted mean of the bin means.
        std: Population standard deviation of the bin means (not of the images).
        per_image: Mean over all images, whatever their bin: another number than ``mean``.
    """

    bins: Float64[np.ndarray, " b"]
    mean: float
    std: float
    per_image: float


def box_size(landmarks: Float64[np.ndarray, "n p 2"]) -> Float64[np.ndarray, " n"]:
    """√(width · height) of each image's landmark bounding box, in the landmarks' unit.

    Raises:
        ValueError: A box has no area, or a landmark is not finite; names the first image.
    """
    extent = np.ptp(landmarks, axis=1)
    bad = np.flatnonzero(~(extent > 0).all(axis=1) | ~np.isfinite(extent).all(axis=1))
    if len(bad):
        raise ValueError(
            f"image {bad[0]}: its landmark box {extent[bad[0]]} has no area to divide by"
        )
    return np.sqrt(extent.prod(axis=1))


def normalised_mean_error(
    predicted: Float64[np.ndarray, "n p 2"],
    truth: Float64[np.ndarray, "n p 2"],
    normaliser: Float64[np.ndarray, " n"],
) -> Float64[np.ndarray, " n"]:
    """Each image's mean point-to-point distance over its normaliser, in percent.

    Args:
        predicted: Landmarks in pixels.
        truth: Ground-truth landmarks in pixels, of the same images and points.
        normaliser: A positive length in pixels for each image, such as :func:`box_size`.

    Raises:
        ValueError: A normaliser is not positive, or a prediction is not finite.
    """
    if not (normaliser > 0).all():
        first = int(np.flatnonzero(~(normaliser > 0))[0])
        raise ValueError(f"image {first}: normaliser {normaliser[first]} is not positive")
    distances = np.linalg.norm(predicted - truth, axis=2).mean(axis=1)
    if not np.isfinite(distances).all():
        first = int(np.flatnonzero(~np.isfinite(distances))[0])
        raise ValueError(f"image {first}: a landmark is not finite")
    return 100.0 * distances / normaliser


def summarise_bins(
    errors: Float64[np.ndarray, " n"], bin_of: Int64[np.ndarray, " n"]
) -> BinSummary:
    """Summarise errors by bin.

    Args:
        errors: One error an image.
        bin_of: Each image's bin, ``0 … b−1``; every bin has to hold an image.

    Raises:
        ValueError: There is no image, or a bin is empty.
    """
    counts = np.bincount(bin_of)
    if not len(counts) or not (counts > 0).all():
        raise ValueError(f"every bin needs an image, the bins hold {counts.tolist()}")
    means = np.bincount(bin_of, weights=errors) / counts
    return BinSummary(means, float(means.mean()), float(means.std()), float(errors.mean()))


def cumulative_error(
    errors: Float64[np.ndarray, " n"], thresholds: Float64[np.ndarray, " t"]
) -> Float64[np.ndarray, " t"]:
    """Share of images whose error is at most each threshold (cumulative error distribution)."""
    if not len(errors):
        raise ValueError("a cumulative curve needs at least one error")
    return np.searchsorted(np.sort(errors), thresholds, side="right") / len(errors)

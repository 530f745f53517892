"""How near a restored picture is to the true one, inside a mask; and how well a mask was found.

Pictures are RGB, 0 to 255. A mask says which pixels count; all True for the whole picture.
"""

import math

import numpy as np
from jaxtyping import Bool, Float, UInt8

PEAK = 255.0
"""The largest grey level."""
_SIGMA, _WINDOW = 1.5, 11  # pixels; the window that skimage cuts the Gaussian to


def psnr(
    found: UInt8[np.ndarray, "h w 3"],
    truth: UInt8[np.ndarray, "h w 3"],
    mask: Bool[np.ndarray, "h w"],
) -> float:
    """Peak signal-to-noise ratio (dB) over the pixels of a mask and the three channels.

    Returns:
        10 · log₁₀(255² / mean squared error); infinite where the pictures are the same.

    Raises:
        ValueError: The pictures or the mask have different sizes, or the mask is empty.
    """
    _check_pictures(found, truth)
    _check_mask(mask, found.shape[:2])
    error = np.square(found[mask].astype(np.float64) - truth[mask]).mean()
    return math.inf if error == 0 else float(10 * np.log10(PEAK**2 / error))


def ssim_map(
    found: UInt8[np.ndarray, "h w 3"], truth: UInt8[np.ndarray, "h w 3"]
) -> Float[np.ndarray, "h w"]:
    """Structural similarity around each pixel, the mean of the three channels.

    Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity, TIP 2004:
    Gaussian weights of deviation 1.5 in a window of 11 pixels, K₁ = 0.01, K₂ = 0.03, biased
    variances. Beyond its borders a picture is mirrored.

    Raises:
        ValueError: The pictures have different sizes, or a side has fewer than 11 pixels.
    """
    from skimage.metrics import structural_similarity

    _check_pictures(found, truth)
    if min(found.shape[:2]) < _WINDOW:
        raise ValueError(f"a picture of {found.shape[:2]}: expected sides of {_WINDOW} or more")
    answer = structural_similarity(
        found,
        truth,
        data_range=PEAK,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=_SIGMA,
        use_sample_covariance=False,
        full=True,
    )
    return np.asarray(answer[1], np.float64).mean(axis=-1)  # the map; the mean leaves out a border


def mean_inside(values: Float[np.ndarray, "h w"], mask: Bool[np.ndarray, "h w"]) -> float:
    """The mean of a map (of SSIM, of LPIPS) over the pixels of a mask.

    Raises:
        ValueError: The sizes differ, the mask is empty, or a value inside is not finite.
    """
    _check_mask(mask, values.shape)
    inside = values[mask].astype(np.float64)
    if not np.isfinite(inside).all():
        raise ValueError("a map: expected finite values inside the mask")
    return float(inside.mean())


def intersection_over_union(
    found: Bool[np.ndarray, "h w"],
    truth: Bool[np.ndarray, "h w"],
    within: Bool[np.ndarray, "h w"] | None = None,
) -> float:
    """How well a mask agrees with the true one, from 0 to 1.

    Args:
        found: The mask.
        truth: The true one.
        within: Only these pixels count; all of them if None.

    Raises:
        ValueError: The sizes differ, or both masks are empty there.
    """
    where = np.ones_like(truth) if within is None else within
    for name, one in (("found", found), ("within", where)):
        if one.shape != truth.shape or one.dtype != np.bool_:
            raise ValueError(f"{name}: expected {truth.shape} bool, got {one.shape} {one.dtype}")
    union = int(((found | truth) & where).sum())
    if not union:
        raise ValueError("masks: expected one that is not empty")
    return float((found & truth & where).sum() / union)


def _check_pictures(found: np.ndarray, truth: np.ndarray) -> None:
    for name, one in (("found", found), ("truth", truth)):
        if one.dtype != np.uint8 or one.ndim != 3 or one.shape[2] != 3:
            raise ValueError(f"{name}: expected (h, w, 3) uint8, got {one.shape} {one.dtype}")
    if found.shape != truth.shape:
        raise ValueError(f"pictures: expected one size, got {found.shape} and {truth.shape}")


def _check_mask(mask: np.ndarray, size: tuple[int, ...]) -> None:
    if mask.shape != size or mask.dtype != np.bool_:
        raise ValueError(f"mask: expected {size} bool, got {mask.shape} {mask.dtype}")
    if not mask.any():
        raise ValueError("mask: expected one that is not empty")

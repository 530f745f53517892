"""Where two pictures of a face differ in structure and colour (Eq. 5): what hides the face.

Ju et al., Complete Face Recovery GAN, WACV 2022, Section 3.2; ``tools/ops.py`` of
yeongjoonJu/CFR-GAN. Pictures are RGB in [0, 1].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from cfr.filters import box, gaussian, median

_STABLE = 0.03**2  # C2 of SSIM, for pictures up to 1
_WINDOW, _SIGMA = 5, 1.5  # of SSIM's Gaussian
_SMOOTHED, _MEDIAN = 3, 5
_FLAT = 1e-6  # added to deviations: a picture against itself differs nowhere


@dataclass(frozen=True)
class DifferenceRule:
    """How Eq. 5 becomes a map.

    Attributes:
        alpha: What the structure weighs beside the colour.
        alpha_of_eyes: The same where the eyes are compared.
        graded: Deviations from 0 to 1 are kept as they are, and half of one decides; otherwise
            every positive one decides.
    """

    alpha: float
    alpha_of_eyes: float
    graded: bool


RULES: Mapping[Literal["paper", "release"], DifferenceRule] = {
    "paper": DifferenceRule(alpha=0.4, alpha_of_eyes=0.4, graded=False),
    # generate_pairs.py of yeongjoonJu/CFR-GAN
    "release": DifferenceRule(alpha=0.33, alpha_of_eyes=0.5, graded=True),
}


@dataclass(frozen=True, eq=False)
class Seen:
    """What Eq. 5 takes of a picture alone, for pictures that are compared with several.

    Attributes:
        lab: ``(b, 3, h, w)`` CIE Lab, smoothed over 3 × 3 pixels.
        moments: ``(b, 3, h, w)`` each: RGB, and mean and variance of each pixel's neighbourhood.
    """

    lab: Float[Tensor, "b 3 h w"]
    moments: tuple[Tensor, Tensor, Tensor]


def look_at(picture: Float[Tensor, "b 3 h w"]) -> Seen:
    """Prepare a picture of at least 3 pixels a side for :func:`difference`."""
    return Seen(_lab(picture), _moments(picture))


def difference(
    one: Float[Tensor, "b 3 h w"] | Seen,
    other: Float[Tensor, "b 3 h w"] | Seen,
    alpha: float,
    *,
    graded: bool = False,
) -> Float[Tensor, "b 1 h w"]:
    """Where two pictures differ (Eq. 5): M = z_t · z_s + z_t + α · z_s, in deviations.

    z_t and z_s are the differences of colour and of structure in deviations from their means over
    the whole picture, so the map says where pictures differ more than elsewhere. Equal pictures
    differ nowhere.

    Args:
        one: At least 3 pixels a side.
        other: The same size.
        alpha: What the structure weighs.
        graded: As :attr:`DifferenceRule.graded`.

    Returns:
        Values from 0 to 1 after a median filter of 5 × 5, all 0 or 1 unless graded.
    """
    one = one if isinstance(one, Seen) else look_at(one)
    other = other if isinstance(other, Seen) else look_at(other)
    colour = _standard(_distance(one.lab, other.lab))
    structure = _standard(_structure(one.moments, other.moments))
    found = _standard(colour * structure + colour + alpha * structure)
    decided = found.clamp(0, 1) if graded else (found > 0).to(found.dtype)
    return median(decided, _MEDIAN)


def color_difference(
    one: Float[Tensor, "b 3 h w"], other: Float[Tensor, "b 3 h w"]
) -> Float[Tensor, "b 1 h w"]:
    """Distance of the pictures in CIE Lab, each smoothed over 3 × 3 pixels first."""
    return _distance(_lab(one), _lab(other))


def structure_difference(
    one: Float[Tensor, "b 3 h w"], other: Float[Tensor, "b 3 h w"]
) -> Float[Tensor, "b 1 h w"]:
    """One minus SSIM's contrast and structure, a mean over the colours.

    (2σ₁₂ + C₂) / (σ₁² + σ₂² + C₂) with a Gaussian of 5 × 5, σ 1.5, zeros around the pictures.
    """
    return _structure(_moments(one), _moments(other))


def _lab(picture: Tensor) -> Tensor:
    """Smoothed CIE Lab; the border is black in Lab, as in the published code."""
    from kornia.color import rgb_to_lab

    return box(rgb_to_lab(picture.clamp(0, 1)), _SMOOTHED, "constant")


def _smooth(picture: Tensor) -> Tensor:
    return gaussian(picture, _WINDOW, _SIGMA, "constant")


def _distance(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).square().sum(1, keepdim=True).sqrt()


def _moments(picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    mean = _smooth(picture)
    return picture, mean, _smooth(picture.square()) - mean.square()


def _structure(one: tuple[Tensor, ...], other: tuple[Tensor, ...]) -> Tensor:
    (picture, mean, variance), (picture_other, mean_other, variance_other) = one, other
    covariance = _smooth(picture * picture_other) - mean * mean_other
    alike = (2 * covariance + _STABLE) / (variance + variance_other + _STABLE)
    return (1 - alike).mean(1, keepdim=True)


def _standard(values: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
    """In deviations from the mean over each picture."""
    mean = values.mean((1, 2, 3), keepdim=True)
    deviation = values.std((1, 2, 3), keepdim=True)
    return (values - mean) / (deviation + _FLAT)

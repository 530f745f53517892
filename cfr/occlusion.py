"""Where two pictures of a face differ in structure and colour (Eq. 5): what hides the face.

Ju et al., Complete Face Recovery GAN, WACV 2022, Section 3.2; ``tools/ops.py`` of
yeongjoonJu/CFR-GAN. Pictures are RGB in [0, 1].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor

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


def difference(
    one: Float[Tensor, "b 3 h w"],
    other: Float[Tensor, "b 3 h w"],
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
    from kornia.filters import median_blur

    colour = _standard(color_difference(one, other))
    structure = _standard(structure_difference(one, other))
    found = _standard(colour * structure + colour + alpha * structure)
    decided = found.clamp(0, 1) if graded else (found > 0).to(found.dtype)
    return median_blur(decided, _MEDIAN)


def color_difference(
    one: Float[Tensor, "b 3 h w"], other: Float[Tensor, "b 3 h w"]
) -> Float[Tensor, "b 1 h w"]:
    """Distance of the pictures in CIE Lab, each smoothed over 3 × 3 pixels first."""
    from kornia.color import rgb_to_lab
    from kornia.filters import box_blur

    # The border is black in Lab, as in the published code.
    labs = [
        box_blur(rgb_to_lab(picture.clamp(0, 1)), _SMOOTHED, "constant") for picture in (one, other)
    ]
    return (labs[0] - labs[1]).square().sum(1, keepdim=True).sqrt()


def structure_difference(
    one: Float[Tensor, "b 3 h w"], other: Float[Tensor, "b 3 h w"]
) -> Float[Tensor, "b 1 h w"]:
    """One minus SSIM's contrast and structure, a mean over the colours.

    (2σ₁₂ + C₂) / (σ₁² + σ₂² + C₂) with a Gaussian of 5 × 5, σ 1.5, zeros around the pictures.
    """
    from kornia.filters import gaussian_blur2d

    def smooth(picture: Tensor) -> Tensor:
        return gaussian_blur2d(picture, _WINDOW, (_SIGMA, _SIGMA), "constant")

    mean, mean_other = smooth(one), smooth(other)
    variance = smooth(one.square()) - mean.square()
    variance_other = smooth(other.square()) - mean_other.square()
    covariance = smooth(one * other) - mean * mean_other
    alike = (2 * covariance + _STABLE) / (variance + variance_other + _STABLE)
    return (1 - alike).mean(1, keepdim=True)


def _standard(values: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
    """In deviations from the mean over each picture."""
    mean = values.mean((1, 2, 3), keepdim=True)
    deviation = values.std((1, 2, 3), keepdim=True)
    return (values - mean) / (deviation + _FLAT)

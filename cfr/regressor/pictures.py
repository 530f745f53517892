"""What happens to the pictures of a training batch: colours, resolution, borders, erased patches.

Each function takes pictures RGB in [0, 1], ``(b, 3, s, s)``, and the numbers that were drawn for
them, so that the same draws can be given to an input and to its target. Amounts are those of
:class:`cfr.regressor.presets.Augmentation`.
"""

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor
from torch.nn import functional

from cfr.regressor.presets import Augmentation

_PUBLISHED = 224  # pixels that the amounts are given for


def draw_jitter(
    rng: np.random.Generator, by: tuple[float, float, float, float]
) -> Float64[np.ndarray, "4"]:
    """Factors of brightness, contrast and saturation; radians of hue."""
    drawn = rng.uniform(-1, 1, 4) * by
    return np.array([1 + drawn[0], 1 + drawn[1], 1 + drawn[2], 2 * np.pi * drawn[3]])


def jitter(picture: Float[Tensor, "b 3 s s"], drawn: Float[Tensor, "b 4"]) -> Tensor:
    """Other brightness, contrast, saturation and hue, in this order, as torchvision defines them.

    Args:
        picture: The pictures.
        drawn: A row of :func:`draw_jitter` each.
    """
    from kornia import enhance

    brightness, contrast, saturation, hue = drawn.to(picture).unbind(dim=1)
    picture = enhance.adjust_brightness_accumulative(picture, brightness)
    picture = enhance.adjust_contrast_with_mean_subtraction(picture, contrast)
    picture = enhance.adjust_saturation_with_gray_subtraction(picture, saturation)
    return enhance.adjust_hue(picture, hue) if hue.any() else picture


def coarsen(picture: Float[Tensor, "b 3 s s"], by: int) -> Tensor:
    """The pictures at a lower resolution, brought back to their size."""
    side = picture.shape[-1]
    small = functional.interpolate(picture, size=max(1, side // by), mode="area")
    return functional.interpolate(small, size=side, mode="bilinear", align_corners=False)


def draw_frame(rng: np.random.Generator, amounts: Augmentation, size: int) -> tuple[int, ...]:
    """Row and column of the first point, then of the second, in pixels of a picture of ``size``."""
    first = rng.integers(*amounts.framed_first, size=2, endpoint=True)
    second = first + rng.integers(*amounts.framed_second, size=2, endpoint=True)
    return tuple(round(int(one) * size / _PUBLISHED) for one in (*first, *second))


def frame(picture: Float[Tensor, "3 s s"], corners: tuple[int, ...]) -> Tensor:
    """Black above and left of a point, and in the corner right of and below a second one."""
    top, left, bottom, right = corners
    framed = picture.clone()
    framed[:, :top] = 0
    framed[:, :, :left] = 0
    framed[:, bottom:, right:] = 0
    return framed


def erase(
    picture: Float[Tensor, "3 s s"], rng: np.random.Generator, amounts: Augmentation
) -> Tensor:
    """A rectangle of noise at a random place, within the picture."""
    side = picture.shape[-1]
    area = rng.uniform(*amounts.erased_area) * side**2
    aspect = np.exp(rng.uniform(*np.log(amounts.erased_aspect)))
    height, width = (
        int(np.clip(round(np.sqrt(one)), 1, side)) for one in (area * aspect, area / aspect)
    )
    top, left = rng.integers(side - height + 1), rng.integers(side - width + 1)
    noise = rng.uniform(size=(3, height, width)).astype(np.float32)
    erased = picture.clone()
    erased[:, top : top + height, left : left + width] = torch.from_numpy(noise)
    return erased

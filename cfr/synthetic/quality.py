"""What becomes of a picture on its way to a data set: exposure, motion, few pixels, a camera."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8

from cfr.synthetic.backgrounds import take_photo

_GREY = np.array([[0.299], [0.587], [0.114]], np.float32)
_FEWEST = 24  # pixels along the shorter side that are left, whatever is asked for


@dataclass(frozen=True)
class Quality:
    """How bad photos are; each is drawn between none of it and what is stated here."""

    noise: float = 1.0
    """Blur, grain and compression (:func:`cfr.synthetic.backgrounds.take_photo`)."""
    kept: float = 1.0
    """The least share of pixels along each side that is left before the photo is enlarged again."""
    motion: float = 0.0
    """Pixels of the longest streak."""
    exposure: float = 0.0
    """Deviation of brightness (its logarithm), and half as much of contrast."""
    grey: float = 0.0
    """Share of photos without colour."""


def spoil(
    rng: np.random.Generator, picture: UInt8[np.ndarray, "h w 3"], quality: Quality
) -> UInt8[np.ndarray, "h w 3"]:
    """Spoil a picture by chance; its size and the places in it stay as they are.

    Args:
        rng: The only source of chance.
        picture: RGB.
        quality: How much, at most.
    """
    gain, contrast = np.exp(np.clip(rng.normal(size=2), -1.5, 1.5) * quality.exposure * (1, 0.5))
    angle, streak = rng.uniform(0, np.pi), rng.uniform(0, quality.motion)
    kept, without = rng.uniform(quality.kept, 1), rng.uniform() < quality.grey
    seen = picture.astype(np.float32)
    if without:
        seen = np.repeat(seen @ _GREY, 3, axis=2)
    seen = (seen - 127.5) * np.float32(contrast) * np.float32(gain) + 127.5 * np.float32(gain)
    if streak > 1:
        seen = cv2.filter2D(seen, -1, _streak(angle, streak))
    height, width = picture.shape[:2]
    least = min(1.0, _FEWEST / min(height, width))
    small = [round(side * max(kept, least)) for side in (width, height)]
    if small != [width, height]:
        seen = cv2.resize(seen, small, interpolation=cv2.INTER_AREA)
        seen = cv2.resize(seen, (width, height), interpolation=cv2.INTER_CUBIC)
    return take_photo(rng, np.clip(np.round(seen), 0, 255).astype(np.uint8), quality.noise)


def _streak(angle: float, length: float) -> np.ndarray:
    """A line of some pixels that sums to 1: what a point becomes when the camera moves."""
    half = int(np.ceil(length / 2)) + 1
    line = np.zeros((2 * half + 1, 2 * half + 1), np.uint8)
    away = length / 2 * np.array((np.cos(angle), np.sin(angle)))
    ends = [np.round((half + sign * away) * 16).astype(int).tolist() for sign in (-1, 1)]
    cv2.line(line, ends[0], ends[1], 255, 1, cv2.LINE_AA, 4)
    return line.astype(np.float32) / line.sum()

"""What stands behind a made-up face, and what a camera does to the picture."""

import io

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image


def draw_background(
    rng: np.random.Generator, size: int, contrast: float
) -> Float[np.ndarray, "s s 3"]:
    """Blurred blotches of three sizes in random colours, RGB in [0, 1].

    Args:
        rng: Where they come from.
        size: Pixels along each side.
        contrast: 1 for the full range of colours, 0 for plain grey.
    """
    picture = np.full((size, size, 3), rng.uniform(0.25, 0.75))
    for cells, strength in ((3, 0.22), (6, 0.13), (14, 0.06)):
        blotches = rng.normal(size=(cells, cells, 3))
        grey = blotches.mean(2, keepdims=True)
        blotches = grey * np.sqrt(3) * 0.6 + (blotches - grey) * rng.uniform(0.2, 1.0)
        picture += (
            contrast * strength * cv2.resize(blotches, (size, size), interpolation=cv2.INTER_CUBIC)
        )
    return np.clip(picture, 0, 1)


def take_photo(
    rng: np.random.Generator, picture: UInt8[np.ndarray, "h w 3"], strength: float
) -> UInt8[np.ndarray, "h w 3"]:
    """Blur, grain and JPEG, each of random strength.

    Args:
        rng: Where the strengths and the grain come from.
        picture: RGB.
        strength: 1 for what a press photo shows, 0 for none.
    """
    blur, grain = rng.uniform(0, 0.9) * strength, rng.uniform(0, 5) * strength
    quality = round(100 - strength * rng.uniform(5, 40))
    if strength == 0:
        return picture
    seen = cv2.GaussianBlur(picture, (0, 0), max(blur, 0.1)).astype(np.float64)
    seen += rng.normal(0, grain + 1e-9, picture.shape)
    buffer = io.BytesIO()
    rounded = np.clip(np.round(seen), 0, 255).astype(np.uint8)
    Image.fromarray(rounded).save(buffer, "JPEG", quality=min(quality, 98), subsampling=0)
    return np.array(Image.open(buffer))

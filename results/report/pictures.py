"""Pictures as they stand on the page: encoded anew, within a budget for all of them."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from protocols.errors import BadInput
from protocols.images import read_image

BUDGET = 9_000_000
"""Bytes of all pictures of a page; base64 makes a third more of them."""
SIDES = (1600, 1200, 900, 640)
"""The longest side, in pixels: the first one with which the pictures keep within the budget."""
_LOSSLESS = 64_000
"""Up to so many bytes a picture loses nothing: curves stay sharp."""
_QUALITY = 85


@dataclass(frozen=True)
class Embedded:
    """A picture as a page holds it.

    Attributes:
        uri: As a ``data:`` URI.
        width: In pixels.
        height: In pixels.
    """

    uri: str
    width: int
    height: int


@dataclass(frozen=True)
class Album:
    """The pictures of a page.

    Attributes:
        pictures: By file.
        problems: Which could not be read or had no room, a sentence each.
    """

    pictures: dict[Path, Embedded]
    problems: tuple[str, ...]


def embed_all(paths: Iterable[Path], budget: int = BUDGET) -> Album:
    """Encode pictures as WebP, all as large as the budget allows.

    Args:
        paths: The files; what comes last is left out first.
        budget: Bytes before base64.
    """
    images: dict[Path, UInt8[np.ndarray, "h w 3"]] = {}
    problems: list[str] = []
    for path in dict.fromkeys(paths):
        try:
            images[path] = _shrunk(read_image(path), SIDES[0])
        except BadInput as error:
            problems.append(str(error))
    encoded: dict[Path, bytes] = {}
    sizes: dict[Path, tuple[int, int]] = {}
    for side in SIDES:
        images = {path: _shrunk(image, side) for path, image in images.items()}
        for path, image in images.items():
            if sizes.get(path) != image.shape[:2]:
                encoded[path] = _encode(image)
                sizes[path] = image.shape[:2]
        if sum(map(len, encoded.values())) <= budget:
            break
    fitting, left_out = _fitting(encoded, budget)
    if left_out:
        names = ", ".join(f"{path.parent.name}/{path.name}" for path in left_out)
        problems.append(f"Left out, so that the page stays small enough to open: {names}.")
    pictures = {
        path: Embedded(
            f"data:image/webp;base64,{base64.b64encode(encoded[path]).decode()}",
            width=sizes[path][1],
            height=sizes[path][0],
        )
        for path in fitting
    }
    return Album(pictures, tuple(problems))


def _fitting(encoded: dict[Path, bytes], budget: int) -> tuple[Sequence[Path], Sequence[Path]]:
    """The first files that keep within the budget, and the others."""
    left = budget
    fitting, others = [], []
    for path, content in encoded.items():
        (fitting if len(content) <= left else others).append(path)
        left -= len(content) if len(content) <= left else 0
    return fitting, others


def _shrunk(image: UInt8[np.ndarray, "h w 3"], side: int) -> UInt8[np.ndarray, "_ _ 3"]:
    height, width = image.shape[:2]
    share = side / max(height, width)
    if share >= 1:
        return image
    size = max(1, round(width * share)), max(1, round(height * share))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _encode(image: UInt8[np.ndarray, "h w 3"]) -> bytes:
    """As WebP: without loss where that is small, else the smaller of a lossy one."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    lossy = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])[1].tobytes()
    if len(lossy) > _LOSSLESS:  # a photo: without loss it would be several times as large
        return lossy
    exact = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()
    return exact if len(exact) <= _LOSSLESS else lossy

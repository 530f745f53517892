"""Pairs as uint8 pictures and as PNG."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from cfr.pairs.making import Stages
from cfr.pairs.types import PairPictures
from cfr.pictures import to_bytes, to_uint8
from protocols.errors import BadInput

PARTS: Mapping[str, int] = {"damaged": 3, "guide": 3, "photo": 3, "mask": 1, "face": 1}
"""The pictures of a pair by name, and their channels."""
_PNG, _HEADER = b"\x89PNG\r\n\x1a\n", 24
_EFFORT = [cv2.IMWRITE_PNG_COMPRESSION, 1]  # three times as fast as the default, a tenth larger


def pictures_of(pairs: Stages) -> list[PairPictures]:
    """The pairs of a batch, as uint8 on the CPU."""
    damaged, guide, photo = (to_uint8(one) for one in (pairs.damaged, pairs.guide, pairs.photo))
    mask = to_bytes(pairs.target[:, 0])
    face = pairs.face.cpu().numpy()
    return [PairPictures(*one) for one in zip(damaged, guide, photo, mask, face, strict=True)]


def encode(pictures: PairPictures) -> dict[str, bytes]:
    """The files of a pair, by the names of :data:`PARTS`."""
    arrays = {name: getattr(pictures, name) for name in PARTS}
    arrays["face"] = np.where(pictures.face, np.uint8(255), np.uint8(0))
    return {name: _encode(array) for name, array in arrays.items()}


def decode(content: bytes, part: str, size: int, path: Path) -> np.ndarray:
    """A picture of a pair.

    Args:
        content: PNG.
        part: A name of :data:`PARTS`.
        size: Pixels a side that it has to have.
        path: Where it comes from, for messages.

    Returns:
        uint8, ``(s, s, 3)`` RGB or ``(s, s)``.

    Raises:
        BadInput: It is no PNG of this size and these channels.
    """
    channels = PARTS[part]
    expected = f"a whole PNG of {size} × {size} pixels, {channels} × 8 bits"
    if not content.startswith(_PNG) or len(content) < _HEADER:
        raise BadInput(path, "", expected, f"{len(content):,} bytes of something else")
    # What a header claims is looked at before memory is taken for it.
    width, height = struct.unpack(">II", content[16:_HEADER])
    if (width, height) != (size, size):
        raise BadInput(path, "", expected, f"{width} × {height} pixels")
    found = cast("np.ndarray | None", _imdecode(content))
    if found is None:
        raise BadInput(path, "", expected, "damage")
    shape = (size, size, 3) if channels == 3 else (size, size)
    if found.shape != shape or found.dtype != np.uint8:
        raise BadInput(path, "", expected, f"{found.dtype} {found.shape}")
    return np.ascontiguousarray(found[..., ::-1]) if channels == 3 else found


def _imdecode(content: bytes) -> object:
    try:
        return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None


def _encode(array: np.ndarray) -> bytes:
    """RGB or grey as PNG."""
    done, content = cv2.imencode(".png", array[..., ::-1] if array.ndim == 3 else array, _EFFORT)
    if not done:
        raise ValueError(f"no PNG can be made of {array.dtype} {array.shape}")
    return content.tobytes()

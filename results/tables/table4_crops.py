"""Which part of a photo a model of Table 4 is shown: by labelled points, or by a detector.

Deep3D's crop has a scale and a shift, no rotation and no shape, and that is all that a model
learns of the points that place it. The authors round the centre of each eye down to whole pixels;
here it is not rounded.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float64, UInt8

from cfr.align import Alignment, align_deep3d, five_from_68
from cfr.landmarks.face import FoundFace, Landmarker
from cfr.landmarks.policy import choose
from results.cache.store import Cache

CROP_SIZE = 224
OVERLAP = 0.3
"""Least intersection over union of a found box and that of the labelled points."""
FOUND, NONE, OTHER = "found", "none", "other"


@dataclass(frozen=True, eq=False)
class View:
    """All that a model may know of a photo.

    Attributes:
        photo: RGB, as it is or with hands.
        alignment: The crop at 224 pixels.
        face: What the detector found in this photo; None where it found no face, or another.
        key: Names all of it by content.
    """

    photo: UInt8[np.ndarray, "h w 3"]
    alignment: Alignment
    face: FoundFace | None
    key: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Equal keys are equal views."""
        content = hashlib.sha256(f"{self.photo.shape}".encode())
        content.update(self.photo.tobytes())
        content.update(self.alignment.matrix.tobytes())
        content.update(_bytes_of(self.face))
        object.__setattr__(self, "key", content.digest())

    @property
    def whole(self) -> Float64[np.ndarray, "4"]:
        """The square around the whole photo: left, top, right, bottom."""
        height, width = self.photo.shape[:2]
        middle, half = np.array([width - 1, height - 1]) / 2, max(height, width) / 2
        return np.concatenate((middle - half, middle + half))


def _bytes_of(face: FoundFace | None) -> bytes:
    if face is None:
        return b""
    points = b"" if face.points is None else face.points.tobytes()
    return b"".join((face.box.tobytes(), face.five.tobytes(), points))


def crop_by_points(points: Float64[np.ndarray, "68 2"]) -> Alignment:
    """The crop that five of 68 points place."""
    return align_deep3d(five_from_68(points), CROP_SIZE)


def crop_of_face(photo: UInt8[np.ndarray, "h w 3"], face: FoundFace | None) -> Alignment:
    """The crop that a detector's five points place; the whole photo where there is no face."""
    if face is not None:
        return align_deep3d(face.five, CROP_SIZE)
    height, width = photo.shape[:2]
    zoom = CROP_SIZE / max(height, width)
    shift = (CROP_SIZE - zoom * np.array([width, height])) / 2 + (zoom - 1) / 2
    return Alignment(np.column_stack((zoom * np.eye(2), shift)), CROP_SIZE)


@dataclass(eq=False)
class FaceFinder:
    """A detector that remembers what it found in photos of the same content.

    Of several faces it takes the one nearest to the photo's middle: the labelled face is there,
    and no label is looked at.

    Attributes:
        landmarker: Finds faces.
        cache: For this detector, its weights and its code.
    """

    landmarker: Landmarker
    cache: Cache

    def find(
        self, photos: Sequence[UInt8[np.ndarray, "h w 3"]], paths: Sequence[Path]
    ) -> list[FoundFace | None]:
        """The face of each photo, None where there is none.

        Args:
            photos: RGB; they may differ in size.
            paths: Where they come from, for messages.
        """
        keys = [hashlib.sha256(f"{one.shape}".encode() + one.tobytes()).digest() for one in photos]
        known = self.cache.find(keys)
        faces: dict[int, FoundFace | None] = {}
        for index in np.flatnonzero(~known.have).tolist():
            found = self.landmarker(photos[index], paths[index])
            size = photos[index].shape[0], photos[index].shape[1]
            faces[index] = choose(found, size, "centre", paths[index])[0] if found else None
        if faces:
            arrays = [_packed(one) for one in faces.values()]
            stored = {name: np.stack([one[name] for one in arrays]) for name in arrays[0]}
            self.cache.add([keys[index] for index in faces], stored)
        name = self.landmarker.name
        return [
            faces[index] if index in faces else _unpacked(known.arrays, index, name)
            for index in range(len(photos))
        ]


def _packed(face: FoundFace | None) -> dict[str, np.ndarray]:
    """A face as arrays; NaN for what is not there."""
    points = np.full((68, 2), np.nan) if face is None or face.points is None else face.points
    return {
        "box": np.full(4, np.nan) if face is None else face.box,
        "five": np.full((5, 2), np.nan) if face is None else face.five,
        "points": points,
        "score": np.array(np.nan if face is None else face.score),
    }


def _unpacked(arrays: Mapping[str, np.ndarray], index: int, name: str) -> FoundFace | None:
    box, five, points = (arrays[one][index] for one in ("box", "five", "points"))
    if not np.isfinite(box).all():
        return None
    dense = points if np.isfinite(points).all() else None
    return FoundFace(box, float(arrays["score"][index]), five, dense, name)


def judged(face: FoundFace | None, labelled: Float64[np.ndarray, "68 2"]) -> str:
    """Whether a face is the labelled one: ``found``, ``none`` or ``other``."""
    if face is None:
        return NONE
    low, high = labelled.min(0), labelled.max(0)
    shared = np.minimum(face.box[2:], high) - np.maximum(face.box[:2], low)
    both = float(np.prod(np.clip(shared, 0, None)))
    union = float(np.prod(face.size) + np.prod(high - low)) - both
    return FOUND if both >= OVERLAP * union else OTHER

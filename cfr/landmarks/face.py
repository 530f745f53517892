"""A face that a detector found, and what a detector is.

Pixels are counted by their centres, (0, 0) being the top-left one, y downwards. A box names its
outer edges in the same count: one that covers the columns 3 to 5 goes from 2.5 to 5.5.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64, UInt8

from protocols.errors import BadInput


@dataclass(frozen=True, eq=False)
class FoundFace:
    """One face of a photo.

    Attributes:
        box: ``(4,)`` left, top, right, bottom in pixels. What it holds of the head is the
            detector's own choice.
        score: The detector's confidence; comparable only between faces of one detector.
        five: ``(5, 2)`` eye centres, nose tip, mouth corners in the order of
            :data:`cfr.align.CANONICAL_FIVE`: image left first.
        points: ``(68, 2)`` iBUG-68 points, or None where the source gives only five.
        found_by: What found it, such as ``dlib-hog``, ``dlib-mmod``, ``retinaface``.
    """

    box: Float64[np.ndarray, "4"]
    score: float
    five: Float64[np.ndarray, "5 2"]
    points: Float64[np.ndarray, "68 2"] | None
    found_by: str

    @property
    def size(self) -> Float64[np.ndarray, "2"]:
        """Width and height of the box, in pixels."""
        return self.box[2:] - self.box[:2]

    @property
    def centre(self) -> Float64[np.ndarray, "2"]:
        """Middle of the box."""
        return (self.box[:2] + self.box[2:]) / 2

    def require_68(self, path: Path) -> Float64[np.ndarray, "68 2"]:
        """The iBUG-68 points.

        Args:
            path: The photo, for messages.

        Raises:
            BadInput: Its source gives only five.
        """
        if self.points is None:
            raise BadInput(path, "", "68 points", f"five, by {self.found_by}")
        return self.points


@runtime_checkable
class Landmarker(Protocol):
    """A source of faces with their points."""

    @property
    def name(self) -> str:
        """What commands print and record."""
        ...

    def __call__(
        self, photo: UInt8[np.ndarray, "h w 3"], path: Path | None = None
    ) -> list[FoundFace]:
        """Find the faces of a photo; an empty list where there is none.

        Args:
            photo: RGB.
            path: Where it lies; a source that reads points from files needs it.
        """
        ...


@runtime_checkable
class PointPredictor(Protocol):
    """Places 68 points in a face that was found already."""

    def points_of(
        self, photo: UInt8[np.ndarray, "h w 3"], face: FoundFace
    ) -> Float64[np.ndarray, "68 2"]:
        """The iBUG-68 points of a face, in the photo's pixels."""
        ...


def with_68(
    face: FoundFace, photo: UInt8[np.ndarray, "h w 3"], predictor: PointPredictor
) -> FoundFace:
    """The face with 68 points: its own, or where it has five only, the predictor's.

    The five points stay the detector's.

    Args:
        face: A face of this photo.
        photo: RGB.
        predictor: Places the points (:class:`cfr.landmarks.with_dlib.Predictor68`).
    """
    if face.points is not None:
        return face
    return replace(face, points=predictor.points_of(photo, face))


@dataclass(frozen=True)
class With68:
    """A landmarker whose faces always have 68 points.

    Attributes:
        landmarker: Finds the faces.
        predictor: Places 68 points in those that have five only.
    """

    landmarker: Landmarker
    predictor: PointPredictor

    @property
    def name(self) -> str:
        """That of the landmarker."""
        return self.landmarker.name

    def __call__(
        self, photo: UInt8[np.ndarray, "h w 3"], path: Path | None = None
    ) -> list[FoundFace]:
        """Find the faces, and give each 68 points."""
        return [with_68(face, photo, self.predictor) for face in self.landmarker(photo, path)]

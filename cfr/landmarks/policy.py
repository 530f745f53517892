"""What happens to a photo without a face, and to one with several: a choice, never a habit."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from cfr.landmarks.face import FoundFace
from protocols.errors import BadInput, DataError

Several = Literal["largest", "centre", "all", "error"]
"""Of several faces: the largest, the one nearest to the photo's middle, all, or none of them."""
Missing = Literal["error", "skip"]
"""For a photo without a face: stop with :class:`NoFace`, or go on without it and count it."""


class NoFace(DataError):
    """A photo in which no face was found.

    Args:
        file: The photo.
        detector: What looked for a face.
    """

    def __init__(self, file: Path, detector: str) -> None:
        self.file, self.detector = file, detector
        super().__init__(
            f"{file}: {detector} found no face. Another detector may find one, or put its five "
            f"points beside it (detector sidecar, {file.stem}.txt)."
        )


def choose(
    faces: Sequence[FoundFace],
    photo_size: tuple[int, int],
    policy: Several,
    path: Path,
    detector: str = "the detector",
) -> list[FoundFace]:
    """Choose among the faces of a photo.

    Equals are decided by their order: the first one is taken.

    Args:
        faces: What was found, in any order.
        photo_size: Height and width of the photo in pixels.
        policy: What to do about several faces. ``largest`` is by the area of the box, ``centre`` by
            the distance of its middle from the photo's, ``all`` orders them from large to small.
        path: The photo, for messages.
        detector: What looked for faces, for messages.

    Raises:
        NoFace: There is none.
        BadInput: There are several, and the policy is ``error``.
    """
    if not faces:
        raise NoFace(path, detector)
    by_area = sorted(faces, key=lambda face: -float(np.prod(face.size)))
    if policy == "all":
        return by_area
    if policy == "largest" or len(faces) == 1:
        return by_area[:1]
    if policy == "centre":
        middle = (np.array(photo_size[::-1]) - 1) / 2
        return [min(faces, key=lambda face: float(np.linalg.norm(face.centre - middle)))]
    raise BadInput(path, "", "one face, because of the policy error", f"{len(faces)}")


@dataclass
class Tally:
    """Chooses by one policy for many photos, and counts what it met.

    Attributes:
        detector: What looks for faces.
        several: The policy for several faces.
        missing: The policy for none.
        found: Photos with a face, those with several included.
        none: Photos without.
        many: Photos with several.
    """

    detector: str
    several: Several = "largest"
    missing: Missing = "error"
    found: int = 0
    none: int = 0
    many: int = 0

    def choose(
        self, faces: Sequence[FoundFace], photo_size: tuple[int, int], path: Path
    ) -> list[FoundFace]:
        """Choose as :func:`choose` does, and count; empty for a photo that is skipped.

        Raises:
            NoFace: There is none, and ``missing`` is ``error``.
            BadInput: There are several, and ``several`` is ``error``.
        """
        self.found += bool(faces)
        self.none += not faces
        self.many += len(faces) > 1
        if not faces and self.missing == "skip":
            return []
        return choose(faces, photo_size, self.several, path, self.detector)

    def record(self) -> dict[str, str | int]:
        """Policy and counts as plain values, for a run's record."""
        return {
            "detector": self.detector,
            "several_faces": self.several,
            "no_face": self.missing,
            "photos_with_a_face": self.found,
            "photos_without": self.none,
            "photos_with_several": self.many,
        }

    def sentence(self) -> str:
        """Policy and counts in words, for the console."""
        return (
            f"{self.detector}: a face in {self.found:,} of {self.found + self.none:,} photos, "
            f"several in {self.many:,} (then: {self.several}), none in {self.none:,} "
            f"(then: {self.missing})."
        )

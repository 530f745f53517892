"""What flows from photos to a figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64, UInt8

from cfr.align import Alignment, align_deep3d, five_from_68
from results.record import World

if TYPE_CHECKING:
    from results.pictures.grid import Part

Picture = UInt8[np.ndarray, "_ _ 3"]


@dataclass(frozen=True, eq=False)
class Face:
    """A face in a photo, with whatever is known about it.

    Attributes:
        name: What the figure calls it.
        photo: RGB.
        points: ``(68, 2)`` iBUG-68 points in its pixels.
        about: Seeds, pose and occluder, or a file's name; for the record.
        clear: The photo with nothing in front of the face; None where nobody knows.
        frontal: The same person from the front, and the points there; likewise.
    """

    name: str
    photo: UInt8[np.ndarray, "h w 3"]
    points: Float64[np.ndarray, "68 2"]
    about: Mapping[str, Any]
    clear: UInt8[np.ndarray, "h w 3"] | None = None
    frontal: "tuple[UInt8[np.ndarray, '_ _ 3'], Float64[np.ndarray, '68 2']] | None" = None

    def alignment(self, size: int) -> Alignment:
        """Where the face's crop lies in the photo."""
        return align_deep3d(five_from_68(self.points), size)

    def crop(self, size: int) -> Picture:
        """The photo, aligned."""
        return self.alignment(size).crop(self.photo)

    def truths(self, size: int) -> dict[str, Picture]:
        """What is known of the truth, aligned: without what hides the face, and from the front."""
        found: dict[str, Picture] = {}
        if self.clear is not None:
            found[CLEAR] = self.alignment(size).crop(self.clear)
        if self.frontal is not None:
            photo, points = self.frontal
            found[FRONTAL] = align_deep3d(five_from_68(points), size).crop(photo)
        return found


CLEAR, FRONTAL = "truth, de-occluded", "truth, from the front"


@dataclass(frozen=True, eq=False)
class Chosen:
    """The faces of a figure.

    Attributes:
        faces: At least one.
        world: Whether the photos are real.
        told: Whose photos, and by which rule they were chosen; a sentence or more.
        points: Whose the points are, such as "exact".
        labelled: Whether the points are true ones, exact or labelled.
        left_out: What was chosen and cannot be shown, with the reason; sentences.
    """

    faces: tuple[Face, ...]
    world: World
    told: str
    points: str
    labelled: bool
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Drawing:
    """What a figure shows.

    Attributes:
        title: Over everything.
        parts: The panels.
        told: What the columns mean, and what is missing; sentences.
        weights: What the caption calls a network → sha256 of its file.
        values: Numbers that the panels show, for the record.
    """

    title: str
    parts: "Sequence[Part]"
    told: Sequence[str]
    weights: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

"""From photos to crops: where a face is, how it is restored, how it is cut for a recognizer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, UInt8

from cfr.align import ARCFACE_112, five_from_68, similarity, warp
from cfr.frontalizers.types import Frontalizer, Restored
from cfr.landmarks.face import FoundFace
from cfr.landmarks.with_dlib import box_from_five
from protocols.faces import Faces
from recognizers.templates import Template
from recognizers.types import Recognizer
from recognizers.variations import Variation

LFW_PADDING = 2.2
"""A photo of LFW is its detector's box, made so much larger about its middle (Huang et al.,
Labeled Faces in the Wild, 2007): where nothing is known, the face is taken to lie so."""
_LEAST_OVERLAP = 0.1


@dataclass(frozen=True, eq=False)
class Points:
    """Where a face is in its photo.

    Attributes:
        five: ``(5, 2)`` eye centres, nose tip, mouth corners; image left first.
        dense: ``(68, 2)`` iBUG-68 points, where they are known.
    """

    five: Float64[np.ndarray, "5 2"]
    dense: Float64[np.ndarray, "68 2"] | None = None

    @classmethod
    def of(cls, face: FoundFace) -> "Points":
        """Those of a found face."""
        return cls(face.five, face.points)

    def content(self) -> bytes:
        """The numbers as bytes, for a cache key."""
        dense = b"" if self.dense is None else self.dense.astype("<f8").tobytes()
        return self.five.astype("<f8").tobytes() + dense


def cut(
    photo: UInt8[np.ndarray, "h w 3"], points: Points | None, template: Template, *, smooth: bool
) -> tuple[UInt8[np.ndarray, "_ _ 3"], Float64[np.ndarray, "5 2"]]:
    """Cut a face out of a photo as a template wants it.

    Args:
        photo: RGB.
        points: Where the face is; None: the photo is ArcFace's crop of it, of any size.
        template: Where it belongs.
        smooth: Whether to average the pixels that a shrinking crop leaves out, even if the template
            was trained without.

    Returns:
        The crop, black outside the photo, and the five points in it (NaN if unknown).

    Raises:
        ValueError: The points are not finite, or lie in one place.
    """
    height, width = photo.shape[:2]
    if points is None and template.five:
        # ArcFace's crop already: its points are where they belong there.
        points, smooth = Points(ARCFACE_112 * (width / 112, height / 112)), True
    if points is None or not template.five:
        sides = np.array([template.width / width, template.height / height])
        matrix = np.column_stack((np.diag(sides), (sides - 1) / 2))
        smooth = True
    else:
        matrix = _matrix(points, template)
    crop = warp(
        photo, matrix, template.height, template.width, antialias=smooth or template.antialias
    )[0]
    if points is None:
        return crop, np.full((5, 2), np.nan)
    return crop, points.five @ matrix[:, :2].T + matrix[:, 2]


def _matrix(points: Points, template: Template) -> Float64[np.ndarray, "2 3"]:
    if template.dense and points.dense is not None:
        rows = [index for index, _, _ in template.dense]
        places = np.array([place for _, *place in template.dense])
        return _fit(points.dense[rows], places, template)
    return _fit(points.five, np.array(template.five), template)


def _fit(points: np.ndarray, places: np.ndarray, template: Template) -> Float64[np.ndarray, "2 3"]:
    """From photo to crop; nearest in the crop, or in the photo where the template says so."""
    if not template.in_photo:
        return similarity(points, places)
    back = similarity(places, points)
    turn = np.linalg.inv(back[:, :2])
    return np.column_stack((turn, -turn @ back[:, 2]))


def guess(height: int, width: int, box: Float64[np.ndarray, "4"] | None) -> Points:
    """Where a face probably is that no detector found.

    Args:
        height: Of the photo.
        width: Of the photo.
        box: Left, top, right, bottom of the published box; without one, the face is taken to lie
            in the middle, as large as in LFW.
    """
    if box is None or not np.isfinite(box).all():
        half = min(height, width) / LFW_PADDING / 2
        middle = np.array([width - 1, height - 1]) / 2
        box = np.concatenate((middle - half, middle + half))
    # ArcFace's mean face, scaled and shifted to where a detector's box around it would be this box.
    mean = box_from_five(ARCFACE_112)
    scale = (box[2:] - box[:2]).mean() / (mean[2:] - mean[:2]).mean()
    shift = (box[:2] + box[2:]) / 2 - scale * (mean[:2] + mean[2:]) / 2
    return Points(scale * ARCFACE_112 + shift)


def nearest(faces: list[FoundFace], box: Float64[np.ndarray, "4"]) -> FoundFace | None:
    """The face that a published box means: the one that it overlaps most, by area over union.

    Args:
        faces: What was found.
        box: Left, top, right, bottom.

    Returns:
        None if none overlaps by a tenth.
    """
    best, most = None, _LEAST_OVERLAP
    for face in faces:
        shared = np.minimum(face.box[2:], box[2:]) - np.maximum(face.box[:2], box[:2])
        both = float(np.prod(np.maximum(shared, 0)))
        whole = float(np.prod(face.size) + np.prod(box[2:] - box[:2])) - both
        if both > most * whole:
            best, most = face, both / whole
    return best


def restored_points(dense: Float64[np.ndarray, "68 2"]) -> Points:
    """The points of a restored face."""
    return Points(five_from_68(dense), dense)


def surroundings(
    photo: UInt8[np.ndarray, "h w 3"], box: Float64[np.ndarray, "4"]
) -> tuple[UInt8[np.ndarray, "_ _ 3"], Float64[np.ndarray, "2"]]:
    """The photo around a box, three times as wide and high, and where its corner lies.

    Args:
        photo: RGB.
        box: Left, top, right, bottom.
    """
    sides = box[2:] - box[:2]
    height, width = photo.shape[:2]
    low = np.clip(np.floor(box[:2] - sides), 0, (width - 1, height - 1)).astype(int)
    high = np.clip(np.ceil(box[2:] + sides), low + 1, (width, height)).astype(int)
    part = photo[low[1] : high[1], low[0] : high[0]]
    return np.ascontiguousarray(part), low.astype(np.float64)


def moved(face: FoundFace, shift: Float64[np.ndarray, "2"]) -> FoundFace:
    """A face of a part of a photo, in the photo."""
    dense = None if face.points is None else face.points + shift
    box = face.box + np.tile(shift, 2)
    return FoundFace(box, face.score, face.five + shift, dense, face.found_by)


def restore(frontalizer: Frontalizer, photo: np.ndarray, points: Points | None) -> Restored | None:
    """Restore a face, or None if that cannot be done."""
    if points is None or points.dense is None or not np.isfinite(points.dense).all():
        return None
    try:
        return frontalizer.restore(photo, points.dense)
    except ValueError:  # from such points it cannot be done
        return None


def fed(
    faces: Sequence[tuple[np.ndarray, Points | None]],
    recognizer: Recognizer,
    variation: Variation,
    *,
    smooth: bool,
) -> Faces:
    """What a recognizer is fed: crops as its template wants them, varied.

    Args:
        faces: Photos, uint8 RGB, and where the face is.
        recognizer: States its template.
        variation: How the input differs from the stated one.
        smooth: See :func:`cut`.
    """
    template = variation.template(recognizer.input.template)
    cuts = [cut(photo, points, template, smooth=smooth) for photo, points in faces]
    images = variation.images(np.stack([crop for crop, _ in cuts]))
    return Faces(images, np.stack([five for _, five in cuts]))

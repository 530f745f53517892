"""The map stages of the pipeline: blocks of photos in, arrays out; they run in any process.

A block carries the photos' bytes, so that a worker on another machine needs no data set; what it
needs are the weights, at the same path, and it refuses others. Every block computes on one thread,
so that the bits of an answer do not depend on how many workers there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float64

from cfr.align import ARCFACE_112
from cfr.landmarks.face import FoundFace, Landmarker
from cfr.landmarks.policy import choose
from cfr.landmarks.sources import SOURCES, load_landmarker
from cfr.landmarks.with_dlib import Predictor68, box_from_five, load_predictor
from protocols.errors import BadInput, DataError
from protocols.images import decode_image
from recognizers.types import Device
from recognizers.variations import Variation
from results.export.faces import (
    Points,
    fed,
    guess,
    moved,
    nearest,
    restore,
    restored_points,
    surroundings,
)
from results.export.ground import Ground, OtherWeights, digest, one_thread
from results.export.loaded import frontalizer_of, recognizer_of

Arrays = dict[str, np.ndarray]
VERSION = 1
"""To be raised when what a stage answers changes by an edit of this module; what it calls is
digested with the caches' configuration."""


class BadAnswer(DataError):
    """A recognizer answers with numbers that are not finite."""


@dataclass(frozen=True, eq=False)
class Photo:
    """An encoded photo.

    Attributes:
        content: Its bytes.
        file: For messages.
        record: Where in the file, if it holds several.
    """

    content: bytes
    file: Path
    record: str = ""

    def read(self) -> np.ndarray:
        """Decode it to uint8 RGB, height × width × 3."""
        return decode_image(self.content, self.file, self.record)


@dataclass(frozen=True, eq=False)
class Asked:
    """A face whose points are asked for.

    Attributes:
        photo: The photo that it is in.
        box: ``(4,)`` left, top, right, bottom as published, or None.
        five: ``(5, 2)`` the points that are known already, or None.
    """

    photo: Photo
    box: Float64[np.ndarray, "4"] | None
    five: Float64[np.ndarray, "5 2"] | None


@dataclass(frozen=True)
class Locate:
    """Find facial points.

    Attributes:
        detector: A key of ``cfr.landmarks.sources.SOURCES``; ``published`` where the five points
            are known, if not of every face; ``aligned`` where each photo is ArcFace's crop.
        root: Folder of its weights, if not the usual place.
        several: Which of several faces, where no box says.
        dense: Whether 68 points are wanted; of a source of five, dlib's predictor adds them.
        device: Where networks run.
        ground: What has to be the same wherever it runs.
    """

    detector: str
    root: Path | None
    several: Literal["centre", "largest"]
    dense: bool
    device: str
    ground: Ground

    def __call__(self, block: Sequence[Asked]) -> list[Arrays]:
        """Points of each face.

        Returns:
            One set of arrays: ``found`` (n,); ``five`` (n, 5, 2), where no face was found from
            where one would be expected; and if wanted ``dense`` (n, 68, 2), then NaN.

        Raises:
            BadInput: A photo is damaged.
        """
        self.ground.check(self.detector)
        found = np.zeros(len(block), bool)
        five = np.full((len(block), 5, 2), np.nan)
        dense = np.full((len(block), 68, 2), np.nan)
        with one_thread():
            for row, asked in enumerate(block):
                photo = asked.photo.read()
                points = self._points(asked, photo)
                found[row] = points is not None
                height, width = photo.shape[:2]
                points = points or guess(height, width, asked.box)
                five[row] = points.five
                dense[row] = np.nan if points.dense is None else points.dense
        arrays = {"found": found, "five": five}
        return [{**arrays, "dense": dense} if self.dense else arrays]

    def _points(self, asked: Asked, photo: np.ndarray) -> Points | None:
        if self.detector not in SOURCES:
            five = asked.five
            if self.detector == "aligned":
                five = ARCFACE_112 * (photo.shape[1] / 112, photo.shape[0] / 112)
            return None if five is None else self._with_68(photo, five)
        landmarker = _landmarker(self.detector, self.root, self.device, self.dense)
        if asked.box is not None:
            _check_box(asked, photo)
            part, shift = surroundings(photo, asked.box)
            found = landmarker(part, asked.photo.file)
            face = nearest([moved(one, shift) for one in found], asked.box)
            return None if face is None else Points.of(face)
        found = landmarker(photo, asked.photo.file)
        if not found:
            return None
        return Points.of(choose(found, photo.shape[:2], self.several, asked.photo.file)[0])

    def _with_68(self, photo: np.ndarray, five: np.ndarray) -> Points:
        if not self.dense:
            return Points(five)
        face = FoundFace(box_from_five(five), 1.0, five, None, self.detector)
        return Points(five, _predictor().points_of(photo, face))


@dataclass(frozen=True, eq=False)
class Located:
    """A face to embed.

    Attributes:
        photo: The photo that it is in.
        points: Where; None: the whole photo is the face.
    """

    photo: Photo
    points: Points | None


@dataclass(frozen=True)
class Feed:
    """A recognizer and what it is fed.

    Attributes:
        recognizer: A name or file that ``recognizers.sources.load_recognizer`` knows.
        root: Folder of its weights, if not the usual place.
        expected: Digest of its identity: a worker refuses to answer with another one.
        variation: How its input differs from the stated one.
    """

    recognizer: str
    root: Path | None
    expected: str
    variation: Variation


@dataclass(frozen=True)
class Embed:
    """Restore faces, if that is asked for, cut them and embed them.

    Attributes:
        feeds: What embeds them.
        frontalizer: The name of one, or ``none``.
        expected: Digest of its identity; empty for none.
        device: Where networks run.
        ground: What has to be the same wherever it runs.
    """

    feeds: tuple[Feed, ...]
    frontalizer: str
    expected: str
    device: Device
    ground: Ground

    def __call__(self, block: Sequence[Located]) -> list[Arrays]:
        """For each feed ``vectors`` (n, d); NaN where the face could not be turned.

        Raises:
            BadInput: A photo is damaged.
            OtherWeights: This process would answer differently than the command's own.
        """
        self.ground.check(", ".join(feed.recognizer for feed in self.feeds))
        with one_thread():
            faces = [self._restored(one) for one in block]
            found = [self._embed(feed, faces) for feed in self.feeds]
        for feed, arrays in zip(self.feeds, found, strict=True):
            _check_answers(feed, arrays["vectors"], faces, block)
        return found

    def _restored(self, face: Located) -> tuple[np.ndarray, Points | None] | None:
        frontalizer = frontalizer_of(self.frontalizer, self.device)
        photo = face.photo.read()
        if frontalizer is None:
            return photo, face.points
        _check(frontalizer.identity, self.expected, self.frontalizer)
        restored = restore(frontalizer, photo, face.points)
        return restored and (restored.image, restored_points(restored.points))

    def _embed(
        self, feed: Feed, faces: Sequence[tuple[np.ndarray, Points | None] | None]
    ) -> Arrays:
        recognizer = recognizer_of(feed.recognizer, feed.root, self.device)
        _check(recognizer.identity, feed.expected, feed.recognizer)
        vectors = np.full((len(faces), recognizer.dimension), np.nan, np.float32)
        rows = [row for row, face in enumerate(faces) if face is not None]
        if rows:
            cuts = [face for face in faces if face is not None]
            smooth = self.frontalizer != "none"
            vectors[rows] = recognizer.embed(fed(cuts, recognizer, feed.variation, smooth=smooth))
        return {"vectors": vectors}


def _check_box(asked: Asked, photo: np.ndarray) -> None:
    if asked.box is None:
        return
    (left, top, right, bottom), (height, width) = asked.box.tolist(), photo.shape[:2]
    if left >= width or top >= height or right <= 0 or bottom <= 0:
        found = f"{left:g}, {top:g} to {right:g}, {bottom:g}"
        expected = f"a box that meets the photo of {width} × {height}"
        raise BadInput(asked.photo.file, asked.photo.record, expected, found)


def _check_answers(
    feed: Feed, vectors: np.ndarray, faces: Sequence[object], block: Sequence[Located]
) -> None:
    """Refuse numbers that are not finite, of a face that was there to embed."""
    for row, face in enumerate(faces):
        if face is not None and not np.isfinite(vectors[row]).all():
            photo = block[row].photo
            raise BadAnswer(
                f"{feed.recognizer}: its answer to {photo.file} {photo.record}".rstrip()
                + " holds numbers that are not finite. Are the weights whole, and the input "
                "(mean, std) the one that they were trained on?"
            )


def _check(identity: Mapping[str, str], expected: str, name: str) -> None:
    if digest(identity) != expected:
        found = ", ".join(f"{key} {value[:80]}" for key, value in identity.items())
        raise OtherWeights(
            f"{name}: a worker would answer differently than this command: it has {found}. "
            "Every worker needs the same weights at the same path, and the same packages."
        )


@lru_cache(maxsize=8)
def _landmarker(name: str, root: Path | None, device: str, dense: bool) -> Landmarker:
    return load_landmarker(name, root, device=device, need_68=dense)


@lru_cache(maxsize=1)
def _predictor() -> Predictor68:
    return load_predictor()

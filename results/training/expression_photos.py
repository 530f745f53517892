"""The photos that an expression classifier sees: looked at once, cut, changed for training."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Int64, UInt8

from protocols.errors import BadInput
from protocols.types import ExpressionProtocol
from recognizers.templates import whole
from recognizers.training.expression import FaceAugmentation
from results.export.faces import cut
from results.export.work import Show

TRAIN, TEST = "train", "test"


INPUT = """\
colour = "RGB"
mean = 0
std = 255
template = "whole"
"""
"""The card of a network: what it sees, as :mod:`recognizers.card` reads it."""


@dataclass(frozen=True)
class FaceChange:
    """From a photo to what the network is trained on; goes to other processes as it is.

    Attributes:
        side: Pixels along each side.
        amounts: How it is changed.
    """

    side: int
    amounts: FaceAugmentation

    def __call__(
        self, photo: UInt8[np.ndarray, "h w 3"], rng: np.random.Generator
    ) -> UInt8[np.ndarray, "s s 3"]:
        """Resize it as in a test, mirror, move and light it.

        What comes in from outside repeats the photo's border.

        Args:
            photo: RGB.
            rng: Draws everything.
        """
        amounts, face = self.amounts, as_tested(photo, self.side)
        mirrored = rng.uniform() < amounts.flip
        tilt, zoom, right, down, brightness, contrast = rng.uniform(-1, 1, 6)
        if mirrored:
            face = np.ascontiguousarray(face[:, ::-1])
        if any((amounts.tilt_degrees, amounts.zoom, amounts.shift)):
            middle = (self.side - 1) / 2
            matrix = cv2.getRotationMatrix2D(
                (middle, middle), amounts.tilt_degrees * tilt, 1 + amounts.zoom * zoom
            )
            matrix[:, 2] += amounts.shift * self.side * np.array([right, down])
            face = cv2.warpAffine(
                face,
                matrix,
                (self.side, self.side),
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
        if amounts.light:
            levels = face * (1 + amounts.light * brightness)
            levels = levels.mean() + (1 + amounts.light * contrast) * (levels - levels.mean())
            face = levels.round().clip(0, 255).astype(np.uint8)
        return face


def as_tested(photo: UInt8[np.ndarray, "h w 3"], side: int) -> UInt8[np.ndarray, "s s 3"]:
    """The whole photo, resized as Table 3 resizes it."""
    return cut(photo, None, whole(side, side), smooth=True)[0]


def look_at(protocol: ExpressionProtocol, show: Show) -> str:
    """Decode all photos to be trained and tested on; a digest of them and of their labels.

    A damaged photo is found here, and not in the middle of a run.

    Args:
        protocol: Has the subsets ``train`` and ``test``.
        show: Progress.

    Raises:
        BadInput: A photo is damaged, or a class has no photo to train on.
    """
    rows = np.unique(np.concatenate([protocol.subsets[one] for one in (TRAIN, TEST)]))
    require_classes(protocol)
    content = hashlib.sha256(protocol.digest.encode())
    with show("looking at photos", len(rows)) as advance:
        for row in rows.tolist():
            photo = protocol.samples.photo[row]
            protocol.samples.photos.read(int(photo))
            content.update(hashlib.sha256(protocol.samples.photos.content(int(photo))).digest())
            advance(1)
    return content.hexdigest()


def require_classes(protocol: ExpressionProtocol) -> None:
    """Refuse classes without a photo to train on.

    Raises:
        BadInput: There are some; names them.
    """
    known = set(protocol.labels[protocol.subsets[TRAIN]].tolist())
    absent = [name for label, name in enumerate(protocol.classes) if label not in known]
    if absent:
        found = f"none of {', '.join(absent)}"
        raise BadInput(protocol.inputs[0].path, "", "photos of each class to train on", found)


def faces_of(
    protocol: ExpressionProtocol, rows: Sequence[int] | Int64[np.ndarray, " n"], side: int
) -> UInt8[np.ndarray, "n s s 3"]:
    """Some photos as a network sees them in a test."""
    read, photo = protocol.samples.photos.read, protocol.samples.photo
    return np.stack([as_tested(read(int(photo[row])), side) for row in rows])

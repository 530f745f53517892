"""What a frontalizer is: from a photo of a face to the same face from the front."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float64, UInt8

from cfr.align import Alignment


@dataclass(frozen=True, eq=False)
class Restored:
    """A face as a frontalizer gives it back.

    Attributes:
        image: RGB, square.
        points: ``(68, 2)`` iBUG-68 points in its pixels, (0, 0) the centre of the top-left one.
        covered: Where it shows the face; None where it fills the whole picture.
        occlusion: What hid the face in the photo, as far as the method looks for it.
        miss: How far the fitted face model's landmarks lie from the given points, on average and
            without the jaw's, in pixels of a 224 crop; None where nothing was fitted.
    """

    image: UInt8[np.ndarray, "s s 3"]
    points: Float64[np.ndarray, "68 2"]
    covered: Bool[np.ndarray, "s s"] | None = None
    occlusion: Bool[np.ndarray, "s s"] | None = None
    miss: float | None = None


@runtime_checkable
class Frontalizer(Protocol):
    """A method that turns faces to the front."""

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    @property
    def identity(self) -> Mapping[str, str]:
        """Everything that decides what it answers, as plain text; no path of this machine."""
        ...

    def restore(
        self, photo: UInt8[np.ndarray, "h w 3"], points: Float64[np.ndarray, "68 2"]
    ) -> Restored:
        """Turn one face.

        Args:
            photo: RGB.
            points: iBUG-68 points in its pixels.

        Raises:
            ValueError: It cannot be done from these points.
        """
        ...


@dataclass(frozen=True, eq=False)
class InPlace:
    """A face painted anew in its own pose, where it stands in its aligned crop.

    Pictures are RGB of the crop's size; what they show beside the face means nothing.

    Attributes:
        crop: The photo, aligned.
        projected: R_p, the photo's own colours on the face.
        estimated: R_e, the estimated face.
        painted: What the method makes of them.
        face: Where the face is.
        occlusion: What hides it, in the method's opinion; None where it has none.
        alignment: From the photo to the crop.
    """

    crop: UInt8[np.ndarray, "s s 3"]
    projected: UInt8[np.ndarray, "s s 3"]
    estimated: UInt8[np.ndarray, "s s 3"]
    painted: UInt8[np.ndarray, "s s 3"]
    face: Bool[np.ndarray, "s s"]
    occlusion: Bool[np.ndarray, "s s"] | None
    alignment: Alignment


@runtime_checkable
class Recoverer(Protocol):
    """A method that paints faces in their own pose as well."""

    def in_place(
        self,
        photos: Sequence[UInt8[np.ndarray, "_ _ 3"]],
        points: Sequence[Float64[np.ndarray, "68 2"]],
    ) -> list[InPlace]:
        """Paint the faces of photos in their own poses, some dozens at once.

        Args:
            photos: RGB, of any sizes.
            points: iBUG-68 points in the pixels of each.

        Raises:
            ValueError: Some points are not finite, or lie in one place.
        """
        ...

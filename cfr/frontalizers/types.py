"""What a frontalizer is: from a photo of a face to the same face from the front."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float64, UInt8


@dataclass(frozen=True, eq=False)
class Restored:
    """A face as a frontalizer gives it back.

    Attributes:
        image: RGB, square.
        points: ``(68, 2)`` iBUG-68 points in its pixels, (0, 0) the centre of the top-left one.
        covered: Where it shows the face; None where it fills the whole picture.
        occlusion: What hid the face in the photo, as far as the method looks for it.
    """

    image: UInt8[np.ndarray, "s s 3"]
    points: Float64[np.ndarray, "68 2"]
    covered: Bool[np.ndarray, "s s"] | None = None
    occlusion: Bool[np.ndarray, "s s"] | None = None


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

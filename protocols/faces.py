"""Faces as a recognizer gets them: cut to one size, with where the facial points lie."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, UInt8


@dataclass(frozen=True, eq=False)
class Faces:
    """Pictures of one size, one face each.

    Attributes:
        images: ``(n, h, w, 3)`` RGB, uint8.
        landmarks: ``(n, 5, 2)`` x, y in pixels of the picture, (0, 0) being the centre of the
            top-left one: the eye on the image's left, the one on its right, nose tip, mouth corners
            likewise. NaN where they are unknown; positions outside the picture are possible.
    """

    images: UInt8[np.ndarray, "n h w 3"]
    landmarks: Float64[np.ndarray, "n 5 2"]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: slice) -> "Faces":
        return Faces(self.images[rows], self.landmarks[rows])

    def mirrored(self) -> "Faces":
        """Left and right exchanged; the image's left eye is the image's left eye again."""
        points = self.landmarks[:, [1, 0, 2, 4, 3]] * (-1, 1) + (self.images.shape[2] - 1, 0)
        return Faces(np.ascontiguousarray(self.images[:, :, ::-1]), points)

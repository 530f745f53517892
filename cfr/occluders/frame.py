"""Where a face is in a photo and how it is turned, from its points alone."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from cfr.align import CANONICAL_FIVE, DEEP3D_SCALE, five_from_68


@dataclass(frozen=True, eq=False)
class FaceFrame:
    """An affine camera for the mean face: decimetres, x image right, y up, z out of the face.

    Attributes:
        matrix: ``(2, 4)`` takes (x, y, z, 1) of the face to (x, y) of the photo.
    """

    matrix: Float64[np.ndarray, "2 4"]

    @property
    def scale(self) -> float:
        """Pixels of the photo for one decimetre of the face."""
        return float(np.linalg.norm(self.matrix[:, :3], axis=1).mean())

    @property
    def unit(self) -> float:
        """Pixels of the photo for one pixel of Deep3D's aligned 224 crop."""
        return self.scale / DEEP3D_SCALE

    @property
    def towards_camera(self) -> Float64[np.ndarray, "3"]:
        """Unit vector of the face that points at the camera; (0, 0, 1) for a frontal one."""
        across, up = self.matrix[0, :3], -self.matrix[1, :3]
        direction = np.cross(across, up)
        return direction / max(float(np.linalg.norm(direction)), 1e-12)

    def project(self, points: Float64[np.ndarray, "*n 3"]) -> Float64[np.ndarray, "*n 2"]:
        """Points of the face, in decimetres, in the photo."""
        return points @ self.matrix[:, :3].T + self.matrix[:, 3]


def frame_from_points(points: Float64[np.ndarray, "68 2"]) -> FaceFrame:
    """Fit the mean face's five points to those of the photo, by least squares (POS).

    The same fit as :func:`cfr.align.align_deep3d`, so that its aligned crop has the unit 1.

    Args:
        points: The iBUG-68 points in the photo's pixels.

    Raises:
        ValueError: They are not finite, or lie in one place.
    """
    if not np.isfinite(points).all():
        raise ValueError("68 points: expected finite positions")
    five = five_from_68(points)
    if np.ptp(five, axis=0).max() < 1e-3:
        raise ValueError("68 points: they lie in one place")
    design = np.column_stack((CANONICAL_FIVE, np.ones(5)))
    return FaceFrame(np.linalg.lstsq(design, five, rcond=None)[0].T)

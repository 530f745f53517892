"""The camera of Deep3D face reconstruction: a pinhole at z = 10 dm that looks along −z.

Source: ``face_decoder.py`` of microsoft/Deep3DFaceReconstruction. Two pixel conventions meet here.
Everything in this project counts pixels by their centres, (0, 0) being the top-left one. The
landmark regressors of that family count (u, 223 − v) instead, where u and v run over the image
plane's edges; :data:`REGRESSOR_OFFSET` is the difference.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cfr.precision import full_precision

REGRESSOR_OFFSET = (0.5, -0.5)
"""Add this to a pixel position to get the (u, 223 − v) that R-Net weights were trained on."""

NEAR = 0.01
"""Nothing nearer to the camera than this, in decimetres, is drawn."""


@dataclass(frozen=True)
class Camera:
    """A square pinhole camera.

    Attributes:
        size: Pixels along each side.
        focal: Focal length in pixels.
        distance: Where it stands on the z axis, in decimetres.
    """

    size: int = 224
    focal: float = 1015.0
    distance: float = 10.0

    @property
    def field_of_view(self) -> float:
        """Full opening angle in radians: 12.5936° for the defaults."""
        return 2.0 * math.atan(self.size / 2.0 / self.focal)

    def resized(self, size: int) -> "Camera":
        """The same view on another number of pixels."""
        return Camera(size, self.focal * size / self.size, self.distance)

    def project(self, vertices: Float[Tensor, "b v 3"]) -> Float[Tensor, "b v 3"]:
        """Project points onto the image.

        Args:
            vertices: In decimetres; x image right, y up, z towards the camera.

        Returns:
            x and y in pixels, and the depth in decimetres along the viewing axis. A point behind
            the camera has a negative depth and a mirrored position. Nearer than :data:`NEAR` the
            position is that of a point at NEAR; the rasterizers drop all of these.
        """
        x, y, z = vertices.unbind(-1)
        depth = self.distance - z
        at_near = torch.copysign(torch.full_like(depth, NEAR), depth)
        safe = torch.where(depth.abs() < NEAR, at_near, depth)
        centre = self.size / 2.0 - 0.5
        column = self.focal * x / safe + centre
        row = centre - self.focal * y / safe
        return torch.stack((column, row, depth), dim=-1)


def rotation_matrix(angles: Float[Tensor, "b 3"]) -> Float[Tensor, "b 3 3"]:
    """R = R_z · R_y · R_x of pitch, yaw, roll in radians, for column vectors.

    Positive yaw turns the nose to the image's right, positive pitch lowers it, positive roll turns
    the face anticlockwise in the image.
    """
    cos_x, cos_y, cos_z = torch.cos(angles).unbind(-1)
    sin_x, sin_y, sin_z = torch.sin(angles).unbind(-1)
    rows = (
        cos_z * cos_y,
        cos_z * sin_y * sin_x - sin_z * cos_x,
        cos_z * sin_y * cos_x + sin_z * sin_x,
        sin_z * cos_y,
        sin_z * sin_y * sin_x + cos_z * cos_x,
        sin_z * sin_y * cos_x - cos_z * sin_x,
        -sin_y,
        cos_y * sin_x,
        cos_y * cos_x,
    )
    return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))


@full_precision
def turn(vectors: Float[Tensor, "b v 3"], rotation: Float[Tensor, "b 3"]) -> Float[Tensor, "b v 3"]:
    """Turn vectors about the origin: V · Rᵀ."""
    return vectors @ rotation_matrix(rotation).mT


def place(
    shape: Float[Tensor, "b v 3"],
    rotation: Float[Tensor, "b 3"],
    translation: Float[Tensor, "b 3"],
) -> Float[Tensor, "b v 3"]:
    """Turn shapes about the model's origin and move them: V · Rᵀ + t, in decimetres."""
    return turn(shape, rotation) + translation[:, None]

"""The types that flow through the method. Tensors carry a batch; everything is float32 or float64.

Inside ``cfr`` a picture is float RGB, channels first, in [0, 1]; an angle is in radians; a length
is in decimetres; a pixel position is (x, y) with (0, 0) the centre of the top-left pixel.
"""

from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Coefficients:
    """What describes faces in photos, for one face model (Eq. 1 and its camera and light).

    Attributes:
        identity: ``(b, i)`` weights of the identity modes.
        expression: ``(b, e)`` weights of the expression modes.
        texture: ``(b, t)`` weights of the texture modes.
        rotation: ``(b, 3)`` pitch, yaw, roll in radians (:func:`cfr.camera.rotation_matrix`).
        lighting: ``(b, 27)`` spherical-harmonic weights, nine each for red, green, blue, or
            ``(b, 9)`` for one light without colour (:func:`cfr.lighting.shade`).
        translation: ``(b, 3)`` in decimetres.
        model: Digest of the face model that they belong to.
    """

    identity: Float[Tensor, "b i"]
    expression: Float[Tensor, "b e"]
    texture: Float[Tensor, "b t"]
    rotation: Float[Tensor, "b 3"]
    lighting: Float[Tensor, "b l"]
    translation: Float[Tensor, "b 3"]
    model: str

    def parts(self) -> dict[str, Tensor]:
        """The tensors by name, in the order of a regressor's output vector."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "model"}

    def rows(self, index: list[int]) -> "Coefficients":
        """Those of some faces, in the order asked for; a face may come several times."""
        parts = {name: part[index] for name, part in self.parts().items()}
        return Coefficients(**parts, model=self.model)

    def to(self, device: torch.device | str) -> "Coefficients":
        """The same on another device."""
        parts = {name: part.to(device) for name, part in self.parts().items()}
        return Coefficients(**parts, model=self.model)


@dataclass(frozen=True, eq=False)
class FaceMesh:
    """Faces as coloured triangles, placed in front of the camera.

    Attributes:
        vertices: ``(b, v, 3)`` in decimetres: x image right, y up, z towards the camera.
        colors: ``(b, v, 3)`` RGB; lit colours may leave [0, 1].
        triangles: ``(f, 3)`` vertex indices, anticlockwise seen from outside.
    """

    vertices: Float[Tensor, "b v 3"]
    colors: Float[Tensor, "b v 3"]
    triangles: Int[Tensor, "f 3"]


@dataclass(frozen=True, eq=False)
class Fragments:
    """What a rasterizer found at each pixel's centre.

    Attributes:
        face: ``(b, h, w)`` index of the nearest triangle, −1 where there is none.
        barycentric: ``(b, h, w, 3)`` perspective-correct weights of its corners, all 0 where
            there is none; differentiable in the corners' positions.
        depth: ``(b, h, w)`` distance along the viewing axis, infinite where there is none;
            differentiable likewise.
    """

    face: Int[Tensor, "b h w"]
    barycentric: Float[Tensor, "b h w 3"]
    depth: Float[Tensor, "b h w"]

    @property
    def coverage(self) -> Bool[Tensor, "b h w"]:
        """Where there is a triangle."""
        return self.face >= 0

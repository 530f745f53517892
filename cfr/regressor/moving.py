"""A face turned in the plane, scaled and shifted within its picture: what becomes of its numbers.

A turn about the picture's middle is a turn of the head about the viewing axis, exactly. A scale and
a shift are answered by the translation that brings the landmarks nearest to where they went.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from cfr.camera import Camera, place, turn
from cfr.coefficients import Layout
from cfr.fit.parts import Part
from cfr.regressor.samples import Frame


@dataclass(frozen=True)
class Move:
    """From a sample's wide picture to a training crop.

    Attributes:
        tilt: Radians about the picture's middle, anticlockwise.
        scale: Factor.
        shift: Right and down, pixels of the crop.
    """

    tilt: float = 0.0
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)

    def matrix(self, frame: Frame) -> Float64[np.ndarray, "2 3"]:
        """Takes (x, y, 1) of the wide picture to (x, y) of the crop."""
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        linear = self.scale * np.array([[cos, sin], [-sin, cos]])
        middle, wide = np.full(2, frame.crop / 2 - 0.5), np.full(2, frame.wide / 2 - 0.5)
        return np.column_stack((linear, middle + self.shift - linear @ wide))


def move_coefficients(
    vector: Float[Tensor, "b n"],
    tilt: Float[Tensor, " b"],
    matrix: Float[Tensor, "b 2 3"],
    layout: Layout,
    landmarks: Part,
    frame: Frame,
) -> Float[Tensor, "b n"]:
    """The coefficients of faces in their crops, from those in their wide pictures.

    Args:
        vector: In the wide camera.
        tilt: Of each :class:`Move`.
        matrix: Of each :class:`Move`.
        layout: Of the vector.
        landmarks: The face model's 68 points.
        frame: Sizes.
    """
    found = layout.split(vector)
    weights = torch.cat((found.identity, found.expression), dim=1)
    shape = landmarks.shape + torch.einsum("bm,mnd->bnd", weights, landmarks.shape_modes)
    seen = frame.wide_camera.project(place(shape, found.rotation, found.translation))[..., :2]
    wanted = seen @ matrix[:, :, :2].mT + matrix[:, None, :, 2]
    zero = torch.zeros_like(tilt)
    rotation = found.rotation + torch.stack((zero, zero, tilt), dim=1)
    translation = aligned_translation(turn(shape, rotation), wanted, frame.camera)
    parts = {**found.parts(), "rotation": rotation, "translation": translation}
    return torch.cat(list(parts.values()), dim=1)


def aligned_translation(
    turned: Float[Tensor, "b n 3"], points: Float[Tensor, "b n 2"], camera: Camera
) -> Float[Tensor, "b 3"]:
    """The translation with which turned shapes fall nearest to points: linear least squares.

    Each coordinate of the projection, multiplied by its depth, is linear in the translation.

    Args:
        turned: Shapes in their pose, about the model's origin, decimetres.
        points: Where they should be seen, pixels.
        camera: Whose pixels.
    """
    centre = camera.size / 2 - 0.5
    upright = (points - centre) / camera.focal
    upright = torch.stack((upright[..., 0], -upright[..., 1]), dim=-1)
    away = camera.distance - turned[..., 2:]
    zero, one = torch.zeros_like(away), torch.ones_like(away)
    across = torch.cat((one, zero, upright[..., :1]), dim=-1)
    up = torch.cat((zero, one, upright[..., 1:]), dim=-1)
    design = torch.cat((across, up), dim=1)
    target = (upright * away - turned[..., :2]).mT.flatten(1)
    square = design.mT @ design
    return torch.linalg.solve(square, (design.mT @ target[..., None]))[..., 0]

"""Photos of real faces in poses that nobody photographed: for training on profiles.

A fitted face model wears the photo's own colours; behind it stands the rest of the photo as a
relief that falls back with the distance from the face. Both are turned together, so that hair,
neck and background come along, with smears where the photo shows nothing. The idea is that of face
profiling: Zhu et al., Face Alignment Across Large Poses: A 3D Solution, CVPR 2016.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from scipy import ndimage
from torch import Tensor

from cfr.camera import Camera, place, rotation_matrix, turn
from cfr.morphable.model import MorphableModel
from cfr.normals import vertex_normals
from cfr.render.rasterizer import rasterize
from cfr.render.shading import interpolate
from cfr.texture import sample_photo
from cfr.types import Coefficients, FaceMesh

_BACK = -1.2  # decimetres from the head's origin: where the relief ends
_FALL = 0.5  # decimetres: it falls back by 1 − 1/e over this distance from the face
_OWN = (0.15, 0.35)  # cosines: below the first a vertex takes its mirror image's colour


@dataclass(frozen=True, eq=False)
class TurnedPhoto:
    """A photo in another pose.

    Attributes:
        image: RGB, the camera's picture.
        coefficients: Of one face, in the new pose; texture as given, lighting as it was in the
            photo's own pose.
        points: ``(68, 2)`` the landmarks' pixels, hidden ones included.
    """

    image: UInt8[np.ndarray, "s s 3"]
    coefficients: Coefficients
    points: Float64[np.ndarray, "68 2"]


@dataclass(frozen=True, eq=False)
class Relief:
    """A photo and its face in three dimensions, ready to be turned.

    Attributes:
        model: The face model.
        fitted: Coefficients of the face in the photo.
        colors: ``(1, v, 3)`` of the face's vertices.
        behind: The rest of the photo, in the head's own pose, about the head's origin.
        camera: Of the photo.
    """

    model: MorphableModel
    fitted: Coefficients
    colors: Float[Tensor, "1 v 3"]
    behind: FaceMesh
    camera: Camera


@torch.no_grad()
def raise_relief(
    model: MorphableModel,
    fitted: Coefficients,
    photo: Float[Tensor, "1 3 s s"],
    camera: Camera,
) -> Relief:
    """Give a photo its third dimension.

    Args:
        model: The face model.
        fitted: Coefficients of one face (:func:`cfr.fit.fit_points`).
        photo: RGB in [0, 1], the camera's picture.
        camera: The camera.

    Raises:
        WrongFaceModel: The coefficients belong to another face model.
    """
    shape = model.shape(fitted)
    placed = place(shape, fitted.rotation, fitted.translation)
    colors = _own_colors(model, fitted, shape, photo, camera.project(placed))
    fragments = rasterize(camera.project(placed), model.triangles, camera.size, camera.size)
    depth = _depth_everywhere(fragments.depth[0].cpu().numpy(), camera, fitted)
    return Relief(model, fitted, colors, _behind(depth, photo, fitted, camera), camera)


@torch.no_grad()
def turn_relief(
    relief: Relief, coefficients: Coefficients, background: Float[Tensor, "3 s s"]
) -> TurnedPhoto:
    """Draw a relief in another pose; shape and expression may be other ones, too.

    Args:
        relief: What to turn.
        coefficients: Of one face: shape, rotation and translation are used.
        background: RGB in [0, 1], where nothing else is seen.

    Raises:
        WrongFaceModel: The coefficients belong to another face model.
    """
    model, camera, back = relief.model, relief.camera, relief.behind
    shape = model.shape(coefficients)
    face = place(shape, coefficients.rotation, coefficients.translation)
    rest = place(back.vertices, coefficients.rotation, coefficients.translation)
    # The relief hangs from the face's outline in front of what the photo did not show of the face,
    # so the face is drawn over it.
    picture, points = background[None], camera.project(face)
    layers = (
        (camera.project(rest), back.triangles, back.colors),
        (points, model.triangles, relief.colors),
    )
    for placed, triangles, colors in layers:
        fragments = rasterize(placed, triangles, camera.size, camera.size)
        drawn = interpolate(fragments, triangles, colors)
        picture = torch.where(fragments.coverage[:, None], drawn, picture)
    seen = picture[0].clamp(0, 1)
    image = (255 * seen).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    landmarks = points[0, model.landmarks, :2].double().cpu().numpy()
    return TurnedPhoto(image, replace(coefficients, lighting=relief.fitted.lighting), landmarks)


def _own_colors(
    model: MorphableModel,
    fitted: Coefficients,
    shape: Tensor,
    photo: Tensor,
    points: Tensor,
) -> Tensor:
    """The photo's colours where a vertex faces the camera, else those of its mirror image."""
    colors = sample_photo(photo, points)
    if not len(model.symmetry):
        return colors
    normals = vertex_normals(shape, model.triangles, model.incident)
    facing = turn(normals, fitted.rotation)[0, :, 2]
    low, high = _OWN
    own = ((facing - low) / (high - low)).clamp(0, 1)
    other = own[model.symmetry]
    share = (own / (own + other).clamp(min=1e-3)).clamp(min=0)
    share = torch.where(own + other < 1e-3, 1.0, share.maximum(own))[None, :, None]
    return share * colors + (1 - share) * colors[:, model.symmetry]


def _depth_everywhere(
    depth: np.ndarray, camera: Camera, fitted: Coefficients
) -> Float64[np.ndarray, "s s"]:
    """Depths of the face, continued: beside it the relief falls back, the faster the nearer."""
    covered = np.isfinite(depth)
    origin = camera.distance - float(fitted.translation[0, 2])
    if not covered.any():
        return np.full(depth.shape, origin - _BACK)
    found: Any = ndimage.distance_transform_edt(~covered, return_indices=True)
    away, (row, column) = found
    nearest = ndimage.gaussian_filter(depth[row, column].astype(np.float64), camera.size / 60)
    pixel = origin / camera.focal
    near = np.exp(-away * pixel / _FALL)
    falling = near * nearest + (1 - near) * (origin - _BACK)
    return np.where(covered, depth.astype(np.float64), falling)


def _behind(depth: np.ndarray, photo: Tensor, fitted: Coefficients, camera: Camera) -> FaceMesh:
    """Every pixel as a vertex about the origin."""
    size = camera.size
    row, column = np.mgrid[:size, :size]
    centre = size / 2 - 0.5
    placed = np.stack(
        (
            (column - centre) * depth / camera.focal,
            (centre - row) * depth / camera.focal,
            camera.distance - depth,
        ),
        axis=-1,
    ).reshape(1, -1, 3)
    vertices = photo.new_tensor(placed) - fitted.translation[:, None]
    own = vertices @ rotation_matrix(fitted.rotation)
    colors = photo.permute(0, 2, 3, 1).reshape(1, -1, 3)
    return FaceMesh(own, colors, _grid(size, photo.device))


def _grid(size: int, device: torch.device) -> Tensor:
    """``(f, 3)`` triangles of a grid of pixels, anticlockwise seen from the camera."""
    number = torch.arange(size * size, device=device).view(size, size)
    a, b = number[:-1, :-1].reshape(-1), number[:-1, 1:].reshape(-1)
    c, d = number[1:, :-1].reshape(-1), number[1:, 1:].reshape(-1)
    return torch.cat((torch.stack((a, c, b), 1), torch.stack((b, c, d), 1)))

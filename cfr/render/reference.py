"""A slow rasterizer that can be checked by reading it: the oracle of the fast one.

NumPy in double precision, one triangle and one pixel at a time, straight from the definitions.
"""

import math

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from cfr.camera import NEAR
from cfr.render.rasterizer import FARTHEST, SMALLEST_AREA
from cfr.types import Fragments


def rasterize(
    points: Float[Tensor, "b v 3"],
    triangles: Int[Tensor, "f 3"],
    height: int,
    width: int,
    *,
    cull_backfaces: bool = True,
) -> Fragments:
    """Find the nearest triangle at every pixel's centre; nothing is differentiable.

    See :func:`cfr.render.rasterizer.rasterize` for the arguments.
    """
    batch = len(points)
    face = np.full((batch, height, width), -1, np.int64)
    weights = np.zeros((batch, height, width, 3))
    depth = np.full((batch, height, width), np.inf)
    for image, vertices in enumerate(points.detach().cpu().numpy().astype(np.float64)):
        for index, corners in enumerate(vertices[triangles.cpu().numpy()]):
            if not (np.abs(corners) < FARTHEST).all() or (corners[:, 2] <= NEAR).any():
                continue
            area = signed_area(*corners[:, :2])
            if abs(area) <= SMALLEST_AREA or (cull_backfaces and area > 0):
                continue
            left, top = np.maximum(np.ceil(corners[:, :2].min(0)), 0).astype(int)
            right, bottom = np.floor(corners[:, :2].max(0))
            for row in range(top, min(int(bottom), height - 1) + 1):
                for column in range(left, min(int(right), width - 1) + 1):
                    screen = barycentric(corners[:, :2], np.array((column, row))) / area
                    if (screen < 0).any():
                        continue
                    # 1/z is linear on the screen, z is not.
                    distance = 1 / (screen / corners[:, 2]).sum()
                    if distance < depth[image, row, column]:
                        depth[image, row, column] = distance
                        face[image, row, column] = index
                        weights[image, row, column] = screen / corners[:, 2] * distance
    return Fragments(
        torch.from_numpy(face).to(points.device),
        torch.from_numpy(weights).to(points),
        torch.from_numpy(depth).to(points),
    )


def signed_area(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
    """Twice the area of a triangle; negative where it is anticlockwise on a screen of rows."""
    return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))


def barycentric(corners: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Twice the signed areas that ``point`` spans with each opposite edge."""
    a, b, c = corners
    return np.array([signed_area(point, b, c), signed_area(point, c, a), signed_area(point, a, b)])


def is_visible(
    points: Float[np.ndarray, "v 3"],
    triangles: Int[np.ndarray, "f 3"],
    vertex: int,
    *,
    tolerance: float,
    cull_backfaces: bool = True,
) -> bool:
    """Whether nothing lies in front of a vertex, and some triangle of its own faces the camera.

    See :func:`cfr.texture.visible_vertices`; ``tolerance`` is a share of the vertex's depth.
    """
    own = (triangles == vertex).any(1)
    areas = [signed_area(*points[corners, :2]) for corners in triangles]
    faces_camera = [area < 0 or not cull_backfaces for area in areas]
    if not any(mine and front for mine, front in zip(own, faces_camera, strict=True)):
        return False
    for corners, mine, front, area in zip(triangles, own, faces_camera, areas, strict=True):
        if mine or not front or math.isclose(area, 0, abs_tol=SMALLEST_AREA):
            continue
        *position, z = points[vertex]
        screen = barycentric(points[corners, :2], np.array(position)) / area
        inside = (screen >= 0).all()
        if inside and 1 / (screen / points[corners, 2]).sum() < z * (1 - tolerance):
            return False
    return True

"""The shape of a medical mask: a sheet that lies over a fitted face and bridges its hollows.

Everything happens in directions from a point inside the head: azimuth to the image's right and
elevation upwards, in radians. The face's distance along them is found by drawing its mesh with
these two as the pixels' axes, so any topology will do, whatever holes it has.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64
from scipy import ndimage
from scipy.spatial import ConvexHull

from cfr.occluders.sheet import grid_normals, grid_triangles
from cfr.render.rasterizer import rasterize

Worn = Literal["correct", "nose-uncovered", "chin-uncovered"]

ROWS, COLUMNS = 49, 65
_STEP = np.radians(1.5)
_WIDEST, _LOWEST, _HIGHEST = np.radians((110.0, -80.0, 65.0))
_FAR = 100.0
_LOOP = 24
"""Points along an ear loop."""


@dataclass(frozen=True, eq=False)
class Cloth:
    """A mask in the model's pose, before the head is turned.

    Attributes:
        points: ``(v, 3)`` in decimetres: the sheet row by row, then the four ear loops.
        normals: ``(v, 3)`` outward unit vectors.
        triangles: ``(f, 3)``, anticlockwise seen from outside.
        across: ``(v,)`` −1 at the sheet's image-left edge to 1 at the other.
        down: ``(v,)`` 0 at its upper edge to 1 at the lower one.
        loop: ``(v,)`` whether it is an ear loop.
    """

    points: Float64[np.ndarray, "v 3"]
    normals: Float64[np.ndarray, "v 3"]
    triangles: Int64[np.ndarray, "f 3"]
    across: Float64[np.ndarray, " v"]
    down: Float64[np.ndarray, " v"]
    loop: Bool[np.ndarray, " v"]


@dataclass(frozen=True, eq=False)
class _Relief:
    """How far a face reaches in each direction from a point inside the head.

    Attributes:
        origin: ``(3,)`` the point, in decimetres.
        radius: ``(rows, columns)`` in decimetres, from the highest elevation downwards; where there
            is no face, that of the nearest direction with one.
        covered: Where there is a face.
    """

    origin: np.ndarray
    radius: np.ndarray
    covered: np.ndarray

    def at(self, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Radius and coverage (0 to 1) at ``(…, 2)`` azimuths and elevations."""
        place = np.stack(_pixels(directions[..., 0], directions[..., 1])[::-1])
        radius = ndimage.map_coordinates(self.radius, place, order=1, mode="nearest")
        covered = ndimage.map_coordinates(
            self.covered.astype(np.float64), place, order=1, mode="nearest"
        )
        return radius, covered

    def point(self, directions: np.ndarray, radius: np.ndarray) -> np.ndarray:
        """Where one gets in a direction."""
        azimuth, elevation = directions[..., 0], directions[..., 1]
        unit = (
            np.sin(azimuth) * np.cos(elevation),
            np.sin(elevation),
            np.cos(azimuth) * np.cos(elevation),
        )
        return self.origin + radius[..., None] * np.stack(unit, -1)


def lay_cloth(
    shape: Float64[np.ndarray, "v 3"],
    triangles: Int64[np.ndarray, "f 3"],
    landmarks: Int64[np.ndarray, "68"],
    worn: Worn,
) -> Cloth:
    """Lay a mask over a face.

    Args:
        shape: The face in the model's pose, decimetres.
        triangles: Its triangles.
        landmarks: Its iBUG-68 vertices.
        worn: From the bridge of the nose to below the chin; or with its upper edge under the nose;
            or with its lower edge above the chin.
    """
    marks = shape[landmarks]
    sides = marks[[2, 14]].mean(0)
    origin = np.array([sides[0], marks[48:68, 1].mean(), sides[2]])
    relief = _survey(shape, triangles, origin)
    directions = _directions(_towards(marks, origin), worn)
    radius = _drape(relief, directions)
    sheet = relief.point(directions, radius)
    loops = _loops(relief, directions, radius, _towards(marks[[0, 16]], origin))
    return _join(sheet, loops)


def _pixels(azimuth: np.ndarray, elevation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Column and row of a relief."""
    return (azimuth + _WIDEST) / _STEP, (_HIGHEST - elevation) / _STEP


def _towards(points: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Azimuth and elevation of points, ``(…, 2)``."""
    x, y, z = np.moveaxis(points - origin, -1, 0)
    return np.stack((np.arctan2(x, z), np.arctan2(y, np.hypot(x, z))), -1)


def _survey(shape: np.ndarray, triangles: np.ndarray, origin: np.ndarray) -> _Relief:
    """Draw a face seen from inside: what is farthest from the origin is on top."""
    azimuth, elevation = _towards(shape, origin).T
    column, row = _pixels(azimuth, elevation)
    height = int((_HIGHEST - _LOWEST) / _STEP) + 1
    width = int(2 * _WIDEST / _STEP) + 1
    # Triangles of the back of the head would reach around the chart.
    kept = triangles[(np.abs(azimuth[triangles]) < _WIDEST).all(1)]
    depth = _FAR - np.linalg.norm(shape - origin, axis=1)
    points = torch.as_tensor(np.stack((column, row, depth), -1), dtype=torch.float32)
    found = rasterize(points[None], torch.as_tensor(kept), height, width, cull_backfaces=False)
    covered = found.coverage[0].numpy()
    radius = _FAR - found.depth[0].numpy().astype(np.float64)
    if not covered.any():
        raise ValueError("the fitted face covers no direction: it is no face")
    nearest = np.asarray(
        ndimage.distance_transform_edt(~covered, return_distances=False, return_indices=True)
    )
    return _Relief(origin, radius[nearest[0], nearest[1]], covered)


def _directions(marks: np.ndarray, worn: Worn) -> np.ndarray:
    """``(rows, columns, 2)`` directions of the sheet's grid, from the landmarks' directions."""

    def between(first: int, second: int, share: float) -> np.ndarray:
        return marks[first] * (1 - share) + marks[second] * share

    # Both edges from image left to right; the left ones' mirror images are made alike.
    if worn == "nose-uncovered":
        middle = between(33, 51, 0.35)
        above = ((2, 31, 0.14), (41, 48, 0.80), (31, 48, 0.30))
        above_right = ((14, 35, 0.14), (46, 54, 0.80), (35, 54, 0.30))
    else:
        middle = between(27, 28, 0.75)
        above = ((1, 31, 0.20), (41, 48, 0.36), (28, 40, 0.34))
        above_right = ((15, 35, 0.20), (46, 54, 0.36), (28, 47, 0.34))
    top = [*(between(*one) for one in above), middle]
    top += [between(*one) for one in reversed(above_right)]
    if worn == "chin-uncovered":
        below = [between(4, 48, 0.10), between(5, 48, 0.35), between(57, 8, 0.40)]
        below += [between(11, 54, 0.35), between(12, 54, 0.10)]
    else:
        under = np.radians([(0, -4), (0, -9), (0, -13), (0, -9), (0, -4)])
        below = [between(4, 48, 0.04), marks[6], marks[8], marks[10], between(12, 54, 0.04)]
        below = [one + lower for one, lower in zip(below, under, strict=True)]
    first = _along(np.array(top), np.array([-1, -0.52, -0.2, 0, 0.2, 0.52, 1]))
    last = _along(np.array(below), np.array([-1, -0.5, 0, 0.5, 1]))
    down = np.linspace(0, 1, ROWS)[:, None, None]
    return first * (1 - down) + last * down


def _along(knots: np.ndarray, where: np.ndarray) -> np.ndarray:
    """``(columns, 2)`` a smooth curve that does not overshoot its knots."""
    from scipy.interpolate import PchipInterpolator

    line = PchipInterpolator(where, knots)(np.linspace(-1, 1, COLUMNS))
    return ndimage.gaussian_filter1d(line, 1.5, axis=0, mode="nearest")


def _drape(relief: _Relief, directions: np.ndarray) -> np.ndarray:
    """Radii of the sheet: never inside the face, hollows bridged, edges close to the skin."""
    face, _ = relief.at(directions)
    taut = _hull(relief, directions, face)
    # Towards the edges the cloth follows the skin.
    row, column = np.mgrid[:ROWS, :COLUMNS]
    inward = np.minimum.reduce((row, ROWS - 1 - row, column, COLUMNS - 1 - column))
    free = np.clip(inward / 8, 0, 1)
    free = free**2 * (3 - 2 * free)
    along_skin = ndimage.gaussian_filter(face, 1.2, mode="nearest")
    sheet = along_skin + (taut - along_skin) * free
    sheet = ndimage.gaussian_filter(np.maximum(sheet, face), 2.0, mode="nearest")
    return np.maximum(sheet, face + 0.004) + 0.012 + 0.022 * free


def _hull(relief: _Relief, directions: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Radii of the convex hull of what the sheet covers: cloth pulled tight over nose and chin."""
    # Half as fine is enough for planes.
    fewer, reached = directions[::2, ::2], face[::2, ::2]
    points = relief.point(fewer, reached).reshape(-1, 3)
    inside = relief.origin - (0, 0, 0.3)
    planes = ConvexHull(np.concatenate((points, inside[None]))).equations
    unit = (points - relief.origin) / reached.reshape(-1, 1)
    # Each plane is n · x + d = 0 with n outward: the nearest one ahead is where the hull ends.
    ahead = unit @ planes[:, :3].T
    room = -(planes[:, :3] @ relief.origin + planes[:, 3])
    inverse = np.where(ahead > 1e-6, ahead, 0) / np.maximum(room, 1e-6)
    hull = 1 / np.maximum(inverse.max(1), 1e-6)
    place = np.mgrid[:ROWS, :COLUMNS] / 2
    fine = ndimage.map_coordinates(hull.reshape(reached.shape), place, order=1)
    return np.maximum(fine, face)


def _loops(
    relief: _Relief, directions: np.ndarray, radius: np.ndarray, ears: np.ndarray
) -> list[np.ndarray]:
    """Four ribbons ``(2, n, 3)`` from the sheet's corners to the ears; they end with the face."""
    ribbons = []
    for ear, column, outward in ((ears[0], 0, -1), (ears[1], COLUMNS - 1, 1)):
        for row, level in ((1, 0.05), (ROWS - 2, -0.30)):
            start = directions[row, column]
            end = ear + np.array((outward * 0.22, level))
            along = np.linspace(0, 1, _LOOP)[:, None]
            line = start * (1 - along) + end * along
            line[:, 1] += 0.04 * np.sin(np.pi * along[:, 0]) * np.sign(level)
            face, covered = relief.at(line)
            shown = int(np.argmin(covered > 0.5)) if (covered <= 0.5).any() else _LOOP
            if shown < 2:
                continue
            face = np.maximum(face, ndimage.gaussian_filter1d(face, 3, mode="nearest"))
            high = face + 0.012
            high[0] = radius[row, column]
            thick = np.array((0.0, 0.011)) / high[:, None]
            edges = np.stack((line + thick, line - thick))[:, :shown]
            # Columns run to the image's right, as on the sheet.
            order = slice(None, None, outward)
            ribbons.append(relief.point(edges, np.stack((high, high))[:, :shown])[:, order])
    return ribbons


def _join(sheet: np.ndarray, loops: list[np.ndarray]) -> Cloth:
    down, across = np.meshgrid(np.linspace(0, 1, ROWS), np.linspace(-1, 1, COLUMNS), indexing="ij")
    points, normals, triangles, count = [], [], [], 0
    for grid in (sheet, *loops):
        points.append(grid.reshape(-1, 3))
        normals.append(grid_normals(grid).reshape(-1, 3))
        triangles.append(grid_triangles(*grid.shape[:2]) + count)
        count += len(points[-1])
    rest = np.zeros(count - ROWS * COLUMNS)
    return Cloth(
        points=np.concatenate(points),
        normals=np.concatenate(normals),
        triangles=np.concatenate(triangles),
        across=np.concatenate((across.ravel(), rest)),
        down=np.concatenate((down.ravel(), rest)),
        loop=np.arange(count) >= ROWS * COLUMNS,
    )

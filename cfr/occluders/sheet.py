"""Sheets of cloth: a grid of points in space, drawn with hidden surfaces and smooth edges."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64

from cfr.render.rasterizer import rasterize
from cfr.render.shading import interpolate

_FINER = 2
"""Samples of a pixel along each axis."""
_MOST_PIXELS = 4_000_000


@dataclass(frozen=True, eq=False)
class Seen:
    """The samples of a photo that show a sheet.

    Attributes:
        row: ``(n,)`` of the sample, in the finer picture.
        column: ``(n,)``.
        values: ``(n, c)`` what the vertices carry, interpolated.
        height: Of the photo.
        width: Of the photo.
        finer: Samples of a pixel along each axis.
    """

    row: Int64[np.ndarray, " n"]
    column: Int64[np.ndarray, " n"]
    values: Float[np.ndarray, "n c"]
    height: int
    width: int
    finer: int

    def layer(
        self, color: Float[np.ndarray, "n 3"]
    ) -> tuple[Float[np.ndarray, "h w 3"], Float[np.ndarray, "h w"]]:
        """Average the samples: colour that is *not* multiplied by coverage, and coverage."""
        pixel = (self.row // self.finer) * self.width + self.column // self.finer
        pixels = self.height * self.width
        count = np.bincount(pixel, minlength=pixels)
        sums = [np.bincount(pixel, one, minlength=pixels) for one in color.T]
        mean = np.stack(sums, -1) / np.maximum(count, 1)[:, None]
        shape = (self.height, self.width)
        coverage = (count / self.finer**2).astype(np.float32)
        return mean.reshape(*shape, 3).astype(np.float32), coverage.reshape(shape)


def grid_triangles(rows: int, columns: int) -> Int64[np.ndarray, "f 3"]:
    """Triangles of a grid, row by row; anticlockwise seen from outside if rows run downwards."""
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    first, second = np.stack((a, c, d), -1), np.stack((a, d, b), -1)
    return np.concatenate((first.reshape(-1, 3), second.reshape(-1, 3)))


def see(
    points: Float[np.ndarray, "v 3"],
    triangles: Int64[np.ndarray, "f 3"],
    values: Float[np.ndarray, "w c"],
    height: int,
    width: int,
    *,
    cull_backfaces: bool = False,
) -> Seen:
    """Find the samples of a photo that show a sheet, and what it carries there.

    Args:
        points: x and y in the photo's pixels, depth. The sheet's vertices come first; more may
            follow, of a surface that hides parts of it.
        triangles: Of the sheet, and of what hides it.
        values: Of the sheet's vertices.
        height: Of the photo.
        width: Of the photo.
        cull_backfaces: Leave out what is seen from behind.
    """
    carried = len(values)
    low, (across, down) = _window(points[:carried, :2], height, width)
    finer = _FINER if across * down * _FINER**2 <= _MOST_PIXELS else 1
    if across <= 0 or down <= 0:
        nothing = np.zeros(0, np.int64)
        return Seen(nothing, nothing, np.zeros((0, values.shape[1])), height, width, finer)
    moved = torch.as_tensor(points, dtype=torch.float32).clone()
    # A pixel's samples lie around its centre.
    moved[:, :2] = (moved[:, :2] - torch.as_tensor(low) + 0.5) * finer - 0.5
    corners = torch.as_tensor(triangles)
    fragments = rasterize(
        moved[None], corners, down * finer, across * finer, cull_backfaces=cull_backfaces
    )
    padded = torch.zeros(1, len(points), values.shape[1] + 1)
    padded[0, :carried, :-1] = torch.as_tensor(values, dtype=torch.float32)
    padded[0, :carried, -1] = 1
    found = interpolate(fragments, corners, padded)[0].numpy()
    row, column = np.nonzero(found[-1] > 0.999)
    return Seen(
        row=row + low[1] * finer,
        column=column + low[0] * finer,
        values=found[:-1, row, column].T,
        height=height,
        width=width,
        finer=finer,
    )


def _window(points: np.ndarray, height: int, width: int) -> tuple[np.ndarray, list[int]]:
    """First column and row that points can touch, and how many of each; none if outside."""
    limit = (width, height)
    low = np.clip(np.floor(points.min(0)) - 1, 0, limit).astype(int)
    high = np.clip(np.ceil(points.max(0)) + 2, 0, limit).astype(int)
    return low, (high - low).tolist()


def grid_normals(points: Float[np.ndarray, "r c 3"]) -> Float[np.ndarray, "r c 3"]:
    """Unit normals of a grid whose rows run downwards, outward."""
    along, down = np.gradient(points, axis=1), np.gradient(points, axis=0)
    normals = np.cross(down, along)
    return normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-9)

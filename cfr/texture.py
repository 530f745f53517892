"""Photos onto vertices, and which vertices a photo really shows."""

from collections.abc import Iterator
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from cfr.camera import NEAR
from cfr.render.expand import expand
from cfr.render.rasterizer import SMALLEST_AREA, opposite_areas, signed_area

TOLERANCE = 1e-5
"""A triangle hides a vertex if it is nearer by more than this share of the vertex's depth."""


def sample_photo(
    photo: Float[Tensor, "b c h w"],
    points: Float[Tensor, "b v xy"],
    mode: Literal["bilinear", "nearest"] = "bilinear",
) -> Float[Tensor, "b v c"]:
    """Give every vertex the photo's colour at its projection, whatever lies in front of it.

    Hidden vertices copy the occluder or the background. That damage is deliberate: it is what the
    network learns to repair (the paper's R_p). A projection outside the photo takes the colour of
    the photo's border; a point that is not finite, black. The points are left as they are;
    gradients flow to the photo and, with ``bilinear``, to the points.

    Args:
        photo: Any channels.
        points: x and y in pixels, (0, 0) the centre of the top-left one; a depth may follow.
        mode: ``nearest`` is what the authors' code does.
    """
    height, width = photo.shape[-2:]
    # grid_sample counts from −1 to 1 between the photo's edges, half a pixel outside the centres.
    edges = torch.tensor([width, height], dtype=points.dtype, device=points.device)
    grid = (2 * points[..., :2] + 1) / edges - 1
    # PyTorch reads out of bounds where the grid is not finite or enormous.
    known = grid.isfinite().all(-1, keepdim=True)
    grid = torch.where(known, grid, 0.0).clamp(-2, 2)
    sampled = functional.grid_sample(
        photo, grid[:, :, None], mode=mode, padding_mode="border", align_corners=False
    )
    return torch.where(known, sampled[..., 0].mT, 0.0)


def inside_photo(points: Float[Tensor, "b v xy"], height: int, width: int) -> Bool[Tensor, "b v"]:
    """Which projections fall on a photo, up to the edges of its border pixels."""
    x, y = points[..., 0], points[..., 1]
    return (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)


@torch.no_grad()
def visible_vertices(
    points: Float[Tensor, "b v 3"],
    triangles: Int[Tensor, "f 3"],
    *,
    cull_backfaces: bool = True,
    budget: int = 1 << 20,
) -> Bool[Tensor, "b v"]:
    """Which vertices nothing hides: exact, not by comparison with a picture's depths.

    A vertex is visible if a triangle of its own faces the camera and no other triangle covers its
    projection more than :data:`TOLERANCE` nearer. Whether it falls on the photo is another
    question (:func:`inside_photo`).

    Args:
        points: Projected vertices: x, y in pixels, depth in decimetres.
        triangles: Vertex indices, anticlockwise seen from outside.
        cull_backfaces: Triangles seen from inside hide nothing and show nothing.
        budget: The most (triangle, vertex) pairs in memory at once; it changes nothing else.
    """
    found = points.new_zeros(points.shape[:2], dtype=torch.bool)
    for image, one in enumerate(points):
        found[image] = _visible(one, triangles, cull_backfaces, budget)
    return found


def _visible(points: Tensor, triangles: Tensor, cull_backfaces: bool, budget: int) -> Tensor:
    corners = points[triangles]
    area = signed_area(corners[..., 0].unbind(1), corners[..., 1].unbind(1))
    solid = (corners[..., 2] > NEAR).all(1) & area.isfinite()
    solid &= area < -SMALLEST_AREA if cull_backfaces else area.abs() > SMALLEST_AREA
    triangles, corners, area = triangles[solid], corners[solid], area[solid]
    visible = torch.zeros(len(points), dtype=torch.bool, device=points.device)
    visible[triangles] = True
    hidden = torch.zeros_like(visible)
    for triangle, vertex in _close_pairs(points, corners[..., :2], budget):
        at, around = points.index_select(0, vertex), corners.index_select(0, triangle)
        x, y = (around[..., :2] - at[:, None, :2]).unbind(-1)
        weights = torch.stack(opposite_areas(x.unbind(1), y.unbind(1)), dim=1)
        weights = weights / area.index_select(0, triangle)[:, None]
        nearer = 1 / (weights / around[..., 2]).sum(1) < at[:, 2] * (1 - TOLERANCE)
        own = (triangles.index_select(0, triangle) == vertex[:, None]).any(1)
        hidden[vertex[(weights >= 0).all(1) & nearer & ~own]] = True
    return visible & ~hidden


def _close_pairs(points: Tensor, corners: Tensor, budget: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (triangle, vertex) pairs that share a cell of a grid: all that may overlap, and more.

    Vertices are sorted by cell, so the vertices of one row of a triangle's cells are one slice.
    """
    known = points[:, :2].isfinite().all(1).nonzero().squeeze(1)
    if not len(known) or not len(corners):
        return
    at = points[known, :2]
    # Without the outermost hundredth, that a stray vertex may not make all others share a cell.
    ends_of_most = torch.tensor([0.01, 0.99], dtype=at.dtype, device=at.device)
    low, high = torch.quantile(at, ends_of_most, dim=0)
    side = max(1, int(len(known) ** 0.5))
    cell = ((high - low) / side).clamp(min=1e-6)

    def cell_of(positions: Tensor) -> Tensor:
        return ((positions - low) / cell).floor().clamp(0, side - 1).long()

    column, row = cell_of(at).unbind(-1)
    order = torch.argsort(row * side + column)
    ends = torch.bincount(row * side + column, minlength=side * side).cumsum(0)
    starts = torch.cat((ends.new_zeros(1), ends))
    left, top = cell_of(corners.amin(1)).unbind(-1)
    right, bottom = cell_of(corners.amax(1)).unbind(-1)
    for triangle, line in expand(bottom - top + 1, budget):
        base = (top[triangle] + line) * side
        first = starts[base + left[triangle]]
        for part, offset in expand(starts[base + right[triangle] + 1] - first, budget):
            yield triangle[part], known[order[first[part] + offset]]

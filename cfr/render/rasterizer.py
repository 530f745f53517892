"""A batched z-buffer rasterizer in plain PyTorch: no compiler, CPU and CUDA.

Small triangles dominate a face mesh (0.8 pixels each at 224²), so the obvious form is vectorised:
list every pixel centre in every triangle's bounding box, keep those inside, and let a scatter-min
of (depth, triangle) packed into one integer decide. Which triangle wins is not differentiable;
the barycentric weights and the depth at each pixel are, and everything else follows from them.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cfr.camera import NEAR
from cfr.render.expand import expand
from cfr.types import Fragments

FARTHEST = 1e7
"""A triangle with a corner as many pixels away, or as deep, is dropped: float32 ends there."""
SMALLEST_AREA = 1e-8
"""Triangles of less than half this many square pixels are dropped: no weights follow from them."""

Triple = tuple[Tensor, ...]
"""One coordinate of triangles' corners a, b, c."""

_NOTHING = torch.iinfo(torch.int64).max
_IMAGES_AT_ONCE = 32


def rasterize(
    points: Float[Tensor, "b v 3"],
    triangles: Int[Tensor, "f 3"],
    height: int,
    width: int,
    *,
    cull_backfaces: bool = True,
    budget: int = 1 << 17,
) -> Fragments:
    """Find the nearest triangle at every pixel's centre.

    A centre on an edge belongs to the triangle, so neighbours leave no crack; where two triangles
    are equally near, the lower index wins. Triangles that are degenerate, not finite, not wholly in
    front of the camera or beyond :data:`FARTHEST` are dropped. Others may leave the image on all
    sides.

    Args:
        points: Projected vertices: x, y in pixels, depth in decimetres.
        triangles: Vertex indices, anticlockwise seen from outside.
        height: Rows of the image.
        width: Columns of the image.
        cull_backfaces: Leave out what is seen from inside.
        budget: The most triangles, and the most candidate pixels, of an image in memory at once;
            it changes nothing else.
    """
    keys = torch.full((len(points), height, width), _NOTHING, device=points.device)
    # On a CPU an image at a time, which stays in the cache.
    group = 1 if points.device.type == "cpu" else _IMAGES_AT_ONCE
    with torch.no_grad():
        for first in range(0, len(triangles), budget):
            corners = triangles[first : first + budget].T.contiguous()
            for low in range(0, len(points), group):
                part = slice(low, low + group)
                _draw(keys[part], points[part].detach(), corners, first, cull_backfaces, budget)
    return _fragments(points, triangles, keys)


def signed_area(x: Triple, y: Triple) -> Tensor:
    """Twice the area of triangles on the screen.

    Rows run downwards: a triangle that is anticlockwise seen from outside has a negative area.
    """
    (ax, bx, cx), (ay, by, cy) = x, y
    return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)


def opposite_areas(x: Triple, y: Triple) -> Triple:
    """Twice the areas that the origin spans with the edge opposite to each corner.

    Exactly opposite for the two triangles of an edge: no point falls between them.
    """
    (ax, bx, cx), (ay, by, cy) = x, y
    return bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx


def covered_corners(face: Tensor, triangles: Tensor, vertices: int) -> tuple[Tensor, Tensor]:
    """The pixels that show a triangle, and where its corners are.

    Args:
        face: ``(b, h, w)`` triangles, −1 where there is none.
        triangles: ``(f, 3)`` vertex indices.
        vertices: Vertices of a mesh.

    Returns:
        ``(n,)`` positions in the flat ``b · h · w`` pixels, and ``(3n,)`` positions in the flat
        ``b · v`` vertices.
    """
    flat = face.reshape(-1)
    pixel = (flat >= 0).nonzero().squeeze(1)
    image = torch.div(pixel, face.shape[1:].numel(), rounding_mode="floor")
    corners = triangles.index_select(0, flat.index_select(0, pixel)) + (image * vertices)[:, None]
    return pixel, corners.view(-1)


def _draw(
    keys: Tensor, points: Tensor, corners: Tensor, first: int, cull_backfaces: bool, budget: int
) -> None:
    """Lower each pixel's key to that of the nearest triangle; a key is depth, then index.

    Args:
        keys: ``(images, h, w)``, changed in place.
        points: ``(images, v, 3)``.
        corners: ``(3, n)`` some of the triangles.
        first: Index of the first of them.
        cull_backfaces: As in :func:`rasterize`.
        budget: As in :func:`rasterize`.
    """
    images, height, width = keys.shape
    table, kept, (left, top, right, bottom) = _candidates(
        points, corners, height, width, cull_backfaces
    )
    wide = right - left + 1
    boxes, count = torch.stack((left, top, wide)), corners.shape[1]
    for owner, offset in expand(wide.long() * (bottom - top + 1), budget * images):
        column, row, across = boxes.index_select(1, owner)
        line = torch.div(offset, across, rounding_mode="floor")
        column += offset - line * across
        row += line
        triangle = kept.index_select(0, owner)
        at = table.index_select(1, triangle)
        u, v, w = opposite_areas(at[:3].sub_(column).unbind(), at[3:6].sub_(row).unbind())
        inside = (u <= 0) & (v <= 0) & (w <= 0)
        if not cull_backfaces:
            inside |= (u >= 0) & (v >= 0) & (w >= 0)
        total = u + v + w
        inside &= total.abs() > SMALLEST_AREA
        distance = total / (u * at[6] + v * at[7] + w * at[8])
        image = torch.div(triangle, count, rounding_mode="floor") if images > 1 else 0
        # A positive float32 and its bits as an integer are ordered alike.
        nearness = distance.float().view(torch.int32).long()
        key = nearness << 32 | (first + triangle - image * count)
        pixel = row * width + column + image * (height * width)
        keys.view(-1).scatter_reduce_(0, pixel.long(), key.where(inside, _NOTHING), "amin")


def _candidates(
    points: Tensor, corners: Tensor, height: int, width: int, cull_backfaces: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Corners of all triangles, which of them may be drawn, and the pixels these may cover.

    Returns:
        ``(9, images · n)`` x, y and 1 / depth of the three corners; ``(k,)`` which triangles have
        a sound area and a pixel centre in their bounding box; ``(4, k)`` int32 first column, first
        row, last column, last row of that box.
    """
    images, count = len(points), corners.shape[1]
    x, y, depth = points.unbind(-1)
    # What cannot be drawn gets no position, and so no area.
    known = (depth > NEAR) & (depth < FARTHEST) & (x.abs() < FARTHEST) & (y.abs() < FARTHEST)
    x = torch.where(known, x, torch.nan)
    table = points.new_empty(9, images, count)
    for axis, values in enumerate((x, y, 1 / depth)):
        at = values.index_select(1, corners.view(-1)).view(images, 3, count)
        table[3 * axis : 3 * axis + 3] = at.transpose(0, 1)
    at_x, at_y = table[:3].unbind(), table[3:6].unbind()
    left, right = _span(at_x, width)
    top, bottom = _span(at_y, height)
    area = signed_area(at_x, at_y)
    drawn = area < -SMALLEST_AREA if cull_backfaces else area.abs() > SMALLEST_AREA
    drawn &= (right >= left) & (bottom >= top)
    kept = drawn.view(-1).nonzero().squeeze(1)
    box = torch.stack([one.view(-1).index_select(0, kept) for one in (left, top, right, bottom)])
    return table.view(9, -1), kept, box.int()


def _span(corners: Triple, size: int) -> tuple[Tensor, Tensor]:
    """First and last pixel centre between the corners, as whole floats; last < first if none."""
    a, b, c = corners
    low, high = torch.minimum(torch.minimum(a, b), c), torch.maximum(torch.maximum(a, b), c)
    return low.ceil_().clamp_(min=0), high.floor_().clamp_(max=size - 1)


def _fragments(points: Tensor, triangles: Tensor, keys: Tensor) -> Fragments:
    """Weights and depths where a triangle was found, with their gradients."""
    face = torch.where(keys == _NOTHING, -1, keys & 0xFFFFFFFF)
    pixel, corners = covered_corners(face, triangles, points.shape[1])
    at = points.reshape(-1, 3).index_select(0, corners).view(-1, 3, 3)
    width, inside = keys.shape[2], pixel % keys.shape[1:].numel()
    column, row = inside % width, torch.div(inside, width, rounding_mode="floor")
    x, y = (at[:, :, 0] - column[:, None]).unbind(1), (at[:, :, 1] - row[:, None]).unbind(1)
    weights = torch.stack(opposite_areas(x, y), dim=1)
    weights = weights / weights.sum(1, keepdim=True) / at[..., 2]
    depth = 1 / weights.sum(1)
    barycentric = points.new_zeros(keys.numel(), 3).index_copy(0, pixel, weights * depth[:, None])
    depths = points.new_full((keys.numel(),), torch.inf).index_copy(0, pixel, depth)
    return Fragments(face, barycentric.view(*keys.shape, 3), depths.view(keys.shape))

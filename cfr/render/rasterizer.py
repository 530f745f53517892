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
    batch = len(points)
    keys = torch.full((batch * height * width,), _NOTHING, device=points.device)
    # On a CPU an image at a time, which stays in the cache.
    group = 1 if points.device.type == "cpu" else _IMAGES_AT_ONCE
    with torch.no_grad():
        for low in range(0, len(triangles), budget):
            corners = triangles[low : low + budget].T.contiguous()
            for first in range(0, batch, group):
                part = points[first : first + group].detach()
                pixels = keys[first * height * width : (first + len(part)) * height * width]
                _draw(part, corners, low, height, width, cull_backfaces, budget * len(part), pixels)
    return _fragments(points, triangles, keys.view(batch, height, width))


def _draw(
    points: Tensor,
    corners: Tensor,
    first: int,
    height: int,
    width: int,
    cull_backfaces: bool,
    budget: int,
    keys: Tensor,
) -> None:
    """Lower each pixel's key to that of the nearest triangle; a key is depth, then index.

    ``corners`` are ``(3, n)`` triangles, of which the first has the index ``first``.
    """
    table, kept, (left, top, right, bottom) = _candidates(
        points, corners, height, width, cull_backfaces
    )
    wide = right - left + 1
    boxes, count = torch.stack((left, top, wide)), corners.shape[1]
    for owner, offset in expand(wide.long() * (bottom - top + 1), budget):
        column, row, across = boxes.index_select(1, owner)
        line = torch.div(offset, across, rounding_mode="floor")
        column += offset - line * across
        row += line
        triangle = kept.index_select(0, owner)
        at = table.index_select(1, triangle)
        (ax, bx, cx), (ay, by, cy) = at[:3].sub_(column), at[3:6].sub_(row)
        # Exactly opposite for the two triangles of an edge: no centre falls between them.
        u, v, w = bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx
        inside = (u <= 0) & (v <= 0) & (w <= 0)
        if not cull_backfaces:
            inside |= (u >= 0) & (v >= 0) & (w >= 0)
        total = u + v + w
        inside &= total.abs() > SMALLEST_AREA
        distance = total / (u * at[6] + v * at[7] + w * at[8])
        image = torch.div(triangle, count, rounding_mode="floor") if len(points) > 1 else 0
        # A positive float32 and its bits as an integer are ordered alike.
        nearness = distance.float().view(torch.int32).long()
        key = nearness << 32 | (first + triangle - image * count)
        pixel = row * width + column + image * (height * width)
        keys.scatter_reduce_(0, pixel.long(), key.where(inside, _NOTHING), "amin")


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
    (ax, bx, cx), (ay, by, cy) = table[:3], table[3:6]
    left, right = _span(ax, bx, cx, width)
    top, bottom = _span(ay, by, cy, height)
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    # Rows run downwards: seen from outside, an anticlockwise triangle has a negative area.
    drawn = area < -SMALLEST_AREA if cull_backfaces else area.abs() > SMALLEST_AREA
    drawn &= (right >= left) & (bottom >= top)
    kept = drawn.view(-1).nonzero().squeeze(1)
    box = torch.stack([one.view(-1).index_select(0, kept) for one in (left, top, right, bottom)])
    return table.view(9, -1), kept, box.int()


def _span(a: Tensor, b: Tensor, c: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """First and last pixel centre between the corners, as whole floats; last < first if none."""
    low, high = torch.minimum(torch.minimum(a, b), c), torch.maximum(torch.maximum(a, b), c)
    return low.ceil_().clamp_(min=0), high.floor_().clamp_(max=size - 1)


def _fragments(points: Tensor, triangles: Tensor, keys: Tensor) -> Fragments:
    """Weights and depths where a triangle was found, with their gradients."""
    (height, width), vertices = keys.shape[1:], points.shape[1]
    flat = keys.view(-1)
    face = torch.where(flat == _NOTHING, -1, flat & 0xFFFFFFFF)
    pixel = (face >= 0).nonzero().squeeze(1)
    image = torch.div(pixel, height * width, rounding_mode="floor")
    within = pixel - image * (height * width)
    row = torch.div(within, width, rounding_mode="floor")
    column = within - row * width
    corners = triangles.index_select(0, face.index_select(0, pixel)) + (image * vertices)[:, None]
    at = points.reshape(-1, 3).index_select(0, corners.view(-1)).view(-1, 3, 3)
    ax, bx, cx = (at[:, :, 0] - column[:, None]).unbind(1)
    ay, by, cy = (at[:, :, 1] - row[:, None]).unbind(1)
    weights = torch.stack((bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx), dim=1)
    weights = weights / weights.sum(1, keepdim=True) / at[..., 2]
    depth = 1 / weights.sum(1)
    barycentric = points.new_zeros(len(flat), 3).index_copy(0, pixel, weights * depth[:, None])
    depths = points.new_full((len(flat),), torch.inf).index_copy(0, pixel, depth)
    return Fragments(
        face.view(keys.shape), barycentric.view(*keys.shape, 3), depths.view(keys.shape)
    )

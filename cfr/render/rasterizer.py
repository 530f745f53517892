"""A batched z-buffer rasterizer in plain PyTorch: no compiler, CPU and CUDA.

Small triangles dominate a face mesh (0.8 pixels each at 224²), so the obvious form is vectorised:
list every pixel centre in every triangle's bounding box, keep those inside, and let a scatter-min
of (depth, triangle) packed into one integer decide. Which triangle wins is not differentiable;
the barycentric weights and the depth at each pixel are, and everything else follows from them.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cfr.render.expand import expand
from cfr.types import Fragments

NEAR = 0.01
"""A triangle with a corner nearer than this (decimetres) is dropped whole."""
SMALLEST_AREA = 1e-8
"""Triangles of less than half this many square pixels are dropped: no weights follow from them."""

_NOTHING = torch.iinfo(torch.int64).max
_CPU_BUDGET, _DEVICE_BUDGET = 1 << 18, 1 << 22


def rasterize(
    points: Float[Tensor, "b v 3"],
    triangles: Int[Tensor, "f 3"],
    height: int,
    width: int,
    *,
    cull_backfaces: bool = True,
    budget: int | None = None,
) -> Fragments:
    """Find the nearest triangle at every pixel's centre.

    A centre on an edge belongs to the triangle, so neighbours leave no crack; where two triangles
    are equally near, the lower index wins. Triangles that are degenerate, not finite or not wholly
    in front of the camera are dropped. Triangles may leave the image on all sides.

    Args:
        points: Projected vertices: x, y in pixels, depth in decimetres.
        triangles: Vertex indices, anticlockwise seen from outside.
        height: Rows of the image.
        width: Columns of the image.
        cull_backfaces: Leave out what is seen from inside.
        budget: The most candidate pixels in memory at once; it changes nothing else.
    """
    if budget is None:
        budget = _CPU_BUDGET if points.device.type == "cpu" else _DEVICE_BUDGET
    batch = len(points)
    keys = torch.full((batch * height * width,), _NOTHING, device=points.device)
    # A group of images at a time: on a CPU one, which stays in the cache.
    group = max(1, budget // max(1, 3 * len(triangles)))
    with torch.no_grad():
        for first in range(0, batch, group):
            part = points[first : first + group].detach()
            pixels = keys[first * height * width : (first + len(part)) * height * width]
            _draw(part, triangles, height, width, cull_backfaces, budget, pixels)
    return _fragments(points, triangles, keys.view(batch, height, width))


def _draw(
    points: Tensor,
    triangles: Tensor,
    height: int,
    width: int,
    cull_backfaces: bool,
    budget: int,
    keys: Tensor,
) -> None:
    """Lower each pixel's key to that of the nearest triangle; a key is depth, then index."""
    count = len(triangles)
    corners = triangles.T.reshape(-1)
    x, y, depth = (
        points[..., axis].index_select(1, corners).view(len(points), 3, count) for axis in range(3)
    )
    left, right = _span(x, width)
    top, bottom = _span(y, height)
    boxes = (right - left + 1).clamp_(min=0) * (bottom - top + 1).clamp_(min=0)
    area = _cross(x[:, 0], y[:, 0], x[:, 1], y[:, 1], x[:, 2], y[:, 2])
    # Rows run downwards: seen from outside, an anticlockwise triangle has a negative area.
    drawn = area < -SMALLEST_AREA if cull_backfaces else area.abs() > SMALLEST_AREA
    drawn &= area.isfinite() & ((depth > NEAR) & (depth < torch.inf)).all(1) & (boxes > 0)
    kept = drawn.view(-1).nonzero().squeeze(1)
    image = torch.div(kept, count, rounding_mode="floor")

    def pick(*tensors: Tensor) -> Tensor:
        return torch.stack([one.reshape(-1).index_select(0, kept) for one in tensors])

    whole = torch.stack((kept - image * count, image * (height * width)))
    boxed = pick(left, top, right - left + 1)
    real = pick(*x.unbind(1), *y.unbind(1), *(1 / depth).unbind(1))
    for owner, offset in expand(pick(boxes)[0].long(), budget):
        face, base = whole.index_select(1, owner)
        column, row, wide = boxed.index_select(1, owner)
        line = torch.div(offset.int(), wide, rounding_mode="floor")
        column += offset.int() - line * wide
        row += line
        at = real.index_select(1, owner)
        (ax, bx, cx), (ay, by, cy) = at[:3] - column, at[3:6] - row
        u, v, w = bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx
        inside = (u <= 0) & (v <= 0) & (w <= 0)
        if not cull_backfaces:
            inside |= (u >= 0) & (v >= 0) & (w >= 0)
        total = u + v + w
        inside &= total.abs() > SMALLEST_AREA
        distance = total / (u * at[6] + v * at[7] + w * at[8])
        key = distance.float().view(torch.int32).long() << 32 | face
        keys.scatter_reduce_(0, base + (row * width + column), key.where(inside, _NOTHING), "amin")


def _span(coordinates: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """First and last pixel centre between the corners, as integers; empty if not finite."""
    low, high = coordinates.amin(1), coordinates.amax(1)
    first = low.ceil_().clamp_(0, size).nan_to_num_(size)
    last = high.floor_().clamp_(-1, size - 1).nan_to_num_(-1)
    return first.int(), last.int()


def _cross(ax: Tensor, ay: Tensor, bx: Tensor, by: Tensor, cx: Tensor, cy: Tensor) -> Tensor:
    """Twice the signed area of triangles."""
    return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)


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

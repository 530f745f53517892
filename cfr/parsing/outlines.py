"""The parts of a face from outlines of its 68 landmarks, where a face model names no regions.

Outlines are drawn on the head, seen from its own front, not on the photo: so what the photo hides
stays hidden when the head is drawn.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from cfr.parsing.types import Label

_LIDS: Mapping[Label, tuple[tuple[int, int, int], ...]] = {
    Label.RIGHT_EYE: ((36, 41, 37), (37, 41, 40), (37, 40, 38), (38, 40, 39)),
    Label.LEFT_EYE: ((42, 47, 43), (43, 47, 46), (43, 46, 44), (44, 46, 45)),
    Label.INNER_MOUTH: (
        *((60, 67, 61), (61, 67, 66), (61, 66, 62)),
        *((62, 66, 65), (62, 65, 63), (63, 65, 64)),
    ),
}
"""Triangles of landmarks over what is a hole in some models; anticlockwise seen from outside."""
BROW = 0.05
"""Half a brow's height, as a share of the distance between the eyes' outer corners."""
_EYES = {Label.RIGHT_EYE: range(36, 42), Label.LEFT_EYE: range(42, 48)}
_BROWS = {Label.RIGHT_BROW: range(17, 22), Label.LEFT_BROW: range(22, 27)}
_LIPS = {
    Label.UPPER_LIP: (*range(48, 55), 64, 63, 62, 61, 60),
    Label.LOWER_LIP: (*range(54, 60), 48, 60, 67, 66, 65, 64),
}
_INNER_MOUTH = range(60, 68)
_NOSE = (27, *range(31, 36))
_WING = 0.25  # how far a nostril's wing stands out, as a share of the points' width
_BEHIND = 0.2  # vertices as far behind the points, as a share of the same distance, are no face


def label_by_outlines(
    shape: Float[Tensor, "b v 3"], landmarks: Int64[Tensor, "68"]
) -> Int64[Tensor, "b v"]:
    """What each vertex is, by the outlines of the landmarks on the head's front.

    Eyes and inner mouth are what the landmarks enclose, lips what is between their two outlines, a
    brow what is near its line, the nose a polygon from its bridge to its wings. All the rest is
    skin.

    Args:
        shape: Heads in their own pose: x image right, y up, z to the front.
        landmarks: Vertices of the iBUG-68 points.

    Returns:
        Values of :class:`Label`.
    """
    at, points = shape[..., :2], shape[:, landmarks]
    across = (points[:, 45, :2] - points[:, 36, :2]).norm(dim=-1, keepdim=True)
    front = shape[..., 2] > points[:, 17:, 2].amin(1, keepdim=True) - _BEHIND * across
    points = points[..., :2]

    def within(indices: Sequence[int]) -> Tensor:
        return inside(at, points[:, list(indices)]) & front

    found = torch.full(shape.shape[:2], Label.SKIN, dtype=torch.int64, device=shape.device)
    found[inside(at, _nose(points)) & front] = Label.NOSE
    for label, indices in _BROWS.items():
        line = points[:, list(indices)]
        found[(distance(at, line) <= BROW * across) & front] = label
    for label, indices in (*_LIPS.items(), (Label.INNER_MOUTH, _INNER_MOUTH), *_EYES.items()):
        found[within(indices)] = label
    return found


def lids(
    landmarks: Int64[Tensor, "68"], vertices: int
) -> tuple[Int64[Tensor, "t 3"], Int64[Tensor, "68"]]:
    """Surfaces over the openings of eyes and mouth, between copies of the landmarks.

    Args:
        landmarks: Vertices of the iBUG-68 points; only their device counts.
        vertices: Those of the face; the 68 copies come after them.

    Returns:
        Triangles, and what each copy is.
    """
    labels = torch.full_like(landmarks, Label.SKIN)
    triangles = []
    for label, corners in _LIDS.items():
        triangles.append(torch.tensor(corners, device=landmarks.device))
        labels[triangles[-1]] = label.value
    return torch.cat(triangles) + vertices, labels


def inside(at: Float[Tensor, "b n 2"], outline: Float[Tensor, "b k 2"]) -> Bool[Tensor, "b n"]:
    """Which points lie in a polygon: a ray to the right crosses its edges an odd number of times.

    Args:
        at: x and y.
        outline: Corners, in either sense; the last is joined to the first.
    """
    x, y = at.unbind(-1)
    found = torch.zeros_like(x, dtype=torch.bool)
    for one, other in zip(outline.unbind(1), outline.roll(-1, 1).unbind(1), strict=True):
        (x0, y0), (x1, y1) = one[..., None].unbind(1), other[..., None].unbind(1)
        between = (y0 > y) != (y1 > y)  # never for a level edge, which would divide by 0
        found ^= between & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return found


def distance(at: Float[Tensor, "b n 2"], line: Float[Tensor, "b k 2"]) -> Float[Tensor, "b n"]:
    """How far points are from a line of straight pieces, not closed."""
    found = torch.full_like(at[..., 0], torch.inf)
    for start, end in zip(line[:, None, :-1].unbind(2), line[:, None, 1:].unbind(2), strict=True):
        along = end - start
        length = along.square().sum(-1).clamp_min(torch.finfo(at.dtype).tiny)
        share = ((at - start) * along).sum(-1) / length
        nearest = start + share.clamp(0, 1)[..., None] * along
        found = torch.minimum(found, (at - nearest).norm(dim=-1))
    return found


def _nose(points: Float[Tensor, "b 68 2"]) -> Float[Tensor, "b 6 2"]:
    """From the bridge to the nostrils' wings, which stand out over the points below them."""
    outline = points[:, list(_NOSE)].clone()
    wing = _WING * (outline[:, -1] - outline[:, 1])
    outline[:, 1] -= wing
    outline[:, -1] += wing
    return outline

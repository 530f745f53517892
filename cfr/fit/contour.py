"""Jaw points on a photo are where the face's outline is, not on one spot of the skin.

When a head turns, the far side's outline moves over the cheek. As Zhu et al. (High-Fidelity Pose
and Expression Normalization, CVPR 2015) do, each jaw point walks along a line of the mesh, at the
same height, to the outermost vertex that the image shows.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cfr.morphable.model import MorphableModel

JAW = 17
"""The first of the 68 points, from the image's left ear over the chin to the right one."""
STOPS = 16
"""Vertices along each line, the landmark being the first."""
_INWARD = 0.75


@dataclass(frozen=True, eq=False)
class ContourLines:
    """Where jaw points may be.

    Attributes:
        vertices: ``(68 + 17 · STOPS,)`` the landmarks, then the stops of each line.
        lines: ``(17, STOPS)`` positions of a line's stops in ``vertices``.
    """

    vertices: Int[Tensor, " n"]
    lines: Int[Tensor, "17 s"]


def contour_lines(model: MorphableModel) -> ContourLines:
    """Lines at the height of each jaw point, from it three quarters of the way to the front.

    Stops are even steps of the angle around the head's vertical axis, which runs between the ears.
    """
    shape, landmarks = model.mean_shape, model.landmarks
    jaw = shape[landmarks[:JAW]]
    axis = (jaw[0, 2] + jaw[-1, 2]) / 2
    angle = torch.atan2(shape[:, 0], shape[:, 2] - axis)
    radius = torch.hypot(shape[:, 0], shape[:, 2] - axis)
    from_front = torch.linspace(1, 1 - _INWARD, STOPS, dtype=shape.dtype, device=shape.device)
    rows = []
    for own, (_, height, _) in zip(landmarks[:JAW], jaw, strict=True):
        # Distances on the surface; of two layers the outer one counts as nearer.
        across = (angle - (angle[own] * from_front)[:, None]) * radius.clamp(min=0.1)
        far = across.square() + (shape[:, 1] - height).square() - 1e-3 * radius
        row = far.argmin(1)
        row[0] = own
        rows.append(row)
    stops = torch.cat(rows)
    lines = 68 + torch.arange(JAW * STOPS, device=shape.device).view(JAW, STOPS)
    return ContourLines(torch.cat((landmarks, stops)), lines)


def outermost(
    turned: Float[Tensor, "b n 3"], rotation: Float[Tensor, "b 3 3"], lines: ContourLines
) -> Int[Tensor, "b 68"]:
    """Which of ``lines.vertices`` stands for each point in this pose.

    Args:
        turned: The vertices of ``lines``, turned but not projected: x image right, y up.
        rotation: Says which way the head's own up is in the image.
        lines: Where jaw points may be.
    """
    batch = len(turned)
    up = rotation[:, :2, 1]
    sideways = torch.stack((up[:, 1], -up[:, 0]), dim=1)
    reach = (turned[..., :2] * sideways[:, None]).sum(-1)[:, lines.lines]
    side = torch.arange(JAW, device=turned.device) - JAW // 2
    outward = reach * torch.sign(side).to(reach.dtype)[:, None]
    far = side * rotation[:, :1, 2] > 0  # the nose points to that side
    best = torch.where(far, outward.argmax(-1), 0)
    chosen = lines.lines.expand(batch, -1, -1).gather(2, best[..., None])[..., 0]
    rest = torch.arange(JAW, 68, device=turned.device).expand(batch, -1)
    return torch.cat((chosen, rest), dim=1)

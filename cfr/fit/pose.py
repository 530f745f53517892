"""Where a rigid face is: the linear start of a fit, and angles of a rotation.

Source of the linear fit: POS (pose from orthography and scaling) of DeMenthon and Davis,
Model-Based Object Pose in 25 Lines of Code, IJCV 1995.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from cfr.camera import Camera


def orthographic_pose(
    shape: Float[Tensor, "n 3"],
    points: Float[Tensor, "b n 2"],
    weights: Float[Tensor, "b n"],
    camera: Camera,
) -> tuple[Float[Tensor, "b 3 3"], Float[Tensor, "b 3"]]:
    """Rotation and translation by weighted least squares under scaled orthography.

    The best affine map is linear; the nearest scaled rotation to it comes from a singular value
    decomposition, the distance from the scale. No start is needed, so no pose is too far.

    Args:
        shape: Decimetres, x image right, y up, z towards the camera.
        points: Pixels, y downwards.
        weights: Of each point, none negative.
        camera: Turns the scale into a distance.
    """
    centre = camera.size / 2 - 0.5
    upright = (points - centre) * points.new_tensor([1.0, -1.0])
    share = weights[..., None] / weights.sum(1)[:, None, None]
    middle = (share * shape).sum(1)
    target = (share * upright).sum(1)
    spread = shape - middle[:, None]
    square = (share * spread).mT @ spread
    square = square + 1e-9 * torch.eye(3, dtype=shape.dtype, device=shape.device)
    affine = torch.linalg.solve(square, (share * spread).mT @ (upright - target[:, None])).mT
    left, scales, right = torch.linalg.svd(affine, full_matrices=False)
    rows = left @ right
    third = torch.linalg.cross(rows[:, 0], rows[:, 1])
    rotation = torch.cat((rows, third[:, None]), dim=1)
    # A tenth or ten times the usual size is no face of this crop: stay near the camera's range.
    scale = scales.mean(1).clamp(0.1, 10 * camera.focal / camera.distance)
    depth = (camera.focal / scale).clamp(0.2 * camera.distance, 5 * camera.distance)
    turned = (rotation @ middle[..., None])[..., 0]
    sideways = target * (depth / camera.focal)[:, None] - turned[:, :2]
    along = camera.distance - depth - turned[:, 2]
    return rotation, torch.cat((sideways, along[:, None]), dim=1)


def rotation_angles(rotation: Float[Tensor, "b 3 3"]) -> Float[Tensor, "b 3"]:
    """Pitch, yaw, roll in radians: the inverse of :func:`cfr.camera.rotation_matrix`.

    Yaw lies within ±90°; beyond it the same rotation has other pitch and roll. At ±90° exactly,
    pitch and roll turn about one axis, and roll is 0.
    """
    down = rotation[:, 2]
    level = torch.hypot(rotation[:, 0, 0], rotation[:, 1, 0])
    yaw = torch.atan2(-down[:, 0], level)
    usual = level > 1e-6
    pitch = torch.where(
        usual,
        torch.atan2(down[:, 1], down[:, 2]),
        torch.atan2(-rotation[:, 1, 2], rotation[:, 1, 1]),
    )
    roll = torch.where(usual, torch.atan2(rotation[:, 1, 0], rotation[:, 0, 0]), 0.0)
    return torch.stack((pitch, yaw, roll), dim=1)


def rotate_by(vector: Float[Tensor, "b 3"]) -> Float[Tensor, "b 3 3"]:
    """The rotation about a vector by its length in radians."""
    zero = torch.zeros_like(vector[:, 0])
    x, y, z = vector.unbind(1)
    rows = (zero, -z, y, z, zero, -x, -y, x, zero)
    return torch.linalg.matrix_exp(torch.stack(rows, dim=1).unflatten(1, (3, 3)))

import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from cfr.camera import NEAR, REGRESSOR_OFFSET, Camera, place, rotation_matrix


def test_the_field_of_view_is_deep3ds() -> None:
    assert math.degrees(Camera().field_of_view) == pytest.approx(12.5936, abs=5e-5)


def test_projection_follows_the_formula() -> None:
    """u = 1015 X / depth + 112 between edges, row = 223 − v for regressors (Deep3D)."""
    x, y, z = 0.31, -0.42, 0.55
    column, row, depth = Camera().project(torch.tensor([[[x, y, z]]]))[0, 0].tolist()
    u, v = 1015 * x / (10 - z) + 112, 1015 * y / (10 - z) + 112
    assert depth == pytest.approx(10 - z)
    assert column == pytest.approx(u - 0.5, abs=1e-4)
    assert row == pytest.approx(223.5 - v, abs=1e-4)
    assert (column + REGRESSOR_OFFSET[0], row + REGRESSOR_OFFSET[1]) == pytest.approx(
        (u, 223 - v), abs=1e-4
    )


def test_the_axis_meets_the_middle_of_the_image() -> None:
    for size in (112, 224, 225):
        point = Camera().resized(size).project(torch.zeros(1, 1, 3))[0, 0]
        assert point[:2].tolist() == pytest.approx([(size - 1) / 2] * 2)


def test_a_resized_camera_sees_the_same() -> None:
    points = torch.rand(1, 50, 3, dtype=torch.float64) - 0.5
    small, large = Camera().resized(112).project(points), Camera().project(points)
    # A pixel of the small image covers two by two of the large one.
    assert torch.allclose(2 * small[..., :2] + 0.5, large[..., :2])


def test_points_at_and_behind_the_camera_stay_finite_with_their_gradients() -> None:
    points = torch.tensor([[[0.1, 0.1, 10.0], [0.1, 0.1, 9.9999999], [0.1, 0.1, 12.0]]])
    points.requires_grad_()
    projected = Camera().project(points)
    projected.sum().backward()
    assert projected.isfinite().all()
    assert projected[0, 2, 2] < 0
    assert points.grad is not None
    assert points.grad.isfinite().all()


def test_what_is_nearer_than_near_is_held_there_and_what_is_behind_is_mirrored() -> None:
    """Half a NEAR in front, half a NEAR behind, and two decimetres behind."""
    x = 0.1
    points = torch.tensor([[[x, 0.0, 10 - NEAR / 2], [x, 0, 10 + NEAR / 2], [x, 0, 12.0]]]).double()
    column, _, depth = Camera().project(points)[0].unbind(-1)
    expected = [1015 * x / NEAR + 111.5, -1015 * x / NEAR + 111.5, -1015 * x / 2 + 111.5]
    assert column.tolist() == pytest.approx(expected)
    assert depth.tolist() == pytest.approx([NEAR / 2, -NEAR / 2, -2], abs=1e-6)


def test_rotation_agrees_with_scipy() -> None:
    angles = torch.empty(20, 3, dtype=torch.float64).uniform_(-3, 3)
    expected = Rotation.from_euler("xyz", angles.numpy()).as_matrix()  # about fixed axes
    assert np.allclose(rotation_matrix(angles).numpy(), expected)


@pytest.mark.parametrize(
    ("angle", "axis", "moved"),
    [(1, 0, 1.0), (0, 1, -1.0)],
    ids=["yaw turns the nose to the image's right", "pitch lowers it"],
)
def test_where_the_nose_goes(angle: int, axis: int, moved: float) -> None:
    rotation = torch.zeros(1, 3)
    rotation[0, angle] = 0.3
    nose = place(torch.tensor([[[0.0, 0.0, 0.5]]]), rotation, torch.zeros(1, 3))[0, 0]
    assert torch.sign(nose[axis]) == moved
    assert nose[2] < 0.5


def test_roll_turns_anticlockwise_in_the_image() -> None:
    chin = torch.tensor([[[0.0, -0.5, 0.0]]])
    turned = place(chin, torch.tensor([[0.0, 0.0, 0.3]]), torch.zeros(1, 3))
    before, after = Camera().project(chin)[0, 0], Camera().project(turned)[0, 0]
    assert after[0] > before[0]  # the lowest point moves right


def test_gradients_agree_with_finite_differences() -> None:
    shape = torch.rand(2, 5, 3, dtype=torch.float64, requires_grad=True)
    rotation = torch.rand(2, 3, dtype=torch.float64, requires_grad=True)
    translation = torch.rand(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda *parts: Camera().project(place(*parts)), (shape, rotation, translation)
    )

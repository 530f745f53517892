"""Rotations against SciPy's, and the linear pose against a face that was put there."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from cfr.camera import Camera, rotation_matrix
from cfr.fit.pose import orthographic_pose, rotate_by, rotation_angles

ANGLE = st.floats(-math.pi, math.pi)


@given(ANGLE, st.floats(-1.5, 1.5), ANGLE)
@settings(max_examples=50, deadline=None)
def test_angles_are_the_inverse_of_the_rotation(pitch: float, yaw: float, roll: float) -> None:
    matrix = rotation_matrix(torch.tensor([[pitch, yaw, roll]], dtype=torch.float64))
    again = rotation_matrix(rotation_angles(matrix))
    torch.testing.assert_close(again, matrix, atol=1e-9, rtol=0)


@pytest.mark.parametrize("yaw", [math.pi / 2, -math.pi / 2])
def test_a_full_profile_has_angles(yaw: float) -> None:
    matrix = rotation_matrix(torch.tensor([[0.3, yaw, -0.2]], dtype=torch.float64))
    angles = rotation_angles(matrix)
    torch.testing.assert_close(rotation_matrix(angles), matrix, atol=1e-7, rtol=0)


def test_turns_equal_scipys() -> None:
    vectors = np.random.default_rng(0).normal(0, 2, (20, 3))
    expected = Rotation.from_rotvec(vectors).as_matrix()
    np.testing.assert_allclose(rotate_by(torch.from_numpy(vectors)).numpy(), expected, atol=1e-12)


def test_orthography_finds_any_pose() -> None:
    """Seen from far away with a long lens, where a perspective is an orthographic one."""
    rng = np.random.default_rng(1)
    shape = torch.from_numpy(rng.normal(0, 0.6, (30, 3)))
    angles = torch.from_numpy(rng.uniform(-1.5, 1.5, (40, 3)))
    moved = torch.from_numpy(rng.normal(0, 0.3, (40, 3)))
    rotation = rotation_matrix(angles)
    camera = Camera(focal=1e6, distance=1e4)
    points = camera.project(shape @ rotation.mT + moved[:, None])[..., :2]
    points[:, 0] += 40.0  # does not count
    weights = torch.ones(40, 30, dtype=torch.float64)
    weights[:, 0] = 0
    found, translation = orthographic_pose(shape, points, weights, camera)
    torch.testing.assert_close(found, rotation, atol=1e-3, rtol=0)
    torch.testing.assert_close(translation[:, :2], moved[:, :2], atol=1e-3, rtol=0)

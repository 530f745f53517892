"""Jaw points on the outline: against the outline itself, found by brute force."""

from pathlib import Path

import pytest
import torch

from cfr.camera import Camera, place, rotation_matrix
from cfr.fit import FitSettings, fit_points
from cfr.fit.contour import JAW, STOPS, contour_lines, outermost
from cfr.morphable.ict import load
from cfr.morphable.model import MorphableModel
from cfr.types import Coefficients
from results.bench.faces import projected_points, random_faces


@pytest.fixture(scope="module")
def ict(shared: Path) -> MorphableModel:
    return load(shared / "face_models" / "ict_facekit")


def outline(model: MorphableModel, faces: Coefficients) -> torch.Tensor:
    """The 68 points, those of the far jaw moved to the outline at their height by brute force."""
    points = projected_points(model, faces)
    shape = model.shape(faces)
    whole = Camera().project(place(shape, faces.rotation, faces.translation))
    for face in range(len(points)):
        right = bool(faces.rotation[face, 1] > 0)
        for jaw in range(10, JAW) if right else range(7):
            own = shape[face, model.landmarks[jaw]]
            level = (shape[face, :, 1] - own[1]).abs() < 0.03
            level &= shape[face, :, 0] * own[0] > 0
            across = whole[face, level, 0]
            points[face, jaw] = whole[face, level][(across if right else -across).argmax(), :2]
    return points


def test_lines_start_at_the_jaw_and_lead_to_the_front(ict: MorphableModel) -> None:
    lines = contour_lines(ict)
    at = ict.mean_shape[lines.vertices[lines.lines]]
    assert lines.lines.shape == (JAW, STOPS)
    assert torch.equal(lines.vertices[:68], ict.landmarks)
    assert torch.equal(at[:, 0], ict.mean_shape[ict.landmarks[:JAW]])
    assert (at[..., 1] - at[:, :1, 1]).abs().max() < 0.08
    sides = torch.tensor([0, 1, 2, 3, 13, 14, 15, 16])
    assert (at[sides, -1, 2] > at[sides, 0, 2] + 0.3).all()


def test_the_far_side_slides_and_the_near_side_stays(ict: MorphableModel) -> None:
    lines = contour_lines(ict)
    angles = torch.tensor([[0.0, 0.9, 0.0], [0.0, -0.9, 0.0], [0.0, 0.9, 0.5], [0.0, 0.0, 0.0]])
    rotation = rotation_matrix(angles)
    chosen = outermost(ict.mean_shape[lines.vertices] @ rotation.mT, rotation, lines)
    jaw = torch.arange(JAW)
    own = lines.vertices[chosen] == ict.landmarks
    assert own[0, :JAW][jaw < 8].all()
    assert own[1, :JAW][jaw > 8].all()
    assert not own[0, 11:15].any()
    assert not own[1, 2:6].any()
    assert torch.equal(chosen[0], chosen[2])  # roll changes nothing
    assert own[3].all()
    assert own[:, JAW:].all()


def test_sliding_is_nearer_where_the_points_are_on_the_outline(ict: MorphableModel) -> None:
    faces = random_faces(ict, 40, torch.Generator().manual_seed(2))
    yaw = torch.linspace(30, 60, 40).deg2rad() * torch.tensor([1.0, -1.0]).repeat(20)
    faces.rotation[:, 1] = yaw
    points = outline(ict, faces)
    fixed = fit_points(ict, points).rotation
    sliding = fit_points(ict, points, settings=FitSettings(contour="sliding")).rotation
    error = [torch.rad2deg((one - faces.rotation)[:, 1].abs().median()) for one in (fixed, sliding)]
    assert error[1] < 2.0
    assert error[1] < 0.6 * error[0]

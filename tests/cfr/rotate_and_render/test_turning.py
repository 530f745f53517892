"""Pairs by Rotate-and-Render: poses, what is lost on the way, and what is told of it."""

import numpy as np
import pytest
import torch

from cfr.camera import Camera
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from cfr.render.shading import render
from cfr.rotate_and_render.erosion import Erosion
from cfr.rotate_and_render.turning import Turn, TurnedPairs, draw_turns, turn_and_back
from cfr.types import Coefficients

SIDE = 112


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return load_model("builtin")


@pytest.fixture(scope="module")
def faces(model: MorphableModel) -> Coefficients:
    found = model.layout().zeros(2)
    found.identity[1, :5] = 1.0
    found.rotation[1, 1] = 0.3
    return found


@pytest.fixture(scope="module")
def photo(model: MorphableModel, faces: Coefficients) -> torch.Tensor:
    image, covered = render(reconstruct(model, faces), Camera().resized(SIDE))
    return torch.where(covered[:, None], image.clamp(0, 1), 0.5)


def turn(yaw: float, sure: float = 0.9) -> Turn:
    rotation = torch.tensor([[0.0, yaw, 0.0]]).repeat(2, 1)
    erosion = Erosion(torch.full((2,), 0.2), torch.full((2,), sure))
    return Turn(rotation, erosion, erosion)


@pytest.fixture(scope="module")
def away(model: MorphableModel, photo: torch.Tensor, faces: Coefficients) -> TurnedPairs:
    return turn_and_back(model, photo, faces, turn(0.8))


def test_poses_are_as_published() -> None:
    fitted = torch.tensor([[0.2, 0.9, 0.3], [-0.2, 0.9, 0.3]]).repeat(300, 1)
    rngs = [np.random.default_rng(seed) for seed in range(600)]
    pitch, yaw, roll = draw_turns(fitted, rngs).rotation.unbind(1)
    assert not roll.any()
    front = yaw == 0
    assert 0.75 < (~front).float().mean() < 0.85
    assert sorted(set(pitch[front].tolist())) == pytest.approx([0.0, 0.2])
    turned = yaw[~front].abs()
    assert 0.342 <= turned.min() < 0.36
    assert 0.95 < turned.max() <= 0.965
    assert 0.4 < (yaw[~front] > 0).float().mean() < 0.6
    apart = (pitch - fitted[:, 0].clamp(min=0))[~front]
    assert apart.abs().max() <= 0.5 + 1e-6
    assert apart.min() < -0.45
    assert apart.max() > 0.45
    steep = torch.tensor([[1.4, 0.0, 0.0]]).repeat(50, 1)
    tilted = draw_turns(steep, rngs[:50]).rotation
    assert (tilted[tilted[:, 1] != 0, 0] <= 1.0).all()


def test_without_a_turn_nothing_is_lost_but_the_edge(
    model: MorphableModel, photo: torch.Tensor, faces: Coefficients
) -> None:
    """Faces in the middle, which already look to the front: the other pose is their own."""
    front = faces.rows([0, 0])
    pairs = turn_and_back(model, photo[[0, 0]], front, turn(0.0))
    known = pairs.face[:, None] & (pairs.target == 0)
    apart = (pairs.damaged - pairs.photo).abs().mean(1, keepdim=True)
    assert apart[known].mean() < 0.01
    assert 0.6 < known.sum() / pairs.face.sum() < 0.95
    rows = pairs.target[0, 0].nonzero()[:, 0]
    assert (rows > 0.15 * SIDE).float().mean() > 0.95  # the forehead is spared


def test_what_was_out_of_sight_is_told_and_is_wrong(away: TurnedPairs) -> None:
    lost = away.target[:, 0] > 0
    assert not (lost & ~away.face).any()
    apart = (away.damaged - away.photo).abs().mean(1)
    assert apart[lost].mean() > 3 * apart[away.face & ~lost].mean()
    # Turned to the right, the face's own left (the picture's right) goes out of sight.
    columns = torch.arange(SIDE).expand(2, SIDE, SIDE)
    middle = columns[away.face].float().mean()
    assert columns[lost].float().mean() > middle + 5


def test_stages_are_what_they_are_called(
    away: TurnedPairs, model: MorphableModel, faces: Coefficients
) -> None:
    outside = ~away.face[:, None].expand_as(away.damaged)
    for picture in (away.damaged, away.guide, away.projected):
        assert not picture[outside].any()
    mesh = reconstruct(model, faces)
    estimated = render(mesh, Camera().resized(SIDE)).image.clamp(0, 1)
    assert torch.allclose(away.guide, estimated, atol=1e-5)
    # Everything beside what is left of the turned face has one colour.
    corners = away.turned[:, :, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert torch.allclose(corners, corners[..., :1].expand_as(corners))


def test_more_is_eroded_the_surer_it_has_to_be(
    model: MorphableModel, photo: torch.Tensor, faces: Coefficients, away: TurnedPairs
) -> None:
    strict = turn_and_back(model, photo, faces, turn(0.8, sure=0.99))
    assert strict.target.sum() > away.target.sum()
    again = turn_and_back(model, photo, faces, turn(0.8))
    assert torch.equal(again.damaged, away.damaged)
    assert torch.equal(again.target, away.target)

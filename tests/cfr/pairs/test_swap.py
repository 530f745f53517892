"""Swap-R&R on made-up people, whose faces and occluders are known."""

import math

import numpy as np
import pytest
import torch

from cfr.camera import Camera
from cfr.coefficients import WrongFaceModel
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from cfr.pairs.rules import RULES
from cfr.pairs.swap import SwapPairs, draw_rotations, exchange, make_pairs
from cfr.render.shading import render
from cfr.types import Coefficients

SIDE = 96


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return load_model("builtin")


def two_faces(model: MorphableModel) -> Coefficients:
    layout = model.layout()
    vector = torch.zeros(2, layout.size)
    found = layout.split(vector)
    found.rotation[1, 1] = 0.5
    found.translation[1, 0] = 0.1
    found.lighting[:, 0] = 0.2
    return found


@pytest.fixture(scope="module")
def photos(model: MorphableModel) -> torch.Tensor:
    """Two faces before a grey wall, with a blue patch on the image's left cheek."""
    image, covered = render(reconstruct(model, two_faces(model)), Camera().resized(SIDE))
    photo = torch.where(covered[:, None], image.clamp(0, 1), 0.5)
    rows, columns = slice(SIDE // 2, SIDE * 3 // 4), slice(SIDE // 3, SIDE // 2)
    photo[:, :, rows, columns] = torch.tensor([0.1, 0.2, 0.9]).view(3, 1, 1)
    return photo


def make(
    model: MorphableModel, photos: torch.Tensor, yaw: float = 0.9, swap: bool = True
) -> SwapPairs:
    rotation = torch.tensor([[0.0, yaw, 0.0]]).repeat(2, 1)
    return make_pairs(model, photos, two_faces(model), rotation, rule=RULES["release"], swap=swap)


def test_the_object_changes_places(model: MorphableModel, photos: torch.Tensor) -> None:
    pairs = make(model, photos)
    inside = pairs.objects[:, 0] == 1
    blue = photos[:, 2] > 0.85
    assert (inside & blue).sum() / (blue & pairs.face).sum() > 0.8
    # Smoothing mixes along the object's edge; its inside is exchanged wholly.
    near = torch.nn.functional.avg_pool2d((blue & pairs.face).float(), 7, 1, 3)
    core = near > 0.999
    assert core.any()
    assert (pairs.swapped[:, 2][core] < 0.85).float().mean() > 0.9
    assert (pairs.guide[:, 2][core] > 0.85).float().mean() > 0.8
    assert (pairs.estimated[:, 2][core] < 0.85).all()


def test_the_photo_stays_where_nothing_hides_it(
    model: MorphableModel, photos: torch.Tensor
) -> None:
    pairs = make(model, photos)
    outside = ~pairs.face[:, None].expand_as(photos)
    assert torch.equal(pairs.swapped[outside], photos[outside])
    assert not pairs.guide[outside].any()
    assert not pairs.damaged[outside].any()
    assert not pairs.target[~pairs.face[:, None]].any()


def test_turning_to_the_photo_s_own_pose_and_back_harms_little(
    model: MorphableModel, photos: torch.Tensor
) -> None:
    """The second face is turned by half a radian; from 1.4 to the other side little is left."""
    near, far = make(model, photos, yaw=0.5), make(model, photos, yaw=-1.4)
    errors = [
        (one.damaged - one.swapped).abs().mean(1)[1][one.face[1]].mean() for one in (near, far)
    ]
    assert errors[0] < 0.03
    assert errors[1] > 2 * errors[0]
    assert far.target[1].mean() > near.target[1].mean()


def test_without_swap_nothing_is_exchanged(model: MorphableModel, photos: torch.Tensor) -> None:
    pairs = make(model, photos, swap=False)
    assert torch.equal(pairs.swapped, photos)
    assert torch.equal(pairs.guide, pairs.estimated)


def test_each_pair_is_its_photo_s_alone(model: MorphableModel, photos: torch.Tensor) -> None:
    both = make(model, photos)
    faces = two_faces(model)
    parts = {name: part[1:] for name, part in faces.parts().items()}
    rotation = torch.tensor([[0.0, 0.9, 0.0]])
    one = make_pairs(model, photos[1:], Coefficients(**parts, model=faces.model), rotation)
    torch.testing.assert_close(one.damaged, both.damaged[1:], atol=1e-4, rtol=0)
    torch.testing.assert_close(one.target, both.target[1:])


def test_exchange_without_objects_changes_nothing() -> None:
    photo, projected, estimated = torch.rand(3, 2, 3, 16, 16)
    face = torch.ones(2, 16, 16, dtype=torch.bool)
    swapped, guide = exchange(photo, projected, estimated, torch.zeros(2, 1, 16, 16), face)
    torch.testing.assert_close(swapped, photo)
    torch.testing.assert_close(guide, estimated)


def test_rotations_are_within_what_is_published() -> None:
    fitted = torch.tensor([[0.5, 1.5, -0.5]]).repeat(500, 1)
    drawn = draw_rotations(fitted, [np.random.default_rng(one) for one in range(500)])
    assert (drawn.abs() <= torch.tensor([math.pi / 6, math.pi / 2, math.pi / 6]) + 1e-6).all()
    assert ((drawn - fitted).abs() <= torch.tensor([math.pi / 12, math.pi / 2, math.pi / 12])).all()
    assert drawn[:, 1].min() < 0.2
    again = draw_rotations(fitted[:1], [np.random.default_rng(7)])
    assert torch.equal(again[0], drawn[7])


def test_coefficients_of_another_model_are_refused(
    model: MorphableModel, photos: torch.Tensor
) -> None:
    faces = two_faces(model)
    other = Coefficients(**faces.parts(), model="0" * 64)
    with pytest.raises(WrongFaceModel):
        make_pairs(model, photos, other, torch.zeros(2, 3))

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cfr.coefficients import Layout, WrongFaceModel
from cfr.regressor import distillation
from cfr.regressor.network import MINI, build
from cfr.regressor.presets import STAGE2, StudentWeights, point_weights
from cfr.types import Coefficients

B = 3
LAYOUT = Layout(identity=4, expression=3, texture=5, lighting=27, model="a face model")
SHAPES = (B, 2, 4, 4), (B, 3, 2, 2), (B, 4, 1, 1), (B, 4)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(6)


def maps(rng: np.random.Generator) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(rng.normal(size=shape)) for shape in SHAPES)


def vector(rng: np.random.Generator, layout: Layout = LAYOUT) -> Tensor:
    return torch.from_numpy(rng.normal(size=(B, layout.size)))


def mean_square(one: Tensor, other: Tensor) -> float:
    pairs = zip(one.flatten().tolist(), other.flatten().tolist(), strict=True)
    return float(np.mean([(a - b) ** 2 for a, b in pairs]))


def gradients_agree(loss: Callable[..., Tensor], *start: Tensor) -> bool:
    return torch.autograd.gradcheck(loss, tuple(one.clone().requires_grad_() for one in start))


@pytest.mark.parametrize("choice", ["paper", "release"])
def test_features(rng: np.random.Generator, choice: str) -> None:
    student, teacher = maps(rng), maps(rng)
    weights = STAGE2["paper" if choice == "paper" else "release"].weights
    expected = 0.0
    for one, other, weight in zip(student, teacher, (0.125, 0.25, 0.5, 1.0), strict=True):
        expected += weight * mean_square(one, other)
    if choice == "paper":
        expected /= 4
    found = distillation.features(student, teacher, weights)
    assert found.item() == pytest.approx(expected)
    assert gradients_agree(lambda *some: distillation.features(some, teacher, weights), *student)


def test_features_that_do_not_belong_together(rng: np.random.Generator) -> None:
    weights = StudentWeights()
    with pytest.raises(ValueError, match="expected 4 features alike"):
        distillation.features(maps(rng)[:3], maps(rng)[:3], weights)
    wide = (*maps(rng)[:3], torch.zeros(B, 1, dtype=torch.float64))
    with pytest.raises(ValueError, match="expected 4 features alike"):
        distillation.features(maps(rng), wide, weights)


def test_coefficients(rng: np.random.Generator) -> None:
    student, teacher = vector(rng), vector(rng)
    groups = slice(0, 7), slice(7, 12), slice(12, None)
    expected = sum(mean_square(student[:, group], teacher[:, group]) for group in groups)

    def loss(one: Tensor) -> Tensor:
        return distillation.coefficients(LAYOUT.split(one), LAYOUT.split(teacher))

    assert loss(student).item() == pytest.approx(expected)
    assert gradients_agree(loss, student)


def test_coefficients_without_texture(rng: np.random.Generator) -> None:
    layout = Layout(identity=4, expression=3, texture=0, lighting=9, model="another")
    student, teacher = vector(rng, layout), vector(rng, layout)
    groups = slice(0, 7), slice(7, None)
    expected = sum(mean_square(student[:, group], teacher[:, group]) for group in groups)
    found = distillation.coefficients(layout.split(student), layout.split(teacher))
    assert found.item() == pytest.approx(expected)


def test_coefficients_of_another_model(rng: np.random.Generator) -> None:
    other = Layout(identity=4, expression=3, texture=5, lighting=27, model="another face model")
    with pytest.raises(WrongFaceModel):
        distillation.coefficients(LAYOUT.split(vector(rng)), other.split(vector(rng)))


@pytest.mark.parametrize("size", [224, 112])
def test_landmarks(rng: np.random.Generator, size: int) -> None:
    student, teacher = torch.from_numpy(rng.uniform(-20, size + 20, (2, B, 68, 2)))
    heavy = [*range(36, 48), *range(60, 68)]
    expected = 0.0
    for sample in range(B):
        for point in range(68):
            across, down = (student[sample, point] - teacher[sample, point]).tolist()
            weight = 20 if point in heavy else 1
            expected += weight * (abs(across) + abs(down)) * 224 / size / (68 * B)

    def loss(one: Tensor) -> Tensor:
        return distillation.landmarks(one, teacher, point_weights("stage2-paper"), size=size)

    assert loss(student).item() == pytest.approx(expected)
    assert gradients_agree(loss, student)


def test_no_gradient_reaches_the_teacher(rng: np.random.Generator) -> None:
    student, teacher = ([one.requires_grad_() for one in maps(rng)] for _ in range(2))
    mine, theirs = vector(rng).requires_grad_(), vector(rng).requires_grad_()
    points = torch.from_numpy(rng.uniform(0, 224, (2, B, 68, 2)))
    here, there = points[0].clone().requires_grad_(), points[1].clone().requires_grad_()
    loss = (
        distillation.features(tuple(student), tuple(teacher), StudentWeights())
        + distillation.coefficients(LAYOUT.split(mine), LAYOUT.split(theirs))
        + distillation.landmarks(here, there, point_weights("stage2-paper"), size=224)
    )
    loss.backward()
    assert all(one.grad is not None and one.grad.any() for one in (*student, mine, here))
    assert all(one.grad is None for one in (*teacher, theirs, there))


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.LazyLinear(5))


def test_a_teacher_is_a_frozen_copy_that_stays_as_it_is() -> None:
    student = network().train()
    photos = torch.randn(8, 3, 6, 6) + 3
    student(photos)
    teacher = distillation.teacher_of(student)
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    for name, value in student.state_dict().items():
        assert torch.equal(before[name], value)
    optimizer = torch.optim.AdamW(student.parameters(), lr=0.1)
    for _ in range(3):
        target = teacher(photos)
        assert not target.requires_grad
        optimizer.zero_grad()
        (student(photos + torch.randn_like(photos)) - target).square().mean().backward()
        optimizer.step()
    assert before.keys() == teacher.state_dict().keys()
    for name, value in teacher.state_dict().items():
        assert torch.equal(before[name], value), name
    assert all(not one.requires_grad and one.grad is None for one in teacher.parameters())
    changed = student.state_dict()
    assert not torch.equal(changed["1.running_mean"], before["1.running_mean"])
    assert not torch.equal(changed["0.weight"], before["0.weight"])


def test_a_teacher_evaluates_and_leaves_the_student_training() -> None:
    student = network().train()
    student(torch.randn(2, 3, 6, 6))
    teacher = distillation.teacher_of(student)
    assert not any(one.training for one in teacher.modules())
    assert all(one.training for one in student.modules())
    assert all(one.requires_grad for one in student.parameters())
    alone, together = torch.randn(1, 3, 6, 6), torch.randn(3, 3, 6, 6)
    batch = teacher(torch.cat((alone, together)))
    torch.testing.assert_close(teacher(alone), batch[:1])


def test_coefficients_take_what_a_layout_cuts(rng: np.random.Generator) -> None:
    same = LAYOUT.split(vector(rng))
    assert isinstance(same, Coefficients)
    assert distillation.coefficients(same, same) == 0


def test_a_regressor_differs_from_its_teacher_as_soon_as_a_face_is_masked() -> None:
    torch.manual_seed(0)
    student = build(MINI, LAYOUT, size=64).eval()
    teacher = distillation.teacher_of(student)
    photos = torch.rand(2, 3, 64, 64)
    masked = photos.clone()
    masked[:, :, 32:] = 0
    seen, target = student.look(photos), teacher.look(photos)
    hidden = student.look(masked)
    weights = StudentWeights()
    wanted = (*target.maps, target.pooled)
    assert distillation.features((*seen.maps, seen.pooled), wanted, weights) == 0
    loss = distillation.features((*hidden.maps, hidden.pooled), wanted, weights)
    assert loss > 0
    assert loss.requires_grad
    assert not target.pooled.requires_grad

"""Mistakes that the public codes make, or that are easily made: each test fails on the wrong form.

Where it is short, the wrong form stands in the test, to show that the test tells it from ours.
"""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cfr.coefficients import Layout
from cfr.identity_crops import fixed_crop
from cfr.regressor import distillation, losses
from cfr.regressor.presets import (
    BASELINE,
    STAGE1,
    STAGE2,
    FaceWeights,
    StudentWeights,
    point_weights,
)

LAYOUT = Layout(identity=4, expression=3, texture=5, lighting=27, model="a face model")


@pytest.fixture
def pictures() -> tuple[Tensor, Tensor, Tensor]:
    """A render, a photo and a mask of each of four samples; the masks do not overlap."""
    torch.manual_seed(1)
    mask = torch.zeros(4, 8, 8)
    for sample in range(4):
        mask[sample, 2 * sample : 2 * sample + 2] = 1
    return torch.rand(4, 3, 8, 8), torch.rand(4, 3, 8, 8), mask


def mixed(rendered: Tensor, photo: Tensor, mask: Tensor) -> Tensor:
    """The release's reconstruction: (b, h, w) times (b, 1, h, w) is (b, b, h, w)."""
    apart = (rendered - photo).abs().sum(dim=1)
    return (apart * mask[:, None]).sum() / mask.sum()


def everywhere(mask: Tensor) -> Tensor:
    return torch.ones_like(mask, dtype=torch.bool)


def test_masks_meet_only_their_own_photo(pictures: tuple[Tensor, Tensor, Tensor]) -> None:
    rendered, photo, mask = pictures
    rendered.requires_grad_()
    forms = (
        losses.photometric(rendered, photo, mask),
        losses.reconstruction(rendered, photo, mask, everywhere(mask)),
    )
    for loss in forms:
        (gradient,) = torch.autograd.grad(loss, rendered)
        assert not gradient[(mask == 0)[:, None].expand_as(gradient)].any()
        assert gradient[(mask == 1)[:, None].expand_as(gradient)].all()
    (gradient,) = torch.autograd.grad(mixed(rendered, photo, mask), rendered)
    assert gradient[(mask == 0)[:, None].expand_as(gradient)].any()


def test_a_batch_of_one_face_is_worth_one_face(pictures: tuple[Tensor, Tensor, Tensor]) -> None:
    values = []
    for size in (1, 4):
        rendered, photo, mask = (one[:1].expand(size, *one.shape[1:]) for one in pictures)
        values.append(
            (
                losses.photometric(rendered, photo, mask).item(),
                losses.reconstruction(rendered, photo, mask, everywhere(mask)).item(),
                mixed(rendered, photo, mask).item(),
            )
        )
    one, four = values
    assert four[:2] == pytest.approx(one[:2])
    assert one[2] == pytest.approx(one[1])
    assert four[2] == pytest.approx(4 * one[2])


def test_eyes_are_points_36_to_47() -> None:
    """Counted from 0, each eye has six points, and the mouth's first corner is point 48."""
    weights = point_weights(STAGE2["paper"].weights.points)
    assert weights[36:48].tolist() == [20.0] * 12
    assert weights[35] == weights[48] == 1
    released = point_weights(STAGE2["release"].weights.points)
    assert released[36] == 1
    assert released[48] == 3


def test_heavy_points_of_the_paper_are_the_same_in_a_mirror() -> None:
    eyes = {36: 45, 37: 44, 38: 43, 39: 42, 40: 47, 41: 46}
    mouth = {48: 54, 49: 53, 50: 52, 58: 56, 59: 55, 60: 64, 61: 63, 67: 65}
    for weighting in ("deep3d", "stage2-paper"):
        weights = point_weights(weighting)
        for one, other in (*eyes.items(), *mouth.items()):
            assert weights[one] == weights[other]


@pytest.mark.parametrize("choice", ["paper", "release"])
def test_estimated_points_are_trusted_less(choice: str) -> None:
    weights = STAGE1["paper" if choice == "paper" else "release"].weights
    found, truth = 224 * torch.rand(2, 2, 68, 2)

    def loss(*estimated: bool) -> float:
        return losses.landmarks(
            found,
            truth,
            point_weights(weights.points),
            size=224,
            estimated=torch.tensor(estimated),
            trust=weights.trust,
        ).item()

    assert loss(True, True) == pytest.approx(0.7 * loss(False, False))
    assert loss(True, False) + loss(False, True) == pytest.approx(1.7 * loss(False, False))
    assert BASELINE["paper"].weights.trust == 1


def test_reflectance_is_a_variance_whatever_holds_the_mask() -> None:
    colors = torch.rand(3, 50, 3)
    skin = torch.rand(50) < 0.6
    variance = colors[:, skin].var(dim=1, correction=0).sum(dim=1).mean().item()
    assert losses.reflectance(colors, skin).item() == pytest.approx(variance)
    assert 0 < variance <= 0.75

    def published(mask: Tensor) -> float:
        mean = (colors * mask).sum(dim=1, keepdim=True) / mask.sum()
        return float(((colors - mean) * mask).square().sum() / (3 * mask.sum()))

    assert published(-1 * skin.to(torch.uint8)[:, None].int() % 256) == pytest.approx(
        255 * variance, rel=1e-4
    )
    assert published(-1.0 * skin[:, None].float()) == pytest.approx(-variance, rel=1e-4)


def test_one_samples_colours_do_not_move_anothers_reflectance() -> None:
    colors = torch.rand(1, 50, 3)
    skin = torch.ones(50, dtype=torch.bool)
    shifted = torch.cat((colors, colors + 0.3))
    expected = losses.reflectance(colors, skin).item()
    assert losses.reflectance(shifted, skin).item() == pytest.approx(expected, rel=1e-4)


def test_the_prior_is_squared_and_a_mean_over_samples() -> None:
    vector = torch.randn(3, LAYOUT.size)

    def prior(numbers: Tensor) -> float:
        return losses.prior(LAYOUT.split(numbers), FaceWeights()).item()

    assert prior(vector.repeat(4, 1)) == pytest.approx(prior(vector))
    assert prior(2 * vector) == pytest.approx(4 * prior(vector))
    longer = Layout(identity=8, expression=3, texture=5, lighting=27, model="a face model")
    one, two = torch.zeros(1, LAYOUT.size), torch.zeros(1, longer.size)
    one[:, :4] = two[:, :8] = 1
    # A sum over the modes, not a mean: Deep3D's weights belong to it.
    assert losses.prior(longer.split(two), FaceWeights()).item() == 2 * prior(one)


def test_the_released_norms_are_of_the_whole_batch() -> None:
    vector = torch.randn(3, LAYOUT.size)

    def norms(numbers: Tensor) -> float:
        return losses.coefficient_norms(LAYOUT.split(numbers), FaceWeights()).item()

    assert norms(vector.repeat(4, 1)) == pytest.approx(2 * norms(vector))
    assert norms(2 * vector) == pytest.approx(2 * norms(vector))


def test_texture_weighs_what_its_code_says() -> None:
    vector = torch.zeros(1, LAYOUT.size)
    vector[0, 7] = 10.0
    drawn = LAYOUT.split(vector)
    for weights in (BASELINE["paper"].weights, STAGE1["paper"].weights):
        assert losses.prior(drawn, weights).item() == pytest.approx(1.7)
    released = losses.coefficient_norms(drawn, STAGE1["release"].weights)
    assert released.item() == pytest.approx(0.017)


def test_a_landmark_outside_the_picture_can_come_back() -> None:
    truth = torch.full((1, 68, 2), 100.0)
    outside = torch.tensor([(-30.0, 90.0), (90.0, 260.0), (-5.0, -5.0), (400.0, 300.0)])
    found = outside.repeat(17, 1)[None].requires_grad_()
    weights = point_weights("even")
    for loss in (
        losses.landmarks(found, truth, weights, size=224),
        distillation.landmarks(found, truth, weights, size=224),
    ):
        (gradient,) = torch.autograd.grad(loss, found)
        assert torch.equal(gradient.sign(), (found - truth).sign())
    clamped = losses.landmarks(found.clamp(0, 223), truth, weights, size=224)
    (lost,) = torch.autograd.grad(clamped, found)
    assert not lost[0, 3].any()


def test_the_recognizer_sees_rows_15_to_183_and_columns_15_to_208() -> None:
    picture = torch.zeros(1, 3, 224, 224, requires_grad=True)
    fixed_crop(picture).sum().backward()
    assert picture.grad is not None
    rows = picture.grad.sum(dim=(0, 1, 3)).nonzero()
    columns = picture.grad.sum(dim=(0, 1, 2)).nonzero()
    assert (rows.min(), rows.max()) == (15, 183)
    assert (columns.min(), columns.max()) == (15, 208)


def test_eq_2_is_divided_by_the_number_of_features() -> None:
    mine, theirs = (tuple(torch.rand(2, 3, 4, 4) for _ in range(4)) for _ in range(2))
    paper = distillation.features(mine, theirs, STAGE2["paper"].weights)
    release = distillation.features(mine, theirs, STAGE2["release"].weights)
    assert release.item() == pytest.approx(4 * paper.item())


@pytest.mark.parametrize("side", [2, 16])
def test_feature_maps_of_any_size_are_compared_by_their_mean_square(side: int) -> None:
    theirs = tuple(torch.rand(2, 3, side, side) for _ in range(4))
    levels = StudentWeights(levels=(1.0, 1.0, 1.0, 1.0))
    for difference in (0.5, 2.0):
        mine = tuple(one + difference for one in theirs)
        loss = distillation.features(mine, theirs, levels).item()
        assert loss == pytest.approx(difference**2, rel=1e-4)


def test_coefficients_are_compared_by_their_mean_square() -> None:
    theirs = torch.randn(2, LAYOUT.size)
    for difference in (0.5, 2.0):
        mine = LAYOUT.split(theirs + difference)
        loss = distillation.coefficients(mine, LAYOUT.split(theirs)).item()
        assert loss == pytest.approx(3 * difference**2, rel=1e-4)


def test_the_teachers_statistics_do_not_move() -> None:
    student = nn.BatchNorm1d(4).train()
    teacher = distillation.teacher_of(student)
    photos = 5 + 3 * torch.randn(32, 4)
    first = teacher(photos)
    student(photos)
    assert torch.equal(teacher(photos), first)
    assert teacher.running_mean is not None
    assert not teacher.running_mean.any()
    assert student.running_mean is not None
    assert student.running_mean.all()


def test_validation_neither_cancels_nor_measures_distances() -> None:
    truth = torch.zeros(1, 68, 2)
    found = torch.tensor([[3.0, -4.0], [-3.0, 4.0]]).repeat(34, 1)[None]
    assert losses.landmark_error(found, truth, size=224).item() == pytest.approx(3.5)


def test_equal_colours_have_a_finite_gradient(pictures: tuple[Tensor, Tensor, Tensor]) -> None:
    _, photo, mask = pictures
    rendered = photo.clone().requires_grad_()
    loss = losses.photometric(rendered, photo, mask)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=2e-3)
    assert rendered.grad is not None
    assert rendered.grad.isfinite().all()


def test_an_empty_mask_is_left_out(pictures: tuple[Tensor, Tensor, Tensor]) -> None:
    rendered, photo, mask = pictures
    expected = losses.photometric(rendered[1:], photo[1:], mask[1:]).item()
    mask[0] = 0
    rendered.requires_grad_()
    loss = losses.photometric(rendered, photo, mask)
    loss.backward()
    assert loss.item() == pytest.approx(expected)
    assert rendered.grad is not None
    assert rendered.grad.isfinite().all()
    assert losses.photometric(rendered, photo, torch.zeros_like(mask)) == 0


def test_the_mean_over_a_mask_does_not_depend_on_its_size() -> None:
    rendered, photo = torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)
    photo[:, 0], photo[:, 1] = 0.3, 0.4
    for pixels in (1, 5, 8):
        mask = torch.zeros(1, 8, 8)
        mask[:, :pixels, :pixels] = 1
        # The distance of two colours, not the sum of three.
        loss = losses.photometric(rendered, photo, mask).item()
        assert loss == pytest.approx(0.5, abs=1e-4)
        summed = losses.reconstruction(rendered, photo, mask, everywhere(mask)).item()
        assert summed == pytest.approx(0.7, abs=1e-4)


def test_landmarks_of_a_smaller_network_weigh_the_same() -> None:
    rng = np.random.default_rng(2)
    found, truth = torch.from_numpy(rng.uniform(0, 224, (2, 1, 68, 2)))
    weights = point_weights("deep3d")
    for loss in (losses.landmarks, distillation.landmarks):
        large = loss(found, truth, weights, size=224).item()
        assert loss(found / 2, truth / 2, weights, size=112).item() == pytest.approx(large)

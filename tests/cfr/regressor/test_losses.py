"""Each loss against loops over samples, pixels, points and channels; and its gradient."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from cfr.coefficients import Layout
from cfr.regressor import losses
from cfr.regressor.presets import FaceWeights, PartWeights, point_weights
from cfr.types import Coefficients

B, H, W, V = 3, 5, 4, 7
LAYOUT = Layout(identity=4, expression=3, texture=5, lighting=27, model="a face model")
WEIGHTS = FaceWeights(prior_identity=1.0, prior_expression=0.8, prior_texture=1.7e-2)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array)


def coefficients(rng: np.random.Generator, layout: Layout = LAYOUT) -> Coefficients:
    return layout.split(tensor(rng.normal(size=(B, layout.size))))


def gradients_agree(loss: Callable[[Tensor], Tensor], start: Tensor) -> bool:
    return torch.autograd.gradcheck(loss, start.clone().requires_grad_())


def pictures(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rendered, photo = rng.uniform(size=(2, B, 3, H, W))
    mask = np.where(rng.uniform(size=(B, H, W)) < 0.6, rng.uniform(0.3, 1, (B, H, W)), 0.0)
    return rendered, photo, mask


def photometric_by_loops(rendered: np.ndarray, photo: np.ndarray, mask: np.ndarray) -> list[float]:
    """Of each photo whose mask is not empty."""
    values = []
    for one, other, where in zip(rendered, photo, mask, strict=True):
        summed = weight = 0.0
        for row in range(H):
            for column in range(W):
                apart = one[:, row, column] - other[:, row, column]
                summed += where[row, column] * np.sqrt((apart**2).sum() + 1e-6)
                weight += where[row, column]
        if weight:
            values.append(summed / max(weight, 1.0))
    return values


def test_photometric(rng: np.random.Generator) -> None:
    rendered, photo, mask = pictures(rng)
    found = losses.photometric(tensor(rendered), tensor(photo), tensor(mask))
    assert found.item() == pytest.approx(np.mean(photometric_by_loops(rendered, photo, mask)))
    assert gradients_agree(
        lambda one: losses.photometric(one, tensor(photo), tensor(mask)), tensor(rendered)
    )


def test_photometric_takes_masks_of_zeros_and_ones(rng: np.random.Generator) -> None:
    rendered, photo, mask = pictures(rng)
    soft = losses.photometric(tensor(rendered), tensor(photo), tensor((mask > 0).astype(float)))
    assert losses.photometric(tensor(rendered), tensor(photo), tensor(mask > 0)) == soft


def test_a_mask_gets_no_gradient(rng: np.random.Generator) -> None:
    rendered, photo, mask = (tensor(array).requires_grad_() for array in pictures(rng))
    losses.photometric(rendered, photo, mask).backward()
    assert rendered.grad is not None
    assert mask.grad is None


def test_less_than_a_pixel_of_mask_counts_in_part(rng: np.random.Generator) -> None:
    rendered, photo, _ = pictures(rng)
    mask = np.zeros((B, H, W))
    mask[:, 2, 1] = 0.25
    apart = np.sqrt(((rendered - photo)[:, :, 2, 1] ** 2).sum(1) + 1e-6)
    found = losses.photometric(tensor(rendered), tensor(photo), tensor(mask))
    assert found.item() == pytest.approx(0.25 * apart.mean())


def test_reconstruction(rng: np.random.Generator) -> None:
    rendered, photo, mask = pictures(rng)
    coverage = rng.uniform(size=(B, H, W)) < 0.7
    values = []
    for sample in range(B):
        summed = 0.0
        for row in range(H):
            for column in range(W):
                for channel in range(3):
                    at = sample, channel, row, column
                    if coverage[sample, row, column]:
                        summed += mask[sample, row, column] * abs(rendered[at] - photo[at])
        values.append(summed / max(mask[sample].sum(), 1.0))

    def loss(one: Tensor) -> Tensor:
        return losses.reconstruction(one, tensor(photo), tensor(mask), tensor(coverage))

    assert loss(tensor(rendered)).item() == pytest.approx(np.mean(values))
    assert gradients_agree(loss, tensor(rendered))


@pytest.mark.parametrize("size", [224, 112])
def test_landmarks(rng: np.random.Generator, size: int) -> None:
    found, truth = rng.uniform(-20, size + 20, (2, B, 68, 2))
    estimated = np.array([True, False, True])
    values = []
    for sample in range(B):
        summed = 0.0
        for point in range(68):
            weight = 20 if point in (28, 29, 30, 60, 61, 62, 63, 64, 65, 66, 67) else 1
            across, down = (found[sample, point] - truth[sample, point]) * 224 / size
            summed += weight * (across**2 + down**2)
        values.append((0.7 if estimated[sample] else 1.0) * summed / 68)

    def loss(points: Tensor) -> Tensor:
        return losses.landmarks(
            points,
            tensor(truth),
            point_weights("deep3d"),
            size=size,
            estimated=tensor(estimated),
            trust=0.7,
        )

    assert loss(tensor(found)).item() == pytest.approx(np.mean(values))
    assert gradients_agree(loss, tensor(found))


def test_identity(rng: np.random.Generator) -> None:
    rendered, photo, _ = pictures(rng)
    matrix = rng.normal(size=(3 * H * W, 6))
    features = [array.reshape(B, -1) @ matrix for array in (rendered, photo)]
    values = []
    for one, other in zip(*features, strict=True):
        values.append(1 - one @ other / np.sqrt((one @ one) * (other @ other)))

    def loss(picture: Tensor) -> Tensor:
        return losses.identity(
            picture, tensor(photo), lambda faces: faces.flatten(1) @ tensor(matrix)
        )

    assert loss(tensor(rendered)).item() == pytest.approx(np.mean(values))
    assert gradients_agree(loss, tensor(rendered))


def test_identity_leaves_the_photo_alone(rng: np.random.Generator) -> None:
    rendered, photo, _ = (tensor(array).requires_grad_() for array in pictures(rng))
    losses.identity(rendered, photo, lambda faces: faces.flatten(1)).backward()
    assert rendered.grad is not None
    assert rendered.grad.abs().max() > 0
    assert photo.grad is None


def test_prior(rng: np.random.Generator) -> None:
    drawn = coefficients(rng)
    summed = 0.0
    for sample in range(B):
        for number in drawn.identity[sample].tolist():
            summed += number**2
        for number in drawn.expression[sample].tolist():
            summed += 0.8 * number**2
        for number in drawn.texture[sample].tolist():
            summed += 0.017 * number**2
    assert losses.prior(drawn, WEIGHTS).item() == pytest.approx(summed / B)
    assert gradients_agree(
        lambda vector: losses.prior(LAYOUT.split(vector), WEIGHTS), LAYOUT.join(drawn)
    )


def test_coefficient_norms(rng: np.random.Generator) -> None:
    drawn = coefficients(rng)
    weights = FaceWeights(prior_identity=1.0, prior_expression=0.1, prior_texture=1.7e-3)
    expected = 0.0
    for part, weight in ((drawn.identity, 1), (drawn.expression, 0.1), (drawn.texture, 1.7e-3)):
        expected += weight * np.sqrt(sum(number**2 for number in part.flatten().tolist()))
    assert losses.coefficient_norms(drawn, weights).item() == pytest.approx(expected)
    assert gradients_agree(
        lambda vector: losses.coefficient_norms(LAYOUT.split(vector), weights), LAYOUT.join(drawn)
    )


def test_norms_have_a_gradient_where_a_new_network_starts() -> None:
    vector = torch.zeros(B, LAYOUT.size, requires_grad=True)
    losses.coefficient_norms(LAYOUT.split(vector), WEIGHTS).backward()
    assert vector.grad is not None
    assert vector.grad.isfinite().all()


def test_reflectance(rng: np.random.Generator) -> None:
    colors = rng.uniform(-0.2, 1.4, (B, V, 3))
    skin = np.array([True, False, True, True, False, True, True])
    summed = 0.0
    for sample in range(B):
        for channel in range(3):
            inside = [colors[sample, vertex, channel] for vertex in range(V) if skin[vertex]]
            summed += np.var(inside)

    def loss(one: Tensor) -> Tensor:
        return losses.reflectance(one, tensor(skin))

    assert loss(tensor(colors)).item() == pytest.approx(summed / B)
    assert gradients_agree(loss, tensor(colors))
    assert losses.reflectance(tensor(colors), tensor(skin & False)) == 0


def test_gamma(rng: np.random.Generator) -> None:
    lighting = rng.normal(size=(B, 27))
    values = []
    for sample in range(B):
        for band in range(9):
            channels = [lighting[sample, 9 * channel + band] for channel in range(3)]
            values += [(one - np.mean(channels)) ** 2 for one in channels]
    assert losses.gamma(tensor(lighting)).item() == pytest.approx(np.mean(values))
    assert gradients_agree(losses.gamma, tensor(lighting))
    assert losses.gamma(tensor(lighting[:, :9])) == 0


def test_only_samples_that_count_are_averaged(rng: np.random.Generator) -> None:
    rendered, photo, mask = (tensor(array) for array in pictures(rng))
    counts = torch.tensor([True, False, True])
    kept = losses.photometric(rendered[counts], photo[counts], mask[counts])
    assert torch.equal(losses.photometric(rendered, photo, mask, counts), kept)
    weights, points = point_weights("deep3d"), tensor(rng.uniform(0, 224, (2, B, 68, 2)))
    found, truth = points[0], points[1]
    some = losses.landmarks(found, truth, weights, size=224, counts=counts)
    few = losses.landmarks(found[counts], truth[counts], weights, size=224)
    assert torch.equal(some, few)
    with_coverage = losses.reconstruction(rendered, photo, mask, mask > 0, counts)
    few = losses.reconstruction(rendered[counts], photo[counts], mask[counts], mask[counts] > 0)
    assert torch.equal(with_coverage, few)
    seen = losses.identity(rendered, photo, lambda faces: faces.flatten(1), counts)
    fewer = losses.identity(rendered[counts], photo[counts], lambda faces: faces.flatten(1))
    assert seen.item() == pytest.approx(fewer.item())
    skin = torch.ones(V, dtype=torch.bool)
    colors = tensor(rng.uniform(size=(B, V, 3)))
    even = losses.reflectance(colors, skin, counts)
    assert even.item() == pytest.approx(losses.reflectance(colors[counts], skin).item())


def test_without_a_sample_that_counts_there_is_no_gradient(rng: np.random.Generator) -> None:
    rendered, photo, mask = (tensor(array) for array in pictures(rng))
    rendered.requires_grad_()
    loss = losses.photometric(rendered, photo, mask, torch.zeros(B, dtype=torch.bool))
    loss.backward()
    assert loss == 0
    assert rendered.grad is not None
    assert not rendered.grad.any()


def test_unknown_landmarks_may_be_nan(rng: np.random.Generator) -> None:
    found = tensor(rng.uniform(0, 224, (B, 68, 2))).requires_grad_()
    truth = tensor(rng.uniform(0, 224, (B, 68, 2)))
    truth[1] = torch.nan
    counts = torch.tensor([True, False, True])
    losses.landmarks(found, truth, point_weights("even"), size=224, counts=counts).backward()
    assert found.grad is not None
    assert found.grad.isfinite().all()
    assert not found.grad[1].any()
    assert found.grad[0].all()


def test_nothing_is_made_on_another_device(rng: np.random.Generator) -> None:
    """On a device without numbers, a tensor of the processor would be an error."""
    rendered, photo, mask = (tensor(array).to("meta") for array in pictures(rng))
    points, colors = torch.rand(B, 68, 2, device="meta"), torch.rand(B, V, 3, device="meta")
    counts = torch.ones(B, dtype=torch.bool, device="meta")
    drawn = coefficients(rng).to("meta")
    skin = torch.ones(V, dtype=torch.bool, device="meta")
    weights = point_weights("deep3d", "meta")
    every = (
        losses.photometric(rendered, photo, mask, counts),
        losses.reconstruction(rendered, photo, mask, mask > 0, counts),
        losses.landmarks(points, points, weights, size=224, estimated=counts, counts=counts),
        losses.identity(rendered, photo, lambda faces: faces.flatten(1), counts),
        losses.prior(drawn, WEIGHTS),
        losses.coefficient_norms(drawn, WEIGHTS),
        losses.reflectance(colors, skin, counts),
        losses.gamma(drawn.lighting),
        losses.coefficient_error(drawn, drawn, PartWeights(), {"lighting": counts}),
        losses.landmark_error(points, points, size=224),
    )
    assert all(one.is_meta for one in every)

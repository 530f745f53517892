"""Losses and errors where the truth is known: renders, and points for validation."""

import numpy as np
import pytest
import torch
from torch import Tensor

from cfr.coefficients import Layout, WrongFaceModel
from cfr.regressor import losses
from cfr.regressor.presets import FaceWeights, PartWeights
from cfr.types import Coefficients

B = 3
LAYOUT = Layout(identity=4, expression=3, texture=5, lighting=27, model="a face model")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array)


def coefficients(rng: np.random.Generator, layout: Layout = LAYOUT) -> Coefficients:
    return layout.split(tensor(rng.normal(size=(B, layout.size))))


def test_coefficient_error(rng: np.random.Generator) -> None:
    found, truth = coefficients(rng), coefficients(rng)
    known = {
        "lighting": torch.tensor([False, True, False]),
        "rotation": torch.tensor([True, True, False]),
    }
    weights = PartWeights(identity=2.0, rotation=3.0, lighting=0.5)
    summed = 0.0
    for name, weight in vars(weights).items():
        which = known.get(name, torch.ones(B, dtype=torch.bool)).tolist()
        values = []
        for sample in range(B):
            if which[sample]:
                apart = found.parts()[name][sample] - truth.parts()[name][sample]
                values.append(np.mean([number**2 for number in apart.tolist()]))
        summed += weight * np.mean(values)
    assert losses.coefficient_error(found, truth, weights, known).item() == pytest.approx(summed)
    assert torch.autograd.gradcheck(
        lambda vector: losses.coefficient_error(LAYOUT.split(vector), truth, weights, known),
        LAYOUT.join(found).requires_grad_(),
    )


def test_coefficient_error_of_what_nobody_knows(rng: np.random.Generator) -> None:
    vector = tensor(rng.normal(size=(B, LAYOUT.size))).requires_grad_()
    truth = coefficients(rng)
    truth.lighting[:] = torch.nan
    known = {"lighting": torch.zeros(B, dtype=torch.bool)}
    errors = losses.coefficient_errors(LAYOUT.split(vector), truth, known)
    assert errors["lighting"] == 0
    torch.stack(list(errors.values())).sum().backward()
    assert vector.grad is not None
    of = LAYOUT.split(vector.grad)
    assert vector.grad.isfinite().all()
    assert not of.lighting.any()
    assert of.identity.all()


def test_a_face_model_without_texture_has_no_error_in_it(rng: np.random.Generator) -> None:
    layout = Layout(identity=4, expression=3, texture=0, lighting=9, model="another")
    errors = losses.coefficient_errors(coefficients(rng, layout), coefficients(rng, layout))
    assert errors["texture"] == 0
    assert errors["lighting"] > 0
    assert losses.prior(coefficients(rng, layout), FaceWeights()) > 0


def test_coefficient_error_refuses_what_does_not_belong(rng: np.random.Generator) -> None:
    other = Layout(identity=4, expression=3, texture=5, lighting=27, model="another face model")
    with pytest.raises(WrongFaceModel):
        losses.coefficient_errors(coefficients(rng), coefficients(rng, other))
    with pytest.raises(ValueError, match=r"found light$"):
        losses.coefficient_errors(
            coefficients(rng), coefficients(rng), {"light": torch.ones(B, dtype=torch.bool)}
        )


@pytest.mark.parametrize("size", [224, 56])
def test_validation_is_the_mean_absolute_coordinate_error(
    rng: np.random.Generator, size: int
) -> None:
    found, truth = rng.uniform(0, size, (2, B, 68, 2))
    values = [abs(one - other) for one, other in zip(found.flat, truth.flat, strict=True)]
    error = losses.landmark_error(tensor(found), tensor(truth), size=size)
    assert error.item() == pytest.approx(np.mean(values) * 224 / size)

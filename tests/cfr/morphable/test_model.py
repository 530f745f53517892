from copy import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from cfr.coefficients import WrongFaceModel
from cfr.mesh import reconstruct
from cfr.morphable.model import ModelArrays, MorphableModel


def test_eq_1(small_model: MorphableModel, small_arrays: ModelArrays) -> None:
    layout = small_model.layout()
    coefficients = layout.split(torch.randn(2, layout.size))
    shape, albedo = small_arrays.mean_shape.copy(), small_arrays.mean_texture.copy()
    for mode, weight in zip(small_arrays.identity, coefficients.identity[1], strict=True):
        shape += float(weight) * mode
    for mode, weight in zip(small_arrays.expression, coefficients.expression[1], strict=True):
        shape += float(weight) * mode
    for mode, weight in zip(small_arrays.texture, coefficients.texture[1], strict=True):
        albedo += float(weight) * mode
    assert np.allclose(small_model.shape(coefficients)[1].numpy(), shape, atol=1e-6)
    assert np.allclose(small_model.albedo(coefficients)[1].numpy(), albedo, atol=1e-6)


def test_the_digest_names_the_content(small_arrays: ModelArrays) -> None:
    again = MorphableModel("renamed", small_arrays)
    assert again.digest == small_arrays.digest
    moved = small_arrays.mean_shape.copy()
    moved[3, 1] += 1e-6
    assert replace(small_arrays, mean_shape=moved).digest != small_arrays.digest
    swapped = replace(
        small_arrays, identity=small_arrays.identity[:2], expression=small_arrays.identity
    )
    assert swapped.digest != small_arrays.digest


def test_what_was_made_with_another_model_is_refused(
    small_model: MorphableModel, small_arrays: ModelArrays
) -> None:
    other = MorphableModel("other", replace(small_arrays, mean_shape=small_arrays.mean_shape * 2))
    coefficients = other.layout().zeros(1)
    for use in (small_model.shape, small_model.albedo, small_model.layout().join):
        with pytest.raises(WrongFaceModel, match="these coefficients: made with face model"):
            use(coefficients)
    with pytest.raises(WrongFaceModel, match=r"net\.safetensors: made with .* at hand is small"):
        small_model.require(other.digest, "net.safetensors")
    small_model.require(small_model.digest, "net.safetensors")


def test_no_checkpoint_holds_a_model(small_model: MorphableModel) -> None:
    assert not small_model.state_dict()
    assert {"mean_shape", "_shape_modes", "triangles"} <= dict(small_model.named_buffers()).keys()


def test_a_model_may_have_no_texture_modes(small_arrays: ModelArrays) -> None:
    model = MorphableModel("plain", replace(small_arrays, texture=small_arrays.texture[:0]))
    assert model.layout().size == 3 + 2 + 0 + 3 + 27 + 3
    mesh = reconstruct(model, model.layout(mono_light=True).zeros(2))
    expected = small_arrays.mean_texture * 0.8 * 0.886226925
    assert np.allclose(mesh.colors[1].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"triangles": np.array([[0, 1, 576]])}, "triangles: expected indices below 576"),
        ({"landmarks": np.full(68, -1)}, "landmarks: expected indices below 576"),
        ({"mean_shape": np.full((576, 3), np.nan, np.float32)}, "mean_shape: expected finite"),
        ({"mean_shape": np.zeros((576, 3))}, r"mean_shape: expected float32 .* found float64"),
        ({"skin": np.ones(5, bool)}, r"skin: expected bool \(576,\), found bool \(5,\)"),
        ({"landmarks": np.arange(5)}, r"landmarks: expected int64 \(68,\)"),
        ({"triangles": np.zeros((9, 4), int)}, r"triangles: expected int64 \(9, 3\)"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(
    small_arrays: ModelArrays, change: dict[str, np.ndarray], told: str
) -> None:
    broken = copy(small_arrays)
    for name, array in change.items():  # past the checks of shapes that only tests have
        object.__setattr__(broken, name, array)
    with pytest.raises(ValueError, match=told):
        MorphableModel("broken", broken)


def test_light_is_fixed_to_the_room_and_turns_over_the_face(small_model: MorphableModel) -> None:
    """Normals are rotated before they are lit: a face turned to the light gets brighter."""
    face = small_model.layout(mono_light=True).zeros(2)
    face.lighting[:, 3] = -0.5  # band −x: from the image's right
    face.rotation[1, 1] = 0.7  # turned to the image's right
    forward = small_model.mean_shape[:, 2] > 0.75
    brightness = reconstruct(small_model, face).colors[:, forward].mean((1, 2))
    assert brightness[1] > brightness[0] * 1.2


def test_a_network_in_half_precision_moves_no_vertex(small_model: MorphableModel) -> None:
    layout = small_model.layout()
    coefficients = layout.split(torch.randn(2, layout.size))
    expected = reconstruct(small_model, coefficients)
    with torch.autocast("cpu", torch.bfloat16):
        found = reconstruct(small_model, coefficients)
    assert torch.equal(found.vertices, expected.vertices)
    assert torch.equal(found.colors, expected.colors)


def test_gradients_reach_every_coefficient(small_model: MorphableModel) -> None:
    layout = small_model.layout()
    vector = torch.full((1, layout.size), 0.1, requires_grad=True)
    mesh = reconstruct(small_model, layout.split(vector))
    (mesh.vertices.square().sum() + mesh.colors.square().sum()).backward()
    assert vector.grad is not None
    assert (vector.grad.abs() > 0).all()

from dataclasses import replace

import numpy as np
import pytest
import torch

from cfr.camera import Camera
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from cfr.render.shading import render
from cfr.synthetic.backgrounds import draw_background, take_photo
from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import Scene, SceneSettings, draw_scenes

PLAIN = SceneSettings(size=112, noise=0.0)


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return load_model("builtin")


@pytest.fixture(scope="module")
def sampler(model: MorphableModel) -> IdentitySampler:
    return IdentitySampler(model)


@pytest.fixture(scope="module")
def scenes(model: MorphableModel, sampler: IdentitySampler) -> list[Scene]:
    people = [sampler.draw(seed) for seed in (1, 2, 3)]
    settings = replace(PLAIN, occluders=("hand", "mask"), yaw_degrees=60.0)
    return draw_scenes(model, people, [10, 20, 30], settings)


def test_a_seed_is_one_person_and_detail_lies_outside_the_modes(
    model: MorphableModel, sampler: IdentitySampler
) -> None:
    one, again, other = (sampler.draw(seed) for seed in (5, 5, 6))
    assert torch.equal(one.relief, again.relief)
    assert torch.equal(one.identity, again.identity)
    assert not torch.equal(one.identity, other.identity)
    detail = (model.modes("shape"), one.relief), (model.modes("texture"), one.complexion)
    for modes, field in detail:
        modes = modes.double()
        flat = field.double().reshape(-1)
        along = modes @ flat / (modes.norm(dim=1) * flat.norm())
        assert flat.norm() > 0
        assert along.abs().max() < 1e-3
    drawn = draw_scenes(model, [one], [5], replace(PLAIN, expression=1.0))[0].coefficients
    used = drawn.expression[0].nonzero().squeeze(1)
    both = torch.stack((drawn.expression[0, used], one.identity[used]))
    assert len(used) > 10
    assert torch.corrcoef(both)[0, 1].abs() < 0.7  # a person and a scene of one seed are unrelated
    assert 0.001 < one.relief.norm(dim=1).mean() < 0.01  # decimetres: some tenths of a millimetre
    assert one.identity.abs().max() <= 2.2 * 0.9


def test_the_same_seed_is_the_same_photo_in_any_batch(
    model: MorphableModel, sampler: IdentitySampler, scenes: list[Scene]
) -> None:
    settings = replace(PLAIN, occluders=("hand", "mask"), yaw_degrees=60.0)
    alone = draw_scenes(model, [sampler.draw(2)], [20], settings)[0]
    assert alone.occluder == scenes[1].occluder
    np.testing.assert_allclose(alone.points, scenes[1].points, atol=1e-3)
    # Batched products may round the last bit of a colour otherwise.
    assert (np.abs(alone.photo.astype(int) - scenes[1].photo) <= 1).mean() > 0.999


def test_coefficients_and_points_explain_the_photo(
    model: MorphableModel, sampler: IdentitySampler
) -> None:
    exact = IdentitySampler(model, relief=0.0, complexion=0.0)
    scene = draw_scenes(model, [exact.draw(4)], [7], PLAIN)[0]
    mesh, camera = reconstruct(model, scene.coefficients), Camera().resized(112)
    shown = camera.project(mesh.vertices[:, model.landmarks])[0, :, :2].numpy()
    np.testing.assert_allclose(scene.points, shown, atol=1e-3)
    image, coverage = render(mesh, camera)
    assert (coverage[0].numpy() == scene.coverage).all()
    redrawn = 255 * image[0].clamp(0, 1).permute(1, 2, 0).numpy()
    error = np.abs(redrawn - scene.unoccluded)[scene.coverage]
    assert error.mean() < 1.0
    detailed = draw_scenes(model, [sampler.draw(4)], [7], PLAIN)[0]
    gap = detailed.unoccluded[scene.coverage].astype(int) - scene.unoccluded[scene.coverage]
    assert np.abs(gap).mean() > 2.0


def test_an_occluder_is_where_its_mask_is(scenes: list[Scene]) -> None:
    for scene in scenes:
        assert scene.occluder is not None
        changed = (scene.photo != scene.unoccluded).any(2)
        assert scene.occlusion.sum() > 50
        assert changed[scene.occlusion].mean() > 0.95
        grown = np.pad(scene.occlusion, 3)
        near = np.lib.stride_tricks.sliding_window_view(grown, (7, 7)).any((2, 3))
        assert changed[~near].sum() <= 0.05 * changed.sum()  # loops and soft edges


def test_frontal_faces_the_camera(scenes: list[Scene]) -> None:
    """Its two halves mirror each other in outline; those of the turned face do not."""
    turned = max(scenes, key=lambda one: abs(float(one.coefficients.rotation[0, 1])))
    assert abs(float(turned.coefficients.rotation[0, 1])) > 0.3
    background = draw_background(np.random.default_rng((turned.seed, 3)), 112, 1.0)
    behind = np.round(255 * background).astype(np.uint8)
    face = (turned.frontal != behind).any(2)
    assert (face == face[:, ::-1]).mean() > 0.97
    assert (turned.coverage == turned.coverage[:, ::-1]).mean() < 0.97


def test_frontal_shows_the_same_person_and_photo_the_same_colours(
    model: MorphableModel, sampler: IdentitySampler
) -> None:
    people = [sampler.draw(seed) for seed in (7, 8)]
    scenes = draw_scenes(model, people, [1, 2], replace(PLAIN, noise=1.0))
    still = replace(PLAIN, yaw_degrees=0.0, pitch_degrees=0.0, roll_degrees=0.0, shift=0.0)
    direct = draw_scenes(model, people, [1, 2], still)
    for scene, expected in zip(scenes, direct, strict=True):
        assert np.abs(scene.frontal.astype(int) - expected.unoccluded).mean() < 0.5
        seen = np.abs(scene.photo.astype(int) - scene.unoccluded).mean((0, 1))
        assert (seen > 0.2).all()
        assert (seen < 8).all()


def test_angles_light_and_expression_follow_the_settings(
    model: MorphableModel, sampler: IdentitySampler
) -> None:
    settings = replace(
        PLAIN,
        size=32,
        yaw_degrees=20.0,
        pitch_degrees=0.0,
        roll_degrees=5.0,
        shift=0.0,
        expression=0.0,
    )
    people = [sampler.draw(1)] * 40
    drawn = draw_scenes(model, people, list(range(40)), settings)
    rotation = np.degrees(np.stack([one.coefficients.rotation[0].numpy() for one in drawn]))
    assert np.abs(rotation[:, 0]).max() == 0
    assert 15 < np.abs(rotation[:, 1]).max() <= 20
    assert np.abs(rotation[:, 2]).max() <= 5
    assert all((one.coefficients.translation == 0).all() for one in drawn)
    assert all((one.coefficients.expression == 0).all() for one in drawn)
    lively = draw_scenes(model, people, list(range(40)), replace(settings, expression=1.0))
    weights = torch.cat([one.coefficients.expression for one in lively])
    assert (weights >= model.expression_low).all()
    assert (weights <= model.expression_high).all()
    assert weights.std() > 0.5
    lights = torch.cat([one.coefficients.lighting for one in lively])
    assert lights.std(0)[:4].min() > 0.02


def test_the_camera_adds_noise_only_when_asked() -> None:
    picture = np.full((64, 64, 3), 128, np.uint8)
    assert (take_photo(np.random.default_rng(0), picture, 0.0) == picture).all()
    noisy = take_photo(np.random.default_rng(0), picture, 1.0)
    again = take_photo(np.random.default_rng(0), picture, 1.0)
    assert (noisy == again).all()
    assert noisy.std() > 0
    grey = draw_background(np.random.default_rng(0), 16, 0.0)
    assert np.ptp(grey) == 0


def test_as_many_seeds_as_people(model: MorphableModel, sampler: IdentitySampler) -> None:
    with pytest.raises(ValueError, match="1 people, 2 seeds"):
        draw_scenes(model, [sampler.draw(0)], [1, 2])

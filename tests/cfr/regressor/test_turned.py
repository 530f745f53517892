"""Photos turned to other poses: drawn as they were, and followed by their landmarks."""

import copy
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from cfr.camera import Camera
from cfr.coefficients import WrongFaceModel
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from cfr.regressor.landmarks import project_landmarks
from cfr.regressor.turned import TurnedPhoto, raise_relief, turn_relief
from cfr.render.shading import render
from cfr.synthetic.identity import Identity, IdentitySampler
from cfr.synthetic.scene import Scene, SceneSettings, draw_scenes
from cfr.types import Coefficients

SIZE = 112
SETTINGS = SceneSettings(size=SIZE, zoom=0.8, noise=0.0, yaw_degrees=15.0)
CAMERA = SETTINGS.camera
MAGENTA = torch.tensor([1.0, 0.0, 1.0])[:, None, None].expand(3, SIZE, SIZE).contiguous()


@dataclass(frozen=True)
class World:
    model: MorphableModel
    person: Identity
    scene: Scene


@pytest.fixture(scope="module")
def world() -> World:
    """The person has no detail, so the true coefficients explain the photo wholly."""
    model = load_model("builtin")
    person = IdentitySampler(model, relief=0.0, complexion=0.0).draw(3)
    return World(model, person, draw_scenes(model, [person], [8], SETTINGS)[0])


def tensor(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255


def posed(
    coefficients: Coefficients, yaw_degrees: float, pitch_degrees: float = 0.0
) -> Coefficients:
    angles = torch.tensor([[pitch_degrees, yaw_degrees, 0.0]]).deg2rad()
    return replace(coefficients, rotation=angles, translation=torch.zeros(1, 3))


def turned(
    world: World,
    coefficients: Coefficients,
    background: Tensor = MAGENTA,
    scene: Scene | None = None,
) -> TurnedPhoto:
    scene = scene or world.scene
    photo = tensor(scene.photo)
    relief = raise_relief(world.model, scene.coefficients, photo, CAMERA)
    return turn_relief(relief, coefficients, background)


def covered(model: MorphableModel, coefficients: Coefficients) -> np.ndarray:
    """Where the face alone is seen."""
    return render(reconstruct(model, coefficients), CAMERA).coverage[0].numpy()


def test_in_its_own_pose_a_photo_stays_what_it_was(world: World) -> None:
    scene = world.scene
    found = turned(world, scene.coefficients)
    gap = np.abs(found.image.astype(int) - scene.photo).mean(2)
    assert found.image.shape == scene.photo.shape
    assert found.image.dtype == np.uint8
    assert gap[scene.coverage].mean() < 2
    assert np.quantile(gap[scene.coverage], 0.95) < 8
    inner = np.zeros_like(scene.coverage)
    inner[2:-2, 2:-2] = True
    assert gap[~scene.coverage & inner].mean() < 3
    # Far below what another face would give.
    assert np.abs(scene.frontal.astype(int) - scene.photo)[scene.coverage].mean() > 8


def test_landmarks_are_the_projected_ones(world: World) -> None:
    rng = np.random.default_rng(1)
    for yaw in (0.0, 35.0, -60.0, 90.0):
        drawn = posed(world.scene.coefficients, yaw, 10.0)
        identity = drawn.identity + torch.from_numpy(rng.normal(0, 0.5, (1, 80))).float()
        drawn = replace(drawn, identity=identity, translation=torch.tensor([[0.1, -0.2, 0.3]]))
        found = turned(world, drawn)
        vertices = reconstruct(world.model, drawn).vertices[0, world.model.landmarks].double()
        x, y, z = vertices.numpy().T
        middle = (SIZE - 1) / 2
        expected = (middle + CAMERA.focal * x / (10 - z), middle - CAMERA.focal * y / (10 - z))
        np.testing.assert_allclose(found.points, np.stack(expected, 1), atol=2e-3)
        projected = project_landmarks(world.model, drawn, CAMERA)[0].numpy()
        np.testing.assert_allclose(found.points, projected, atol=2e-3)
        assert torch.equal(found.coefficients.rotation, drawn.rotation)
        assert torch.equal(found.coefficients.identity, identity)
        assert torch.equal(found.coefficients.lighting, world.scene.coefficients.lighting)


def test_the_lighting_is_the_photos_whatever_is_asked_for(world: World) -> None:
    fitted = world.scene.coefficients
    found = turned(world, replace(fitted, lighting=torch.ones_like(fitted.lighting)))
    assert torch.equal(found.coefficients.lighting, fitted.lighting)


def test_turned_by_sixty_degrees(world: World) -> None:
    coefficients = posed(world.scene.coefficients, 60.0)
    found = turned(world, coefficients)
    front = turned(world, posed(world.scene.coefficients, 0.0))
    # Positive yaw turns the nose to the picture's right, between the eyes and beyond.
    nose, corners = found.points[30], found.points[[36, 45]]
    assert nose[0] > corners[:, 0].max()
    assert np.ptp(corners[:, 0]) < 0.65 * np.ptp(front.points[[36, 45], 0])
    # Where the face is, it is drawn: as a rendering of the same coefficients shows it.
    face = covered(world.model, coefficients)
    image, _ = render(reconstruct(world.model, coefficients), CAMERA)
    drawn = 255 * image[0].clamp(0, 1).permute(1, 2, 0).numpy()
    gap = np.abs(found.image - drawn).mean(2)[face]
    assert np.median(gap) < 25
    same = np.corrcoef(found.image[face].ravel(), drawn[face].ravel())[0, 1]
    assert same > 0.6


def test_the_background_shows_where_nothing_is_and_nowhere_else(world: World) -> None:
    coefficients = posed(world.scene.coefficients, 60.0)
    behind = torch.zeros(3, SIZE, SIZE)
    other = torch.ones(3, SIZE, SIZE)
    dark, light = (turned(world, coefficients, one).image for one in (behind, other))
    empty = (dark != light).any(2)
    assert (dark[empty] == 0).all()
    assert (light[empty] == 255).all()
    assert empty.sum() > 100
    assert not (empty & covered(world.model, coefficients)).any()
    assert empty.mean() < 0.5  # hair and neck come along
    straight = [
        turned(world, world.scene.coefficients, one).image[2:-2, 2:-2] for one in (behind, other)
    ]
    assert (straight[0] == straight[1]).all()


def test_a_background_of_its_own_is_copied_pixel_by_pixel(world: World) -> None:
    coefficients = posed(world.scene.coefficients, -70.0)
    dark, light = (
        turned(world, coefficients, torch.full((3, SIZE, SIZE), one)).image for one in (0.0, 1.0)
    )
    empty = (dark != light).any(2)
    levels = np.random.default_rng(2).integers(0, 256, (SIZE, SIZE, 3))
    picture = torch.from_numpy(levels / 255).permute(2, 0, 1).float()
    found = turned(world, coefficients, picture).image
    assert (found[empty] == levels[empty]).all()
    assert (found[~empty] == dark[~empty]).all()


@pytest.mark.parametrize("yaw", [0.0, 60.0, -95.0])
def test_colours_are_those_of_the_photo(world: World, yaw: float) -> None:
    """A photo of one colour keeps it, without light falling off and without seams."""
    scene = world.scene
    green = np.full_like(scene.photo, (20, 140, 60))
    found = turned(world, posed(scene.coefficients, yaw), scene=replace(scene, photo=green)).image
    plain = (np.abs(found.astype(int) - (20, 140, 60)) <= 1).all(2)
    magenta = (found == (255, 0, 255)).all(2)
    assert (plain | magenta).all()
    assert plain.sum() > 1000


def test_a_hidden_half_takes_its_mirror_images_colours(world: World) -> None:
    """In an even light, so that the true colours are those of the other half."""
    even = replace(SETTINGS, light=0.0, background=0.0, expression=0.0, pitch_degrees=0.0)
    scene = draw_scenes(world.model, [world.person], [1], replace(even, roll_degrees=0.0))[0]
    coefficients = scene.coefficients

    side = posed(coefficients, 60.0)
    mesh = reconstruct(world.model, side)
    image, coverage = render(mesh, CAMERA)
    photo = torch.where(coverage[:, None], image, torch.tensor([0.0, 0, 1])[:, None, None])
    lopsided = copy.deepcopy(world.model)
    lopsided.symmetry = lopsided.symmetry[:0]
    errors = []
    for model in (world.model, lopsided):
        colors = raise_relief(model, side, photo.clamp(0, 1), CAMERA).colors
        errors.append(float((colors - mesh.colors).abs().mean()))
    assert errors[0] < 0.5 * errors[1]


def test_a_face_model_without_symmetry_and_colours(small_model: MorphableModel) -> None:
    layout, camera = small_model.layout(), Camera().resized(64)
    assert not len(small_model.symmetry)
    levels = np.random.default_rng(5).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    fitted = layout.zeros(1)
    relief = raise_relief(small_model, fitted, tensor(levels), camera)
    background = torch.zeros(3, 64, 64)
    for yaw in (0.0, 60.0):
        found = turn_relief(relief, posed(fitted, yaw), background)
        assert found.image.shape == (64, 64, 3)
        assert np.ptp(found.image) > 100
        expected = project_landmarks(small_model, posed(fitted, yaw), camera)[0].numpy()
        np.testing.assert_allclose(found.points, expected, atol=1e-3)


def test_a_face_out_of_the_picture_leaves_the_photo_far_behind(small_model: MorphableModel) -> None:
    camera = Camera().resized(48)
    away = replace(small_model.layout().zeros(1), translation=torch.tensor([[9.0, 0.0, 0.0]]))
    levels = np.random.default_rng(6).integers(0, 256, (48, 48, 3)).astype(np.uint8)
    relief = raise_relief(small_model, away, tensor(levels), camera)
    found = turn_relief(relief, away, torch.zeros(3, 48, 48)).image
    inner = slice(2, -2), slice(2, -2)
    assert np.abs(found[inner].astype(int) - levels[inner]).mean() < 3


def test_coefficients_of_another_face_model_are_refused(
    world: World, small_model: MorphableModel
) -> None:
    other = small_model.layout().zeros(1)
    with pytest.raises(WrongFaceModel):
        raise_relief(world.model, other, tensor(world.scene.photo), CAMERA)
    relief = raise_relief(world.model, world.scene.coefficients, tensor(world.scene.photo), CAMERA)
    with pytest.raises(WrongFaceModel):
        turn_relief(relief, other, MAGENTA)

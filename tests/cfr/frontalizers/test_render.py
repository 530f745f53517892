from dataclasses import replace

import cv2
import numpy as np
import pytest

from cfr.camera import Camera
from cfr.frontalizers.render import RenderFrontalizer
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import Scene, SceneSettings, draw_scenes


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return load_model("builtin")


@pytest.fixture(scope="module")
def scenes(model: MorphableModel) -> list[Scene]:
    sampler = IdentitySampler(model)
    settings = SceneSettings(yaw_degrees=45.0, expression=0.0, light=0.2, noise=0.0)
    return draw_scenes(model, [sampler.draw(seed) for seed in range(6)], list(range(6)), settings)


@pytest.fixture(scope="module")
def fixed(model: MorphableModel) -> RenderFrontalizer:
    """For points that are vertices, as a scene's are."""
    ours = RenderFrontalizer(model)
    return replace(ours, settings=replace(ours.settings, contour="fixed"))


def test_a_turned_face_looks_like_the_true_front(
    scenes: list[Scene], fixed: RenderFrontalizer
) -> None:
    """Nearer to what a camera in front would see than the photo itself is, in every scene."""
    for scene in scenes:
        turned = fixed(scene.photo, scene.points)
        both = turned.coverage
        truth, photo = scene.frontal.astype(float), scene.photo.astype(float)
        estimated = np.abs(turned.estimated - truth)[both].mean()
        if abs(float(scene.coefficients.rotation[0, 1])) > 0.3:
            assert estimated < 0.7 * np.abs(photo - truth)[both].mean()
        assert estimated < 40


def test_points_are_those_of_the_new_pose(scenes: list[Scene], fixed: RenderFrontalizer) -> None:
    turned = fixed(scenes[0].photo, scenes[0].points)
    assert np.ptp(turned.points[[36, 45], 1]) < 4
    middle = (turned.points[36] + turned.points[45]) / 2
    assert abs(middle[0] - turned.points[30, 0]) < 5
    for number in (36, 45, 30, 48, 54):
        column, row = np.round(turned.points[number]).astype(int)
        assert turned.coverage[row, column]


def test_positive_yaw_turns_the_nose_right_and_positive_pitch_lowers_it(
    scenes: list[Scene], fixed: RenderFrontalizer
) -> None:
    def nose(yaw: float, pitch: float) -> np.ndarray:
        posed = replace(fixed, yaw=np.radians(yaw), pitch=np.radians(pitch))
        points = posed(scenes[1].photo, scenes[1].points).points
        return points[30] - points[[36, 45]].mean(0)

    assert nose(30, 0)[0] > nose(0, 0)[0] + 10
    assert nose(-30, 0)[0] < nose(0, 0)[0] - 10
    assert nose(0, 20)[1] > nose(0, 0)[1] + 3


def test_the_projected_texture_is_the_photos_own(
    scenes: list[Scene], fixed: RenderFrontalizer
) -> None:
    """A green sticker on the forehead comes along in R_p, and hardly in R_e."""
    scene = scenes[2]
    photo = scene.photo.copy()
    brow = scene.points[19:25].mean(0).astype(int)
    photo[brow[1] - 28 : brow[1] - 8, brow[0] - 10 : brow[0] + 10] = (0, 255, 0)
    turned = fixed(photo, scene.points)

    def green(picture: np.ndarray) -> int:
        red, lime, blue = np.moveaxis(picture.astype(int), 2, 0)
        return int(((lime > 150) & (red < 120) & (blue < 120)).sum())

    assert green(turned.crop) > 200
    assert green(turned.projected) > 100
    assert green(turned.estimated) < 10


def test_in_its_own_pose_the_projected_texture_is_the_photo(
    scenes: list[Scene], fixed: RenderFrontalizer
) -> None:
    """To a few levels and a third of a pixel: colours, order and place."""
    scene = min(scenes, key=lambda one: abs(float(one.coefficients.rotation[0, 1])))
    rng = np.random.default_rng(0)
    rough = rng.uniform(0, 255, (56, 56, 3))
    marked = cv2.resize(rough, (224, 224), interpolation=cv2.INTER_CUBIC)
    marked = np.clip(marked * (1.0, 0.6, 0.2), 0, 255).astype(np.uint8)
    found = fixed(marked, scene.points)
    pitch, yaw, roll = found.coefficients.rotation[0].tolist()
    own = replace(fixed, yaw=yaw, pitch=pitch)(marked, scene.points)
    inner = cv2.erode(own.coverage.astype(np.uint8), np.ones((15, 15))).astype(bool)
    # Roll and place are taken out: put them back by the landmarks before and after.
    camera = Camera()
    mesh = reconstruct(fixed.model, own.coefficients)
    before = camera.project(mesh.vertices[:, fixed.model.landmarks])[0, :, :2].double().numpy()
    matrix = cv2.estimateAffine2D(before.astype(np.float32), own.points.astype(np.float32))[0]
    expected = cv2.warpAffine(own.crop, matrix, (224, 224), flags=cv2.INTER_LINEAR)
    error = np.abs(own.projected.astype(int) - expected)[inner]
    swapped = np.abs(own.projected[..., ::-1].astype(int) - expected)[inner]
    shifted = np.abs(np.roll(own.projected, 1, 1).astype(int) - expected)[inner]
    assert np.median(error) < 0.6 * np.median(shifted)
    assert error.mean() < 0.5 * swapped.mean()
    assert abs(roll) < 0.3


def test_sizes_follow(scenes: list[Scene], fixed: RenderFrontalizer) -> None:
    small = replace(fixed, size=96)(scenes[0].photo, scenes[0].points)
    assert small.crop.shape == small.projected.shape == small.estimated.shape == (96, 96, 3)
    assert small.fitted.shape == (96, 96, 3)
    assert not small.projected[~small.coverage].any()


def test_points_in_one_place_are_refused(scenes: list[Scene], fixed: RenderFrontalizer) -> None:
    with pytest.raises(ValueError, match="five points"):
        fixed(scenes[0].photo, np.zeros((68, 2)))


def test_restoring_draws_what_turning_draws(scenes: list[Scene], model: MorphableModel) -> None:
    for texture in ("photo", "estimated"):
        ours = RenderFrontalizer(model, texture=texture)
        turned = ours(scenes[1].photo, scenes[1].points)
        restored = ours.restore(scenes[1].photo, scenes[1].points)
        wanted = turned.projected if texture == "photo" else turned.estimated
        assert np.array_equal(restored.image, wanted)
        assert np.array_equal(restored.points, turned.points)
        assert restored.covered is not None
        assert np.array_equal(restored.covered, turned.coverage)


def test_an_identity_names_everything_that_decides(model: MorphableModel) -> None:
    ours = RenderFrontalizer(model)
    others = [
        replace(ours, yaw=0.1),
        replace(ours, pitch=0.1),
        replace(ours, size=128),
        replace(ours, texture="estimated"),
        replace(ours, settings=replace(ours.settings, contour="fixed")),
    ]
    told = [str(dict(one.identity)) for one in (ours, *others)]
    assert len(set(told)) == len(told)
    assert dict(ours.identity)["model"] == model.digest
    assert dict(RenderFrontalizer(model).identity) == dict(ours.identity)


def test_points_in_one_place_cannot_be_restored(model: MorphableModel) -> None:
    with pytest.raises(ValueError, match="finite points apart"):
        RenderFrontalizer(model).restore(np.zeros((64, 64, 3), np.uint8), np.full((68, 2), 9.0))

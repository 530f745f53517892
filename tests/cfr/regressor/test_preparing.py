"""From photos and made-up people to samples: which ones, and that their numbers explain them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cfr.align import align_deep3d, five_from_68
from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from cfr.regressor.landmarks import project_landmarks
from cfr.regressor.preparing import MIRRORED, BadFit, Preparing, prepare_photo, prepare_renders
from cfr.regressor.samples import Frame, Sample
from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import Scene, SceneSettings, draw_scenes

FRAME = Frame(crop=56, wide=72)
SETTINGS = Preparing(views=4, masks=0.0)
PLAIN = replace(SETTINGS, views=0)
PATCH = slice(60, 75), slice(90, 120)


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return load_model("builtin")


@pytest.fixture(scope="module")
def scene(model: MorphableModel) -> Scene:
    settings = SceneSettings(size=200, zoom=0.7, yaw_degrees=20.0, noise=0.5)
    return draw_scenes(model, [IdentitySampler(model).draw(2)], [5], settings)[0]


def prepared(
    model: MorphableModel,
    scene: Scene,
    settings: Preparing = SETTINGS,
    *,
    seed: int = 1,
    source: int = 7,
    estimated: bool = False,
    masked: np.ndarray | None = None,
) -> list[Sample]:
    return prepare_photo(
        model,
        scene.photo,
        scene.points,
        settings,
        FRAME,
        seed=seed,
        source=source,
        estimated=estimated,
        masked=masked,
    )


@pytest.fixture(scope="module")
def samples(model: MorphableModel, scene: Scene) -> list[Sample]:
    return prepared(model, scene)


@pytest.fixture(scope="module")
def renders(model: MorphableModel) -> list[Sample]:
    return prepare_renders(model, SETTINGS, FRAME, seed=3, first=4, count=4)


def same(one: list[Sample], other: list[Sample]) -> bool:
    if len(one) != len(other):
        return False
    for a, b in zip(one, other, strict=True):
        pairs = [(getattr(a, n), getattr(b, n)) for n in ("image", "points", "coefficients")]
        if not all(x.tobytes() == y.tobytes() for x, y in pairs):
            return False
        if (a.masked is None) != (b.masked is None):
            return False
        if a.masked is not None and b.masked is not None and (a.masked != b.masked).any():
            return False
    return True


def misses(model: MorphableModel, sample: Sample) -> np.ndarray:
    """Pixels between a sample's points and the landmarks of its coefficients."""
    coefficients = model.layout().split(torch.from_numpy(sample.coefficients)[None])
    seen = project_landmarks(model, coefficients, FRAME.wide_camera)[0].numpy()
    return np.linalg.norm(seen - sample.points, axis=1)


@pytest.mark.parametrize(
    ("settings", "kinds"),
    [
        (SETTINGS, ["photo", "turned", "turned"] * 2),
        (replace(SETTINGS, mirrored=False), ["photo"] + ["turned"] * 4),
        (PLAIN, ["photo", "photo"]),
        (replace(PLAIN, mirrored=False), ["photo"]),
    ],
)
def test_so_many_samples_of_each_kind(
    model: MorphableModel, scene: Scene, settings: Preparing, kinds: list[str]
) -> None:
    found = prepared(model, scene, settings, estimated=len(kinds) == 1)
    assert [one.kind for one in found] == kinds
    for one in found:
        assert one.image.shape == (FRAME.wide, FRAME.wide, 3)
        assert one.coefficients.shape == (model.layout().size,)
        assert one.masked is None
        assert one.source == 7
        assert one.estimated == (len(kinds) == 1)
        assert np.isfinite(one.coefficients).all()


def test_a_photos_points_are_the_given_ones_around_the_published_crop(
    model: MorphableModel, scene: Scene, samples: list[Sample]
) -> None:
    photo = samples[0]
    aligned = align_deep3d(five_from_68(scene.points), FRAME.crop)
    expected = aligned.to_crop(scene.points) + (FRAME.wide - FRAME.crop) / 2
    np.testing.assert_allclose(photo.points, expected, atol=1e-3)
    crop, margin = aligned.crop(scene.photo), (FRAME.wide - FRAME.crop) // 2
    inner = photo.image[margin:-margin, margin:-margin]
    assert np.abs(inner.astype(int) - crop).max() <= 1
    assert misses(model, photo).mean() < 4 * 56 / 224  # a fit's, of a photo that it takes


def test_the_mirror_images_points_are_at_mirrored_places(samples: list[Sample]) -> None:
    photo, mirrored = samples[0], samples[3]
    np.testing.assert_array_equal(mirrored.image, np.fliplr(photo.image))
    for number, there in ((36, 45), (39, 42), (37, 44), (0, 16), (17, 26), (48, 54), (60, 64)):
        for one, other in ((number, there), (there, number)):
            x, y = photo.points[other]
            np.testing.assert_allclose(mirrored.points[one], (71 - x, y), atol=1e-3)
    for number in (8, 27, 28, 29, 30, 33, 51, 57, 62, 66):
        x, y = photo.points[number]
        np.testing.assert_allclose(mirrored.points[number], (71 - x, y), atol=1e-3)


def test_mirrored_points(model: MorphableModel) -> None:
    """Twice is nothing, and the mean face, which is symmetric, comes upon itself."""
    assert sorted(MIRRORED.tolist()) == [*range(68)]
    np.testing.assert_array_equal(MIRRORED[MIRRORED], np.arange(68))
    left, right = {*range(36, 42)}, {*range(42, 48)}
    assert {int(MIRRORED[one]) for one in left} == right
    mean = model.mean_shape[model.landmarks].double().numpy()
    np.testing.assert_allclose(mean[MIRRORED] * (-1, 1, 1), mean, atol=0.03)
    apart = np.linalg.norm(mean[:, None] * (-1, 1, 1) - mean[None], axis=2)
    assert (apart.argmin(1) == MIRRORED).mean() > 0.9


def test_turned_coefficients_project_onto_their_points(
    model: MorphableModel, samples: list[Sample]
) -> None:
    turned = [one for one in samples if one.kind == "turned"]
    assert len(turned) == 4
    for one in turned:
        assert misses(model, one).max() < 0.5
        # Cut as a crop would cut it: its origin in the middle, at the crop's scale.
        aligned = align_deep3d(five_from_68(one.points.astype(np.float64)), FRAME.crop)
        np.testing.assert_allclose(aligned.matrix[:, :2], np.eye(2), atol=0.004)
        np.testing.assert_allclose(aligned.matrix[:, 2], -8, atol=0.25)
    assert len({one.image.tobytes() for one in samples}) == len(samples)


def test_turned_faces_have_the_poses_that_the_settings_name(
    model: MorphableModel, scene: Scene
) -> None:
    settings = replace(
        SETTINGS, views=40, mirrored=False, shares=(0.0, 0.0, 1.0), pitch=0.0, identity=0.0
    )
    found = prepared(model, scene, replace(settings, roll=0.0, expression=0.0))
    layout = model.layout()
    drawn = layout.split(torch.from_numpy(np.stack([one.coefficients for one in found])))
    pitch, yaw, roll = drawn.rotation[1:].rad2deg().numpy().T
    assert np.abs(pitch).max() < 1e-3
    assert np.abs(roll).max() < 1e-3
    assert (np.abs(yaw) >= 60).all()
    assert (np.abs(yaw) <= 95).all()
    assert 8 <= (yaw > 0).sum() <= 32
    assert np.ptp(np.abs(yaw)) > 20
    photo = layout.split(torch.from_numpy(found[0].coefficients)[None])
    for name in ("identity", "texture", "lighting"):
        assert (getattr(drawn, name) - getattr(photo, name)).abs().max() < 1e-6


def test_the_same_seed_is_the_same_samples(
    model: MorphableModel, scene: Scene, samples: list[Sample]
) -> None:
    assert same(prepared(model, scene), samples)
    for other in (prepared(model, scene, source=8), prepared(model, scene, seed=2)):
        assert same([other[0], other[3]], [samples[0], samples[3]])  # the photo is the photo
        for place in (1, 2, 4, 5):
            assert (other[place].points != samples[place].points).any()


def test_points_of_no_face_are_a_bad_fit(model: MorphableModel, scene: Scene) -> None:
    shuffled = np.random.default_rng(0).permutation(scene.points)
    with pytest.raises(BadFit, match=r"misses the points by \d+\.\d pixels of a 224 crop"):
        prepared(model, replace(scene, points=shuffled), PLAIN)
    strict = replace(PLAIN, worst=0.01)
    with pytest.raises(BadFit):
        prepared(model, scene, strict)


def test_points_in_one_place_are_refused(model: MorphableModel, scene: Scene) -> None:
    for points in (np.full((68, 2), 50.0), np.full((68, 2), np.nan)):
        with pytest.raises(ValueError, match="expected finite points apart"):
            prepared(model, replace(scene, points=points), PLAIN)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_real_masked_photo_is_cut_like_the_photo(
    model: MorphableModel, scene: Scene, share: float
) -> None:
    masked = scene.photo.copy()
    masked[PATCH] = (255, 0, 255)
    found = prepared(model, scene, replace(SETTINGS, views=2, masks=share), masked=masked)
    assert [one.kind for one in found] == ["photo", "turned"] * 2
    aligned = align_deep3d(five_from_68(scene.points), FRAME.crop)
    corners = np.array([(90.0, 60.0), (120.0, 75.0)]) - 0.5
    (left, top), (right, bottom) = aligned.to_crop(corners) + (FRAME.wide - FRAME.crop) / 2
    for one, mirrored in ((found[0], False), (found[2], True)):
        assert one.masked is not None
        changed = (one.masked != one.image).any(2)
        changed = np.fliplr(changed) if mirrored else changed
        rows, columns = np.nonzero(changed)
        edges = [columns.min() - 0.5, rows.min() - 0.5, columns.max() + 0.5, rows.max() + 0.5]
        np.testing.assert_allclose(edges, (left, top, right, bottom), atol=1.6)
        assert len(rows) == np.prod(np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    for one in (found[1], found[3]):
        assert (one.masked is not None) == (share == 1)  # drawn


def test_drawn_masks_cover_the_mouth_and_leave_the_eyes(
    model: MorphableModel, scene: Scene
) -> None:
    found = prepared(model, scene, replace(SETTINGS, views=2, masks=1.0))
    for one in found:
        assert one.masked is not None
        changed = (one.masked != one.image).any(2)
        mouth, eyes = (
            np.round(one.points[part].mean(0)).astype(int)
            for part in (slice(48, 68), slice(36, 48))
        )
        assert changed[mouth[1], mouth[0]]
        if one.kind == "photo":
            assert not changed[: eyes[1] - 1].any()


def test_a_masked_photo_of_another_size_is_refused(model: MorphableModel, scene: Scene) -> None:
    from jaxtyping import TypeCheckError

    with pytest.raises((ValueError, TypeCheckError)):
        prepared(model, scene, PLAIN, masked=scene.photo[:-1])


def test_renders_are_explained_by_their_coefficients(
    model: MorphableModel, renders: list[Sample]
) -> None:
    for number, one in enumerate(renders):
        assert one.kind == "render"
        assert not one.estimated
        assert one.source == 4 + number
        assert one.image.shape == (FRAME.wide, FRAME.wide, 3)
        # The person's detail, some tenths of a millimetre, is not in the coefficients.
        assert misses(model, one).max() < 0.5
    layout = model.layout()
    drawn = layout.split(torch.from_numpy(np.stack([one.coefficients for one in renders])))
    yaws = drawn.rotation[:, 1].rad2deg().abs().tolist()
    assert 30 < max(yaws) <= 95


def test_people_do_not_depend_on_who_else_is_drawn(
    model: MorphableModel, renders: list[Sample]
) -> None:
    alone = prepare_renders(model, SETTINGS, FRAME, seed=3, first=6, count=2)
    for one, other in zip(alone, renders[2:], strict=True):
        assert one.source == other.source
        np.testing.assert_allclose(one.coefficients, other.coefficients, atol=1e-6)
        np.testing.assert_allclose(one.points, other.points, atol=1e-3)
        assert (np.abs(one.image.astype(int) - other.image) <= 3).mean() > 0.99
    other = prepare_renders(model, SETTINGS, FRAME, seed=4, first=6, count=1)[0]
    layout = model.layout()
    drawn, again = (
        layout.split(torch.from_numpy(one.coefficients)[None]) for one in (alone[0], other)
    )
    assert torch.equal(drawn.identity, again.identity)  # the same person
    assert not torch.equal(drawn.rotation, again.rotation)  # in another photo


def test_renders_have_masks_by_the_batch_and_come_again(model: MorphableModel) -> None:
    settings = replace(SETTINGS, masks=1.0)
    one, again = (
        prepare_renders(model, settings, FRAME, seed=1, first=0, count=2) for _ in range(2)
    )
    assert same(one, again)
    for sample in one:
        assert sample.masked is not None
        assert (sample.masked != sample.image).any()

"""The mean surface, fields on it, and what photos give: small checks with known answers."""

import numpy as np
import pytest
import torch

from cfr.lighting import shade
from cfr.morphable.model import REGIONS
from cfr.morphable.sculpt.albedo import (
    Samples,
    distrust_others,
    make_symmetric,
    plain_skin,
    remove_light,
)
from cfr.morphable.sculpt.expressions import expressions
from cfr.morphable.sculpt.landmarks import PARTNER, pick_landmarks
from cfr.morphable.sculpt.mesh import INNER_EYE, MIDDLE, MOUTH, OUTER_EYE, build_mesh
from cfr.morphable.sculpt.motion import _first_guess
from cfr.morphable.sculpt.regions import bare_skin, label_regions
from cfr.morphable.sculpt.spread import Skin, spread, unfold
from cfr.morphable.sculpt.surface import build_surface
from cfr.morphable.sculpt.texture import learn_texture
from cfr.normals import incident_triangles, vertex_normals

EYE = MIDDLE + np.arange(INNER_EYE, OUTER_EYE + 1)
LIPS = slice(MIDDLE - MOUTH + 1, MIDDLE + MOUTH)


@pytest.fixture(scope="module")
def face() -> tuple[Skin, np.ndarray]:
    mesh = build_mesh()
    mean = build_surface(mesh, _first_guess())
    return unfold(mesh, mean), pick_landmarks(mesh, mean, _first_guess())


@pytest.fixture(scope="module")
def normals(face: tuple[Skin, np.ndarray]) -> np.ndarray:
    mesh, mean = face[0].mesh, face[0].mean
    triangles = torch.from_numpy(mesh.triangles)
    around = incident_triangles(triangles, mesh.vertices)
    return vertex_normals(torch.from_numpy(mean).float()[None], triangles, around)[0].numpy()


def test_the_surface_is_symmetric_and_faces_outwards(face, normals: np.ndarray) -> None:
    skin, _ = face
    np.testing.assert_allclose(skin.mean, skin.mean[skin.mesh.symmetry] * (-1, 1, 1), atol=1e-12)
    outwards = skin.mean[skin.mesh.skin] - (0, 0, -0.5)
    assert ((normals[skin.mesh.skin] * outwards).sum(1) > 0).mean() > 0.995


def test_landmarks_are_near_and_mirror(face) -> None:
    skin, landmarks = face
    assert np.linalg.norm(skin.mean[landmarks] - _first_guess(), axis=1).max() < 0.06
    assert (landmarks[PARTNER] == skin.mesh.symmetry[landmarks]).all()


def test_eyeballs_lie_behind_open_lids(face) -> None:
    skin, _ = face
    upper, lower = skin.mesh.sheets["upper"][0, EYE], skin.mesh.sheets["middle"][-1, EYE]
    opening = (skin.mean[upper, 1] - skin.mean[lower, 1])[5:-5]
    assert opening.min() > 0.02
    ball = skin.mean[skin.mesh.sheets["right eye"]].reshape(-1, 3)
    for rim in skin.mean[np.concatenate((upper, lower))]:
        nearest = ball[np.square(ball[:, :2] - rim[:2]).sum(1).argmin()]
        assert nearest[2] < rim[2] + 0.004


def test_a_closed_eye_is_closed_and_an_open_mouth_open(face) -> None:
    skin, landmarks = face
    sheets, fields = skin.mesh.sheets, expressions(*face)
    upper, lower = sheets["upper"][0, EYE], sheets["middle"][-1, EYE]
    closed = skin.mean + fields["blink right"]
    assert np.abs(closed[upper, 1] - closed[lower, 1]).max() < 1e-9
    assert (fields["blink right"][sheets["left eye"]] == 0).all()
    jaw = skin.mean + fields["jaw open"]
    gap = jaw[sheets["middle"][0, LIPS], 1] - jaw[sheets["lower"][-1, LIPS], 1]
    assert gap[MOUTH - 1] > 0.25  # three centimetres in the middle
    assert gap[0] < 0.1 < gap[MOUTH // 2]
    assert (np.diff(gap[: MOUTH - 1]) > -1e-6).all()  # and wider towards it, without a tear
    assert np.abs(fields["jaw open"][landmarks[27:31]]).max() < 5e-3


def test_movements_of_one_side_mirror_each_other(face) -> None:
    skin, fields = face[0], expressions(*face)
    for name, field in fields.items():
        if name.endswith(" left") and not name.startswith(("jaw", "mouth left")):
            other = fields[name.replace(" left", " right")]
            mirrored = other[skin.mesh.symmetry] * (-1, 1, 1)
            np.testing.assert_allclose(field, mirrored, atol=1e-9, err_msg=name)


def test_spreading_passes_through_its_points_and_not_across_the_lips(face) -> None:
    skin, landmarks = face
    moved = np.zeros((1, 68, 3))
    moved[0, [56, 57, 58, 65, 66, 67], 1] = -0.1  # the lower lip alone
    field = spread(skin, landmarks, moved, noise=1e-6)[0]
    np.testing.assert_allclose(field[landmarks], moved[0], atol=2e-3)
    above = skin.mesh.sheets["middle"][0, MIDDLE - 3 : MIDDLE + 4]
    assert np.abs(field[above, 1]).max() < 0.02


def test_regions_are_labelled_where_the_landmarks_are(face) -> None:
    skin, landmarks = face
    regions = label_regions(skin, landmarks)
    names = [REGIONS[index] for index in regions[landmarks]]
    assert names[18:21] == ["brows"] * 3
    assert set(names[28:31]) == {"nose"}
    assert {names[50], names[57]} <= {"lips", "skin"}
    assert (regions[skin.mesh.symmetry] == regions).mean() > 0.999
    bare = bare_skin(skin, regions)
    assert 0.3 < bare.mean() < 0.9
    assert not bare[landmarks[36:48]].any()


def test_light_is_divided_out(face, normals: np.ndarray) -> None:
    skin, _ = face
    rng = np.random.default_rng(2)
    mean = np.full((skin.mesh.vertices, 3), (0.6, 0.45, 0.38))
    albedo = torch.tensor(mean * rng.uniform(0.85, 1.15, (len(mean), 1))).float()[None]
    weights = torch.zeros(1, 9)
    pictures = []
    for strength in (-0.35, 0.0, 0.35):
        weights[0, 3] = strength
        lit = shade(albedo, torch.from_numpy(normals)[None], weights)
        pictures.append(lit[0].numpy())
    count = len(pictures)
    samples = Samples(
        np.stack(pictures).astype(np.float32),
        np.ones((count, len(mean)), np.float32),
        np.stack([normals] * count),
    )
    side = plain_skin(skin) & (skin.mean[:, 0] > 0.2)
    other = skin.mesh.symmetry[side]
    before = samples.colors[0, side].mean() / samples.colors[0, other].mean()
    remove_light(samples, skin)
    after = samples.colors[0, side].mean() / samples.colors[0, other].mean()
    assert abs(np.log(before)) > 0.3
    assert abs(np.log(after)) < 0.1 * abs(np.log(before))


def test_a_green_hat_is_distrusted_and_a_beard_is_not(face) -> None:
    skin, _ = face
    mean = np.full((skin.mesh.vertices, 3), (0.62, 0.47, 0.39), np.float32)
    colors = mean[None] * np.float32(0.8)  # a darker person
    hat = skin.mesh.skin & (skin.mean[:, 1] > 0.75)
    chin = skin.mesh.skin & (skin.mean[:, 1] < -0.55) & (np.abs(skin.mean[:, 0]) < 0.2)
    colors[0, hat] = (0.1, 0.7, 0.2)
    colors[0, chin] *= 0.75
    samples = Samples(colors, np.ones(colors.shape[:2], np.float32), np.zeros_like(colors))
    distrust_others(samples, mean, skin)
    assert samples.trust[0, hat].max() < 0.05
    assert samples.trust[0, chin].min() > 0.8
    cheeks = plain_skin(skin) & ~hat & ~chin
    assert samples.trust[0, cheeks].min() > 0.95


def test_a_half_that_is_hidden_comes_from_the_other(face) -> None:
    skin, _ = face
    colors = np.zeros((1, skin.mesh.vertices, 3), np.float32)
    left = skin.mean[:, 0] < 0
    colors[0, left] = 0.7
    trust = left[None].astype(np.float32)
    samples = Samples(colors, trust, np.zeros_like(colors))
    make_symmetric(samples, skin)
    right = skin.mesh.skin & (skin.mean[:, 0] > 1e-9)
    np.testing.assert_allclose(samples.colors[0, right], 0.7, atol=1e-6)
    assert (samples.trust[0, right] == 1).all()


def test_components_come_back_from_incomplete_faces() -> None:
    rng = np.random.default_rng(1)
    places = np.radians(rng.uniform(-50, 50, (400, 2)))
    basis = rng.normal(0, 0.05, (3, 400, 3))
    colors = 0.5 + np.tensordot(rng.normal(size=(300, 3)), basis, 1)
    strangers = rng.choice(300, 15, replace=False)
    colors[strangers] = rng.uniform(0, 1, (15, 400, 3))
    trust = (rng.uniform(size=(300, 400)) > 0.3).astype(np.float32)
    damaged = np.where(trust[..., None] > 0, colors, 9.0).astype(np.float32)
    learned = learn_texture(damaged, trust, np.full((400, 3), 0.5, np.float32), places, rounds=12)
    span = np.linalg.qr(learned.modes[:3].reshape(3, -1).T.astype(float))[0]
    flat = basis.reshape(3, -1)
    left = flat - flat @ span @ span.T
    assert np.linalg.norm(left) < 0.1 * np.linalg.norm(flat)
    assert learned.explained > 0.95
    assert 250 < learned.used <= 285

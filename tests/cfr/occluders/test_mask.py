"""Where a mask lies on a fitted face, what hides it, and how it is lit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

from cfr.camera import Camera, place
from cfr.occluders.kinds import occlude
from cfr.occluders.mask import Mask
from cfr.occluders.mask_cloth import COLUMNS, ROWS, lay_cloth
from cfr.occluders.types import FittedFace, Occluded

EYES_AND_BROWS = [*range(17, 27), *range(36, 48)]


def put_on(fitted: FittedFace, options: Mask, seed: int = 0) -> tuple[Occluded, np.ndarray]:
    """A mask on a grey photo, and the face's 68 points there."""
    face, camera = fitted.coefficients, fitted.camera
    shape = fitted.model.shape(face)[:, fitted.model.landmarks]
    seen = camera.project(place(shape, face.rotation, face.translation))[0, :, :2]
    points = seen.double().numpy()
    grey = np.full((camera.size, camera.size, 3), 128, np.uint8)
    return occlude(grey, points, "mask", seed, fitted, options), points


def covered(done: Occluded, points: np.ndarray) -> np.ndarray:
    column, row = np.rint(points).astype(int).clip(0, done.mask.shape[0] - 1).T
    return done.mask[row, column]


def turned(fitted: FittedFace, *angles: float) -> FittedFace:
    rotation = torch.tensor([angles])
    return replace(fitted, coefficients=replace(fitted.coefficients, rotation=rotation))


def lit(fitted: FittedFace, band: int, weight: float) -> FittedFace:
    lighting = torch.zeros(1, 27)
    lighting[0, band::9] = weight
    return replace(fitted, coefficients=replace(fitted.coefficients, lighting=lighting))


def check_places(fitted: FittedFace) -> None:
    correct, points = put_on(fitted, Mask())
    nose, _ = put_on(fitted, Mask(worn="nose-uncovered"))
    chin, _ = put_on(fitted, Mask(worn="chin-uncovered"))
    for done in (correct, nose, chin):
        assert not covered(done, points[EYES_AND_BROWS]).any()
        assert covered(done, points[48:68]).all()
        assert not covered(done, points[[27]]).any()
    assert covered(correct, points[[29, 30, 33, 8, 7, 9]]).all()
    assert not covered(nose, points[[28, 29, 30]]).any()
    assert covered(nose, points[[8]]).all()
    assert covered(chin, points[[29, 30, 33]]).all()
    assert not covered(chin, points[[7, 8, 9]]).any()


def test_the_ways_to_wear_it(fitted: FittedFace) -> None:
    check_places(fitted)


def test_the_ways_to_wear_it_on_faces_of_ict(shared: Path) -> None:
    from cfr.morphable.sources import load_model

    model = load_model("ict", shared / "face_models/ict_facekit")
    generator = torch.Generator().manual_seed(0)
    for _ in range(4):
        mean = model.layout().zeros(1)
        identity = torch.randn(mean.identity.shape, generator=generator)
        expression = torch.rand(mean.expression.shape, generator=generator)
        expression *= torch.rand(mean.expression.shape, generator=generator) < 0.1
        face = replace(mean, identity=identity, expression=expression)
        check_places(FittedFace(model, face, Camera()))
        check_places(turned(FittedFace(model, face, Camera()), 0.1, 0.25, 0.1))


def test_the_face_nowhere_pierces_it(fitted: FittedFace) -> None:
    """Seen from all sides the sheet has no hole, though nose and chin stand out."""
    for yaw in (-0.9, -0.3, 0.0, 0.6):
        done, _ = put_on(turned(fitted, 0.0, yaw, 0.0), Mask(color="white"))
        solid = ndimage.binary_opening(done.mask, np.ones((5, 5)))  # without the loops
        assert ndimage.label(solid)[1] == 1  # pyright: ignore
        holes = ndimage.binary_fill_holes(solid) & ~solid  # pyright: ignore
        assert not holes.any()


def test_it_bridges_hollows_and_stays_close(fitted: FittedFace) -> None:
    """Between nose and chin the sheet is nearly straight; it is outside the face and not far."""
    model = fitted.model
    shape = model.shape(fitted.coefficients)[0].double().numpy()
    cloth = lay_cloth(shape, model.triangles.numpy(), model.landmarks.numpy(), "correct")
    sheet = cloth.points[: ROWS * COLUMNS].reshape(ROWS, COLUMNS, 3)
    # An independent measure of the face's height in z below each node: its nearest vertex in x, y.
    from scipy.spatial import KDTree

    front = np.s_[4:36, 16:49]
    nodes = sheet[front].reshape(-1, 3)
    skin = shape[KDTree(shape[:, :2]).query(nodes[:, :2])[1], 2]
    assert (nodes[:, 2] - skin).min() > -0.03
    assert np.median(nodes[:, 2] - skin) < 0.12
    middle = sheet[:, COLUMNS // 2]
    tip = int(middle[:, 2].argmax())
    chin = int(np.abs(middle[:, 1] + 0.78).argmin())
    chord = np.interp(middle[tip:chin, 1], middle[[chin, tip], 1], middle[[chin, tip], 2])
    assert (middle[tip:chin, 2] - chord).min() > -0.05
    # The face itself has a hollow there.
    face = shape[KDTree(shape[:, :2]).query(middle[tip:chin, :2])[1], 2]
    assert (face - chord).min() < -0.15


def test_the_face_hides_what_lies_behind_it(fitted: FittedFace) -> None:
    """In profile only one half is seen: the far corner of the mouth lies behind."""
    for sign in (-1, 1):
        done, points = put_on(turned(fitted, 0.0, sign * 1.45, 0.0), Mask(color="white"))
        # Nothing in front of the nose or behind the ear.
        columns = np.nonzero(ndimage.binary_opening(done.mask, np.ones((5, 5))).any(0))[0]
        ahead = points[30, 0]
        reach = columns.max() - ahead if sign > 0 else ahead - columns.min()
        assert reach < 9
        frontal, _ = put_on(fitted, Mask(color="white"))
        assert done.mask.sum() < 0.8 * frontal.mask.sum()


def test_a_nose_in_front_hides_the_far_side(fitted: FittedFace) -> None:
    """Worn below the nose and seen from above, the nose covers a part of the mask."""
    looking_down = turned(fitted, 0.75, 0.0, 0.0)
    done, points = put_on(looking_down, Mask(worn="nose-uncovered"))
    assert not covered(done, points[[30]]).any()


def test_it_turns_with_the_face(fitted: FittedFace) -> None:
    straight, _ = put_on(fitted, Mask(color="white"))
    rolled, _ = put_on(turned(fitted, 0.0, 0.0, 0.5), Mask(color="white"))
    back = ndimage.rotate(rolled.alpha, -np.degrees(0.5), reshape=False, order=1) > 0.5
    union = (back | straight.mask).sum()
    assert (back & straight.mask).sum() / union > 0.93


def test_it_is_lit_as_the_face_is(fitted: FittedFace) -> None:
    """The fourth harmonic is −x: a negative weight lights what faces the image's right."""
    for sign in (-1, 1):
        done, points = put_on(lit(fitted, 3, -0.5 * sign), Mask(color="white"))
        shown = np.where(done.alpha == 1, done.image.mean(-1), np.nan)
        middle = int(points[30, 0])
        left, right = np.nanmean(shown[:, : middle - 20]), np.nanmean(shown[:, middle + 20 :])
        assert sign * (right - left) > 20
    dark, _ = put_on(lit(fitted, 0, -0.5), Mask(color="white"))
    bright, _ = put_on(lit(fitted, 0, 0.2), Mask(color="white"))
    solid = (dark.alpha == 1) & (bright.alpha == 1)
    assert dark.image[solid].mean() < 0.5 * bright.image[solid].mean()


def test_colours(fitted: FittedFace) -> None:
    blue, _ = put_on(fitted, Mask(color="surgical-blue"))
    black, _ = put_on(fitted, Mask(color="black"))
    pattern, _ = put_on(fitted, Mask(color="patterned"))
    assert blue.image[blue.alpha == 1].mean(0)[2] > 1.2 * blue.image[blue.alpha == 1].mean(0)[0]
    assert black.image[black.alpha == 1].mean() < 40
    assert pattern.image[pattern.mask].std(0).max() > 2 * blue.image[blue.mask].std(0).max()
    small = replace(fitted, camera=Camera().resized(48))
    drawn = [put_on(small, Mask(worn="any"), seed)[0].record.settings for seed in range(40)]
    assert len({str(one["worn"]) for one in drawn}) == 3
    assert len({str(one["color"]) for one in drawn}) == 7


def test_a_larger_photo_shows_the_same(fitted: FittedFace) -> None:
    small, _ = put_on(fitted, Mask(color="white"))
    large, _ = put_on(replace(fitted, camera=Camera().resized(448)), Mask(color="white"))
    averaged = large.alpha.reshape(224, 2, 224, 2).mean((1, 3))
    assert np.abs(averaged - small.alpha).mean() < 0.01


def test_coefficients_of_another_model_are_refused(fitted: FittedFace) -> None:
    from cfr.coefficients import WrongFaceModel

    foreign = replace(fitted.coefficients, model="0" * 64)
    points = np.random.default_rng(0).uniform(50, 150, (68, 2))
    grey = np.zeros((224, 224, 3), np.uint8)
    with pytest.raises(WrongFaceModel):
        occlude(grey, points, "mask", 0, replace(fitted, coefficients=foreign))


@pytest.mark.parametrize(
    "place_at", [(0.9, 0.0, 0.0), (6.0, 0.0, 0.0), (0.0, -300.0, 0.0), (0.0, 0.0, 30.0)]
)
def test_a_face_partly_or_wholly_out_of_sight(
    place_at: tuple[float, float, float], fitted: FittedFace
) -> None:
    moved = replace(fitted.coefficients, translation=torch.tensor([place_at]))
    done, _ = put_on(replace(fitted, coefficients=moved), Mask(color="white"))
    assert done.mask.any() == (place_at[0] == 0.9)
    assert (done.image[done.alpha == 0] == 128).all()

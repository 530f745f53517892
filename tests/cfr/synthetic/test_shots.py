from dataclasses import replace

import numpy as np
import pytest

from cfr.camera import place
from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from cfr.synthetic.expressions import RECIPES, draw_expression
from cfr.synthetic.identity import Identity, IdentitySampler
from cfr.synthetic.quality import Quality, spoil
from cfr.synthetic.shots import Shot, draw_shot

CLEAN = Quality(noise=0.0)
SHOT = Shot(7, 70, 71, (4.0, -25.0, 3.0), size=112, zoom=1.0, quality=CLEAN)


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return load_model("builtin")


@pytest.fixture(scope="module")
def person(model: MorphableModel) -> Identity:
    return IdentitySampler(model).draw(7)


def test_a_shot_has_the_pose_that_was_asked_for_and_its_points(
    model: MorphableModel, person: Identity
) -> None:
    shown = draw_shot(model, person, SHOT)
    known = shown.coefficients
    np.testing.assert_allclose(np.degrees(known.rotation[0].numpy()), SHOT.pose_degrees, atol=1e-4)
    shape = model.shape(known) + person.relief
    placed = place(shape, known.rotation, known.translation)
    at = SHOT.camera.project(placed[:, model.landmarks])[0].numpy()
    np.testing.assert_allclose(shown.points, at[:, :2], atol=1e-3)
    order = np.argsort(shown.depth)
    assert (np.diff(at[order, 2]) >= 0).all()
    assert shown.depth.min() == 0
    assert shown.hidden == 0
    inner = np.rint(shown.points[27:]).astype(int)
    assert shown.face[inner[:, 1], inner[:, 0]].mean() > 0.9


def test_the_same_shot_is_the_same_bytes_and_a_moment_moves_little(
    model: MorphableModel, person: Identity
) -> None:
    shot = replace(SHOT, quality=Quality(noise=1.0, kept=0.4, motion=4.0, exposure=0.2))
    one, again = (draw_shot(model, person, shot) for _ in range(2))
    np.testing.assert_array_equal(one.photo, again.photo)
    later = draw_shot(model, person, replace(SHOT, moment=72))
    still = draw_shot(model, person, SHOT)
    assert (later.coefficients.expression == still.coefficients.expression).all()
    assert (later.coefficients.lighting == still.coefficients.lighting).all()
    assert (later.coefficients.translation != still.coefficients.translation).any()
    away = ~(later.face | still.face)
    np.testing.assert_array_equal(later.photo[away], still.photo[away])
    elsewhere = draw_shot(model, person, replace(SHOT, setting=73))
    assert (elsewhere.photo[away] != still.photo[away]).mean() > 0.5


def test_an_occluder_hides_what_it_says(model: MorphableModel, person: Identity) -> None:
    covered = draw_shot(model, person, replace(SHOT, occluder="mask", occluder_seed=4))
    plain = draw_shot(model, person, SHOT)
    assert 0.1 < covered.hidden < 0.8
    np.testing.assert_array_equal(covered.points, plain.points)
    changed = (covered.photo != plain.photo).any(2)
    assert changed[covered.occlusion].mean() > 0.98
    other = draw_shot(model, person, replace(SHOT, occluder="mask", occluder_seed=5))
    assert (other.photo != covered.photo).any()


def test_a_shot_of_somebody_else_is_refused(model: MorphableModel, person: Identity) -> None:
    with pytest.raises(ValueError, match="person 7, a shot of 8"):
        draw_shot(model, person, replace(SHOT, person=8))


def test_expressions_can_be_told_apart_but_not_always(model: MorphableModel) -> None:
    """From the weights themselves, so that photos can only be harder."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(RECIPES)), 60)
    drawn = np.stack([draw_expression(rng, model, list(RECIPES)[one]) for one in labels])
    learner = LogisticRegression(max_iter=500)
    right = cross_val_score(learner, drawn, labels, cv=4).mean()
    by_chance = cross_val_score(learner, drawn, rng.permutation(labels), cv=4).mean()
    assert 0.8 < right < 0.999
    assert by_chance < 0.3


def test_a_recipe_without_straying_is_the_recipe(model: MorphableModel) -> None:
    names = list(model.expression_names)
    rng = np.random.default_rng(1)
    assert not draw_expression(rng, model, "neutral", 0.0).any()
    moved = draw_expression(rng, model, "happiness", 0.0)
    left, right = moved[names.index("smile left")], moved[names.index("smile right")]
    assert left == right > 0
    assert set(np.array(names)[moved != 0]) <= {
        *("smile left", "smile right", "squint left", "squint right", "jaw open"),
        *("upper lip up left", "upper lip up right", "mouth stretch left", "mouth stretch right"),
    }


def test_a_face_model_without_the_movements_is_refused(small_model: MorphableModel) -> None:
    with pytest.raises(ValueError, match="expected a face model that has it"):
        draw_expression(np.random.default_rng(0), small_model, "fear")


def test_no_quality_leaves_a_picture_as_it_is_and_each_kind_shows() -> None:
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 256, (80, 90, 3)).astype(np.uint8)
    np.testing.assert_array_equal(spoil(np.random.default_rng(0), picture, CLEAN), picture)
    sharp = np.abs(np.diff(picture.astype(float), axis=1)).mean()
    for quality in (replace(CLEAN, kept=0.2), replace(CLEAN, motion=9.0)):
        seen = spoil(np.random.default_rng(1), picture, quality)
        assert seen.shape == picture.shape
        assert np.abs(np.diff(seen.astype(float), axis=1)).mean() < 0.8 * sharp
    grey = spoil(np.random.default_rng(0), picture, replace(CLEAN, grey=1.0))
    assert np.ptp(grey, axis=2).max() == 0
    bright = spoil(np.random.default_rng(0), picture, replace(CLEAN, exposure=0.3))
    assert (bright != picture).any()
    tiny = picture[:20, :20]
    assert spoil(rng, tiny, replace(CLEAN, kept=0.1)).shape == tiny.shape

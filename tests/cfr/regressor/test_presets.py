"""Every published number once more, read from the sources a second time."""

from dataclasses import asdict

import pytest
import torch

from cfr.regressor.presets import (
    BASELINE,
    STAGE1,
    STAGE2,
    FaceWeights,
    StudentWeights,
    Weighting,
    point_weights,
    total,
    usable,
)

NOSE = {28, 29, 30}
INNER_MOUTH = {60, 61, 62, 63, 64, 65, 66, 67}
EYES = {36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47}
RELEASED_EYES = {37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48}


@pytest.mark.parametrize(
    ("weighting", "heavy"),
    [
        ("deep3d", {20.0: NOSE | INNER_MOUTH}),
        ("stage1-release", {20.0: NOSE | INNER_MOUTH, 5.0: RELEASED_EYES}),
        ("stage2-paper", {20.0: EYES | INNER_MOUTH}),
        ("stage2-release", {5.0: NOSE | INNER_MOUTH, 3.0: RELEASED_EYES}),
        ("even", {}),
    ],
)
def test_point_weights(weighting: Weighting, heavy: dict[float, set[int]]) -> None:
    expected = [1.0] * 68
    for weight, points in heavy.items():
        for point in points:
            expected[point] = weight
    assert point_weights(weighting).tolist() == expected


def test_deep3d_weights() -> None:
    expected = {
        "photometric": 1.92,
        "landmarks": 0.0016,
        "identity": 0.2,
        "prior": 0.0003,
        "reflectance": 5.0,
        "gamma": 10.0,
    }
    for preset in (BASELINE["paper"], BASELINE["release"], STAGE1["paper"]):
        weights = preset.weights
        assert weights.terms() == expected
        parts = weights.prior_identity, weights.prior_expression, weights.prior_texture
        assert parts == (1.0, 0.8, 0.017)
        assert (weights.forms, weights.points) == ("deep3d", "deep3d")


def test_stage1_release_weights() -> None:
    weights = STAGE1["release"].weights
    assert weights.terms() == {
        "photometric": 0.01,
        "landmarks": 0.007,
        "identity": 0.2,
        "prior": 0.0001,
        "reflectance": 0.00001,
        "gamma": 10.0,
    }
    parts = weights.prior_identity, weights.prior_expression, weights.prior_texture
    assert parts == (1.0, 0.1, 0.0017)
    assert (weights.forms, weights.points) == ("release", "stage1-release")


def test_stage2_weights() -> None:
    for preset in STAGE2.values():
        assert preset.weights.terms() == {"features": 1.0, "coefficients": 0.1, "landmarks": 0.01}
        assert preset.weights.levels == (0.125, 0.25, 0.5, 1.0)
    paper, release = STAGE2["paper"].weights, STAGE2["release"].weights
    assert (paper.divide, paper.points) == (True, "stage2-paper")
    assert (release.divide, release.points) == (False, "stage2-release")


def test_schedules() -> None:
    paper, release = (asdict(BASELINE[choice].schedule) for choice in ("paper", "release"))
    same = {"learning_rate": 1e-4, "betas": (0.9, 0.999), "weight_decay": 0.0, "settled": 1.0}
    halfway = {"optimizer": "adam", "decay": "drop", "drop_at": 0.5, "drop": 0.2}
    assert paper == {"batch": 16, "steps": 200_000, "epochs": None, **same, **halfway}
    assert release == {"batch": 32, "steps": None, "epochs": 20, **same, **halfway}
    for choice in ("paper", "release"):
        for preset, rate, batch, epochs in (
            (STAGE1[choice], 2e-6, 48, 50),
            (STAGE2[choice], 1e-6, 32, 5),
        ):
            found = preset.schedule
            assert (found.optimizer, found.decay, found.betas) == ("adamw", "cosine", (0.5, 0.999))
            assert (found.learning_rate, found.batch) == (rate, batch)
            assert (found.epochs, found.steps, found.weight_decay) == (epochs, None, 0.01)


def test_augmentation() -> None:
    none = asdict(BASELINE["paper"].augmentation)
    shares = "occluded", "jitter", "coarse", "turned", "framed", "flip", "erased"
    assert not any(none[name] for name in (*shares, "shift", "scale", "tilt"))
    moved = {"shift": 10.0, "scale": 0.1, "tilt": 10.0, "flip": 0.5}
    assert asdict(BASELINE["release"].augmentation) == {**none, **moved}
    changed = {"occluded": 0.5, "jitter": 0.5, "coarse": 0.25, "turned": 0.25, "framed": 0.25}
    for preset in STAGE1.values():
        assert asdict(preset.augmentation) == {**none, **changed}
    assert none["jitter_by"] == (0.3, 0.3, 0.3, 0.0)
    assert (none["coarse_by"], none["turned_by"]) == (4, 45.0)
    assert (none["framed_first"], none["framed_second"]) == ((0, 56), (112, 168))
    student = {"occluded": 0.5, "jitter": 1.0, "coarse": 0.25, "flip": 0.5}
    student |= {"occluders": (("worn", 1.0),)}
    paper, release = (asdict(STAGE2[choice].augmentation) for choice in ("paper", "release"))
    hue = paper.pop("jitter_by")
    assert hue == release.pop("jitter_by") == pytest.approx((0.3, 0.3, 0.3, 0.0637), abs=1e-4)
    del none["jitter_by"]
    assert release == {**none, **student}
    assert paper == {**none, **student, "erased": 0.5}
    assert (none["erased_area"], none["erased_aspect"]) == ((0.05, 0.1), (0.1, 3.3))


def test_a_run_says_what_it_leaves_out() -> None:
    weights = FaceWeights()
    assert usable(weights, recognizer=True, texture=True) == (weights, ())
    left, said = usable(weights, recognizer=False, texture=False)
    changed = {"identity": 0.0, "reflectance": 0.0}
    assert left.terms() == {**weights.terms(), **changed}
    assert len(said) == 2
    assert "no recognizer" in said[0]
    assert "no texture" in said[1]
    assert usable(left, recognizer=False, texture=False) == (left, ())
    released = STAGE1["release"].weights
    assert usable(released, recognizer=True, texture=False) == (released, ())


def test_total() -> None:
    terms = {"features": 3.0, "coefficients": 5.0, "landmarks": 7.0}
    tensors = {name: torch.tensor(value) for name, value in terms.items()}
    assert total(tensors, StudentWeights()).item() == pytest.approx(3 + 0.5 + 0.07)
    face = dict.fromkeys(FaceWeights().terms(), torch.tensor(1.0))
    weighed = 1.92 + 1.6e-3 + 0.2 + 3e-4 + 5 + 10
    assert total(face, FaceWeights()).item() == pytest.approx(weighed)
    del face["identity"]
    without = FaceWeights(identity=0.0)
    assert total(face, without).item() == pytest.approx(weighed - 0.2)


def test_total_misses_what_weighs_something_and_refuses_what_has_no_weight() -> None:
    one = torch.tensor(1.0)
    with pytest.raises(ValueError, match=r"found features, landmarks$"):
        total({"features": one, "landmarks": one}, StudentWeights())
    full = dict.fromkeys(StudentWeights().terms(), one)
    with pytest.raises(ValueError, match="photometric"):
        total({**full, "photometric": one}, StudentWeights())

"""What every kind of occluder promises, and the choice among them."""

import json
from collections import Counter
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from cfr.camera import Camera
from cfr.occluders.erasing import Erasing
from cfr.occluders.glasses import Glasses
from cfr.occluders.hand import Hand
from cfr.occluders.kinds import KINDS, NEED_OPTIONS, draw_random, occlude
from cfr.occluders.supplied import Cutout, Silhouette
from cfr.occluders.types import FittedFace, Occluded, Occluder

SHAPE = np.pad(np.ones((20, 30)), 3)
PICTURE = np.dstack((np.full((26, 36, 3), 77), 255 * SHAPE)).astype(np.uint8)
SUPPLIED: dict[str, Occluder] = {
    "silhouette": Silhouette((SHAPE, SHAPE.T.copy())),
    "cutout": Cutout((PICTURE,)),
}


def draw(
    kind: str, photo: np.ndarray, points: np.ndarray, seed: int, fitted: FittedFace | None = None
) -> Occluded:
    return occlude(photo, points, kind, seed, fitted, SUPPLIED.get(kind))


def test_the_table_is_whole() -> None:
    assert len(KINDS) == 9
    for kind in KINDS:
        assert (kind in SUPPLIED) == (kind in NEED_OPTIONS)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_covered_is_the_photo(
    kind: str, photo: np.ndarray, points: np.ndarray, fitted: FittedFace
) -> None:
    before, at = photo.copy(), points.copy()
    for seed in range(3):
        done = draw(kind, photo, points, seed, fitted)
        assert done.image.dtype == np.uint8
        assert done.image.shape == photo.shape
        assert done.alpha.dtype == np.float32
        assert 0 <= done.alpha.min() <= done.alpha.max() <= 1
        assert done.alpha.any()
        assert np.array_equal(done.image[done.alpha == 0], photo[done.alpha == 0])
        changed = (done.image != photo).any(-1)
        assert not (changed & (done.alpha == 0)).any()
        assert changed[done.mask].mean() > 0.9
        assert np.array_equal(done.mask, done.alpha >= 0.5)
    assert np.array_equal(photo, before)
    assert np.array_equal(points, at)


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides_all(
    kind: str, photo: np.ndarray, points: np.ndarray, fitted: FittedFace
) -> None:
    np.random.seed(1)  # noqa: NPY002 (a global generator must not matter)
    first = draw(kind, photo, points, 5, fitted)
    np.random.seed(2)  # noqa: NPY002
    torch.manual_seed(3)
    again = draw(kind, photo, points, 5, fitted)
    other = draw(kind, photo, points, 6, fitted)
    assert first.image.tobytes() == again.image.tobytes()
    assert first.alpha.tobytes() == again.alpha.tobytes()
    assert first.record == again.record
    assert first.image.tobytes() != other.image.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_the_record_survives_json(
    kind: str, photo: np.ndarray, points: np.ndarray, fitted: FittedFace
) -> None:
    record = draw(kind, photo, points, 11, fitted).record
    assert record.kind == kind
    assert record.seed == 11
    assert json.loads(json.dumps(asdict(record), allow_nan=False)) == asdict(record)
    assert record.settings


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "mask"])
@pytest.mark.parametrize(
    ("scale", "shift"),
    [
        (1, (150, 0)),
        (1, (0, -160)),
        (1, (3000, -4000)),
        (1, (-1e7, 1e7)),
        (40, (-4000, -4000)),
        (0.02, (90, 5)),
    ],
)
def test_faces_beyond_the_border(
    kind: str, scale: float, shift: tuple[float, float], photo: np.ndarray, points: np.ndarray
) -> None:
    """Partly or wholly outside, much larger than the photo, or smaller than a few pixels."""
    for size in (np.s_[:], np.s_[:3, :190], np.s_[:1, :1]):
        part = np.ascontiguousarray(photo[size])
        done = draw(kind, part, points * scale + shift, 3)
        assert done.image.shape == part.shape
        assert np.array_equal(done.image[done.alpha == 0], part[done.alpha == 0])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "mask"])
def test_points_of_no_face(kind: str, photo: np.ndarray) -> None:
    rng = np.random.default_rng(4)
    line = np.column_stack((np.linspace(20, 200, 68), np.full(68, 100.0)))
    for points in (rng.uniform(0, 224, (68, 2)), rng.normal(112, 2, (68, 2)), line):
        assert draw(kind, photo, points, 1).image.shape == photo.shape


def test_bad_input_is_named(photo: np.ndarray, points: np.ndarray, fitted: FittedFace) -> None:
    with pytest.raises(ValueError, match="kind 'beard': expected one of hand, mask"):
        occlude(photo, points, "beard", 0)
    with pytest.raises(ValueError, match=r"mask: expected a fitted face \(fitted=…\), found none"):
        occlude(photo, points, "mask", 0)
    with pytest.raises(ValueError, match="hand: expected options Hand, found Glasses"):
        occlude(photo, points, "hand", 0, options=Glasses())
    with pytest.raises(ValueError, match=r"cutout: expected options \(Cutout\), found none"):
        occlude(photo, points, "cutout", 0)
    with pytest.raises(ValueError, match="in one place"):
        occlude(photo, np.full((68, 2), 3.0), "hand", 0)
    with pytest.raises(ValueError, match="finite"):
        occlude(photo, np.full((68, 2), np.nan), "hand", 0)
    with pytest.raises(ValueError, match=r"photo: expected 224 × 224, .* found 200 × 224"):
        occlude(photo[:200], points, "mask", 0, fitted)
    with pytest.raises(ValueError, match=r"photo: expected \(h, w, 3\) uint8, found uint8 \(0,"):
        occlude(photo[:0], points, "hand", 0)
    two = replace(fitted, coefficients=fitted.model.layout().zeros(2))
    with pytest.raises(ValueError, match="one face"):
        occlude(photo, points, "mask", 0, two)
    resized = replace(fitted, camera=Camera().resized(112))
    with pytest.raises(ValueError, match="photo: expected 112 × 112"):
        occlude(photo, points, "mask", 0, resized)


def test_another_type_is_refused(photo: np.ndarray, points: np.ndarray) -> None:
    """By the shape checks of the tests, and by a plain error without them."""
    from jaxtyping import TypeCheckError

    with pytest.raises((ValueError, TypeCheckError)):
        occlude(photo.astype(np.float32) / 255, points, "hand", 0)  # pyright: ignore
    with pytest.raises((ValueError, TypeCheckError)):
        occlude(photo, points[:5], "hand", 0)


def test_a_random_kind_keeps_its_shares(photo: np.ndarray, points: np.ndarray) -> None:
    shares = {"hand": 3.0, "erasing": 1.0, "glasses": 0.0}
    small, at = np.ascontiguousarray(photo[::8, ::8]), points / 8
    drawn = [draw_random(small, at, seed, shares).record for seed in range(600)]
    count = Counter(record.kind for record in drawn)
    assert set(count) == {"hand", "erasing"}
    # Four standard deviations of a binomial.
    assert abs(count["hand"] - 450) < 4 * np.sqrt(600 * 0.75 * 0.25)
    assert drawn[0].settings["kinds"] == ["hand", "erasing", "glasses"]
    assert drawn[0].settings["shares"] == [3.0, 1.0, 0.0]
    assert [record.settings["drawn_with_seed"] for record in drawn] == list(range(600))
    # The choice of the kind says nothing about what it draws: two hands stay one in five.
    pairs = sum(len(one.settings["hands"]) == 2 for one in drawn if one.kind == "hand")  # pyright: ignore
    assert abs(pairs / count["hand"] - 0.2) < 4 * np.sqrt(0.2 * 0.8 / count["hand"])


def test_a_random_kind_can_be_repeated(
    photo: np.ndarray, points: np.ndarray, fitted: FittedFace
) -> None:
    options: dict[str, Occluder] = {"hand": Hand(style="shaded"), "erasing": Erasing(fill="mean")}
    for seed in range(6):
        shares = {"hand": 1.0, "mask": 1.0, "erasing": 1.0}
        done = draw_random(photo, points, seed, shares, fitted, options)
        record = done.record
        chosen = options.get(record.kind)
        again = occlude(photo, points, record.kind, record.seed, fitted, chosen)
        assert np.array_equal(done.image, again.image)
        assert again.record.settings.items() <= record.settings.items()


@pytest.mark.parametrize(
    "shares", [{}, {"hand": 0.0}, {"hand": -1.0, "hair": 2.0}, {"hand": np.nan}]
)
def test_shares_that_are_none(
    shares: dict[str, float], photo: np.ndarray, points: np.ndarray
) -> None:
    with pytest.raises(ValueError, match="shares"):
        draw_random(photo, points, 0, shares)

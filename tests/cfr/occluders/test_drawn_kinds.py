"""Glasses, scarf, hair and phone: they cover what they should, and follow the face."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from cfr.occluders.glasses import Glasses
from cfr.occluders.hair import Hair
from cfr.occluders.kinds import occlude
from cfr.occluders.phone import Phone
from cfr.occluders.scarf import Scarf
from cfr.occluders.types import Occluder

EYES = ([36, 37, 38, 39, 40, 41], [42, 43, 44, 45, 46, 47])


def at(values: np.ndarray, points: np.ndarray) -> np.ndarray:
    column, row = np.rint(points).astype(int).T
    return values[row, column]


def test_sunglasses_cover_the_eyes_and_nothing_below(photo: np.ndarray, points: np.ndarray) -> None:
    for seed in range(10):
        done = occlude(photo, points, "glasses", seed, options=Glasses(lenses="sun"))
        for eye in EYES:
            assert at(done.mask, points[eye]).all()
        assert not at(done.mask, points[[30, 33, 51, 57, 8]]).any()
        assert done.image[done.alpha > 0.9].mean() < photo.mean()


def test_clear_glasses_let_the_eyes_through(photo: np.ndarray, points: np.ndarray) -> None:
    for seed in range(10):
        done = occlude(photo, points, "glasses", seed, options=Glasses(lenses="clear"))
        for eye in EYES:
            seen = at(done.alpha, points[eye])
            assert 0 < seen.min() <= seen.max() < 0.5
        # The rims enclose two holes.
        holes = ndimage.binary_fill_holes(done.mask) & ~done.mask  # pyright: ignore
        labels, found = ndimage.label(holes)  # pyright: ignore
        assert (
            sum(size > 200 for size in ndimage.sum_labels(holes, labels, range(1, found + 1))) == 2
        )


def test_a_scarf_covers_mouth_and_chin(photo: np.ndarray, points: np.ndarray) -> None:
    for seed in range(10):
        done = occlude(photo, points, "scarf", seed, options=Scarf(highest=-0.1, lowest=-0.25))
        assert at(done.mask, points[[8, 7, 9, 57, 66]]).all()
        assert not at(done.mask, points[[*EYES[0], *EYES[1], 27, 28]]).any()


def test_hair_covers_the_forehead_and_not_the_mouth(photo: np.ndarray, points: np.ndarray) -> None:
    for seed in range(10):
        done = occlude(photo, points, "hair", seed)
        between = points[17:27] - (0, 25)
        assert at(done.alpha, between).mean() > 0.6
        assert not at(done.mask, points[48:68]).any()
    long = occlude(photo, points, "hair", 3, options=Hair(longest=-0.4, shortest=-0.4))
    short = occlude(photo, points, "hair", 3, options=Hair(longest=0.7, shortest=0.7))
    assert long.mask.sum() > 1.3 * short.mask.sum()


def test_a_phone_has_its_size(photo: np.ndarray, points: np.ndarray) -> None:
    """About 75 × 155 mm: 0.79 × 1.63 dm of the face, and 102 pixels a decimetre."""
    options = Phone(fingers=0.0, lying=0.0)
    wide = np.kron(photo, np.ones((3, 3, 1), np.uint8))
    for seed in range(6):
        done = occlude(wide, points + 224, "phone", seed, options=options)
        assert 0.75 < done.mask.sum() / (0.79 * 1.63 * 102**2) < 1.25
        row, column = np.nonzero(done.mask)
        centre = done.record.settings["centre"]
        assert np.hypot(*(np.array([column.mean(), row.mean()]) - centre)) < 2


@pytest.mark.parametrize(
    ("kind", "options"),
    [("glasses", Glasses(lenses="sun")), ("scarf", Scarf()), ("hair", Hair()), ("hand", None)],
)
def test_they_grow_with_the_face(
    kind: str, options: Occluder | None, photo: np.ndarray, points: np.ndarray
) -> None:
    large = np.kron(photo, np.ones((2, 2, 1), np.uint8))
    once = occlude(photo, points, kind, 4, options=options)
    twice = occlude(large, 2 * points + 0.5, kind, 4, options=options)
    half = twice.alpha.reshape(224, 2, 224, 2).mean((1, 3))
    assert np.abs(half - once.alpha).mean() < 0.02


def test_glasses_follow_a_tilted_head(photo: np.ndarray, points: np.ndarray) -> None:
    turn = np.radians(30)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    tilted = (points - 111.5) @ rotation.T + 111.5
    straight = occlude(photo, points, "glasses", 2, options=Glasses(lenses="sun"))
    leaning = occlude(photo, tilted, "glasses", 2, options=Glasses(lenses="sun"))
    back = ndimage.rotate(leaning.alpha, 30, reshape=False, order=1) > 0.5
    both = (back & straight.mask).sum()
    assert both / (back | straight.mask).sum() > 0.85


@pytest.mark.parametrize(
    "make",
    [
        lambda: Hair(strands=0),
        lambda: Hair(longest=0.6, shortest=0.5),
        lambda: Scarf(highest=0.9),
        lambda: Phone(lying=2.0),
        lambda: Phone(tilt_degrees=-1.0),
    ],
)
def test_bad_options(make: Callable[[], Occluder]) -> None:
    with pytest.raises(ValueError, match="expected"):
        make()

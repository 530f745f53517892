"""Which part of a photo a model is shown: the detector's face, or the whole photo."""

from pathlib import Path

import numpy as np
import pytest

from cfr.landmarks.face import FoundFace
from results.cache.store import Cache
from results.tables.table4_crops import FaceFinder, View, crop_of_face, judged

SIDE = 200


class _Fixed:
    """A detector whose answer is known: the place of all faces, and a larger one at the border."""

    name = "fixed"

    def __call__(self, photo: np.ndarray, path: Path | None = None) -> list[FoundFace]:
        five = np.array([(82.0, 85), (118, 85), (100, 105), (86, 125), (114, 125)])
        far = FoundFace(np.array([0.0, 0, 90, 90]), 0.9, five - 60, None, "fixed")
        return [far, FoundFace(np.array([60.0, 60, 140, 150]), 0.8, five, None, "fixed")]


def test_the_face_in_the_middle_is_taken_and_remembered(tmp_path: Path) -> None:
    photos = [np.full((SIDE, SIDE, 3), value, np.uint8) for value in (0, 9)]
    finder = FaceFinder(_Fixed(), Cache(tmp_path, {"what": "faces"}))
    first = finder.find(photos, [tmp_path] * 2)
    again = FaceFinder(_Never(), Cache(tmp_path, {"what": "faces"})).find(photos, [tmp_path] * 2)
    for one, other in zip(first, again, strict=True):
        assert one is not None
        assert other is not None
        assert one.box.tolist() == [60, 60, 140, 150]
        assert np.array_equal(one.box, other.box)
        assert np.array_equal(one.five, other.five)
        assert other.points is None
    nothing = FaceFinder(_Nothing(), Cache(tmp_path / "none", {"what": "faces"}))
    assert nothing.find(photos, [tmp_path] * 2) == [None, None]
    nothing = FaceFinder(_Never(), Cache(tmp_path / "none", {"what": "faces"}))
    assert nothing.find(photos, [tmp_path] * 2) == [None, None]


class _Nothing:
    name = "nothing"

    def __call__(self, photo: np.ndarray, path: Path | None = None) -> list[FoundFace]:
        return []


class _Never:
    name = "never"

    def __call__(self, photo: np.ndarray, path: Path | None = None) -> list[FoundFace]:
        raise AssertionError("asked although its answer is known")


def test_another_face_is_one_that_overlaps_too_little() -> None:
    labelled = np.zeros((68, 2)) + 50
    labelled[0], labelled[1] = (0, 0), (100, 100)
    five = np.eye(5, 2)

    def verdict(*box: float) -> str:
        return judged(FoundFace(np.array(box, dtype=float), 1.0, five, None, "x"), labelled)

    assert verdict(0, 0, 100, 31) == "found"  # intersection over union 0.31
    assert verdict(0, 0, 100, 29) == "other"
    assert verdict(200, 200, 300, 300) == "other"
    assert judged(None, labelled) == "none"


@pytest.mark.parametrize("size", [(200, 200), (120, 300), (500, 240)])
def test_without_a_face_the_whole_photo_is_the_crop(size: tuple[int, int]) -> None:
    photo = np.zeros((*size, 3), np.uint8)
    crop = crop_of_face(photo, None)
    height, width = size
    corners = np.array([(-0.5, -0.5), (width - 0.5, height - 0.5)])
    inside = crop.to_crop(corners)
    long = int(width >= height), int(height >= width)
    for axis, full in enumerate(long):
        low, high = inside[:, axis]
        assert low + high == pytest.approx(223)  # in the middle
        assert (high - low == pytest.approx(224)) == bool(full)
    square = View(photo, crop, None).whole
    assert square[2] - square[0] == pytest.approx(max(size))
    assert (square[1] + square[3]) / 2 == pytest.approx((height - 1) / 2)

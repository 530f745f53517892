"""From photos to crops: positions worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from cfr.align import ARCFACE_112, align_arcface, similarity
from cfr.frontalizers.types import Restored
from cfr.landmarks.face import FoundFace
from cfr.landmarks.with_dlib import box_from_five
from recognizers.templates import Template, arcface, sphereface, whole
from results.export.faces import Points, cut, guess, moved, nearest, restore, surroundings


def photo(height: int = 120, width: int = 160) -> np.ndarray:
    """Colours that say where they are: red is the column, green the row."""
    rows, columns = np.indices((height, width))
    return np.stack((columns, rows, 0 * rows), -1).astype(np.uint8)


def face(left: float, top: float, right: float, bottom: float) -> FoundFace:
    box = np.array([left, top, right, bottom], float)
    corners = [(left, top), (right, top), (left, bottom), (right, bottom), (left, top + 1)]
    five = np.array(corners, float)
    return FoundFace(box, 1.0, five, None, "test")


def test_a_cut_puts_the_points_where_the_template_wants_them() -> None:
    five = ARCFACE_112 * 0.5 + (20.0, 10.0)
    crop, points = cut(photo(), Points(five), arcface(), smooth=False)
    assert np.allclose(points, ARCFACE_112, atol=1e-9)
    expected = align_arcface(five).crop(photo())
    assert np.array_equal(crop, expected)
    # Column 30 of the crop lies at 30 · 0.5 + 20 of the photo.
    assert abs(int(crop[40, 30, 0]) - 35) <= 1
    assert abs(int(crop[40, 30, 1]) - 30) <= 1


def test_dense_points_win_where_a_template_has_places_for_them() -> None:
    places = ((30, 20.0, 30.0), (36, 10.0, 20.0), (45, 30.0, 20.0), (48, 14.0, 40.0))
    template = Template("dense", 40, 50, ((0.0, 0.0),) * 5, places)
    dense = np.zeros((68, 2))
    for index, x, y in places:
        dense[index] = (2 * x + 7, 2 * y + 3)
    crop, five = cut(photo(), Points(ARCFACE_112.copy(), dense), template, smooth=False)
    assert crop.shape == (50, 40, 3)
    assert np.allclose(five, (ARCFACE_112 - (7, 3)) / 2)
    assert tuple(crop[20, 10, :2]) == (27, 43)


def test_a_template_may_want_the_points_nearest_in_the_photo() -> None:
    """Of points that fit badly, the two directions differ; dlib's is the other one."""
    rng = np.random.default_rng(2)
    five = ARCFACE_112 * 0.7 + rng.normal(0, 6, (5, 2))
    there = similarity(ARCFACE_112, five)
    crop, points = cut(photo(), Points(five), replace(arcface(), in_photo=True), smooth=False)
    assert np.allclose(points @ there[:, :2].T + there[:, 2], five)
    _, others = cut(photo(), Points(five), arcface(), smooth=False)
    assert np.abs(points - others).max() > 1
    assert crop.shape == (112, 112, 3)


def test_without_points_the_photo_is_arcfaces_crop() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (112, 112, 3)).astype(np.uint8)
    crop, five = cut(noise, None, arcface(), smooth=False)
    assert np.array_equal(crop, noise)
    assert np.allclose(five, ARCFACE_112)
    crop, _ = cut(noise, None, sphereface(), smooth=False)  # the same face, cut 8 closer
    assert np.array_equal(crop, noise[:, 8:104])
    crop, _ = cut(noise, None, arcface().moved(right=0.25), smooth=False)
    assert np.array_equal(crop[:, 28:], noise[:, :84])
    small = np.repeat(np.repeat(photo(10, 10), 4, axis=0), 4, axis=1)
    crop, _ = cut(small, Points(ARCFACE_112.copy()), whole(10, 10), smooth=False)
    assert np.array_equal(crop, photo(10, 10))


def test_smoothing_averages_what_a_shrinking_crop_leaves_out() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 600, 3)).astype(np.uint8)
    five = ARCFACE_112 * 4.0 + 20
    rough, _ = cut(noise, Points(five), arcface(), smooth=False)
    smooth, _ = cut(noise, Points(five), arcface(), smooth=True)
    assert smooth.std() < 0.5 * rough.std()


def test_points_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="finite points apart"):
        cut(photo(), Points(np.full((5, 2), np.nan)), arcface(), smooth=False)


@pytest.mark.parametrize("box", [None, np.array([30.0, 20.0, 90.0, 80.0])])
def test_a_guess_lies_in_the_box_or_in_the_middle(box: np.ndarray | None) -> None:
    points = guess(120, 160, box)
    around = box_from_five(points.five)
    if box is None:
        assert np.allclose(around[2:] - around[:2], 120 / 2.2)
        assert np.allclose(around.reshape(2, 2).mean(0), (79.5, 59.5))
    else:
        assert np.allclose(around, box)
    assert points.five[0, 0] < points.five[1, 0]


def test_the_nearest_face_is_the_one_that_a_box_overlaps_most() -> None:
    faces = [face(0, 0, 10, 10), face(12, 0, 22, 10), face(200, 200, 260, 260)]
    found = nearest(faces, np.array([13.0, 1.0, 22.0, 10.0]))
    assert found is faces[1]
    assert nearest(faces, np.array([100.0, 100.0, 110.0, 110.0])) is None
    # Half as wide and high: a quarter of the area, which is enough; a twentieth is not.
    assert nearest(faces[:1], np.array([0.0, 0.0, 5.0, 5.0])) is faces[0]
    assert nearest(faces[:1], np.array([0.0, 0.0, 2.0, 2.0])) is None


def test_surroundings_are_three_boxes_wide_and_within_the_photo() -> None:
    part, shift = surroundings(photo(), np.array([50.0, 40.0, 60.0, 60.0]))
    assert part.shape == (60, 30, 3)
    assert shift.tolist() == [40.0, 20.0]
    assert tuple(part[0, 0, :2]) == (40, 20)
    back = moved(face(5, 6, 7, 9), shift)
    assert back.box.tolist() == [45.0, 26.0, 47.0, 29.0]
    assert back.five[0].tolist() == [45.0, 26.0]
    part, _ = surroundings(photo(), np.array([500.0, 400.0, 600.0, 600.0]))  # outside
    assert part.shape[0] > 0
    assert part.shape[1] > 0


class Turner:
    """A frontalizer that refuses faces left of a column."""

    name = "turner"
    identity: dict[str, str] = {}  # noqa: RUF012

    def restore(self, photo: np.ndarray, points: np.ndarray) -> Restored:
        if points[0, 0] < 10:
            raise ValueError("too far left")
        return Restored(photo[:50, :50], points)


def test_what_cannot_be_restored_is_none() -> None:
    dense = np.full((68, 2), 20.0)
    assert restore(Turner(), photo(), Points(ARCFACE_112.copy(), dense)) is not None
    assert restore(Turner(), photo(), Points(ARCFACE_112.copy(), dense - 15)) is None
    assert restore(Turner(), photo(), Points(ARCFACE_112.copy())) is None
    assert restore(Turner(), photo(), Points(ARCFACE_112.copy(), np.full((68, 2), np.nan))) is None
    assert restore(Turner(), photo(), None) is None

"""Templates against insightface's and dlib's own code."""

import numpy as np
import pytest
from insightface.utils import face_align
from skimage.transform import SimilarityTransform

from recognizers.templates import (
    TEMPLATES,
    Template,
    arcface,
    dlib_chip,
    sphereface,
    template_named,
    whole,
)

RAMP_BORDER = 6


@pytest.mark.parametrize("size", [112, 128, 224, 256])
def test_arcface_is_placed_as_insightface_places_it(size: int) -> None:
    """A picture whose pixels are their own positions shows where insightface takes them from."""
    five = np.array([(90.0, 100), (150, 96), (122, 140), (98, 170), (148, 168)])
    x, y = np.meshgrid(np.arange(300.0), np.arange(300.0))
    places = np.stack((x, y, x * 0), axis=-1).astype(np.float32)
    with pytest.warns(FutureWarning, match="estimate"):
        seen = face_align.norm_crop(places, five, size)
    found = SimilarityTransform.from_estimate(five, np.array(arcface(size).five))
    column, row = np.meshgrid(np.arange(size), np.arange(size))
    expected = found.inverse(np.column_stack((column.ravel(), row.ravel())))
    inside = ((expected > 1) & (expected < 298)).all(1)
    assert inside.mean() > 0.5
    got = seen.reshape(-1, 3)[:, :2]
    np.testing.assert_allclose(got[inside], expected[inside], atol=0.05)


def test_sphereface_is_arcface_without_eight_columns_on_either_side() -> None:
    template = sphereface()
    assert (template.width, template.height) == (96, 112)
    np.testing.assert_allclose(np.array(arcface().five) - (8, 0), template.five)


def similarity(points: np.ndarray, places: np.ndarray, *, in_photo: bool) -> np.ndarray:
    """(3, 3) from photo to crop."""
    if in_photo:
        return np.linalg.inv(np.asarray(SimilarityTransform.from_estimate(places, points).params))
    return np.asarray(SimilarityTransform.from_estimate(points, places).params)


def far(matrix: np.ndarray, chips: np.ndarray, photo: tuple[int, ...], step: float) -> float:
    """How far, in pixels of the crop, dlib's chips of (x, y) are from a similarity, at most."""
    column, row = np.meshgrid(np.arange(chips.shape[1]), np.arange(chips.shape[0]))
    grid = np.stack((column, row, np.ones_like(row)), axis=-1)
    expected = (grid @ np.linalg.inv(matrix).T)[..., :2]
    limit = np.array([photo[1], photo[0]]) - RAMP_BORDER
    known = ((chips > RAMP_BORDER) & (chips < limit)).all(-1)
    assert known.mean() > 0.6
    return float(np.linalg.norm(chips - expected, axis=-1)[known].max() / step)


@pytest.mark.parametrize("zoom", [1, 2])
def test_a_face_is_placed_and_seen_as_in_dlibs_chip(people: np.ndarray, zoom: int) -> None:
    import cv2

    dlib = pytest.importorskip("dlib")
    from recognizers.with_dlib import weights

    photo = cv2.resize(people, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    place_points = dlib.shape_predictor(str(weights("shape_predictor_68_face_landmarks.dat")))
    template = dlib_chip()
    rows = [index for index, _, _ in template.dense]
    places = np.array([place for _, *place in template.dense])
    boxes = dlib.get_frontal_face_detector()(people, 0)
    assert len(boxes) >= 5
    x, y = np.meshgrid(np.arange(photo.shape[1]), np.arange(photo.shape[0]))
    other_way = []
    for box in boxes:
        sides = (box.left(), box.top(), box.right(), box.bottom())
        shape = place_points(photo, dlib.rectangle(*(side * zoom for side in sides)))
        points = np.array([(point.x, point.y) for point in shape.parts()], float)
        matrix = similarity(points[rows], places, in_photo=template.in_photo)
        step = 1 / np.sqrt(np.linalg.det(matrix[:2, :2]))
        chips = np.stack(
            [dlib.get_face_chip(ramp.astype(np.float32), shape, 150, 0.25) for ramp in (x, y)], -1
        )
        assert far(matrix, chips, photo.shape, step) < 0.5
        wrong = similarity(points[rows], places, in_photo=not template.in_photo)
        other_way.append(far(wrong, chips, photo.shape, step))
        chip = dlib.get_face_chip(photo, shape, 150, 0.25).astype(int)
        crop = cv2.warpAffine(photo, matrix[:2], (150, 150)).astype(int)
        assert np.abs(chip - crop)[10:-10, 10:-10].mean() < 2
        beside = matrix[:2] + np.array([[0, 0, 1.0], [0, 0, 0]])
        shifted = cv2.warpAffine(photo, beside, (150, 150))
        assert np.abs(chip - shifted.astype(int))[10:-10, 10:-10].mean() > 2
    assert max(other_way) > 4


def test_dlibs_five_points_are_those_of_its_68() -> None:
    template = dlib_chip()
    where = {index: np.array(place) for index, *place in template.dense}
    assert sorted(where) == [*range(27, 55), *range(60, 65)]
    expected = [
        (where[36] + where[39]) / 2,
        (where[42] + where[45]) / 2,
        where[30],
        where[48],
        where[54],
    ]
    np.testing.assert_allclose(template.five, expected)
    # A chip twice as large shows the same, pixel edges at twice the distance.
    small, large = np.array(template.five), np.array(dlib_chip(300).five)
    np.testing.assert_allclose((small + 0.5) * 2, large + 0.5)


def test_a_moved_template_moves_its_points() -> None:
    template = Template("small", 11, 21, ((5.0, 10.0), (7.0, 14.0)), ((30, 1.0, 2.0),))
    moved = template.moved(right=0.1, down=-0.2, zoom=2.0)
    np.testing.assert_allclose(moved.five, [(5 + 1.1, 10 - 4.2), (9 + 1.1, 18 - 4.2)])
    np.testing.assert_allclose(moved.dense, [(30, -3 + 1.1, -6 - 4.2)])
    assert moved.name != template.name
    assert (moved.width, moved.height) == (11, 21)


def test_templates_go_by_name() -> None:
    sizes = {"arcface": (112, 112), "sphereface": (96, 112), "dlib": (150, 150), "whole": (64, 80)}
    assert set(sizes) == set(TEMPLATES)
    for name, (width, height) in sizes.items():
        template = template_named(name, width, height)
        assert (template.name, template.width, template.height) == (name, width, height)
    assert template_named("whole", 64, 80) == whole(64, 80)
    assert template_named("dlib", 150, 150).antialias


@pytest.mark.parametrize(
    ("name", "width", "height", "message"),
    [
        ("cosface", 112, 112, "one of arcface, sphereface"),
        ("arcface", 96, 112, "square"),
        ("dlib", 150, 140, "square"),
        ("sphereface", 112, 112, "96 × 112"),
        ("whole", 0, 10, "above 0"),
    ],
)
def test_other_names_and_sizes_are_refused(
    name: str, width: int, height: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        template_named(name, width, height)

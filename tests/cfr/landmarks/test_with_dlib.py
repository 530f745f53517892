"""dlib through our wrapper against dlib called bare, and what it does not stand."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cfr.align import five_from_68
from cfr.landmarks import with_dlib
from cfr.landmarks.face import FoundFace
from cfr.landmarks.with_dlib import Dlib, box_from_five
from protocols.errors import BadInput, BadOption, DatasetUnavailable, PackageUnavailable

dlib = pytest.importorskip("dlib")


@pytest.fixture(scope="module")
def detector() -> Dlib:
    return with_dlib.load()


@pytest.fixture(scope="module")
def covered(astronaut: np.ndarray) -> np.ndarray:
    """The photo with mouth and nose hidden, cut to the face."""
    photo = astronaut[40:220, 40:220].copy()
    photo[88:150, 50:125] = (90, 120, 160)
    return photo


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union."""
    shared = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared)


def test_it_gives_what_dlib_gives(detector: Dlib, astronaut: np.ndarray) -> None:
    (face,) = detector(astronaut)
    (rectangle,), (score,), _ = dlib.get_frontal_face_detector().run(astronaut, 1, 0.0)
    shape = dlib.shape_predictor(str(with_dlib.weights(with_dlib.PREDICTOR_FILE)))(
        astronaut, rectangle
    )
    points = np.array([(shape.part(k).x, shape.part(k).y) for k in range(68)], float)
    assert face.points is not None
    np.testing.assert_array_equal(face.points, points)
    np.testing.assert_array_equal(face.five, five_from_68(points))
    assert face.score == score
    assert face.found_by == "dlib-hog"
    np.testing.assert_array_equal(face.size, (rectangle.width(), rectangle.height()))
    np.testing.assert_allclose(face.box[0], rectangle.left() - 0.5)
    # The eyes are where a person sees them in this photo.
    np.testing.assert_allclose(face.five[:2], [(103, 100), (147, 103)], atol=4)


def test_the_network_looks_where_gradients_find_nothing(
    detector: Dlib, covered: np.ndarray, cat: np.ndarray
) -> None:
    assert with_dlib.load_hog()(covered) == []
    (face,) = detector(covered)
    assert face.found_by == "dlib-mmod"
    np.testing.assert_allclose(face.five[:2], [(63, 60), (107, 63)], atol=12)
    assert (detector.name, with_dlib.load_hog().name) == ("dlib", "dlib-hog")
    assert detector(cat) == []


@pytest.mark.parametrize("limit", ["hog_pixels", "network_pixels"])
def test_a_shrunk_photo_gives_places_in_the_photo(
    detector: Dlib, astronaut: np.ndarray, covered: np.ndarray, limit: str
) -> None:
    photo = astronaut if limit == "hog_pixels" else covered
    large = cv2.resize(photo, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    # The network looks at a small photo twice as large.
    pixels = photo[..., 0].size * (1 if limit == "hog_pixels" else 4)
    bounds: dict[str, Any] = {limit: pixels}
    bounded = Dlib(detector.predictor, detector.network_file, **bounds)
    (small,), (face,) = detector(photo), bounded(large)
    assert face.found_by == small.found_by
    assert overlap((face.box + 0.5) / 3 - 0.5, small.box) > 0.6


@pytest.mark.parametrize("shape", [(1, 1), (3, 100), (7, 9), (40, 20)])
def test_photos_too_small_for_a_face_hold_none(detector: Dlib, shape: tuple[int, int]) -> None:
    """dlib's network corrupts memory on the smallest of these if it is given them."""
    photo = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    assert detector(photo) == []


def test_five_points_imply_the_box_that_dlib_finds(detector: Dlib, astronaut: np.ndarray) -> None:
    overlaps = []
    for zoom in (0.8, 1.0, 1.3, 1.7):
        photo = cv2.resize(astronaut, None, fx=zoom, fy=zoom)
        for seen in (photo, np.ascontiguousarray(photo[:, ::-1])):
            (face,) = detector(seen)
            overlaps.append(overlap(box_from_five(face.five), face.box))
    assert np.mean(overlaps) > 0.75


def test_five_points_are_enough_for_68(detector: Dlib, astronaut: np.ndarray) -> None:
    (face,) = detector(astronaut)
    five = FoundFace(np.zeros(4), 1.0, face.five, None, "made up")
    assert face.points is not None
    points = detector.predictor.points_of(astronaut, five)
    size = np.sqrt(np.ptp(face.points, axis=0).prod())
    assert np.linalg.norm(points - face.points, axis=1).mean() / size < 0.02


def test_the_implied_box_moves_grows_and_is_symmetric() -> None:
    five = np.array([(-2.0, -2), (2, -2), (0, 0), (-1.5, 2), (1.5, 2)])
    box = box_from_five(five)
    np.testing.assert_allclose(box[0], -box[2])
    np.testing.assert_allclose(box_from_five(five * 3 + (5, 7)), box * 3 + (5, 7, 5, 7))
    for bad in (np.zeros((5, 2)), np.full((5, 2), np.nan)):
        with pytest.raises(ValueError, match="finite points apart"):
            box_from_five(bad)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match=with_dlib.PREDICTOR_FILE):
        with_dlib.load(tmp_path)
    (tmp_path / with_dlib.PREDICTOR_FILE).write_bytes(b"nothing of the kind")
    with pytest.raises(BadInput, match="shape_predictor"):
        with_dlib.load_predictor(tmp_path)


def test_bad_options_are_refused(detector: Dlib) -> None:
    options: dict[str, Any]
    for options in ({"upsample": 9}, {"upsample": -1}, {"network_pixels": 10}):
        with pytest.raises(BadOption):
            Dlib(detector.predictor, **options)


def test_without_dlib_or_its_weights_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(PackageUnavailable, match=r"face_recognition_models.*\[offline\]"):
        with_dlib.load()
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(PackageUnavailable, match=r"dlib is not installed.*\[offline\]"):
        with_dlib.load_hog()


def test_the_weights_package_is_never_imported(project: Path) -> None:
    code = (
        "import sys; from cfr.landmarks import with_dlib; with_dlib.load_predictor();"
        "print({'face_recognition_models', 'pkg_resources', 'torch'} & set(sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "set()"

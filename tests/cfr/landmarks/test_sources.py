"""Landmarkers by name, and 68 points for those that have five."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from cfr.landmarks.face import FoundFace, Landmarker, With68, with_68
from cfr.landmarks.sources import FIVE_ONLY, SOURCES, load_landmarker, weight_files
from protocols.errors import BadOption, DatasetUnavailable, PackageUnavailable


class Dots:
    """Places every point in the box's corner."""

    def points_of(self, photo: np.ndarray, face: FoundFace) -> np.ndarray:
        return np.tile(face.box[:2], (68, 1))


def test_five_become_68_and_68_stay(some_face: FoundFace) -> None:
    photo = np.zeros((9, 9, 3), np.uint8)
    more = with_68(some_face, photo, Dots())
    assert more.points is not None
    assert (more.points == 20).all()
    assert more.five is some_face.five
    assert with_68(more, photo, Dots()) is more


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(BadOption, match="dlib, dlib-hog, insightface, retinaface, sidecar, tddfa"):
        load_landmarker("mtcnn")


@pytest.mark.parametrize("name", ["insightface", "retinaface", "tddfa"])
def test_absent_weights_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("CFR_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(DatasetUnavailable, match=str(tmp_path)):
        load_landmarker(name)


def test_68_points_beside_five(tmp_path: Path, astronaut: np.ndarray) -> None:
    pytest.importorskip("dlib")
    five = "103 100\n147 103\n124 129\n103 139\n145 140\n"
    (tmp_path / "a.txt").write_text(five)
    (face,) = load_landmarker("sidecar", need_68=True)(astronaut, tmp_path / "a.jpg")
    (found,) = load_landmarker("dlib-hog")(astronaut)
    assert face.points is not None
    assert found.points is not None
    assert np.linalg.norm(face.points - found.points, axis=1).mean() < 4
    (plain,) = load_landmarker("sidecar")(astronaut, tmp_path / "a.jpg")
    assert plain.points is None


def test_without_dlib_only_68_points_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    assert load_landmarker("sidecar").name == "sidecar"
    with pytest.raises(PackageUnavailable, match="dlib"):
        load_landmarker("sidecar", need_68=True)


def test_each_source_does_what_a_landmarker_does(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, astronaut: np.ndarray
) -> None:
    """Through the usual places, those of ``CFR_DATA``."""
    pytest.importorskip("dlib")
    networks = shared / "networks"
    (tmp_path / "tddfa").mkdir()
    for folder in ("3ddfa_v2", "3ddfa_v1_sparse_basis"):
        for file in (networks / folder).iterdir():
            (tmp_path / "tddfa" / file.name).symlink_to(file)
    (tmp_path / "mobilefacenet").symlink_to(networks / "foamliu_mobilefacenet")
    monkeypatch.setenv("CFR_DATA", str(tmp_path))
    for name in SOURCES:
        if name in ("insightface", "sidecar"):
            continue
        landmarker = load_landmarker(name, need_68=True)
        assert isinstance(landmarker, Landmarker)
        assert isinstance(landmarker, With68) == (name in FIVE_ONLY)
        assert landmarker.name == name
        (face,) = landmarker(astronaut)
        assert face.points is not None
        np.testing.assert_allclose(face.five[:2], [(103, 100), (147, 103)], atol=6)


def test_the_files_that_decide_an_answer(shared: Path) -> None:
    networks = shared / "networks"
    (retinaface,) = weight_files("retinaface", networks / "foamliu_mobilefacenet")
    assert retinaface.name == "retinaface_mobilenet0.25_Final.pth"
    assert weight_files("sidecar") == ()
    with pytest.raises(DatasetUnavailable, match="3DDFA-V2"):
        weight_files("tddfa", networks / "ultralight")
    with pytest.raises(BadOption, match="any of dlib"):
        weight_files("magic")


def test_dlib_names_its_weights() -> None:
    if importlib.util.find_spec("face_recognition_models") is None:
        pytest.skip("the extra offline is not installed")
    assert [path.name for path in weight_files("dlib")] == [
        "shape_predictor_68_face_landmarks.dat",
        "mmod_human_face_detector.dat",
    ]
    assert len(weight_files("dlib-hog")) == 1

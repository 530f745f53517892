"""Files of embeddings that a user brings."""

from pathlib import Path

import numpy as np
import pytest

from protocols.errors import BadInput, BadOption, DatasetUnavailable
from results.embeddings import read_embeddings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "single.npy", rng.normal(size=(5, 3)).astype(np.float32))
    np.save(tmp_path / "double.npy", rng.normal(size=(5, 3)))
    np.save(tmp_path / "wide.npy", rng.normal(size=(5, 4)).astype(np.float32))
    np.save(tmp_path / "short.npy", rng.normal(size=(4, 3)))
    np.save(tmp_path / "whole.npy", np.ones((5, 3), int))
    np.save(tmp_path / "flat.npy", np.ones(5))
    np.save(tmp_path / "empty.npy", np.ones((5, 0)))
    np.save(tmp_path / "objects.npy", np.array([{}] * 5), allow_pickle=True)
    np.savez(tmp_path / "archive.npy.npz", a=np.ones((5, 3)))
    (tmp_path / "archive.npz").write_bytes((tmp_path / "archive.npy.npz").read_bytes())
    (tmp_path / "cut.npy").write_bytes((tmp_path / "double.npy").read_bytes()[:-9])
    (tmp_path / "text.npy").write_text("0.1 0.2")
    return tmp_path


def test_both_widths_and_mirrored_faces(folder: Path) -> None:
    one = read_embeddings(f"mine={folder}/single.npy", 5)
    assert (one.name, one.faces.shape, one.mirrored) == ("mine", (5, 3), None)
    assert not one.failed.any()
    two = read_embeddings(f"a b={folder}/double.npy,{folder}/single.npy", 5)
    assert two.faces.dtype == np.float32
    np.testing.assert_allclose(two.faces, np.load(folder / "double.npy"), rtol=1e-6)
    assert two.mirrored is not None
    assert [one.path.name for one in two.inputs] == ["double.npy", "single.npy"]


def test_rows_without_a_direction_are_failures(folder: Path) -> None:
    rows = np.ones((5, 3))
    rows[1, 2], rows[3], rows[4, 0] = np.nan, 0, np.inf
    np.save(folder / "gaps.npy", rows)
    assert read_embeddings(f"x={folder}/gaps.npy", 5).failed.tolist() == [0, 1, 0, 1, 1]
    both = read_embeddings(f"x={folder}/single.npy,{folder}/gaps.npy", 5)
    assert both.failed.tolist() == [0, 1, 0, 1, 1]


def test_a_face_that_its_mirror_cancels_is_a_failure(folder: Path) -> None:
    faces = np.load(folder / "single.npy")
    mirrored = faces.copy()
    mirrored[2] *= -1
    np.save(folder / "mirrored.npy", mirrored)
    both = read_embeddings(f"x={folder}/single.npy,{folder}/mirrored.npy", 5)
    assert both.failed.tolist() == [0, 0, 1, 0, 0]


@pytest.mark.parametrize(
    "file", ["short", "whole", "flat", "empty", "objects", "cut", "text", "archive.npz"]
)
def test_no_such_array(folder: Path, file: str) -> None:
    name = file if "." in file else f"{file}.npy"
    with pytest.raises(BadInput, match=name):
        read_embeddings(f"x={folder}/{name}", 5)


def test_mirrored_faces_of_another_width(folder: Path) -> None:
    with pytest.raises(BadInput, match=r"wide\.npy"):
        read_embeddings(f"x={folder}/single.npy,{folder}/wide.npy", 5)


@pytest.mark.parametrize("option", ["single.npy", "=single.npy", "x=", "x=a.npy,b.npy,c.npy"])
def test_another_form(option: str) -> None:
    with pytest.raises(BadOption, match=r"NAME=FILE\.npy"):
        read_embeddings(option, 5)


def test_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match=r"protocol\.py faces"):
        read_embeddings(f"x={tmp_path}/none.npy", 5)

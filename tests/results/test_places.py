"""Where tables find their data and their networks."""

from pathlib import Path

import pytest

from results.tables.places import Places


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CFR_DATA", str(tmp_path))
    (tmp_path / "recognizers").mkdir()
    return tmp_path / "recognizers"


def test_one_network_beats_several_trainings(folder: Path) -> None:
    assert Places().files("res18") == ()
    (folder / "res18-seed-1.onnx").write_bytes(b"1")
    (folder / "res18-seed-0.onnx").write_bytes(b"0")
    assert [one.name for one in Places().files("res18")] == [
        "res18-seed-0.onnx",
        "res18-seed-1.onnx",
    ]
    (folder / "res18.onnx").write_bytes(b"one")
    assert [one.name for one in Places().files("res18")] == ["res18.onnx"]


def test_another_rows_network_is_not_taken(folder: Path) -> None:
    """``res18`` is the beginning of other rows' names, and a seed is a number."""
    for name in ("res18-cfr-gan-seed-0", "res18-cfr-gan", "res18-seed-first", "res18-seed-"):
        (folder / f"{name}.onnx").write_bytes(b"other")
    assert Places().files("res18") == ()


def test_what_was_trained_here_comes_first(folder: Path, tmp_path: Path) -> None:
    (folder / "res18.onnx").write_bytes(b"one")
    own = (tmp_path / "a.onnx", tmp_path / "b.onnx")
    assert Places(trained={"res18": own}).files("res18") == own


def test_a_root_of_its_own_beats_the_usual_one(folder: Path, tmp_path: Path) -> None:
    places = Places(roots={"lfw": tmp_path / "elsewhere"})
    assert places.root("lfw") == tmp_path / "elsewhere"
    assert places.root("ijba") == folder.parent / "ijba"

"""What `make demo` shows beside the tables, which have tests of their own."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from results.demonstration import frontalize_group_photo, show_released


@pytest.fixture
def artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CFR_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CFR_ARTIFACTS", str(tmp_path / "artifacts"))
    return tmp_path / "artifacts"


def test_what_is_missing_is_said_plainly(artifacts: Path, tmp_path: Path) -> None:
    told = io.StringIO()
    show_released(None, Console(file=told, width=400))
    assert "python scripts/fetch.py aflw2000" in told.getvalue()
    assert str(tmp_path / "data/aflw2000") in told.getvalue()
    assert not artifacts.exists()


def test_broken_labels_do_not_end_it(artifacts: Path, tmp_path: Path) -> None:
    root = tmp_path / "broken"
    (root / "labels").mkdir(parents=True)
    for name in ("AFLW2000-3D.pts68", "AFLW2000-3D-new.pose"):
        (root / f"labels/{name}.npy").write_bytes(b"no array")
    told = io.StringIO()
    show_released(root, Console(file=told, width=400))
    assert str(root) in told.getvalue()


def test_the_faces_of_the_group_photo_are_turned(artifacts: Path) -> None:
    pytest.importorskip("dlib", reason="the extra offline is not installed")
    told = io.StringIO()
    frontalize_group_photo(Console(file=told, width=400))
    assert "several in 1 (then: all)" in told.getvalue()
    record = json.loads((artifacts / "demo/frontalized.json").read_text())
    assert len(record["faces"]) == 6
    assert (artifacts / "demo/sheet.png").is_file()

"""protocol.py as a user calls it: check, list the faces, score; and one line where it cannot."""

import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from protocols.images import save_image

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(call_script: Callable[[str], Call]) -> Call:
    """Run protocol.py with these words: its status, and what it printed on both streams."""
    return call_script("protocol.py")


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Sixty photos in as many pairs, without folds or people."""
    rng = np.random.default_rng(0)
    lines = ["left,right,same"]
    for number in range(60):
        save_image(tmp_path / f"{number}.png", np.full((2, 2, 3), number, np.uint8))
        lines.append(f"{number}.png,{(number + 1) % 60}.png,{number % 2}")
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    np.save(tmp_path / "mine.npy", rng.normal(size=(60, 8)))
    return tmp_path / "mine.csv"


def test_check(call: Call, pairs: Path) -> None:
    status, out, _ = call("check", str(pairs))
    assert status == 0
    assert "60: 30 genuine, 30 impostor" in out
    assert "60 in 60 photos" in out


def test_faces_then_score(
    call: Call, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CFR_ARTIFACTS", str(tmp_path / "artifacts"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'store.db'}")
    status, out, _ = call("faces", str(pairs), "--out", str(tmp_path / "faces.csv"))
    assert (status, "60 faces" in out) == (0, True)
    words = ("--embeddings", f"mine={tmp_path / 'mine.npy'}", "--fars", "0.5", "--resamples", "100")
    status, out, err = call("score", str(pairs), *words)
    assert status == 0, err
    assert "as far as genuine pairs tell who is who" in out
    assert "TAR@0.5" in out
    folder = tmp_path / "artifacts/score-mine-csv-1-1"
    assert (folder / "record.json").is_file()
    assert str(tmp_path) not in (folder / "record.json").read_text()


def test_an_empty_cell_says_why(
    call: Call, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CFR_ARTIFACTS", str(tmp_path / "artifacts"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'store.db'}")
    words = ("--embeddings", f"mine={tmp_path / 'mine.npy'}", "--fars", "0.1", "--resamples", "0")
    status, out, _ = call("score", str(pairs), *words)
    assert status == 0
    assert "–" in out
    assert "3 of 30 impostor scores" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("check", "nothing"), "nothing: expected any of lfw"),
        (("check", "absent.csv"), "the list of pairs is not at absent.csv"),
        (("check", "lfw", "--root", "/no/such"), "is not at /no/such"),
        (("score", "lfw"), "--embeddings: expected at least one NAME=FILE.npy"),
        (("score", "{pairs}", "--embeddings", "a=none.npy"), "is not at none.npy"),
        (("faces", "{pairs}", "--out", "/no/such/folder/faces.csv"), "No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    call: Call, pairs: Path, words: tuple[str, ...], told: str
) -> None:
    status, _, err = call(*(one.format(pairs=pairs) for one in words))
    assert status == 2
    assert told in err
    assert len(err.strip().splitlines()) == 1


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A folder of three people, two of them with two photos."""
    root = tmp_path / "my people"
    for number, name in enumerate(
        ("ann/1.png", "ann/2.png", "bob/1.png", "bob/2.png", "cid/1.png")
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        save_image(root / name, np.full((2, 2, 3), number, np.uint8))
    return root


def test_pairs_then_the_list_that_the_next_command_names(
    call: Call, people: Path, tmp_path: Path
) -> None:
    out = tmp_path / "mine.csv"
    status, told, err = call("pairs", str(people), "--out", str(out), "--folds", "2")
    assert status == 0, err
    assert "3 people, 5 photos; 1 with one photo, for impostor pairs only" in told
    assert f"2 genuine and 2 impostor pairs, no folds: {out}" in told
    assert "2 folds were asked for" in told
    following = next(line for line in told.splitlines() if line.startswith("Next: "))
    words = shlex.split(following.removeprefix("Next: "))
    assert words[:5] == ["python", "scripts/evaluate.py", str(out), "--root", str(people)]
    assert words[5:] == ["--recognizer", "my.onnx", "--frontalizer", "none", "render"]
    status, told, err = call("check", *words[2:5])
    assert status == 0, err
    assert "4: 2 genuine, 2 impostor" in told


def test_a_list_in_the_folder_itself_needs_no_root(call: Call, people: Path) -> None:
    out = people / "pairs.csv"
    status, told, _ = call("pairs", str(people), "--out", str(out), "--folds", "0")
    assert status == 0
    assert "folds were asked for" not in told
    following = next(line for line in told.splitlines() if line.startswith("Next: "))
    words = shlex.split(following.removeprefix("Next: "))
    assert words[2:4] == [str(out), "--recognizer"]
    assert call("check", str(out))[0] == 0
    # The list that lies there now is no photo, and said.
    status, told, _ = call("pairs", str(people), "--out", str(out), "--impostors", "6")
    assert status == 0
    assert "1 files or folders passed over" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("/no/such",), "the folder of people is not at /no/such"),
        (("{people}", "--folds", "1"), "--folds 1: expected 2 or more, or 0 for none"),
        (("{people}", "--impostors", "99", "--folds", "0"), "--impostors 99: expected at most 8"),
        (("{people}", "--out", "/no/such/pairs.csv"), "No such file or directory"),
        (("{people}/ann",), "sub-folders with photos of two people"),
    ],
)
def test_pairs_that_cannot_be_made_are_one_line(
    call: Call, people: Path, words: tuple[str, ...], told: str
) -> None:
    status, _, err = call("pairs", *(one.format(people=people) for one in words))
    assert status == 2
    assert told in err
    assert len(err.strip().splitlines()) == 1

"""Commit and dirty flag, in a real repository."""

import subprocess
from pathlib import Path

import pytest

from results.environment import current_environment, typed


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for words in (
        ["init", "-q"],
        [
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b.example",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "x",
        ],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    return tmp_path


def test_commit_and_dirty_flag(repository: Path) -> None:
    clean = current_environment(project=repository)
    assert clean.git_commit is not None
    assert len(clean.git_commit) == 40
    assert clean.git_dirty is False
    (repository / "new").touch()
    assert current_environment(project=repository).git_dirty is True


def test_outside_a_checkout_nothing_is_claimed(repository: Path) -> None:
    inner = repository / "installed"
    inner.mkdir()
    found = current_environment(project=inner)
    assert (found.git_commit, found.git_dirty) == (None, None)


def test_versions_are_those_of_this_process() -> None:
    import numpy as np

    found = current_environment(device="cpu")
    assert found.versions["numpy"] == np.__version__
    assert found.device.startswith("cpu (")


def test_a_command_is_told_without_paths_of_the_machine() -> None:
    words = [
        "scripts/reproduce.py",
        "table4",
        "--root",
        "/data/aflw",
        "--cache=/tmp/x y",
        "--seed=1",
    ]
    told = "python scripts/reproduce.py table4 --root aflw '--cache=x y' --seed=1"
    assert typed(words) == told
    assert typed(["/home/me/cfr/scripts/bench.py", "gan"]) == "python scripts/bench.py gan"
    weights = ["scripts/x.py", "--regressor", "a=deep3d:/home/me/w.pth", "https://a.b/c/d"]
    assert typed(weights) == "python scripts/x.py --regressor a=deep3d:w.pth https://a.b/c/d"
    assert typed(["/usr/bin/pytest", "-q"]) == typed([]) == ""

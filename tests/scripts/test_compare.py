"""The command lines of restoration: what they refuse, in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("compare.py", "photos", "out", "--rows", "0"), "--rows 0: expected 1 to 100"),
        (("compare.py", "/no/such", "out"), "/no/such: expected a photo or a folder of photos"),
        (("evaluate.py", "restoration", "--count", "1"), "--count 1: expected at least 2"),
        (
            ("evaluate.py", "restoration", "--weights", "no-such-one"),
            "the generator no-such-one is not at",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(
    project: Path, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    script, *rest = words
    answer = subprocess.run(
        [sys.executable, f"scripts/{script}", *rest],
        cwd=project,
        env={**os.environ, "CFR_ARTIFACTS": str(tmp_path), "CFR_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert answer.returncode == 2
    assert told in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1

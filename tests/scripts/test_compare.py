"""The command lines of restoration: what they refuse, in one line."""

from collections.abc import Callable
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
    refused: Callable[..., str], tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    nowhere = {"CFR_ARTIFACTS": str(tmp_path), "CFR_DATA": str(tmp_path)}
    assert told in refused(*words, **nowhere)

"""Counts: the official numbers, or those of a counts.json, and the table says which."""

import contextlib
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.counts import Counted, check_counts, read_counts
from protocols.errors import BadInput, DataError

OFFICIAL = {"photos": 7701, "pairs": 6000}
MINE = {"why": "seed 3", "counts": {"photos": 5, "pairs": 2, "other": 1}}
LIST = Path("pairs.txt")


def put(root: Path, content: object) -> Path:
    (root / "counts.json").write_text(json.dumps(content))
    return root / "counts.json"


def test_official_counts_are_asked_for_without_a_file(tmp_path: Path) -> None:
    counted = check_counts(tmp_path, OFFICIAL, OFFICIAL, LIST)
    assert counted == Counted("official counts", ())
    with pytest.raises(BadInput, match=r"pairs\.txt, number of pairs: expected 6,000 .*5,999"):
        check_counts(tmp_path, {**OFFICIAL, "pairs": 5999}, OFFICIAL, LIST)


def test_the_error_says_how_to_state_other_counts(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as error:
        check_counts(tmp_path, {"pairs": 1}, OFFICIAL, LIST)
    assert f"a counts.json in {tmp_path} may say otherwise" in str(error.value)


@pytest.mark.parametrize(("pairs", "good"), [(9, False), (10, True), (12, True), (13, False)])
def test_a_range_holds_both_of_its_ends(tmp_path: Path, pairs: int, good: bool) -> None:
    official = {"pairs": (10, 12)}
    if good:
        assert check_counts(tmp_path, {"pairs": pairs}, official, LIST).inputs == ()
        return
    with pytest.raises(BadInput, match="expected 10 to 12 "):
        check_counts(tmp_path, {"pairs": pairs}, official, LIST)


def test_a_file_beside_the_data_takes_the_place_of_the_official_counts(tmp_path: Path) -> None:
    path = put(tmp_path, MINE)
    counted = check_counts(tmp_path, {"photos": 5, "pairs": 2}, OFFICIAL, LIST)
    assert counted.against == "counts.json (seed 3)"
    [file] = counted.inputs
    assert file.path == path
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(BadInput, match=r"expected 5 \(as counts\.json says\), found 7,701"):
        check_counts(tmp_path, OFFICIAL, OFFICIAL, LIST)


def test_the_file_has_to_have_every_count(tmp_path: Path) -> None:
    put(tmp_path, {"why": "a part", "counts": {"photos": 5}})
    with pytest.raises(BadInput, match=r"an entry 'pairs', found photos"):
        check_counts(tmp_path, {"photos": 5, "pairs": 2}, OFFICIAL, LIST)
    put(tmp_path, {"why": "a part", "counts": {}})
    with pytest.raises(BadInput, match=r"an entry 'photos', found none"):
        check_counts(tmp_path, {"photos": 5}, OFFICIAL, LIST)


def test_a_root_that_cannot_be_looked_at_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(BadInput, match="Permission denied"):
        check_counts(tmp_path, OFFICIAL, OFFICIAL, LIST)


def test_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "counts.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(MINE).encode())
    assert read_counts(path) == ("seed 3", MINE["counts"])


DEEP = '{"why": "x", "counts": ' + '{"a":' * 100_000 + "1" + "}" * 100_001
BROKEN = [
    (b"", "expected JSON such as"),
    (b"{", "expected JSON such as"),
    (b"\xff{}", "expected JSON such as"),
    (b"[]", "expected JSON such as"),
    (b"7", "expected JSON such as"),
    (b'{"counts": {}}', "expected JSON such as"),
    (b'{"why": "", "counts": {}}', "expected JSON such as"),
    (b'{"why": 3, "counts": {}}', "expected JSON such as"),
    (b'{"why": "x", "counts": []}', "expected JSON such as"),
    (b'{"why": "x", "counts": {"a": 1, "a": 2}}', "a name that stands there twice"),
    (b'{"why": "x\\ny", "counts": {}}', "why: expected one line"),
    (b'{"why": "' + b"x" * 201 + b'", "counts": {}}', "why: expected one line"),
    (b'{"why": "x", "counts": {"a": -1}}', "counts, a: expected a whole number from 0, found -1"),
    (b'{"why": "x", "counts": {"a": 1.0}}', "counts, a: .* found 1.0"),
    (b'{"why": "x", "counts": {"a": true}}', "counts, a: .* found True"),
    (b'{"why": "x", "counts": {"a": "1"}}', "counts, a: .* found '1'"),
    (b'{"why": "x", "counts": {"a": null}}', "counts, a: .* found another thing"),
    (b'{"why": "x", "counts": {"a": [1]}}', "counts, a: .* found another thing"),
    (b'{"why": "x", "counts": {"a": NaN}}', "counts, a: .* found nan"),
    (b'{"why": "x", "counts": {"a": 1e999}}', "counts, a: .* found inf"),
    (b'{"why": "x", "counts": {"a": 9223372036854775808}}', "counts, a: "),
    (b'{"why": "x", "counts": {"a": ' + b"9" * 4_000 + b"}}", "counts, a: "),
    (b'{"why": "x", "counts": {"a": ' + b"9" * 100_000 + b"}}", "expected JSON such as"),
    (b'{"why": "x", "counts": {"a\\nb": 1}}', "names that can be printed"),
    (b'{"why": "x", "counts": {"\\ud800": 1}}', "names that can be printed"),
    (b'{"why": "\\ud800", "counts": {}}', "why: expected one line"),
    (DEEP.encode(), "expected JSON such as"),
    (b"[" * 1_000_000, "expected JSON such as"),
]


@pytest.mark.parametrize(("content", "message"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_file_is_one_error(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "counts.json"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=message) as error:
        read_counts(path)
    assert str(error.value).startswith(str(path))
    assert len(str(error.value)) < 600 + len(str(path))
    assert str(error.value).isprintable()


def test_the_most_that_is_taken_is_a_64_bit_number(tmp_path: Path) -> None:
    put(tmp_path, {"why": "x" * 200, "counts": {"a": 2**63 - 1, "b": 0}})
    assert read_counts(tmp_path / "counts.json")[1] == {"a": 2**63 - 1, "b": 0}


def test_a_file_that_is_not_there_or_a_folder_is_one_error(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(BadInput, match="expected JSON such as"):
            read_counts(path)


Check = Callable[[bytes], None]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=3), one, max_size=3),
    max_leaves=5,
)
PIECES = ["", "-", "1e999", "NaN", "9" * 500, '"', "{", "}", "[", "\0", "\ufeff", "\\ud800", "\n"]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A valid file with a stretch of it replaced."""
    text = json.dumps(MINE)
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 5)))
    return (text[:start] + draw(st.sampled_from(PIECES)) + text[end:]).encode()


CONTENTS = (
    st.binary(max_size=100)
    | damaged()
    | st.builds(lambda one: json.dumps(one).encode(), VALUES)
    | st.builds(lambda why, one: json.dumps({"why": why, "counts": one}).encode(), VALUES, VALUES)
)


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Check:
    """Reads a file of these bytes: numbers from 0 and a printable line, or one of our errors."""
    path = tmp_path_factory.mktemp("fuzz") / "counts.json"

    def check(content: bytes) -> None:
        path.write_bytes(content)
        with contextlib.suppress(DataError):
            why, counts = read_counts(path)
            assert why.isprintable()
            assert all(type(count) is int and count >= 0 for count in counts.values())

    return check


@given(CONTENTS)
@settings(max_examples=50, deadline=None)
def test_any_bytes_are_counts_or_one_error(check: Check, content: bytes) -> None:
    check(content)


@pytest.mark.slow
@given(CONTENTS)
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_are_counts_or_one_error_many(check: Check, content: bytes) -> None:
    check(content)

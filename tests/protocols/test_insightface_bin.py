"""Packed pairs: whoever wrote the file, the same pictures come out, and nothing in it runs."""

import contextlib
import io
import json
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.model_selection import KFold

from protocols.errors import BadInput, DataError, DatasetUnavailable
from protocols.insightface_bin import contiguous_folds, load


def encoded(count: int) -> list[bytes]:
    """Small pictures, each of another grey."""
    files = []
    for grey in range(count):
        file = io.BytesIO()
        Image.new("RGB", (4, 3), (grey, grey, grey)).save(file, "PNG")
        files.append(file.getvalue())
    return files


PICTURES = encoded(24)
SAME = [index % 3 != 0 for index in range(12)]


ANSWERS = [np.array(SAME).astype(kind) for kind in ("?", "u1", "i1", ">i2", "u4", "i8")]


def put(folder: Path, content: Any, protocol: int = 4) -> Path:
    path = folder / "lfw.bin"
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol))
    return path


def as_python_2(pictures: list[bytes], same: list[bool]) -> bytes:
    """The instructions that Python 2.7 writes: text of bytes, short and long, and a memo."""
    out = [b"\x80\x02]q\x01("]
    for number, one in enumerate(pictures, 2):
        short = len(one) < 256
        out.append(
            (b"U" + bytes([len(one)]) if short else b"T" + struct.pack("<i", len(one))) + one
        )
        out.append(b"r" + struct.pack("<I", number))
    out.append(b"e]r" + struct.pack("<I", len(pictures) + 2) + b"(")
    out += [b"\x88" if flag else b"\x89" for flag in same]
    return b"".join([*out, b"e\x86r", struct.pack("<I", len(pictures) + 3), b"."])


def contents(path: Path) -> tuple[list[bytes], list[bool]]:
    protocol = load(path)
    pairs, photos = protocol.pairs, protocol.samples.photos
    sides = np.stack([pairs.left, pairs.right], axis=1).reshape(-1)
    return [photos.content(int(index)) for index in sides], pairs.genuine.tolist()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("arrays", [False, True])
def test_what_python_3_wrote_is_read(tmp_path: Path, protocol: int, arrays: bool) -> None:
    pictures = [np.frombuffer(one, np.uint8).copy() for one in PICTURES] if arrays else PICTURES
    for same in (SAME, [int(one) for one in SAME], tuple(SAME), *ANSWERS):
        assert contents(put(tmp_path, (pictures, same), protocol)) == (PICTURES, SAME)
    assert contents(put(tmp_path, [tuple(pictures), SAME], protocol)) == (PICTURES, SAME)


def test_what_python_2_wrote_is_read(tmp_path: Path) -> None:
    pictures = [one + b"\xff" * 200 * (index % 2) for index, one in enumerate(PICTURES)]
    content = as_python_2(pictures, SAME)
    assert pickle.loads(content, encoding="bytes") == (pictures, SAME)
    assert {len(one) < 256 for one in pictures} == {True, False}
    assert contents(put(tmp_path, content)) == (pictures, SAME)


def test_the_protocol_says_what_it_is(tmp_path: Path) -> None:
    protocol = load(put(tmp_path, (PICTURES, SAME)))
    assert (protocol.name, protocol.rule) == ("lfw", "lfw.bin, 10 contiguous folds")
    assert protocol.counted == "as many as lfw.bin holds"
    assert [one.path.name for one in protocol.inputs] == ["lfw.bin"]
    assert set(protocol.templates.subjects.tolist()) == {-1}
    assert len(protocol.samples) == len(protocol.templates) == 24
    assert not protocol.samples.absent.any()
    assert protocol.samples.photos.read(7).tolist() == [[[7, 7, 7]] * 4] * 3
    assert protocol.pairs.fold is not None
    assert protocol.pairs.fold.tolist() == [0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("pairs", [10, 11, 19, 20, 99, 6000, 7003])
def test_folds_are_those_of_scikit_learn(pairs: int) -> None:
    fold = contiguous_folds(pairs)
    assert fold is not None
    for number, (_, test) in enumerate(KFold(10, shuffle=False).split(np.zeros(pairs))):
        assert np.flatnonzero(fold == number).tolist() == test.tolist()


def test_fewer_than_ten_pairs_have_no_folds(tmp_path: Path) -> None:
    protocol = load(put(tmp_path, (PICTURES[:18], SAME[:9])))
    assert protocol.pairs.fold is None
    assert protocol.rule == "lfw.bin, no folds"
    assert contiguous_folds(9) is None


def test_a_counts_file_beside_it_is_asked(tmp_path: Path) -> None:
    path, own = put(tmp_path, (PICTURES, SAME)), tmp_path / "counts.json"
    counts = {"photos": 24, "pairs": 12, "genuine": 8}
    own.write_text(json.dumps({"why": "made up", "counts": counts}))
    protocol = load(path)
    assert protocol.counted == "counts.json (made up)"
    assert [one.path.name for one in protocol.inputs] == ["lfw.bin", "counts.json"]
    for name in counts:
        own.write_text(json.dumps({"why": "made up", "counts": counts | {name: 7}}))
        with pytest.raises(BadInput, match=f"number of {name}: expected 7"):
            load(path)


def test_a_picture_is_decoded_when_it_is_read_not_before(tmp_path: Path) -> None:
    protocol = load(put(tmp_path, ([b"no picture", *PICTURES[1:]], SAME)))
    assert protocol.samples.photos.read(1).shape == (3, 4, 3)
    with pytest.raises(BadInput, match=r"lfw\.bin, picture 0: expected a picture"):
        protocol.samples.photos.read(0)


class Runs:
    """Its pickle calls a function when it is read."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call[0], self.call[1:]


ROUND: list[Any] = []
ROUND.append(ROUND)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            (PICTURES, SAME[:-1]),
            r"number of pictures: expected 22, two for each of 11 pairs, found 24",
        ),
        ((PICTURES[:-1], SAME), r"number of pictures: expected 24, .*found 23"),
        (([], []), "at least one pair"),
        ((PICTURES, SAME, SAME), "two lists: pictures, and same or not, found tuple of length 3"),
        (PICTURES, "two lists: .*found list of length 24"),
        (None, "two lists: .*found NoneType"),
        ((b"".join(PICTURES), SAME), "pictures: expected a list, found bytes"),
        ((PICTURES, 3), "same or not: expected a list of truth values, found 3"),
        ((PICTURES, np.arange(12)), "pair 2: expected True or False, or 1 or 0, found 2"),
        ((PICTURES, -np.arange(12)), "pair 1: expected True or False, or 1 or 0, found -1"),
        ((PICTURES, np.arange(12, dtype=np.uint8)), "pair 2: expected .*, found 2"),
        ((PICTURES, np.zeros(12)), r"same or not: .*found float64 \(12,\)"),
        ((PICTURES, np.zeros((3, 4), int)), r"same or not: .*found int64 \(3, 4\)"),
        ((PICTURES, np.array([SAME])), r"same or not: .*found bool \(1, 12\)"),
        ((PICTURES, [*SAME[:-1], 2]), "pair 11: expected True or False, or 1 or 0, found 2"),
        ((PICTURES, [1.0, *SAME[1:]]), "pair 0: expected True or False, or 1 or 0, found 1.0"),
        ((PICTURES, [None, *SAME[1:]]), "pair 0: expected True or False"),
        (([b"", *PICTURES[1:]], SAME), "picture 0: .*not empty, found bytes of length 0"),
        (([*PICTURES[:-1], "text"], SAME), "picture 23: .*found text"),
        (([*PICTURES[:-1], PICTURES], SAME), "picture 23: .*found list of length 24"),
        (
            ([*PICTURES[:-1], np.zeros((4, 4), np.uint8)], SAME),
            r"picture 23: .*found uint8 \(4, 4\)",
        ),
        (([*PICTURES[:-1], np.zeros(4, np.int8)], SAME), r"picture 23: .*found int8 \(4,\)"),
        ((PICTURES, [Runs(os.system, "true")]), "a pickle of pictures and plain values"),
        (([Runs(eval, "1")], SAME), "a pickle of pictures and plain values"),
        ((ROUND, SAME), "too deep"),
        ({"bins": PICTURES}, "instruction EMPTY_DICT"),
        (b"no pickle", "a pickle of pictures"),
        (b"", "a pickle of pictures"),
        (pickle.dumps((PICTURES, SAME))[:-40], "a pickle of pictures"),
    ],
)
def test_anything_else_is_one_error_that_names_the_file(
    tmp_path: Path, content: Any, message: str
) -> None:
    with pytest.raises(BadInput, match=message) as error:
        load(put(tmp_path, content))
    assert str(tmp_path / "lfw.bin") in str(error.value)
    assert len(str(error.value)) < 500


def test_an_absent_file_says_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match="deepinsight/insightface"):
        load(tmp_path / "cfp_fp.bin")
    with pytest.raises(BadInput, match="a path that can be looked at"):
        load(tmp_path / ("x" * 300))


def test_the_real_file_holds_ten_pairs(shared: Path) -> None:
    path = shared / "lfw" / "insightface_small_lfw.bin"
    protocol = load(path)
    assert (len(protocol.samples), len(protocol.pairs)) == (20, 10)
    assert protocol.pairs.fold is not None
    assert protocol.pairs.fold.tolist() == list(range(10))
    trusted, same = pickle.loads(path.read_bytes())
    assert contents(path) == ([one.tobytes() for one in trusted], same)
    shapes = {protocol.samples.photos.read(index).shape for index in range(20)}
    assert shapes == {(112, 112, 3)}


VALID = [
    pickle.dumps((PICTURES[:4], SAME[:2]), 2),
    pickle.dumps(([np.frombuffer(b"one", np.uint8).copy()] * 4, np.array(SAME[:2])), 3),
    pickle.dumps((PICTURES[:4], SAME[:2]), 4),
    pickle.dumps(([np.frombuffer(b"one", np.uint8).copy()] * 4, np.array(SAME[:2])), 5),
    as_python_2(PICTURES[:4], SAME[:2]),
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A valid file with bytes cut, repeated or replaced."""
    content = bytearray(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        end = at + draw(st.integers(0, 12))
        again = bytes(content[at:end]) * 2
        content[at:end] = again if draw(st.booleans()) else draw(st.binary(max_size=4))
    return bytes(content)


CONTENT = st.one_of(st.binary(max_size=200), damaged())


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], None]:
    path = tmp_path_factory.mktemp("bin") / "a.bin"

    def check(content: bytes) -> None:
        """Any bytes end in a result or in one of our errors."""
        path.write_bytes(content)
        with contextlib.suppress(DataError):
            protocol = load(path)
            assert len(protocol.samples) == 2 * len(protocol.pairs)

    return check


@given(CONTENT)
@settings(max_examples=50, deadline=None)
def test_any_bytes_end_in_a_result_or_our_error(check, content: bytes) -> None:
    check(content)


@pytest.mark.slow
@given(CONTENT)
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_many_bytes_end_in_a_result_or_our_error(check, content: bytes) -> None:
    check(content)

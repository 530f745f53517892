"""Arrays and pictures come out of a pickle, and nothing in it ever runs."""

import contextlib
import os
import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.errors import BadInput
from protocols.safe_pickle import MOST_BYTES, read_pickled_arrays, read_pickled_pictures


def put(folder: Path, value: Any, protocol: int = 4) -> Path:
    path = folder / "a.pkl"
    path.write_bytes(value if isinstance(value, bytes) else pickle.dumps(value, protocol))
    return path


class Runs:
    """Its pickle calls a function when it is read."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call[0], self.call[1:]


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "i2", "u1", "?"])
def test_arrays_come_out_as_numpy_reads_them(tmp_path: Path, protocol: int, dtype: str) -> None:
    array = np.arange(12).reshape(3, 4).astype(dtype)
    given = {
        "mean": array,
        "turned": np.asfortranarray(array),
        "more": [1, 2.5, "text", None, (3,)],
    }
    read = read_pickled_arrays(put(tmp_path, given, protocol))
    assert read["more"] == given["more"]
    for name in ("mean", "turned"):
        np.testing.assert_array_equal(read[name], given[name])
        assert read[name].dtype == np.dtype(dtype).newbyteorder("=")


def test_nothing_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    for call in (
        Runs(Path.touch, mark),
        Runs(eval, f"open({str(mark)!r}, 'w')"),
        Runs(np.load, str(mark)),
        Runs(np.ndarray, (3,)),
        Runs(np.dtype, Runs(Path.touch, mark)),
    ):
        with pytest.raises(BadInput, match="arrays and plain values"):
            read_pickled_arrays(put(tmp_path, {"mean": [call]}))
    assert not mark.exists()


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (np.array([{}, None], object), "without plain numbers"),
        (np.array(["text"]), "dtype 'U4'"),
        (np.datetime64("2020-01-01"), "numpy"),
        ({1, 2}, "instruction EMPTY_SET"),
        (np.dtype("f4"), "bare dtype"),
        (np.ndarray, "bare name"),
        (b"not a pickle", ""),
        (b"", ""),
        (pickle.dumps(np.arange(5.0), 4)[:-20], ""),
        (b"\x80\x03r\xff\xff\xff\x7f.", "memo"),
        (b"\x80\x03]r\xff\xff\xff\x7f.", "memo larger than the file"),
        (b"cnumpy\ndtype\n}b.", "a change of numpy's dtype"),
        (b"(S'x'\ni__builtin__\neval\n.", "instruction"),
    ],
)
def test_what_is_not_plain_is_refused(tmp_path: Path, value: Any, found: str) -> None:
    with pytest.raises(BadInput, match=f"a.pkl.*{found}"):
        read_pickled_arrays(put(tmp_path, value))


def test_an_array_that_claims_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    honest = pickle.dumps(np.zeros(7, "f4"), 3)
    assert honest.count(b"K\x07\x85") == 1
    with pytest.raises(BadInput, match="reshape"):
        read_pickled_arrays(put(tmp_path, honest.replace(b"K\x07\x85", b"K\xff\x85")))


def test_lists_within_lists_cannot_grow_without_end(tmp_path: Path) -> None:
    value: Any = [1.0]
    for _ in range(8):
        value = [value] * 10
    with pytest.raises(BadInput, match="too many"):
        read_pickled_arrays(put(tmp_path, value))
    value.append(value)
    with pytest.raises(BadInput, match="too many"):
        read_pickled_arrays(put(tmp_path, value))


class Shares:
    """The pickle of an array that names the bytes of others."""

    def __init__(self, content: bytes, dtype: str, shape: tuple[int, ...]) -> None:
        self.state = (1, shape, np.dtype(dtype), False, content)

    def __reduce__(self) -> Any:
        empty = np.zeros(0).__reduce__()
        return empty[0], empty[1], self.state


@pytest.mark.parametrize("read", [read_pickled_arrays, read_pickled_pictures])
@pytest.mark.parametrize(("dtype", "shape"), [("<f4", (1 << 16,)), (">f4", (256, 256))])
def test_many_arrays_of_the_same_bytes_do_not_fill_memory(
    tmp_path: Path, read: Callable[[Path], Any], dtype: str, shape: tuple[int, ...]
) -> None:
    content = bytes(1 << 18)
    path = put(tmp_path, [Shares(content, dtype, shape) for _ in range(400)])
    assert path.stat().st_size < 2 * len(content)
    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match="more bytes than the file holds"):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 8 * len(content)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("protocol", range(6))
def test_as_many_bytes_as_the_file_holds_are_made(tmp_path: Path, protocol: int) -> None:
    """Nothing of it but the bytes of arrays, and what Python 2 needs to make them."""
    arrays = [np.full((300, 100), number, np.float32) for number in range(5)]
    for read, first in ((read_pickled_arrays, 3), (read_pickled_pictures, 0)):
        if first <= protocol != 5 or read is read_pickled_pictures:
            made = read(put(tmp_path, arrays, protocol))
            np.testing.assert_array_equal(made, arrays)
            made[0][:] = 7  # their own memory: they can be written to
            assert made[1][0, 0] == 1


def test_the_same_array_twice_is_made_once(tmp_path: Path) -> None:
    for read in (read_pickled_arrays, read_pickled_pictures):
        made = read(put(tmp_path, [np.arange(9000.0)] * 50))
        assert len({id(array) for array in made}) == 1


def test_a_large_or_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="at most"):
        read_pickled_arrays(put(tmp_path, b"\x80" * (MOST_BYTES + 1)))
    with pytest.raises(BadInput, match="No such file"):
        read_pickled_arrays(tmp_path / "absent.pkl")


def test_the_published_statistics_are_what_numpy_reads(shared: Path) -> None:
    path = shared / "networks" / "3ddfa_v2" / "param_mean_std_62d_120x120.pkl"
    read = read_pickled_arrays(path)
    trusted = pickle.loads(path.read_bytes())
    assert set(read) == {"mean", "std"}
    for name, array in trusted.items():
        np.testing.assert_array_equal(read[name], array)


def test_dictionaries_of_every_protocol_come_out(tmp_path: Path) -> None:
    given = {"a": 1, b"b": 2.5, 3: {"deeper": None}, None: (), 1.5: [True]}
    for protocol in range(6):
        if protocol > 2:
            assert read_pickled_arrays(put(tmp_path, given, protocol)) == given
    plain = {"a": 1, 3: {"deeper": None}}
    for protocol in (0, 1, 2):
        assert read_pickled_arrays(put(tmp_path, plain, protocol)) == plain
    assert read_pickled_arrays(put(tmp_path, b"(K\x01K\x02d.")) == {1: 2}


DEEP = b"}K\x01" + b"\x85" * 900_000 + b"K\x01s."
"""A dictionary with a key of 900,000 tuples within each other: to hash it fills the stack."""
WIDE = b"}K\x01" + b"q\x00h\x00\x86" * 200 + b"K\x01s."
"""A dictionary with a key of 2²⁰⁰ numbers, each tuple holding the one before twice."""


@pytest.mark.parametrize("key", [DEEP, WIDE, DEEP.replace(b"}", b"(", 1).replace(b"s.", b"d.")])
def test_a_key_of_tuples_neither_fills_the_stack_nor_runs_for_ever(
    tmp_path: Path, key: bytes
) -> None:
    with pytest.raises(BadInput, match="neither text nor a number"):
        read_pickled_arrays(put(tmp_path, key))


def test_a_name_of_tuples_is_not_printed(tmp_path: Path) -> None:
    """A dtype's code that holds 2²⁰⁰ numbers would never be printed to its end."""
    wide = b"K\x01" + b"q\x00h\x00\x86" * 200
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\ntR"
    content = array + b"(K\x01K\x00cnumpy\ndtype\n(" + wide + b"tR\x89C\x01atb."
    for read in (read_pickled_arrays, read_pickled_pictures):
        with pytest.raises(BadInput, match=r"of dtype ' '|length") as error:
            read(put(tmp_path, content))
        assert len(str(error.value)) < 500


PICTURES = [b"\xff\xd8 one", b"two", bytes(range(256)), b"x" * 70_000]


@pytest.mark.parametrize("protocol", range(6))
def test_pictures_of_python_3_come_out_as_bytes(tmp_path: Path, protocol: int) -> None:
    columns = [np.frombuffer(one, np.uint8).reshape(-1, 1) for one in PICTURES]
    rows = [np.frombuffer(one, np.uint8).copy() for one in PICTURES]
    for pictures in (PICTURES, rows, columns, [one.T for one in columns]):
        given = (pictures, [True, False, 1, 0], np.array([True, False]))
        made, flags, array = read_pickled_pictures(put(tmp_path, given, protocol))
        assert made == PICTURES
        assert {type(one) for one in made} == {bytes}
        assert flags == [True, False, 1, 0]
        assert [type(flag) for flag in flags] == [bool, bool, int, int]
        assert array.dtype == bool
        assert array.tolist() == [True, False]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_other_arrays_beside_pictures_come_out_as_arrays(tmp_path: Path, protocol: int) -> None:
    array = np.arange(6, dtype=">i4").reshape(2, 3)
    for one in (array, np.asfortranarray(array), array.astype(np.uint8)):
        made = read_pickled_pictures(put(tmp_path, one, protocol))
        np.testing.assert_array_equal(made, one)
        assert made.dtype == one.dtype.newbyteorder("=")


def test_the_same_picture_twice_is_read_once(tmp_path: Path) -> None:
    array = np.frombuffer(PICTURES[3], np.uint8).copy()
    for protocol in (2, 3, 4, 5):
        for one in (array, PICTURES[3]):
            path = put(tmp_path, [one] * 50, protocol)
            assert path.stat().st_size < 3 * len(PICTURES[3])
            made = read_pickled_pictures(path)
            assert made == PICTURES[3:] * 50
            assert len({id(picture) for picture in made}) == 1


def test_python_2_wrote_text(tmp_path: Path) -> None:
    """What Python 2.7's cPickle writes for ``(['\\xff', 300 × 'a'], [True, False])``."""
    large = b"T\x2c\x01\x00\x00" + b"a" * 300
    content = b"\x80\x02]q\x01(U\x01\xffq\x02" + large + b"q\x03e]q\x04(\x88\x89e\x86q\x05."
    assert read_pickled_pictures(put(tmp_path, content)) == ([b"\xff", b"a" * 300], [True, False])


def test_python_2_wrote_arrays(tmp_path: Path) -> None:
    """Names, codes and orders are bytes there."""
    content = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b"
        b"\x87Rq\x03(K\x01K\x03\x85cnumpy\ndtype\nq\x04U\x02u1K\x00K\x01\x87Rq\x05(K\x03U\x01|NNNJ"
        b"\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x03\xff\xd8atb."
    )
    assert read_pickled_pictures(put(tmp_path, content)) == b"\xff\xd8a"
    assert pickle.loads(content, encoding="bytes").tobytes() == b"\xff\xd8a"


ENCODE = b"\x80\x02c_codecs\nencode\n"
BOMB = (
    ENCODE
    + b"q\x00X\x00\x04\x00\x00"
    + b"a" * 1024
    + b"q\x01X\x06\x00\x00\x00latin1q\x02\x86q\x03R0"
)
"""A text of 1,024 letters as bytes, once; each ``AGAIN`` makes them once more from six bytes."""
AGAIN = b"h\x00h\x03R0"
BUFFER = (
    b"\x80\x05cnumpy._core.numeric\n_frombuffer\nq\x00(\x96\x00\x04\x00\x00\x00\x00\x00\x00"
    + b"a" * 1024
) + b"cnumpy\ndtype\n(X\x02\x00\x00\x00u1tRM\x00\x04\x85X\x01\x00\x00\x00Ctq\x01R"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (pickle.dumps([Runs(os.system, "true")]), "the name (posix|nt).system"),
        (pickle.dumps([Runs(eval, "1")], 2), "the name (__builtin__|builtins).eval"),
        (pickle.dumps({"a": b"b"}), "the instruction EMPTY_DICT"),
        (pickle.dumps(10**700, 2), "the instruction LONG4"),
        (b"L" + b"9" * 5000 + b"L\n.", "4300 digits"),
        (b"T\xff\xff\xff\x7fabc.", "expected 2147483647 bytes"),
        (b"\x8e" + b"\xff" * 8 + b"abc.", "BINBYTES8|bytes"),
        (b"\x96" + b"\xff" * 7 + b"\x7fabc.", "bytes"),
        (b"]r\xff\xff\xff\x7f.", "memo larger than the file"),
        (ENCODE + b"(X\x01\x00\x00\x00aX\x04\x00\x00\x00utf8tR.", "for anything but bytes"),
        (ENCODE + b"(X\x01\x00\x00\x00atR.", "unpack"),
        (ENCODE + b"(K\x01X\x06\x00\x00\x00latin1tR.", "for anything but bytes"),
        (ENCODE + b"(X\x03\x00\x00\x00\xe2\x82\xacX\x06\x00\x00\x00latin1tR.", "latin-1"),
        (ENCODE + b"N}b.", "instruction EMPTY_DICT"),
        (ENCODE + b"K\x01b.", "a change of numpy's encode"),
        (ENCODE + b".", "a bare"),
        (BOMB + AGAIN * 1000 + b"N.", "more bytes than the file holds"),
        (BUFFER + b"]h\x00h\x01Rah\x00h\x01Ra" + b"\x86.", "more bytes than the file holds"),
        (b"cnumpy\ndtype\n.", "a bare name"),
        (b"", ""),
        (b"\x80\x04.", ""),
        (b"\xff", ""),
    ],
)
def test_a_hostile_pickle_of_pictures_is_refused(
    tmp_path: Path, content: bytes, found: str
) -> None:
    with pytest.raises(BadInput, match=rf"a\.pkl: expected a pickle of pictures.*({found})"):
        read_pickled_pictures(put(tmp_path, content))


def test_bytes_made_once_are_fine(tmp_path: Path) -> None:
    assert read_pickled_pictures(put(tmp_path, BOMB + b"N.")) is None
    assert read_pickled_pictures(put(tmp_path, BUFFER + b".")) == b"a" * 1024


def test_lists_within_lists_are_refused_among_pictures_too(tmp_path: Path) -> None:
    value: Any = [b"x"]
    for _ in range(12):
        value = [value] * 10
    with pytest.raises(BadInput, match="too many"):
        read_pickled_pictures(put(tmp_path, value), most_instructions=100_000)
    round_and_round: list[Any] = []
    round_and_round.append(round_and_round)
    with pytest.raises(BadInput, match="too deep"):
        read_pickled_pictures(put(tmp_path, round_and_round))


def test_the_limits_are_arguments(tmp_path: Path) -> None:
    path = put(tmp_path, [b"x"] * 100)
    assert len(read_pickled_pictures(path, most_bytes=path.stat().st_size)) == 100
    with pytest.raises(BadInput, match=r"at most 50 bytes"):
        read_pickled_pictures(path, most_bytes=50)
    with pytest.raises(BadInput, match=r"more than 50 instructions"):
        read_pickled_pictures(path, most_instructions=50)
    with pytest.raises(BadInput, match=r"a memo larger"):
        read_pickled_pictures(
            put(tmp_path, b"]r\x64\x00\x00\x00" + b"N0" * 99 + b"."), most_instructions=99
        )
    with pytest.raises(BadInput, match="No such file"):
        read_pickled_pictures(tmp_path / "absent.pkl")


HONEST = [
    pickle.dumps(value, protocol)
    for protocol in range(6)
    for value in (
        ([b"one", b"two"], [True]),
        ([np.frombuffer(b"one", np.uint8).copy()] * 2, np.array([False])),
    )
] + [
    pickle.dumps({"mean": np.arange(3.0), "text": [1, "a", None]}, protocol) for protocol in (3, 4)
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """An honest pickle with bytes cut, repeated or replaced, or instructions put in."""
    content = bytearray(draw(st.sampled_from(HONEST)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        end = at + draw(st.integers(0, 12))
        new = draw(
            st.sampled_from([b"", bytes(content[at:end]) * 2, AGAIN, b"R", b"b", b"0", b"q\x01"])
        )
        content[at:end] = new if draw(st.booleans()) else draw(st.binary(max_size=4))
    return bytes(content)


CONTENT = st.one_of(st.binary(max_size=200), damaged())


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], None]:
    path = tmp_path_factory.mktemp("pickles") / "a.pkl"

    def check(content: bytes) -> None:
        """Any bytes end in a value or in our error."""
        path.write_bytes(content)
        for read in (read_pickled_arrays, read_pickled_pictures):
            with contextlib.suppress(BadInput):
                read(path)

    return check


@given(CONTENT)
@settings(max_examples=50, deadline=None)
def test_any_bytes_end_in_a_value_or_our_error(check, content: bytes) -> None:
    check(content)


@pytest.mark.slow
@given(CONTENT)
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_many_bytes_end_in_a_value_or_our_error(check, content: bytes) -> None:
    check(content)

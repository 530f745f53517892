"""Arrays come out of a pickle, and nothing in it ever runs."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from protocols.errors import BadInput
from protocols.safe_pickle import MOST_BYTES, read_pickled_arrays


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

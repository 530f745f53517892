"""Long lists of numbers: the fast way, the patient way and a plain parser read the same."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols import columns
from protocols.columns import LONGEST_LINE, plain_numbers, read_whole_numbers
from protocols.errors import BadInput, DatasetUnavailable


def put(folder: Path, content: bytes) -> Path:
    path = folder / "numbers.txt"
    path.write_bytes(content)
    return path


def read(path: Path, count: int = 3, *, comma: bool = False) -> list[list[int]]:
    table = read_whole_numbers(path, count, "the list", "Get it.", comma=comma)
    assert all(column.dtype == np.int32 for column in table)
    return np.stack(table, axis=1).tolist()


def reference(content: bytes, count: int, comma: bool) -> list[list[int]] | int:
    """The rows, or the number of the first line that is none."""
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    while lines and not lines[-1].strip(b" \t\r"):
        lines.pop()
    rows = []
    for number, line in enumerate(lines, 1):
        line = line.rstrip(b" \t\r").replace(b"\t", b" ")
        fields = line.split(b",") if comma else line.split(b" ")
        fields = [field.strip(b" ") for field in fields if comma or field]
        fine = len(fields) == count and all(re.fullmatch(rb"[0-9]{1,10}", one) for one in fields)
        if not fine or max(map(int, fields)) > 2**31 - 1:
            return number
        rows.append([int(field) for field in fields])
    return rows or 0


def check(path: Path, content: bytes, count: int, comma: bool) -> None:
    path.write_bytes(content)
    expected = reference(content, count, comma)
    if isinstance(expected, list):
        assert read(path, count, comma=comma) == expected
        return
    with pytest.raises(BadInput) as caught:
        read(path, count, comma=comma)
    assert caught.value.record == (f"line {expected}" if expected else "")


NUMBERS = st.integers(0, 2**31 - 1).map(lambda number: str(number).encode())
ODD = st.sampled_from(
    [
        b"",
        b"-1",
        b"+1",
        b"1.0",
        b"1e3",
        b"nan",
        b"2147483647",
        b"2147483648",
        b"99999999999",
        b"0000000001",
        b"00000000001",
        b"/",
        b":",
        b"1_0",
        "٣".encode(),
        b"\0",
        b"\xff",
        b"\xa0",
    ]
)
BETWEEN = st.sampled_from(
    [b" ", b",", b"\t", b"  ", b" , ", b"\r", b"\n", b"\x0b", b"\xef\xbb\xbf"]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b" \n", b"\n\n", b"\r\r\n", b"\r", b"", b"\n \t\r\n"])


@st.composite
def contents(draw: st.DrawFn) -> tuple[bytes, int, bool]:
    """Lines that are right, most of them."""
    count, comma = draw(st.integers(1, 4)), draw(st.booleans())
    right = st.just(b"," if comma else b" ")
    odd = draw(st.sampled_from(["none", "lines", "all"]))
    numbers = st.one_of(NUMBERS, ODD) if odd == "all" else NUMBERS
    between = st.one_of(right, right, BETWEEN) if odd == "all" else right
    ends = st.just(b"\n") if odd == "none" else ENDS
    content = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf", b"\n"])) if odd == "all" else b""
    for _ in range(draw(st.integers(0, 6))):
        for index in range(count):
            content += (draw(between) if index else b"") + draw(numbers)
        content += draw(ends)
    return content, count, comma


INPUTS = st.one_of(contents(), st.tuples(st.binary(), st.integers(1, 4), st.booleans()))


def check_in_blocks(path: Path, written: tuple[bytes, int, bool], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "BLOCK", block)
        check(path, *written)


@settings(max_examples=50, deadline=None)
@given(written=INPUTS, block=st.sampled_from([4, 7, 20, 1 << 18]))
def test_any_bytes_read_as_a_plain_parser_reads_them(tmp_path_factory, written, block) -> None:
    path = tmp_path_factory.getbasetemp() / "numbers.txt"
    check_in_blocks(path, written, block)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(written=INPUTS, block=st.sampled_from([4, 7, 20, 1 << 18]))
def test_many_bytes_read_as_a_plain_parser_reads_them(tmp_path_factory, written, block) -> None:
    path = tmp_path_factory.getbasetemp() / "numbers.txt"
    check_in_blocks(path, written, block)


def test_numbers_of_every_length_over_many_blocks(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    table = (10 ** rng.uniform(0, 9.33, (60_000, 3))).astype(np.int64)
    table[0], table[-1] = (0, 9, 10), (2**31 - 1, 999_999_999, 1_000_000_000)
    lines = [" ".join(map(str, row)) for row in table.tolist()]
    path = put(tmp_path, "\n".join(lines).encode())
    assert path.stat().st_size > 3 * columns.BLOCK
    np.testing.assert_array_equal(read(path), table)
    lines[41_234] = "1 2"
    put(tmp_path, "\n".join(lines).encode())
    with pytest.raises(BadInput, match=r"line 41235: .* found b'1 2'"):
        read(path)


@pytest.mark.parametrize(
    "content", [b"1 2 3\r\n40 5 6\r\n", b"\xef\xbb\xbf1 2\t3 \n 40  5 6", b"1 2 3\n40 5 6\n\n \n"]
)
def test_blanks_and_line_ends_may_differ(tmp_path: Path, content: bytes) -> None:
    assert read(put(tmp_path, content)) == [[1, 2, 3], [40, 5, 6]]


@pytest.mark.parametrize(
    "number", [b"00000000001", b"2147483648", b"-1", b"+1", b"1.0", b"1_0", b""]
)
def test_other_numbers_are_refused(tmp_path: Path, number: bytes) -> None:
    assert read(put(tmp_path, b"1\n0000000001\n2147483647\n"), 1) == [[1], [1], [2**31 - 1]]
    with pytest.raises(BadInput, match=r"line 2: expected 2 whole numbers from 0 to 2,147,483,647"):
        read(put(tmp_path, b"1 2\n3 " + number + b"\n"), 2)


def test_a_comma_may_have_blanks_around_it(tmp_path: Path) -> None:
    assert read(put(tmp_path, b"1,2\n3 ,\t4\n"), 2, comma=True) == [[1, 2], [3, 4]]
    with pytest.raises(BadInput, match=r"line 2: expected 2 whole numbers .* between commas"):
        read(put(tmp_path, b"1,2\n3 4\n"), 2, comma=True)
    with pytest.raises(BadInput, match=r"line 1: .* between blanks"):
        read(put(tmp_path, b"1,2\n"), 2)


def test_plain_lines_take_the_fast_way() -> None:
    numbers = plain_numbers(b"1 2\n30 999999999\n", 2, ord(" "))
    assert numbers is not None
    assert numbers.tolist() == [[1, 2], [30, 999_999_999]]
    for other in (
        b"",
        b"1 2",
        b"1 2\r\n",
        b"1  2\n",
        b"1 2\n\n",
        b"1 1000000000\n",
        b"1,2\n",
        b"a 2\n",
    ):
        assert plain_numbers(other, 2, ord(" ")) is None


@pytest.mark.parametrize("content", [b"", b"\n", b" \t\r\n\n", b"\xef\xbb\xbf", b"\n" * 700_000])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadInput, match=r"numbers\.txt: expected lines of numbers, found none"):
        read(put(tmp_path, content))


def test_an_empty_line_may_only_come_last(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"line 2: .* found an empty line"):
        read(put(tmp_path, b"1 2 3\n\n4 5 6\n"))
    far = b"1 2 3\n" + b"\n" * 600_000 + b"4 5 6\n"
    with pytest.raises(BadInput, match=r"line 2: .* found an empty line"):
        read(put(tmp_path, far))


@pytest.mark.parametrize(
    "line", [b"1" * 3_000_000, b" " * 3_000_000, b" " * LONGEST_LINE + b"1 2 3"]
)
@pytest.mark.parametrize("end", [b"", b"\n", b"\n7 8 9\n"])
@pytest.mark.parametrize("start", [b"1 2 3\n", b"1 2 3\n" * 80_000, b"1 2 3\n\n"])
def test_an_endless_line_is_refused_by_its_number(tmp_path: Path, start, line, end) -> None:
    number = start.count(b"\n") + 1
    with pytest.raises(BadInput, match=rf"line {number}: .* and more$"):
        read(put(tmp_path, start + line + end))


def test_an_absent_file_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match=r"the list is not at .*nothing\. Get it\."):
        read(tmp_path / "nothing")
    with pytest.raises(DatasetUnavailable):
        read(tmp_path)
    with pytest.raises(BadInput, match="a path that can be looked at"):
        read(tmp_path / ("x" * 300))

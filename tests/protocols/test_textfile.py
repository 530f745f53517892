"""Lines and tables: what Python's own splitting gives for good files, one error for bad ones."""

import contextlib
import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.errors import BadInput, DataError, DatasetUnavailable
from protocols.textfile import read_csv, read_lines, read_text

REQUIRED = {"left": ("LEFT", "A"), "right": ("RIGHT",)}
OPTIONAL = {"fold": ("FOLD",)}


def put(folder: Path, content: bytes) -> Path:
    (folder / "list.csv").write_bytes(content)
    return folder / "list.csv"


def rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    return list(read_csv(path, "the list", "Ask.", required=REQUIRED, optional=OPTIONAL))


def lines(path: Path) -> list[str]:
    return read_lines(path, "the list", "Ask.")


def test_a_text_is_utf_8_without_its_mark(tmp_path: Path) -> None:
    path = put(tmp_path, b"\xef\xbb\xbf" + "é\r\nß".encode())
    assert read_text(path, "the list", "Ask.") == "é\r\nß"


@pytest.mark.parametrize("name", ["none.csv", "", "list.csv/x"])
def test_an_absent_file_or_a_folder_says_how_to_get_it(tmp_path: Path, name: str) -> None:
    put(tmp_path, b"")
    with pytest.raises(DatasetUnavailable, match=r"the list is not at .*Ask\."):
        read_text(tmp_path / name, "the list", "Ask.")


def test_a_name_that_no_disk_can_hold_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        read_text(tmp_path / ("x" * 300), "the list", "Ask.")


@pytest.mark.parametrize("function", ["is_file", "read_bytes"])
def test_a_file_that_may_not_be_read_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    path = put(tmp_path, b"x")

    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, function, refuse)  # whoever runs this may be allowed everything
    with pytest.raises(BadInput, match=r"list\.csv: expected a text file, found Permission denied"):
        read_text(path, "the list", "Ask.")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb\n\xff", "line 3: expected UTF-8 text, found byte 0xff"),
        (b"\xef\xbb\xbfa\n\xe9t\xe9", "line 2: expected UTF-8 text, found byte 0xe9"),
        (b"a\n\xed\xa0\x80", "line 2: expected UTF-8 text"),
        (b"a\nb\0\nc", "line 2: expected text, found a NUL byte"),
        ("a".encode("utf-16"), "line 1: expected UTF-8 text, found byte 0xff"),
    ],
)
def test_what_is_no_text_is_one_error_with_its_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        read_text(put(tmp_path, content), "the list", "Ask.")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", []),
        ("\n\r\n  \n", []),
        ("a\nb", ["a", "b"]),
        ("a\r\nb\r\n", ["a", "b"]),
        ("a\n\n b \n\n", ["a", "", " b "]),
        ("a\rb\n", ["a\rb"]),
        ("a\x0bb\x0cc\x1cd\x85e\u2028f\n", ["a\x0bb\x0cc\x1cd\x85e\u2028f"]),
    ],
)
def test_lines_end_with_lf_or_crlf_and_nothing_else(
    tmp_path: Path, content: str, expected: list[str]
) -> None:
    assert lines(put(tmp_path, content.encode())) == expected


def test_rows_have_their_lines_and_the_columns_asked_for(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbf right ,x,Left\r\n b , 1,a\r\n\r\n"d,""1",2,"c\nc"\n'
    assert rows(put(tmp_path, content)) == [
        (2, {"left": "a", "right": "b"}),
        (5, {"left": "c\nc", "right": 'd,"1'}),
    ]


def test_optional_columns_and_other_spellings_are_taken(tmp_path: Path) -> None:
    assert rows(put(tmp_path, b"fold,a,right\n1,x,y")) == [
        (2, {"left": "x", "right": "y", "fold": "1"})
    ]


BIG = b"x" * 200_000
BROKEN = [
    (b"", "line 1: expected a header with LEFT or A, found an empty line"),
    (b"\nleft,right\n", "line 1: expected a header with LEFT or A, found an empty line"),
    (b"left,x\n", "line 1: expected a header with RIGHT, found 'LEFT, X'"),
    (b"left,a,right\n", "line 1: expected one column LEFT, found 2"),
    (b"left,right,fold,FOLD\n", "line 1: expected one column FOLD, found 2"),
    (b"left,right\na,b\na\n", "line 3: expected 2 fields, as in the header, found 1"),
    (b"left,right\na,b,c\n", "line 2: expected 2 fields, as in the header, found 3"),
    (b"left,right\n  \nx\n", "line 3: expected 2 fields, as in the header, found 1"),
    (b'left,right\n"a\n",b\nc\n', "line 4: expected 2 fields, as in the header, found 1"),
    (b'left,right\na,"', "line 2: expected CSV"),
    (b'left,right\na,"b"c\n', "line 2: expected CSV"),
    (b'left,right\na,b\na,"b\nc,d\n', "line 4: expected CSV, .* the row that begins in line 3"),
    (b'left,right\na,"b\nc,d\ne,f"g\n', "line 4: expected CSV, .* begins in line 2"),
    (b'"left\nright\n', "line 2: expected CSV, .* begins in line 1"),
    (b"left,right\na,b\nc\rd,e\n", "line 3: expected CSV"),
    (b"left,right\ra,b\r", "line 1: expected CSV"),
    (b"left,right\na,b\nc," + BIG + b"\n", "line 3: expected CSV"),
    (b"left," + BIG + b"\n", "line 1: expected CSV"),
    (b"left," + b"\x1b[2J" * 9 + b"\n", "line 1: expected a header with RIGHT"),
]


@pytest.mark.parametrize(("content", "message"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_table_is_one_error_with_its_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(BadInput, match=f"list.csv, {message}") as error:
        rows(put(tmp_path, content))
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 600 + len(str(tmp_path))


def test_rows_before_a_broken_one_are_given(tmp_path: Path) -> None:
    """The caller sees them first, so that the first error in the file is the one that is told."""
    path = put(tmp_path, b"left,right\na,b\nc\n")
    table = read_csv(path, "the list", "Ask.", required=REQUIRED)
    assert next(table) == (2, {"left": "a", "right": "b"})
    with pytest.raises(BadInput, match="line 3"):
        next(table)


FIELDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)


@given(st.lists(st.tuples(FIELDS, FIELDS), max_size=5), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=200, deadline=None)
def test_what_python_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, str]], end: str
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("left", "right"), *table])
    path = put(tmp_path_factory.getbasetemp(), text.getvalue().encode())
    stripped = [{"left": left.strip(), "right": right.strip()} for left, right in table]
    filled = [fields for fields in stripped if any(fields.values())]  # rows of commas pass
    assert [fields for _, fields in rows(path)] == filled


@given(st.lists(st.text("ab \r\x0b\x85", max_size=4)), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=200, deadline=None)
def test_lines_that_are_joined_are_split_again(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], end: str
) -> None:
    parts = [part.rstrip("\r") for part in parts]
    path = put(tmp_path_factory.getbasetemp(), end.join(parts).encode())
    while parts and not parts[-1].strip():
        parts.pop()
    assert lines(path) == parts


Check = Callable[[bytes], None]
VALID = b'left,right,fold\na,"b, c",1\r\n\nd,e,2\n'
PIECES = [b"", b"\0", b"\xef\xbb\xbf", b"\r", b"\n", b'"', b",", b"\xff", b"x" * 140_000, b'""']


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A valid table with some stretches of it replaced."""
    content = VALID
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 8)))
        content = content[:start] + draw(st.sampled_from(PIECES)) + content[end:]
    return content


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Check:
    """Reads a file of these bytes as text, lines and a table: results, or one of our errors."""
    folder = tmp_path_factory.mktemp("fuzz")

    def check(content: bytes) -> None:
        path = put(folder, content)
        with contextlib.suppress(DataError):
            found = lines(path)
            assert len(found) <= content.count(b"\n") + 1
        with contextlib.suppress(DataError):
            for line, fields in rows(path):
                assert 2 <= line <= content.count(b"\n") + 1
                assert {"left", "right"} <= fields.keys() <= {"left", "right", "fold"}

    return check


@given(st.binary(max_size=200) | damaged())
@settings(max_examples=50, deadline=None)
def test_any_bytes_are_a_table_or_one_error(check: Check, content: bytes) -> None:
    check(content)


@pytest.mark.slow
@given(st.binary(max_size=200) | damaged())
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_are_a_table_or_one_error_many(check: Check, content: bytes) -> None:
    check(content)

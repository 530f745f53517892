"""Reading the lines and tables that lists come as: strict, and every complaint names the line."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from protocols.errors import BadInput, DatasetUnavailable


def read_text(path: Path, what: str, how: str) -> str:
    """A whole text file: UTF-8, a byte-order mark is dropped.

    Args:
        path: The file.
        what: What it is, in words, for the message.
        how: How to get it, for the message.

    Raises:
        DatasetUnavailable: It is absent.
        BadInput: It cannot be read, is not UTF-8, or holds a NUL.
    """
    try:
        if not path.is_file():
            raise DatasetUnavailable(what, path, how)
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{error.object[error.start]:02x}"
        raise BadInput(path, f"line {line}", "UTF-8 text", found) from error
    except OSError as error:
        raise BadInput(path, "", "a text file", error.strerror or str(error)) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise BadInput(path, f"line {line}", "text", "a NUL byte")
    return text


def read_lines(path: Path, what: str, how: str) -> list[str]:
    """The lines of a text file, ended by LF or CRLF; empty ones at the end are dropped.

    Only LF and CRLF end a line, so that line numbers are those of an editor.

    Raises:
        DatasetUnavailable: It is absent.
        BadInput: It cannot be read, or is no text.
    """
    lines = [line.removesuffix("\r") for line in read_text(path, what, how).split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def read_csv(
    path: Path,
    what: str,
    how: str,
    *,
    required: Mapping[str, Sequence[str]],
    optional: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with a header, each with its line number; blanks around are dropped.

    LF or CRLF end a line; in quotes they belong to the field, and the row's number is that of its
    last line. Empty lines are passed over. Nothing is read before the first row is asked for.

    Args:
        path: The file.
        what: What it is, in words, for messages.
        how: How to get it, for messages.
        required: The columns that have to be there: the name to use here, and the names that it
            may have in the header, in capitals (case does not count there).
        optional: Those that may be absent; they are then absent from the rows.

    Raises:
        DatasetUnavailable: It is absent.
        BadInput: It is no text, lacks a column, names one twice, or a row has too few or too many
            fields; names the line.
    """
    text = read_text(path, what, how)
    reader = csv.reader(io.StringIO(text, newline="\n"), strict=True)
    first = 1  # the line that the row starts in: a quote that is never closed runs to the end
    try:
        header = [name.strip().upper() for name in next(reader, [])]
        places = _places(path, header, required, optional or {})
        first = reader.line_num + 1
        for fields in reader:
            filled = any(field.strip() for field in fields)  # spreadsheets leave rows of commas
            if filled and len(fields) != len(header):
                expected = f"{len(header)} fields, as in the header"
                raise BadInput(path, f"line {reader.line_num}", expected, str(len(fields)))
            if filled:
                yield reader.line_num, {name: fields[at].strip() for name, at in places.items()}
            first = reader.line_num + 1
    except csv.Error as error:
        last = reader.line_num
        since = f", in the row that begins in line {first}" if first < last else ""
        raise BadInput(path, f"line {last}", "CSV", f"{error}{since}") from error


def _places(
    path: Path,
    header: list[str],
    required: Mapping[str, Sequence[str]],
    optional: Mapping[str, Sequence[str]],
) -> dict[str, int]:
    """Where each wanted column stands."""
    places = {}
    for name, spellings in {**required, **optional}.items():
        at = [index for index, column in enumerate(header) if column in spellings]
        if len(at) > 1:
            raise BadInput(path, "line 1", f"one column {spellings[0]}", f"{len(at)}")
        if at:
            places[name] = at[0]
        elif name in required:
            found = repr(", ".join(header)[:200]) if any(header) else "an empty line"
            raise BadInput(path, "line 1", f"a header with {' or '.join(spellings)}", found)
    return places

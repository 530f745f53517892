"""Long lists of whole numbers, such as the 15,658,489 pairs of IJB-C: fast, strict, line by line.

A block of lines in the plain form (digits, one separator, line feed) is checked and converted as
one array. Any other block is read line by line, which allows more blanks and names what is wrong.
"""

import re
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Int32

from protocols.errors import BadInput, DatasetUnavailable
from protocols.roots import is_file

LARGEST = 2**31 - 1
LONGEST_LINE = 10_000
"""Bytes; no list of numbers comes near it, and a longer one is refused before it fills memory."""
BLOCK = 1 << 18
"""Bytes read at a time: few enough for a processor's cache."""
_BLANKS = b" \t\r\n"
_MARK = b"\xef\xbb\xbf"
_LONG = re.compile(rb"^[^\n]{%d}" % (LONGEST_LINE + 1), re.MULTILINE)


def read_whole_numbers(
    path: Path, columns: int, what: str, how: str, *, comma: bool = False
) -> tuple[Int32[np.ndarray, " n"], ...]:
    """Read lines of whole numbers from 0 to 2³¹−1, without a header.

    Numbers have at most ten digits. Blanks or tabs separate them, or (``comma``) one comma, which
    may have blanks around it. Lines end with LF or CRLF. Empty lines may only come last. A
    byte-order mark is dropped.

    Args:
        path: The file.
        columns: How many numbers each line has, from 1.
        what: What the file is, in words, for the message.
        how: How to get it, for the message.
        comma: Whether a comma separates the numbers.

    Returns:
        Each column; row ``i`` stands in line ``i + 1``.

    Raises:
        DatasetUnavailable: The file is absent.
        BadInput: It cannot be read, is empty, or a line has another form; names the line.
    """
    if not is_file(path):
        raise DatasetUnavailable(what, path, how)
    try:
        with path.open("rb") as file:
            lines = _most_lines(file, columns)
            file.seek(0)
            return _Reader(path, columns, comma, lines).read(file)
    except OSError as error:
        raise BadInput(path, "", "lines of numbers", error.strerror or str(error)) from error


def _most_lines(file: BinaryIO, columns: int) -> int:
    """The most lines of numbers that a file can hold: each number takes two bytes or more."""
    feeds, size = 0, 0
    while block := file.read(BLOCK):
        feeds += block.count(b"\n")
        size += len(block)
    return min(feeds + 1, (size + 1) // (2 * columns))


class _Reader:
    """Reads one file, a block at a time.

    Args:
        path: The file.
        columns: Numbers in each line.
        comma: Whether a comma separates them.
        lines: The most lines that there can be.
    """

    def __init__(self, path: Path, columns: int, comma: bool, lines: int) -> None:
        self.path, self.columns = path, columns
        self.separator = ord("," if comma else " ")
        between = rb"[ \t]*,[ \t]*" if comma else rb"[ \t]+"
        numbers = between.join([rb"([0-9]{1,10})"] * columns)
        self.line = re.compile(rb"[ \t]*" + numbers + rb"[ \t\r]*")
        self.expected = f"{columns} whole numbers from 0 to {LARGEST:,} between " + (
            "commas" if comma else "blanks"
        )
        # A row takes memory once it is filled; whoever drops a column gets its memory back.
        self.table = [np.empty(lines, np.int32) for _ in range(columns)]
        self.rows = 0
        self.empty = 0  # lines after the last row

    def read(self, file: BinaryIO) -> tuple[Int32[np.ndarray, " n"], ...]:
        """All columns."""
        rest = b""
        block = file.read(BLOCK).removeprefix(_MARK)
        while block:
            end = block.rfind(b"\n") + 1
            if end:
                self._add(rest + block[:end])
                rest = block[end:]
            else:
                rest += block
            if len(rest) > LONGEST_LINE:
                self._refuse_long(rest)
            block = file.read(BLOCK)
        if rest:
            self._add(rest + b"\n")
        if not self.rows:
            raise BadInput(self.path, "", "lines of numbers", "none")
        return tuple(column[: self.rows] for column in self.table)

    def _refuse_long(self, lines: bytes) -> None:
        """Raise if one of these lines is too long."""
        match = _LONG.search(lines)
        if match:
            before = self.rows + self.empty + lines.count(b"\n", 0, match.start())
            found = f"{match.group()[:80]!r} and more"
            raise BadInput(self.path, f"line {before + 1}", self.expected, found)

    def _add(self, lines: bytes) -> None:
        """Append whole lines."""
        numbers = plain_numbers(lines, self.columns, self.separator)
        if numbers is None and b"\r" in lines:
            unix = lines.replace(b"\r\n", b"\n")
            numbers = plain_numbers(unix, self.columns, self.separator)
        if numbers is None or self.empty:
            numbers = self._read_lines(lines)
        after = self.rows + len(numbers)
        if after > len(self.table[0]):
            raise BadInput(self.path, "", "a file that stays as it is", "more lines while reading")
        for column, values in zip(self.table, numbers.T, strict=True):
            column[self.rows : after] = values
        self.rows = after

    def _read_lines(self, lines: bytes) -> Int32[np.ndarray, "n k"]:
        """Read lines one by one; nothing may follow an empty one."""
        self._refuse_long(lines)
        filled = lines.rstrip(_BLANKS)
        if filled and self.empty:
            raise BadInput(self.path, f"line {self.rows + 1}", self.expected, "an empty line")
        self.empty += lines.count(b"\n", len(filled)) - bool(filled)
        rows = []
        for index, line in enumerate(filled.split(b"\n") if filled else ()):
            match = self.line.fullmatch(line)
            row = [int(number) for number in match.groups()] if match else [LARGEST + 1]
            if max(row) > LARGEST:
                found = repr(line[:80]) if line.strip() else "an empty line"
                raise BadInput(self.path, f"line {self.rows + index + 1}", self.expected, found)
            rows.append(row)
        return np.array(rows, np.int32).reshape(-1, self.columns)


def plain_numbers(lines: bytes, columns: int, separator: int) -> Int32[np.ndarray, "n k"] | None:
    """The numbers of lines in the plain form, or None for lines in any other.

    Args:
        lines: Whole lines: each ends with a line feed.
        columns: Numbers in each line; at most nine digits each.
        separator: The byte between them, below that of ``0``.
    """
    text = np.frombuffer(lines, np.uint8)
    ends = np.flatnonzero(text < ord("0"))  # line feeds and separators, if all is well
    if not len(ends) or len(ends) % columns or text.max() > ord("9"):
        return None
    marks = text[ends].reshape(-1, columns)
    if (marks[:, -1] != ord("\n")).any() or (marks[:, :-1] != separator).any():
        return None
    lengths = np.diff(ends, prepend=-1) - 1
    if lengths.min() < 1 or lengths.max() > 9:
        return None
    place = ends - 1  # of the last digit, then of those before it
    numbers = (text[place] - ord("0")).astype(np.int32)
    for power in range(1, int(lengths.max())):
        place -= 1
        digits = (text[place] - np.uint8(ord("0"))) * (lengths > power)
        numbers += digits * np.int32(10**power)
    return numbers.reshape(-1, columns)

"""Writing training pictures as MXNet's RecordIO, without MXNet (``protocols/recordio.py``)."""

import itertools
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from protocols.errors import BadInput
from protocols.recordio import (
    FIRST,
    FRAME,
    HEADER,
    LAST,
    LENGTH_BITS,
    MAGIC,
    MIDDLE,
    MOST_KEYS,
    WHOLE,
)


class RecordWriter:
    """Writes training pictures as ``NAME.rec``, ``NAME.idx`` and ``property``, one by one.

    Pictures come identity by identity and get the keys from 1. Their labels are in the header
    (flag 0). As in insightface's files, record 0 and the records of the identities follow last
    (deepinsight/insightface, ``recognition/common/face2rec2.py``).

    The files appear under their names when all is written, the ``.rec`` last; a writer that failed
    or was stopped leaves none of them. Use it in a ``with`` statement, which ends in :meth:`close`,
    or after an error in :meth:`discard`.

    Args:
        folder: Where the files go; made if need be.
        height: The pictures' height in pixels, for ``property``; they are not looked at.
        width: Their width.
        name: The files' name without ending.

    Raises:
        BadInput: One of the files is there already.
        OSError: The files cannot be written.
    """

    def __init__(self, folder: Path, *, height: int, width: int, name: str = "train") -> None:
        self._size = height, width
        self._paths = [folder / "property", folder / f"{name}.idx", folder / f"{name}.rec"]
        for path in self._paths:
            _refuse_existing(path)
        folder.mkdir(parents=True, exist_ok=True)
        self._parts = [path.with_name(f".{path.name}.part") for path in self._paths]
        self._property, self._index, self._records = (path.open("wb") for path in self._parts)
        self._starts: list[int] = []
        self._pictures = 0

    def __enter__(self) -> "RecordWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def add(self, content: bytes, identity: int) -> int:
        """Write one picture.

        Args:
            content: The encoded picture.
            identity: Whose face it is: 0 for the first, then the same again or one more.

        Returns:
            Its key.

        Raises:
            ValueError: Identities do not come in order, there is no content, or there are more
                pictures and identities than float32 can count.
            OSError: It cannot be written.
        """
        known = len(self._starts)
        if not content:
            raise ValueError("an empty picture")
        if identity not in (known, max(known - 1, 0)):
            raise ValueError(f"identity {identity} after {known - 1}: they have to come in order")
        key = self._pictures + 1
        if key + max(known, identity + 1) >= MOST_KEYS:  # the key after the last identity
            raise ValueError(f"more than {MOST_KEYS:,} pictures and identities")
        self._write(key, HEADER.pack(0, identity, key, 0) + content)
        if identity == known:
            self._starts.append(key)
        self._pictures = key
        return key

    def close(self) -> None:
        """Write what comes last, and give the files their names.

        Raises:
            ValueError: There is no picture.
            BadInput: A file of one of the names has appeared meanwhile.
            OSError: The files cannot be written.
        """
        try:
            self._finish()
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Give up: nothing of what was written stays."""
        for file, part in zip(self._files(), self._parts, strict=True):
            try:
                file.close()
            finally:
                part.unlink(missing_ok=True)

    def _finish(self) -> None:
        if not self._starts:
            raise ValueError("no picture to write")
        end, count = self._pictures + 1, len(self._starts)
        self._write(0, HEADER.pack(2, 0, 0, 0) + struct.pack("<2f", end, end + count))
        for number, (start, stop) in enumerate(itertools.pairwise([*self._starts, end])):
            header = HEADER.pack(2, 0, end + number, 0)
            self._write(end + number, header + struct.pack("<2f", start, stop))
        height, width = self._size
        self._property.write(f"{count},{height},{width}\n".encode())
        for file in self._files():
            file.flush()
            os.fsync(file.fileno())
            file.close()
        named: list[Path] = []
        try:
            for part, path in zip(self._parts, self._paths, strict=True):
                _refuse_existing(path)
                part.replace(path)
                named.append(path)
        except BaseException:
            for path in named:
                path.unlink()
            raise

    def _write(self, key: int, content: bytes) -> None:
        """One record and its line in the ``.idx``."""
        self._index.write(f"{key}\t{self._records.tell()}\n".encode())
        for part in pack_record(content):
            self._records.write(part)

    def _files(self) -> tuple[BinaryIO, ...]:
        return self._property, self._index, self._records


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise BadInput(path, "", "a name for a new file", "a file of that name")


def pack_record(content: bytes) -> Iterator[bytes]:
    """The bytes of a record, piece by piece; split where the content has the magic number in it.

    Raises:
        ValueError: The content has 512 MiB or more.
    """
    if len(content) >> LENGTH_BITS:
        raise ValueError(f"a record of {len(content):,} bytes; it has to be below 2^29")
    parts, start, at = [], 0, content.find(MAGIC)
    while at >= 0:
        if at % 4:
            at = content.find(MAGIC, at + 1)
            continue
        parts.append(content[start:at])
        start = at + len(MAGIC)
        at = content.find(MAGIC, start)
    parts.append(content[start:])
    last = len(parts) - 1
    for number, part in enumerate(parts):
        kind = WHOLE if not last else FIRST if not number else LAST if number == last else MIDDLE
        yield FRAME.pack(MAGIC, kind << LENGTH_BITS | len(part))
        yield part + bytes(-len(part) % 4)

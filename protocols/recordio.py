"""MXNet's RecordIO, read without MXNet: many pictures with their labels in one file.

A record is the number 0xced7230a, a number whose upper 3 bits say whether the record is whole (0)
or a first (1), middle (2) or last (3) part and whose lower 29 bits are its length, and the content,
padded with zeros to a multiple of 4 bytes. A content that has 0xced7230a in it, 4 bytes aligned, is
split there and the number is left out. Everything is little-endian. Source: dmlc/dmlc-core,
``include/dmlc/recordio.h`` and ``src/recordio.cc``.

The content begins with a header: flag (uint32), label (float32), two ids (uint64). If the flag is
not 0, that many labels (float32) follow and the one in the header does not count. Then the encoded
picture follows. An ``.idx`` beside the file has a line ``key<TAB>offset`` for each record. Source:
apache/mxnet, ``python/mxnet/recordio.py``.
"""

import itertools
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int64, UInt8

from protocols.errors import BadInput, DatasetUnavailable
from protocols.roots import is_file
from protocols.textfile import read_lines

MAGIC_NUMBER = 0xCED7230A
MAGIC = struct.pack("<I", MAGIC_NUMBER)
WHOLE, FIRST, MIDDLE, LAST = range(4)
FRAME = struct.Struct("<4sI")
"""What stands before each part: the magic number, and part and length in one number."""
HEADER = struct.Struct("<IfQQ")
"""What a picture's record begins with: flag, label, id, second id."""
LENGTH_BITS = 29
MOST_KEYS = 1 << 24
"""Record 0 holds keys as float32, which has every whole number up to this one."""

_INDEX_LINE = re.compile(r"([0-9]{1,18})\t([0-9]{1,18})")
_HEAD = np.dtype(
    [("flag", "<u4"), ("label", "<f4"), ("id", "<u8"), ("id2", "<u8"), ("first", "<f4")]
)
_BLOCK = 1 << 16
"""So many records are looked at together."""


class ImageRecord(NamedTuple):
    """A record that holds a picture, taken apart."""

    labels: Float32[np.ndarray, " _"]
    id: int
    id2: int
    content: bytes


@dataclass(frozen=True, eq=False)
class RecordFile:
    """A ``.rec`` file whose records are read one by one, by key.

    The file is opened for each record, so that the object can be pickled and used by many
    processes.

    Attributes:
        path: The file.
        keys: ``(n,)`` ascending.
        offsets: ``(n,)`` where each record begins, in bytes.
        index: The ``.idx``, if there was one.
    """

    path: Path
    keys: Int64[np.ndarray, " n"]
    offsets: Int64[np.ndarray, " n"]
    index: Path | None

    @classmethod
    def open(cls, path: Path) -> "RecordFile":
        """Read the ``.idx`` beside the file, or go through the file if there is none.

        Without ``.idx`` the keys are the ids in the headers of pictures; insightface's and
        MXNet's tools write the key there.

        Raises:
            DatasetUnavailable: The file is absent.
            BadInput: A file cannot be read, the ``.idx`` is malformed, or there is none and the
                file is damaged, or its ids repeat.
        """
        if not is_file(path):
            raise DatasetUnavailable(path.name, path, "It has to be a RecordIO file.")
        try:
            path.open("rb").close()
        except OSError as error:
            found = error.strerror or str(error)
            raise BadInput(path, "", "a RecordIO file", found) from error
        index = path.with_suffix(".idx")
        if is_file(index):
            return cls(path, *read_index(index), index)
        offsets = np.fromiter(_scan(path), np.int64)
        numbered = cls(path, np.arange(len(offsets)), offsets, None)
        ids = numbered._heads(numbered.keys)["id"]
        order = np.argsort(ids, kind="stable")
        ids = ids[order]
        if len(ids) and ids[-1] > np.iinfo(np.int64).max:
            raise BadInput(path, f"record {order[-1]} of the file", "an id below 2⁶³", str(ids[-1]))
        twice = np.flatnonzero(ids[1:] == ids[:-1])
        if len(twice):
            first, second = order[twice[0]], order[twice[0] + 1]
            expected = f"ids that differ, as there is no {index.name}"
            found = f"id {ids[twice[0]]} of record {first} of the file again"
            raise BadInput(path, f"record {second} of the file", expected, found)
        return cls(path, ids.astype(np.int64), offsets[order], None)

    def read(self, key: int) -> bytes:
        """The content of a record.

        Raises:
            BadInput: There is no such record, or it is damaged.
        """
        return MAGIC.join(self._parts(key))

    def read_image(self, key: int) -> ImageRecord:
        """A record with the header of a picture, taken apart.

        Raises:
            BadInput: There is no such record, it is damaged, or it has no whole header.
        """
        content = self.read(key)
        self._check_header(key, len(content), 0)
        flag, label, number, second = HEADER.unpack_from(content)
        self._check_header(key, len(content), flag)
        start = HEADER.size + 4 * flag
        labels = np.frombuffer(content, "<f4", flag, HEADER.size) if flag else np.array([label])
        return ImageRecord(labels.astype(np.float32), number, second, content[start:])

    def image_labels(self, keys: Int64[np.ndarray, " m"]) -> Float32[np.ndarray, " m"]:
        """The first label of each record, without reading the pictures.

        Raises:
            BadInput: There is no such record, it is damaged, or it has no whole header.
        """
        heads = self._heads(keys)
        return np.where(heads["flag"] > 0, heads["first"], heads["label"])

    def image_keys(self) -> tuple[Int64[np.ndarray, " m"], int | None]:
        """Which records are pictures, and how many identities record 0 announces.

        Record 0 of insightface's files has two labels, N and M: records 1 to N − 1 are pictures,
        records N to M − 1 are identities, whose two labels are the key of their first picture and
        the key after their last. In other files every record is a picture. Source:
        deepinsight/insightface, ``recognition/arcface_torch/dataset.py``.

        Raises:
            BadInput: Record 0 announces records that are not there.
        """
        if not len(self.keys):
            raise BadInput(self.index or self.path, "", "at least one record", "none")
        if self.keys[0] != 0 or self._heads(self.keys[:1])["flag"][0] == 0:
            return self.keys, None
        labels = self.read_image(0).labels
        expected = f"the key after the last picture, 2 to {len(self.keys):,}"
        if not (2 <= labels[0] <= len(self.keys) and labels[0] == int(labels[0])):
            raise BadInput(self.path, "record 0", expected, f"{labels[0]:g}")
        end = int(labels[0])
        keys = self.keys[1:end]
        wrong = np.flatnonzero(keys != np.arange(1, end))
        if len(wrong):
            where = self.index or self.path
            found = f"record {keys[wrong[0]]} instead"
            raise BadInput(where, f"record {wrong[0] + 1}", f"records 1 to {end - 1:,}", found)
        if len(labels) < 2:
            return keys, None
        if not (end < labels[1] < 2**31 and labels[1] == int(labels[1])):
            expected = f"the key after the last identity, more than {end:,}"
            raise BadInput(self.path, "record 0", expected, f"{labels[1]:g}")
        return keys, int(labels[1]) - end

    def _heads(self, keys: Int64[np.ndarray, " m"]) -> np.ndarray:
        """What records begin with, as fields of ``_HEAD``, many at a time.

        Records that are not whole or not sound are looked at one by one.
        """
        heads = np.zeros(len(keys), _HEAD)
        at = np.searchsorted(self.keys, keys)
        there = np.append(self.keys, -1)[at] == keys
        offsets = np.where(there, np.append(self.offsets, -1)[at], -1)
        size = self.path.stat().st_size
        content = np.memmap(self.path, np.uint8, "r") if size else np.zeros(1, np.uint8)
        for start in range(0, len(keys), _BLOCK):
            block = slice(start, start + _BLOCK)
            heads[block], sound = _gather(content, offsets[block])
            for index in start + np.flatnonzero(~sound):
                heads[index] = self._head(int(keys[index]))
        return heads

    def _head(self, key: int) -> np.void:
        """What one record begins with; reads no more of it than that."""
        content = b""
        for number, part in enumerate(self._parts(key, most=_HEAD.itemsize)):
            content += (MAGIC if number else b"") + part
            if len(content) >= _HEAD.itemsize:
                break
        head = np.frombuffer(content[: _HEAD.itemsize].ljust(_HEAD.itemsize, b"\0"), _HEAD)[0]
        self._check_header(key, len(content), int(head["flag"] > 0))
        return head

    def _check_header(self, key: int, length: int, labels: int) -> None:
        """Refuse a content that is too short for its header and labels."""
        if length < HEADER.size + 4 * labels:
            expected = f"a header of {HEADER.size} bytes and {labels:,} labels of 4"
            raise BadInput(self.path, f"record {key}", expected, f"{length:,} bytes")

    def _parts(self, key: int, most: int = 1 << LENGTH_BITS) -> Iterator[bytes]:
        """The parts of a record, mostly one; at most so many bytes of each."""
        at = int(np.searchsorted(self.keys, key))
        if at == len(self.keys) or self.keys[at] != key:
            where = self.index or self.path
            raise BadInput(where, f"record {key}", "such a record", f"{len(self.keys):,} others")
        try:
            with self.path.open("rb", buffering=0) as file:
                start = int(self.offsets[at])
                for place, length in _find_parts(file, self.path, f"record {key}", start):
                    file.seek(place)
                    yield file.read(min(length, most))
        except OSError as error:
            found = error.strerror or str(error)
            raise BadInput(self.path, f"record {key}", "a record", found) from error


def read_index(path: Path) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """The keys of an ``.idx``, ascending, and where each record begins.

    Raises:
        DatasetUnavailable: The file is absent.
        BadInput: A line is malformed, or a key or an offset stands there twice; names the line.
    """
    lines = read_lines(path, path.name, "It has to be the .idx of a RecordIO file.")
    table = np.empty((2, len(lines)), np.int64)
    for number, line in enumerate(lines):
        fields = _INDEX_LINE.fullmatch(line)
        if fields is None:
            expected = "a key, a tab and an offset, whole numbers"
            raise BadInput(path, f"line {number + 1}", expected, repr(line[:80]))
        table[:, number] = int(fields[1]), int(fields[2])
    for what, values in zip(("key", "offset"), table, strict=True):
        order = np.argsort(values, kind="stable")
        again = np.flatnonzero(values[order[1:]] == values[order[:-1]])
        if len(again):
            first, second = order[again[0]], order[again[0] + 1]
            found = f"{values[first]} of line {first + 1} again"
            raise BadInput(path, f"line {second + 1}", f"each {what} once", found)
    keys, offsets = table[:, np.argsort(table[0])]
    return keys, offsets


def _find_parts(file: BinaryIO, path: Path, record: str, start: int) -> Iterator[tuple[int, int]]:
    """Where the parts of the record at an offset lie: the offset and length of their contents.

    Raises:
        BadInput: No record begins there, or it does not end before the file does.
    """
    size = os.fstat(file.fileno()).st_size
    for number in itertools.count():
        kind, length = _read_frame(file, path, record, start, size)
        if kind not in ((MIDDLE, LAST) if number else (WHOLE, FIRST)):
            expected = "a middle or last part" if number else "a whole record or a first part"
            raise BadInput(path, record, f"{expected} at byte {start:,}", f"kind {kind}")
        yield start + FRAME.size, length
        if kind in (WHOLE, LAST):
            return
        start += FRAME.size + length + -length % 4


def _read_frame(file: BinaryIO, path: Path, record: str, start: int, size: int) -> tuple[int, int]:
    """Which part begins at an offset, and how long it is; the file then stands at its content."""
    if start + FRAME.size > size:
        expected = f"a record at byte {start:,}"
        raise BadInput(path, record, expected, f"the end of the file at {size:,}")
    file.seek(start)
    magic, packed = FRAME.unpack(file.read(FRAME.size))
    kind, length = packed >> LENGTH_BITS, packed & ((1 << LENGTH_BITS) - 1)
    if magic != MAGIC:
        expected = f"the bytes {MAGIC.hex()} at byte {start:,}"
        raise BadInput(path, record, expected, magic.hex())
    if start + FRAME.size + length > size:
        expected = f"{length:,} bytes from byte {start + FRAME.size:,} on"
        raise BadInput(path, record, expected, f"the end of the file at {size:,}")
    return kind, length


def _scan(path: Path) -> Iterator[int]:
    """Where each record of a file begins, by going from one to the next."""
    with path.open("rb", buffering=0) as file:
        size, start = os.fstat(file.fileno()).st_size, 0
        for number in itertools.count():
            if start >= size:
                return
            yield start
            for place, length in _find_parts(file, path, f"record {number} of the file", start):
                start = place + length + -length % 4


def _gather(
    content: UInt8[np.ndarray, " size"], offsets: Int64[np.ndarray, " m"]
) -> tuple[np.ndarray, Bool[np.ndarray, " m"]]:
    """What whole records begin with, and which of them are whole and sound."""
    size = len(content)
    wanted = FRAME.size + _HEAD.itemsize
    places = np.clip(offsets, 0, size)[:, None] + np.arange(wanted)
    content = content[np.minimum(places, size - 1)]
    magic, packed = content[:, : FRAME.size].copy().view("<u4").T
    length = (packed & ((1 << LENGTH_BITS) - 1)).astype(np.int64)
    heads = content[:, FRAME.size :].copy().view(_HEAD)[:, 0]
    sound = (offsets >= 0) & (magic == MAGIC_NUMBER) & (packed >> LENGTH_BITS == WHOLE)
    sound &= offsets + FRAME.size + length <= size
    sound &= length >= HEADER.size + 4 * (heads["flag"] > 0)
    return heads, sound

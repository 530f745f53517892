"""Training pictures in RecordIO: as photos by position, and the ``property`` that comes with them.

``property`` holds ``identities,height,width`` (deepinsight/insightface,
``recognition/_datasets_``).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np
from jaxtyping import Int64, UInt8

from protocols.errors import BadInput
from protocols.images import decode_image
from protocols.recordio import RecordFile
from protocols.textfile import read_lines

_PROPERTY_LINE = re.compile(r"\s*([0-9]{1,9})\s*,\s*([0-9]{1,9})\s*,\s*([0-9]{1,9})\s*")


@dataclass(frozen=True, eq=False)
class RecordNames(Sequence[str]):
    """``record 17``, …: made when they are asked for, as there may be half a million.

    Attributes:
        keys: The records' keys.
    """

    keys: Int64[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> "RecordNames": ...

    def __getitem__(self, index: int | slice) -> "str | RecordNames":
        if isinstance(index, slice):
            return RecordNames(self.keys[index])
        return f"record {self.keys[index]}"


@dataclass(frozen=True, eq=False)
class RecordPhotos:
    """Pictures of a RecordIO file.

    Attributes:
        file: The file.
        keys: ``(n,)`` the record of each picture.
    """

    file: RecordFile
    keys: Int64[np.ndarray, " n"]

    @property
    def names(self) -> Sequence[str]:
        """``record 1``, ``record 2``, …: a record's name is its key."""
        return RecordNames(self.keys)

    def content(self, index: int) -> bytes:
        """The encoded bytes."""
        return self.file.read_image(int(self.keys[index])).content

    def read(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        """The picture as RGB."""
        return decode_image(self.content(index), self.file.path, f"record {self.keys[index]}")


class Property(NamedTuple):
    """What a ``property`` file says: how many identities, and the pictures' size in pixels."""

    identities: int
    height: int
    width: int


def read_property(path: Path) -> Property:
    """Read ``identities,height,width``.

    Raises:
        DatasetUnavailable: The file is absent.
        BadInput: It is not one line of three numbers from 1.
    """
    lines = read_lines(path, path.name, "It has to be the property of a RecordIO training set.")
    fields = _PROPERTY_LINE.fullmatch(lines[0]) if len(lines) == 1 else None
    values = [int(field) for field in fields.groups()] if fields else [0]
    if min(values) < 1:
        found = repr(lines[0][:80]) if len(lines) == 1 else f"{len(lines):,} lines"
        expected = "identities, height and width, such as 10572,112,112"
        raise BadInput(path, "line 1", expected, found)
    return Property(*values)

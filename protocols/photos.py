"""Where the pictures of a protocol are: in a folder, in a packed file. They are read one by one."""

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, UInt8

from protocols.errors import BadInput, DatasetUnavailable
from protocols.images import decode_image
from protocols.roots import inside_root

Missing = Literal["refuse", "failure-to-enrol", "not-needed"]
"""What becomes of a photo that a list names and that is not there: an error, or it is counted; or
nobody looks, because the embeddings are there already."""


@runtime_checkable
class Photos(Protocol):
    """Pictures by position. ``names`` are unique, and what messages and tables call them."""

    @property
    def names(self) -> Sequence[str]:
        """One name a picture."""
        ...

    def content(self, index: int) -> bytes:
        """The encoded bytes, as they lie on disk.

        Raises:
            BadInput: They cannot be read.
        """
        ...

    def read(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        """The picture as RGB.

        Raises:
            BadInput: It is absent, no picture, damaged, or too large.
        """
        ...


@dataclass(frozen=True, eq=False)
class FolderPhotos:
    """Picture files below a folder.

    Attributes:
        root: The folder.
        names: Paths below it with forward slashes, unique; checked by :func:`find_photos`.
    """

    root: Path
    names: Sequence[str]

    def content(self, index: int) -> bytes:
        """The file's bytes."""
        path = self.root / self.names[index]
        try:
            return path.read_bytes()
        except OSError as error:
            raise BadInput(path, "", "a picture", error.strerror or str(error)) from error

    def read(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        """The picture as RGB."""
        return decode_image(self.content(index), self.root / self.names[index])


@dataclass(frozen=True, eq=False)
class PackedPhotos:
    """Encoded pictures that one file holds.

    Attributes:
        file: The file, for messages.
        contents: The encoded bytes of each picture.
        names: ``picture 0``, ``picture 1``, …: a packed file names nothing.
    """

    file: Path
    contents: Sequence[bytes]
    names: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        """Name the pictures once, not at each look."""
        names = tuple(f"picture {index}" for index in range(len(self.contents)))
        object.__setattr__(self, "names", names)

    def content(self, index: int) -> bytes:
        """The encoded bytes."""
        return self.contents[index]

    def read(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        """The picture as RGB."""
        return decode_image(self.contents[index], self.file, self.names[index])


def find_photos(
    root: Path,
    names: Sequence[str],
    *,
    listed_in: Path,
    how: str,
    missing: Missing = "refuse",
    records: Sequence[str] | None = None,
) -> tuple[FolderPhotos, Bool[np.ndarray, " n"]]:
    """The photos that a list names, and which of them are not there.

    Each folder is listed once, so that half a million photos take a second, not a minute.

    Args:
        root: The folder that every path has to stay in.
        names: Paths below ``root`` with forward slashes, unique.
        listed_in: The list, for messages.
        how: How to get the photos, for messages.
        missing: Whether an absent photo is an error or only marked, or whether to look at all.
        records: Where in the list each name stands, for messages; ``photo 1``, … by default.

    Raises:
        DatasetUnavailable: A photo is absent, and that was not to be counted; names the first.
        BadInput: A path is absolute, leads out of ``root`` or in a circle, or stands there twice;
            or a folder cannot be read.
    """
    absent = np.zeros(len(names), bool)
    folders: dict[str, dict[str, bool]] = {}
    first_at: dict[str, int] = {}
    for index, name in enumerate(names):
        record = _record(records, index)
        if first_at.setdefault(name, index) != index:
            found = f"{name} of {_record(records, first_at[name])} again"
            raise BadInput(listed_in, record, "each photo once", found)
        parent, file = check_relative(name, listed_in, record)
        if missing == "not-needed":
            continue
        if parent not in folders:
            inside_root(root, parent or ".", listed_in, record)
            folders[parent] = _files(root, parent, listed_in, record)
        linked = folders[parent].get(file)
        if linked:  # a link may lead anywhere: look where it ends
            inside_root(root, name, listed_in, record)
        absent[index] = linked is None or (linked and not _is_file(root, name, listed_in, record))
    if missing == "refuse" and absent.any():
        first, count = names[int(absent.argmax())], int(absent.sum())
        what = f"{first}, which {listed_in.name} names" + (
            f" (and {count - 1:,} more of {len(names):,} photos)" if count > 1 else ""
        )
        raise DatasetUnavailable(what, root / first, how)
    return FolderPhotos(root, tuple(names)), absent


def check_relative(name: str, file: Path, record: str) -> tuple[str, str]:
    """Folder and file name of a path in a list, if it does not climb; nothing is looked at on disk.

    Raises:
        BadInput: It is empty, absolute or names a folder, or has ``.``, ``..``, a backslash or
            a character that cannot be printed in it.
    """
    climbs = any(part in ("", ".", "..") for part in name.split("/"))
    shown = name.isprintable() or not any(_hidden(letter) for letter in name)
    if climbs or not shown or "\\" in name:
        expected = "a path below the root, with forward slashes and without . and .."
        raise BadInput(file, record, expected, repr(name[:80]))
    parent, _, last = name.rpartition("/")
    return parent, last


def _hidden(letter: str) -> bool:
    """Whether it cannot be printed; blanks of any width can (macOS puts them in screenshots)."""
    return not letter.isprintable() and unicodedata.category(letter) != "Zs"


def _is_file(root: Path, name: str, file: Path, record: str) -> bool:
    """Whether a link leads to a file."""
    try:
        return (root / name).is_file()
    except OSError as error:  # the folder that it leads into may not be read
        found = f"{name[:80]!r}: {error.strerror or error}"
        raise BadInput(file, record, "a link that can be followed", found) from error


def _record(records: Sequence[str] | None, index: int) -> str:
    return records[index] if records is not None else f"photo {index + 1}"


def _files(root: Path, folder: str, file: Path, record: str) -> dict[str, bool]:
    """What lies in a folder but for its sub-folders: its name, and whether it is a link."""
    try:
        with os.scandir(root / folder) as entries:
            return {
                entry.name: entry.is_symlink()
                for entry in entries
                if entry.is_symlink() or entry.is_file()
            }
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:  # it may not be read, its name is too long, …
        expected = f"a photo in a folder of {root} that can be read"
        found = f"{folder[:80]!r}: {error.strerror or error}"
        raise BadInput(file, record, expected, found) from error

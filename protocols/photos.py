"""Where the pictures of a protocol are: in a folder, in a packed file. They are read one by one."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, UInt8

from protocols.errors import BadInput, DatasetUnavailable
from protocols.images import decode_image
from protocols.roots import inside_root

Missing = Literal["refuse", "failure-to-enrol"]
"""What becomes of a photo that a list names and that is not there: an error, or it is counted."""


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
    """

    file: Path
    contents: Sequence[bytes]

    @property
    def names(self) -> Sequence[str]:
        """``picture 0``, ``picture 1``, …: a packed file names nothing."""
        return tuple(f"picture {index}" for index in range(len(self.contents)))

    def content(self, index: int) -> bytes:
        """The encoded bytes."""
        return self.contents[index]

    def read(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        """The picture as RGB."""
        return decode_image(self.contents[index], self.file, f"picture {index}")


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
        missing: Whether an absent photo is an error or only marked.
        records: Where in the list each name stands, for messages; ``photo 1``, … by default.

    Raises:
        DatasetUnavailable: A photo is absent, and that was not to be counted; names the first.
        BadInput: A path is absolute, or leads out of ``root``.
    """
    absent = np.zeros(len(names), bool)
    folders: dict[str, dict[str, bool]] = {}
    for index, name in enumerate(names):
        record = records[index] if records is not None else f"photo {index + 1}"
        parent, file = check_relative(name, listed_in, record)
        if parent not in folders:
            inside_root(root, parent or ".", listed_in, record)
            folders[parent] = _files(root / parent)
        linked = folders[parent].get(file)
        if linked:  # a link may lead anywhere: look where it ends
            inside_root(root, name, listed_in, record)
        absent[index] = linked is None or (linked and not (root / name).is_file())
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
        BadInput: It is empty, absolute, names a folder, or has ``..``, a NUL or a backslash in it.
    """
    path = PurePosixPath(name)
    bad = not path.name or path.is_absolute() or ".." in path.parts or name.endswith("/")
    if bad or not name.isprintable() or "\\" in name or path.as_posix() != name:
        expected = "a path below the root, with forward slashes and without . and .."
        raise BadInput(file, record, expected, repr(name[:80]))
    parent = path.parent.as_posix()
    return ("" if parent == "." else parent), path.name


def _files(folder: Path) -> dict[str, bool]:
    """What lies in a folder but for its sub-folders: its name, and whether it is a link."""
    try:
        with os.scandir(folder) as entries:
            return {
                entry.name: entry.is_symlink()
                for entry in entries
                if entry.is_symlink() or entry.is_file()
            }
    except (FileNotFoundError, NotADirectoryError):
        return {}

"""Which photos lie below a folder, or which of them a list names: nothing outside is looked at."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from protocols.errors import BadInput, DatasetUnavailable
from protocols.photos import check_relative, find_photos
from protocols.roots import inside_root, is_dir
from protocols.textfile import read_lines

ENDINGS = (".bmp", ".jpeg", ".jpg", ".png")
"""Of photos, in small or capital letters."""
HOW_LIST = "It has to be a text file with one photo a line, as a path below the data set's folder."


@dataclass(frozen=True)
class PhotoFiles:
    """Photos below a folder.

    Attributes:
        root: The folder.
        names: Their paths below it with forward slashes, unique, sorted part by part.
        others: Files that are no photos, if the folder was looked through; hidden ones do not
            count.
        listed: The list that names the photos, if there is one.
        lines: The line of each name in that list.
    """

    root: Path
    names: tuple[str, ...]
    others: int = 0
    listed: Path | None = None
    lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def source(self) -> Path:
        """The list if there is one, or else the folder, for messages."""
        return self.listed or self.root


def find_photo_files(root: Path, listed: Path | None, title: str, how: str) -> PhotoFiles:
    """The photos that a list names, or all below the folder; hidden ones only if they are listed.

    A list has one path a line, with forward slashes; blank lines and blanks around a path do not
    count. Photos may be links that stay below the folder. Without a list, a folder may not: what
    it leads to would count twice.

    Args:
        root: The folder.
        listed: The list; it may lie anywhere.
        title: What the data set is called, for messages.
        how: How to get it, for messages.

    Raises:
        DatasetUnavailable: There is no such folder, or no such list.
        BadInput: The list is empty, or a line is no path of a photo that is there, names one twice
            or leads out of the folder (names the list and the line); or a link in the folder leads
            out of it, to nothing or to a folder; or a folder cannot be read.
    """
    if not is_dir(root):
        raise DatasetUnavailable(title, root, how)
    if listed is not None:
        return _read_list(root, listed, how)
    names, others = [], 0
    for name in _walk(root):
        if is_photo(name):
            names.append(name)
        else:
            others += 1
    return PhotoFiles(root, tuple(sorted(names, key=path_order)), others)


def choose(
    files: PhotoFiles, left_out: Callable[[str], str | None]
) -> tuple[list[str], Counter[str]]:
    """The photos that are taken, and how many are not.

    Args:
        files: The photos that there are, or that are listed.
        left_out: What a photo is called in the plural that is not taken, or None for one that is.

    Returns:
        Their names in order, and how many were left out by what they are called.

    Raises:
        BadInput: One that is listed would be left out; names the list and the line.
    """
    names, left = [], Counter[str]()
    for name in files.names:
        reason = left_out(name)
        if reason is None:
            names.append(name)
        elif files.listed:
            expected = "a photo that can be taken"
            found = f"{name[:80]!r}, one of the {reason}"
            raise BadInput(files.listed, f"line {files.lines[name]}", expected, found)
        else:
            left[reason] += 1
    return names, left


def is_photo(name: str) -> bool:
    """Whether a file has the ending of a photo."""
    return name.lower().endswith(ENDINGS)


def path_order(name: str) -> list[str]:
    """Sorts names as :class:`pathlib.Path` sorts paths: part by part."""
    return name.split("/")


def _read_list(root: Path, listed: Path, how: str) -> PhotoFiles:
    """The photos of a list, each of which is there."""
    text = enumerate(read_lines(listed, "the list of photos", HOW_LIST), 1)
    rows = [(line, name.strip()) for line, name in text if name.strip()]
    if not rows:
        raise BadInput(listed, "", "at least one photo", "none")
    names = [name for _, name in rows]
    records = [f"line {line}" for line, _ in rows]
    _, absent = find_photos(
        root, names, listed_in=listed, how=how, missing="failure-to-enrol", records=records
    )
    for name, record, is_absent in zip(names, records, absent, strict=True):
        if not is_photo(name):
            expected = f"a photo ({', '.join(ENDINGS)})"
            raise BadInput(listed, record, expected, repr(name[:80]))
        if is_absent:
            raise BadInput(listed, record, f"a photo that lies below {root}", repr(name[:80]))
    lines = {name: line for line, name in rows}
    return PhotoFiles(root, tuple(sorted(names, key=path_order)), listed=listed, lines=lines)


def _walk(root: Path) -> Iterator[str]:
    """Every file below a folder that is not hidden, in any order; links that matter stay inside."""
    folders = [""]
    while folders:
        folder = folders.pop()
        for entry in _entries(root / folder):
            name = f"{folder}/{entry.name}" if folder else entry.name
            check_relative(name, root, repr(entry.name[:80]))
            if entry.is_dir(follow_symlinks=False):
                folders.append(name)
                continue
            if entry.is_symlink():
                _check_link(root, name, entry)
            if is_photo(name) and not _is_file(root / name, entry):
                raise BadInput(root / name, "", "a photo", "a link to nothing, or no file")
            yield name


def _check_link(root: Path, name: str, entry: "os.DirEntry[str]") -> None:
    """Refuse a link to a folder, and one of a photo that leads out of the root."""
    leads_to_folder = is_dir(Path(entry.path))
    if leads_to_folder or is_photo(name):
        inside_root(root, name, root, f"link {name[:80]}")
    if leads_to_folder:
        expected = "no link to a folder: its photos would count twice"
        raise BadInput(root, f"link {name[:80]}", expected, f"one to {Path(entry.path).resolve()}")


def _is_file(path: Path, entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_file()
    except OSError as error:  # a link into a folder that may not be read, …
        found = error.strerror or str(error)
        raise BadInput(path, "", "a photo that can be looked at", found) from error


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    """What lies in a folder and is not hidden."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise BadInput(folder, "", "a folder", error.strerror or str(error)) from error


def size_in_bytes(path: Path) -> int:
    """A file's size; a link is followed.

    Raises:
        BadInput: It cannot be looked at.
    """
    try:
        return path.stat().st_size
    except OSError as error:
        raise BadInput(path, "", "a photo", error.strerror or str(error)) from error

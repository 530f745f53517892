"""CASIA-WebFace, and other sets of labelled faces to train on: packed in one file, or in folders.

Packed, as deepinsight/insightface lists it (``recognition/_datasets_``): aligned pictures of 112 ×
112 pixels in MXNet's RecordIO, 10,572 identities. The folders are the official release: Yi et al.,
"Learning Face Representation from Scratch", arXiv:1411.7923, 2014, with 10,575 identities.

Layout of the root; the packed files may also lie in ``casia-webface`` or ``faces_webface_112x112``,
the folders of identities in ``CASIA-WebFace``::

    train.rec, train.idx, property
    0000045/001.jpg
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float32, Int32, Int64

from protocols.counts import FILE, check_counts
from protocols.errors import BadInput, DatasetUnavailable
from protocols.photos import FolderPhotos
from protocols.record_photos import Property, RecordPhotos, read_property
from protocols.recordio import RecordFile
from protocols.roots import inside_root, is_dir, is_file
from protocols.types import InputFile, TrainingFaces

NAME = "CASIA-WebFace"
Layout = Literal["auto", "records", "folders"]
RECORDS_COUNTS = {"photos": 490_623, "identities": 10_572}
"""Of insightface's packed release."""
FOLDERS_COUNTS = {"photos": 494_414, "identities": 10_575}
"""Of the official release."""
RECORDS_FOLDERS = (".", "casia-webface", "faces_webface_112x112")
"""Where the packed files are looked for; the first place that has ``train.rec`` counts."""
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
"""Of picture files, in small or capital letters."""
HOW = (
    "Get the packed set as recognition/_datasets_ of deepinsight/insightface says, "
    "or put one folder of pictures an identity there."
)

_BESIDE = (".txt", ".md", ".lst", ".csv", ".json", ".rec", ".idx", ".bin")
_BESIDE_NAMES = ("readme", "license", "licence", "property", "sheet.png")


def load(root: Path, *, layout: Layout = "auto") -> TrainingFaces:
    """Read CASIA-WebFace; pictures are decoded when they are used, not here.

    Args:
        root: The data set's folder. A ``counts.json`` in it says how many photos and identities
            there have to be, if not as many as in the release.
        layout: Which of the two releases; ``auto`` takes the packed one if both are there.

    Raises:
        DatasetUnavailable: It is absent.
        BadInput: A file is malformed or misplaced, a path leads out of the root, or a count is
            off.
    """
    packed = next(
        (root / one for one in RECORDS_FOLDERS if is_file(root / one / "train.rec")), None
    )
    if layout == "records" or (layout == "auto" and packed):
        place = packed or root
        _stay_inside(root, place)
        faces, official, listed = load_records(place, NAME), RECORDS_COUNTS, place / "train.rec"
    else:
        place = next((one for one in (root / NAME, root) if is_dir(one)), root)
        _stay_inside(root, place)
        faces, official, listed = load_folders(place, NAME), FOLDERS_COUNTS, place
    found = {"photos": len(faces.labels), "identities": len(faces.identities)}
    counted = check_counts(root, found, official, listed)
    inputs = [one for one in faces.inputs if one.path.name != FILE]
    return replace(faces, counted=counted.against, inputs=(*inputs, *counted.inputs))


def load_records(root: Path, name: str) -> TrainingFaces:
    """Read ``train.rec``, ``train.idx`` and ``property`` of any training set.

    Labels are those in the records. The ``.idx`` and the ``property`` may be absent. The ``.rec``
    has no digest among the inputs, unless there is no ``.idx``: it may have hundreds of gigabytes.

    Args:
        root: The folder of the files. A ``counts.json`` in it says how many photos and identities
            there have to be.
        name: The data set's name, for tables.

    Raises:
        DatasetUnavailable: ``train.rec`` is absent.
        BadInput: A file is malformed, the ``.idx`` lacks record 0, a label is no whole number or
            too large, an identity has no picture, a path leads out of the root, or a count is off.
    """
    path, about = root / "train.rec", root / "property"
    if not is_file(path):
        raise DatasetUnavailable(f"{name}'s train.rec", path, HOW)
    for one in (path.name, "train.idx", about.name):
        inside_root(root, one, path, one)
    file = RecordFile.open(path)
    keys, announced = file.image_keys()
    if file.index and file.keys[0] != 0:  # its line comes after those of the pictures: cut short?
        raise BadInput(file.index, "", "a line for record 0", f"records from {file.keys[0]} on")
    described = _described(about, announced)
    identities = described.identities if described else announced
    labels = _labels(path, keys, file.image_labels(keys), identities)
    read = [file.index or path, *([about] if described else [])]
    size = f", {described.height} × {described.width} pixels" if described else ""
    faces = TrainingFaces(
        name=name,
        rule=f"{path.name} (RecordIO{size})",
        photos=RecordPhotos(file, keys),
        labels=labels,
        identities=tuple(str(label) for label in range(int(labels.max()) + 1)),
        counted="",
        inputs=tuple(InputFile.of(one) for one in read),
    )
    return _counted(root, path, faces)


def load_folders(root: Path, name: str) -> TrainingFaces:
    """Read a folder that has one folder of pictures for each identity; any training set.

    Identities and pictures are sorted by name. Passed over are hidden files and folders, and,
    beside the folders of identities only, files that describe or pack the set: README, LICENSE,
    ``property``, ``sheet.png``, and .txt, .md, .lst, .csv, .json, .rec, .idx and .bin files.
    Everything else that is no picture file is an error.

    Args:
        root: The folder. A ``counts.json`` in it says how many photos and identities there have to
            be.
        name: The data set's name, for tables.

    Raises:
        DatasetUnavailable: There is no such folder, or it has no folder in it.
        BadInput: A file is misplaced or no picture file, an identity has no picture, a link leads
            out of the root, or a count is off.
    """
    identities = _identities(root, name)
    names: list[str] = []
    ends: list[int] = []
    for identity in identities:
        names += [f"{identity}/{picture}" for picture in _pictures(root, identity)]
        ends.append(len(names))
    sizes = np.diff(ends, prepend=0)
    labels = np.repeat(np.arange(len(identities), dtype=np.int32), sizes)
    faces = TrainingFaces(
        name=name,
        rule="folders of pictures",
        photos=FolderPhotos(root, tuple(names)),
        labels=labels,
        identities=tuple(identities),
        counted="",
        inputs=(),
    )
    return _counted(root, root, faces)


def _counted(root: Path, listed: Path, faces: TrainingFaces) -> TrainingFaces:
    """The same faces, checked against a ``counts.json`` of the root if there is one."""
    found = {"photos": len(faces.labels), "identities": len(faces.identities)}
    counted = check_counts(root, found, found, listed)
    against = counted.against if counted.inputs else "as many as there are"
    return replace(faces, counted=against, inputs=(*faces.inputs, *counted.inputs))


def _stay_inside(root: Path, place: Path) -> None:
    """Refuse a folder of the root that is a link leading out of it."""
    name = place.relative_to(root).as_posix()
    inside_root(root, name, place, "folder")


def _described(path: Path, announced: int | None) -> Property | None:
    """What the ``property`` says, if there is one; refuses one that record 0 contradicts."""
    if not (is_file(path) or is_dir(path)):
        return None
    described = read_property(path)
    if announced not in (None, described.identities):
        expected = f"{announced:,}, as record 0 says"
        raise BadInput(path, "number of identities", expected, f"{described.identities:,}")
    return described


def _labels(
    path: Path,
    keys: Int64[np.ndarray, " n"],
    values: Float32[np.ndarray, " n"],
    identities: int | None,
) -> Int32[np.ndarray, " n"]:
    """Labels as whole numbers, each of which has at least one picture."""
    end = len(keys) if identities is None else identities
    good = (values == np.floor(values)) & (values >= 0) & (values < end)
    if not good.all():
        at = int(good.argmin())
        expected = f"a label that is a whole number from 0 to {end - 1:,}"
        raise BadInput(path, f"record {keys[at]}", expected, f"{values[at]:g}")
    labels = values.astype(np.int32)
    present = np.unique(labels)
    count = len(present) if identities is None else identities
    if len(present) != count or present[-1] != count - 1:
        gap = np.flatnonzero(present != np.arange(len(present)))
        lacking = int(gap[0]) if len(gap) else len(present)
        raise BadInput(
            path, "labels", f"a picture of each of {count:,} identities", f"none of {lacking}"
        )
    return labels


def _identities(root: Path, name: str) -> list[str]:
    """The folders in the root, sorted; refuses what has no place beside them."""
    identities = []
    for entry in _entries(root, name):
        _check_name(root, entry)
        if _kind(root, entry) == "folder":
            identities.append(entry.name)
            continue
        lower = entry.name.lower()
        if not (lower.endswith(_BESIDE) or lower.startswith(_BESIDE_NAMES)):
            expected = "a folder for each identity, or a file that describes the set"
            raise BadInput(root, entry.name, expected, "another file")
    if not identities:
        raise DatasetUnavailable(f"{name}'s folders of identities", root, HOW)
    return sorted(identities)


def _pictures(root: Path, identity: str) -> list[str]:
    """The picture files of an identity, sorted."""
    folder = root / identity
    pictures = []
    for entry in _entries(folder, identity):
        _check_name(root, entry)
        if not entry.name.lower().endswith(ENDINGS) or _kind(folder, entry) != "file":
            raise BadInput(
                folder / entry.name, "", f"a picture file ({', '.join(ENDINGS)})", "another"
            )
        pictures.append(entry.name)
    if not pictures:
        raise BadInput(folder, "", "at least one picture", "none")
    return sorted(pictures)


def _entries(folder: Path, what: str) -> list["os.DirEntry[str]"]:
    """What lies in a folder and is not hidden."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except FileNotFoundError as error:
        raise DatasetUnavailable(what, folder, HOW) from error
    except OSError as error:
        raise BadInput(folder, "", "a folder", error.strerror or str(error)) from error


def _kind(folder: Path, entry: "os.DirEntry[str]") -> Literal["folder", "file", "another"]:
    """What an entry is, or the link leads to; mostly told without another look at the disk."""
    try:
        return "folder" if entry.is_dir() else "file" if entry.is_file() else "another"
    except OSError as error:  # a link into a folder that may not be read, …
        found = error.strerror or str(error)
        raise BadInput(folder / entry.name, "", "a path that can be looked at", found) from error


def _check_name(root: Path, entry: "os.DirEntry[str]") -> None:
    """Refuse a link that leads out of the root, and a name that a list could not hold."""
    if entry.is_symlink():
        inside_root(root, Path(entry.path).relative_to(root).as_posix(), root, entry.name)
    if not entry.name.isprintable() or "\\" in entry.name:
        raise BadInput(root, repr(entry.name[:80]), "a printable name without backslash", "another")

"""RAF-DB, basic expressions: 15,339 photos in seven classes, and lists of hard ones among them.

Source: Li, Deng and Du, "Reliable crowdsourcing and deep locality-preserving learning for
expression recognition in the wild", CVPR 2017. Lists of occluded faces and of turned heads among
the test photos: Wang et al., "Region attention networks for pose and occlusion robust facial
expression recognition", TIP 2020, in kaiwang960112/Challenge-condition-FER-dataset.

Layout of the root; what lies there may also lie in ``basic``, as the archive has it::

    EmoLabel/list_patition_label.txt    "train_00001.jpg 5", labels 1 to 7; or beside EmoLabel
    Image/aligned/train_00001_aligned.jpg   or aligned/…
    rafdb_occlusion_list.txt            "test_0003_aligned 3 4": label 0 to 6, kind 1 to 4
    val_raf_db_list.txt                 "0/test_0004_aligned.jpg": label 0 to 6; heads turned > 30°
    val_raf_db_list_45.txt              the same, > 45°

The last three are optional. They may also lie in ``EmoLabel``, ``lists`` or ``RAF_DB_dir``, and
their names may begin with ``challenge_``.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from protocols.counts import check_counts
from protocols.errors import BadInput, DatasetUnavailable
from protocols.photos import Missing, find_photos
from protocols.roots import inside_root
from protocols.textfile import read_lines
from protocols.types import ExpressionProtocol, InputFile, Samples

CLASSES = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
"""In the order of the labels: 1 to 7 in the partition, 0 to 6 in the other lists."""
_TURNED_30, _TURNED_45 = "pose > 30°", "pose > 45°"
PARTITION = "list_patition_label.txt"
COUNTS = {
    "train": 12_271,
    "test": 3_068,
    **{
        f"test {name}": count
        for name, count in zip(CLASSES, (329, 74, 160, 1185, 478, 162, 680), strict=True)
    },
    "occlusion": 735,
    _TURNED_30: 1_247,
    _TURNED_45: 558,
}
"""Rows of each subset, and test photos of each class; those of a list that is absent do not count.
A photo (``test_2464``) stands twice in the list of occluded faces, and counts twice."""
HOW = "Apply for RAF-DB at http://www.whdeng.cn/raf/model1.html and unpack it there."
HOW_LISTS = "Copy them from RAF_DB_dir of github.com/kaiwang960112/Challenge-condition-FER-dataset."

_HOMES = (".", "basic")
_LABELS = ("EmoLabel", ".")
_ALIGNED = ("Image/aligned", "aligned")
_HARD = (".", "EmoLabel", "lists", "RAF_DB_dir")

_LABELLED = re.compile(r"(?P<photo>(?:train|test)_[0-9]{1,6})\.jpg[ \t]+(?P<label>[1-7])")
_OCCLUDED = re.compile(r"(?P<photo>test_[0-9]{1,6})_aligned[ \t]+(?P<label>[0-6])[ \t]+[1-4]")
_TURNED = re.compile(r"(?P<label>[0-6])/(?P<photo>test_[0-9]{1,6})_aligned\.jpg")


@dataclass(frozen=True)
class _List:
    """One of the optional lists: its file, the form of a line, and whether a photo may recur."""

    file: str
    form: re.Pattern[str]
    example: str
    recurs: bool = False


_LISTS: Mapping[str, _List] = {
    "occlusion": _List("rafdb_occlusion_list.txt", _OCCLUDED, "test_0003_aligned 3 4", recurs=True),
    _TURNED_30: _List("val_raf_db_list.txt", _TURNED, "0/test_0004_aligned.jpg"),
    _TURNED_45: _List("val_raf_db_list_45.txt", _TURNED, "0/test_0004_aligned.jpg"),
}


def load(
    root: Path, *, lists: Path | None = None, missing: Missing = "refuse"
) -> ExpressionProtocol:
    """Read the partition and the lists that are there, and find the photos.

    Subsets are ``train``, ``test``, and then ``occlusion``, ``pose > 30°`` and ``pose > 45°`` as
    far as their lists are there; each keeps the order and the rows of its list.

    Args:
        root: The data set's folder.
        lists: The folder of the three lists; the root and its usual folders by default.
        missing: What becomes of a photo that is listed and absent.

    Raises:
        DatasetUnavailable: The partition or (if that is refused) a photo is absent, or ``lists``
            was given and holds none of the three.
        BadInput: A line is malformed, names a photo twice or one that is unknown, or contradicts
            the partition; or a count is off. Names the line.
    """
    partition = find_partition(root)
    if partition is None:
        raise DatasetUnavailable("RAF-DB's list of labels", root / "EmoLabel" / PARTITION, HOW)
    labels = _read_partition(partition)
    names = tuple(labels)
    lists_read, rows = _read_lists(root, lists, labels)
    files = (partition, *lists_read.values())
    subsets = {
        part: [name for name in names if name.startswith(part)] for part in ("train", "test")
    } | rows
    counted = check_counts(root, _count(subsets, labels), COUNTS, partition)
    folder = _photo_folder(root, partition)
    found, absent = find_photos(
        folder,
        [f"{name}_aligned.jpg" for name in names],
        listed_in=partition,
        how=HOW,
        missing=missing,
        records=[f"line {line}" for line in range(1, len(names) + 1)],
    )
    position = {name: index for index, name in enumerate(names)}
    return ExpressionProtocol(
        name="RAF-DB",
        rule=f"basic expressions, aligned photos; {', '.join(one.name for one in files)}",
        samples=Samples.whole(found, absent),
        labels=np.array([labels[name] for name in names], dtype=np.int64),
        classes=CLASSES,
        subsets={
            subset: np.array([position[name] for name in listed], dtype=np.int32)
            for subset, listed in subsets.items()
        },
        counted=counted.against,
        inputs=(*map(InputFile.of, files), *counted.inputs),
    )


def find_partition(root: Path) -> Path | None:
    """The list of labels, if there is one.

    Raises:
        BadInput: A folder cannot be looked into.
    """
    return _find(root, _LABELS, (PARTITION,))


def _read_partition(path: Path) -> dict[str, int]:
    """Each photo's label from 0, in the order of the file; photo i stands on line i + 1."""
    labels: dict[str, int] = {}
    form = "'train_00001.jpg 5', or test_…, with a label from 1 to 7"
    for line, photo, label in _read_rows(path, _LABELLED, form):
        if photo in labels:
            found = f"{photo} of line {list(labels).index(photo) + 1} again"
            raise BadInput(path, f"line {line}", "each photo once", found)
        labels[photo] = label - 1
    return labels


def _read_lists(
    root: Path, lists: Path | None, labels: Mapping[str, int]
) -> tuple[dict[str, Path], dict[str, list[str]]]:
    """The files of the optional lists, and their photos row by row, by subset in table order."""
    files, rows = {}, {}
    for subset, one in _LISTS.items():
        places, folders = (root, _HARD) if lists is None else (lists, (".",))
        file = _find(places, folders, (one.file, f"challenge_{one.file}"))
        if file is not None:
            files[subset], rows[subset] = file, _read_list(file, one, labels)
    if lists is not None and not files:
        names = " or ".join(one.file for one in _LISTS.values())
        raise DatasetUnavailable(f"a list of RAF-DB ({names})", lists, HOW_LISTS)
    known = set(rows.get(_TURNED_30, ()))
    for line, photo in enumerate(rows.get(_TURNED_45, ()), 1):
        if known and photo not in known:  # whoever is turned by 45° is turned by 30°
            expected = f"a photo of {files[_TURNED_30].name}"
            raise BadInput(files[_TURNED_45], f"line {line}", expected, f"{photo}, not in it")
    return files, rows


def _read_list(path: Path, one: _List, labels: Mapping[str, int]) -> list[str]:
    """The photos of an optional list, row by row; their labels have to be the partition's."""
    photos: dict[str, int] = {}
    rows = []
    for line, photo, label in _read_rows(path, one.form, f"a line such as {one.example!r}"):
        if photo not in labels:
            found = f"{photo}, which is not in it"
            raise BadInput(path, f"line {line}", f"a photo of {PARTITION}", found)
        if label != labels[photo]:
            expected = f"label {labels[photo]} ({CLASSES[labels[photo]]}), as in {PARTITION}"
            raise BadInput(path, f"line {line}", expected, str(label))
        if photos.setdefault(photo, line) != line and not one.recurs:
            found = f"{photo} of line {photos[photo]} again"
            raise BadInput(path, f"line {line}", "each photo once", found)
        rows.append(photo)
    return rows


def _read_rows(path: Path, form: re.Pattern[str], told: str) -> Iterator[tuple[int, str, int]]:
    """Each line's number, photo and label as written; there is at least one line."""
    lines = read_lines(path, f"RAF-DB's {path.name}", HOW)
    if not lines:
        raise BadInput(path, "", "at least one photo", "none")
    for line, text in enumerate(lines, 1):
        match = form.fullmatch(text.rstrip(" \t"))
        if match is None:
            raise BadInput(path, f"line {line}", told, repr(text[:80]))
        yield line, match["photo"], int(match["label"])


def _count(subsets: Mapping[str, Sequence[str]], labels: Mapping[str, int]) -> dict[str, int]:
    """Rows of each subset, and test photos of each class."""
    counts = {name: len(photos) for name, photos in subsets.items()}
    test = [labels[photo] for photo in subsets["test"]]
    return counts | {f"test {name}": test.count(label) for label, name in enumerate(CLASSES)}


def _photo_folder(root: Path, partition: Path) -> Path:
    """The first folder of aligned photos that is there; it may not lead out of the root."""
    folder = _find(root, _ALIGNED, ("",), Path.is_dir) or root / _ALIGNED[0]
    inside_root(root, folder.relative_to(root).as_posix(), partition, "folder of photos")
    return folder


def _find(
    root: Path,
    folders: Sequence[str],
    names: Sequence[str],
    there: Callable[[Path], bool] = Path.is_file,
) -> Path | None:
    """The first place that is there, in the root and then in ``basic``."""
    places = (root / home / one / name for home in _HOMES for one in folders for name in names)
    try:
        return next((place for place in places if there(place)), None)
    except OSError as error:  # a folder may not be looked into, its name is too long, …
        found = error.strerror or str(error)
        raise BadInput(root, "", "a folder that can be read", found) from error

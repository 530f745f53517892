"""Labeled Faces in the Wild: 6,000 pairs of photos in ten folds (View 2), and the lists like it.

``pairs.txt`` begins with the number of folds and of pairs: ``10<TAB>300``. Each fold follows: 300
lines ``NAME i j`` (photos i and j of one person), 300 lines ``NAME1 i NAME2 j`` (two people). The
development lists (View 1) begin with one number and have one fold. Photo i of NAME is
``NAME/NAME_000i.jpg``. Source: Huang et al., "Labeled Faces in the Wild", UMass Amherst technical
report 07-49, 2007, and the README on http://vis-www.cs.umass.edu/lfw/.

Layout of the root; what lies there may also lie in ``lfw_home``, where scikit-learn puts it::

    pairs.txt
    lfw-deepfunneled/NAME/NAME_0001.jpg   or lfw_funneled, lfw-funneled, lfw, or NAME in the root
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from protocols.counts import Counted, check_counts
from protocols.errors import BadInput, DatasetUnavailable
from protocols.photos import Missing, find_photos
from protocols.roots import inside_root, is_dir, is_file
from protocols.textfile import read_lines
from protocols.types import InputFile, Pairs, Samples, Templates, VerificationProtocol

LIST = "pairs.txt"
COUNTS = {"folds": 10, "pairs": 6000, "genuine": 3000, "photos": 7701}
"""Of the official ``pairs.txt``."""
FOLDERS = ("lfw-deepfunneled", "lfw_funneled", "lfw-funneled", "lfw", ".")
"""Folders of photos, each looked for in the root and then in ``lfw_home``: the first one counts."""
HOW = "Get it with: python scripts/fetch.py lfw."

_HOME = "lfw_home"
_NUMBER = re.compile(r"[0-9]{1,4}")


class Photo(NamedTuple):
    """One photo of LFW: the person's name as the lists write it, and a number from 1."""

    person: str
    number: int

    @property
    def path(self) -> str:
        """Below the folder of photos."""
        return f"{self.person}/{self.person}_{self.number:04d}.jpg"


class Comparison(NamedTuple):
    """One line of a list: two photos, whether of one person, and in which fold."""

    left: Photo
    right: Photo
    fold: int

    @property
    def genuine(self) -> bool:
        """Whether both show the same person."""
        return self.left.person == self.right.person


def load(
    root: Path, *, pairs: Path | None = None, missing: Missing = "refuse"
) -> VerificationProtocol:
    """Read a list of pairs, and find its photos.

    Args:
        root: The data set's folder.
        pairs: Another list in the same form; ``pairs.txt`` of the root by default. Its counts are
            those of its own header, unless it is called ``pairs.txt``: then they are LFW's, or
            those of a ``counts.json`` in the root.
        missing: What becomes of a photo that is listed and absent.

    Raises:
        DatasetUnavailable: The list, the photos, or (if that is refused) one of them is absent.
        BadInput: A line is malformed, a pair stands there twice (names the line), a count is off,
            or a path cannot be looked at.
    """
    listed = _find_list(root) if pairs is None else pairs
    comparisons = read_pairs(listed)
    photos, lines = _photos(comparisons)
    people = sorted({photo.person for photo in photos})
    counted = _count(root, listed, comparisons, len(photos))
    folder = _find_folder(root, people, missing)
    inside_root(root, folder.relative_to(root).as_posix(), listed, "folder of photos")
    found, absent = find_photos(
        folder,
        [photo.path for photo in photos],
        listed_in=listed,
        how=HOW,
        missing=missing,
        records=[f"line {line}" for line in lines],
    )
    position = {photo: index for index, photo in enumerate(photos)}
    subject = {person: index for index, person in enumerate(people)}
    where = "the root" if folder == root else folder.relative_to(root).as_posix()
    seen = "photos not looked at" if missing == "not-needed" else f"photos of {where}"
    return VerificationProtocol(
        name="LFW",
        rule=f"{listed.name}, {seen}",
        samples=Samples.whole(found, absent),
        templates=Templates.single(np.array([subject[photo.person] for photo in photos])),
        pairs=Pairs(
            left=np.array([position[one.left] for one in comparisons], dtype=np.int32),
            right=np.array([position[one.right] for one in comparisons], dtype=np.int32),
            genuine=np.array([one.genuine for one in comparisons]),
            fold=np.array([one.fold for one in comparisons], dtype=np.int32),
        ),
        counted=counted.against,
        inputs=(InputFile.of(listed), *counted.inputs),
    )


def read_pairs(path: Path) -> list[Comparison]:
    """Read a list in the form of ``pairs.txt``; the pair of entry i stands on line i + 2.

    Officially a tab stands between fields; any blanks will do.

    Raises:
        DatasetUnavailable: The file is absent.
        BadInput: A line is malformed, or a pair stands there twice; names the line.
    """
    lines = read_lines(path, "the list of pairs", HOW)
    folds, size = _read_header(path, lines)
    if len(lines) - 1 != 2 * folds * size:
        expected = f"{1 + 2 * folds * size:,}, as line 1 says: {folds} × ({size} same + {size} not)"
        raise BadInput(path, "number of lines", expected, f"{len(lines):,}")
    comparisons, first = [], {}
    for index, line in enumerate(lines[1:]):
        record, genuine = f"line {index + 2}", index // size % 2 == 0
        left, right = _read_pair(path, record, line.split(), genuine)
        pair = (min(left, right), max(left, right))
        if pair in first:
            found = f"the pair of line {first[pair]} again"
            raise BadInput(path, record, "each pair once, in either order", found)
        first[pair] = index + 2
        comparisons.append(Comparison(left, right, index // (2 * size)))
    return comparisons


def _read_header(path: Path, lines: Sequence[str]) -> tuple[int, int]:
    """The number of folds, and of pairs of one kind in each."""
    header = lines[0] if lines else ""
    fields = header.split()
    numbers = [int(field) for field in fields if re.fullmatch("[0-9]{1,6}", field)]
    if len(numbers) != len(fields) or len(fields) not in (1, 2) or min(numbers) < 1:
        expected = "folds and pairs a fold such as '10 300', or pairs alone such as '500'"
        raise BadInput(path, "line 1", expected, repr(header[:80]))
    return (1, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])


def _read_pair(
    path: Path, record: str, fields: Sequence[str], genuine: bool
) -> tuple[Photo, Photo]:
    """The two photos of a line."""
    if len(fields) != (3 if genuine else 4):
        expected = "'NAME i j', a pair of one person" if genuine else "'NAME1 i NAME2 j'"
        raise BadInput(path, record, expected, f"{len(fields)} fields: {' '.join(fields)[:80]!r}")
    left = _read_photo(path, record, fields[0], fields[1])
    right = _read_photo(path, record, fields[-2] if not genuine else fields[0], fields[-1])
    if left == right:
        raise BadInput(path, record, "two different photos", f"{left.path} with itself")
    if not genuine and left.person == right.person:
        raise BadInput(path, record, "two different people", f"{left.person} twice")
    return left, right


def _read_photo(path: Path, record: str, person: str, number: str) -> Photo:
    if "/" in person or person.startswith(".") or ".." in person or len(person.encode()) > 200:
        raise BadInput(path, record, "a person's name without / and ..", repr(person[:80]))
    if not _NUMBER.fullmatch(number) or int(number) < 1:
        raise BadInput(path, record, "the number of a photo, 1 to 9999", repr(number[:80]))
    return Photo(person, int(number))


def _photos(comparisons: Sequence[Comparison]) -> tuple[list[Photo], list[int]]:
    """Each photo once, in the order of the list, and the line that names it first."""
    first: dict[Photo, int] = {}
    for index, one in enumerate(comparisons):
        first.setdefault(one.left, index + 2)
        first.setdefault(one.right, index + 2)
    return list(first), list(first.values())


def _count(root: Path, listed: Path, comparisons: Sequence[Comparison], photos: int) -> Counted:
    """Check the counts of the official list; another one was held to its own header."""
    if listed.name != LIST:
        return Counted(f"as many as the header of {listed.name} says")
    found = {
        "folds": 1 + comparisons[-1].fold,
        "pairs": len(comparisons),
        "genuine": sum(one.genuine for one in comparisons),
        "photos": photos,
    }
    return check_counts(root, found, COUNTS, listed)


def _find_list(root: Path) -> Path:
    for folder in (root, root / _HOME):
        if is_file(folder / LIST):
            return folder / LIST
    raise DatasetUnavailable("LFW's list of pairs", root / LIST, HOW)


def _find_folder(root: Path, people: Sequence[str], missing: Missing) -> Path:
    """The folder of photos: the first that is there and holds anyone of the list."""
    for folder in _folders(root):
        if any(is_dir(folder / person) for person in people):
            return folder
    if missing == "not-needed":
        return root / FOLDERS[0]
    looked = ", ".join(FOLDERS[:-1])
    raise DatasetUnavailable(f"a folder of LFW's photos ({looked})", root, HOW)


def _folders(root: Path) -> Iterator[Path]:
    for name in FOLDERS:
        yield root / name
        yield root / _HOME / name

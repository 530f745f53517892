"""The lists of an ``IJB_release``: faces of templates, their landmarks, subjects of templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64

from protocols.errors import BadInput
from protocols.textfile import read_lines

HOW = (
    "It is part of IJB_release, see recognition/_evaluation_/ijb of "
    "https://github.com/deepinsight/insightface; NIST has to permit the use of IJB-B and IJB-C."
)
LARGEST = 2**31 - 1
_FACE = "photo template medium, the last two whole numbers"
_POINTS = "photo x1 y1 … x5 y5 score, eleven finite numbers"


@dataclass(frozen=True, eq=False)
class FaceLines:
    """``…_face_tid_mid.txt``: face ``i`` stands in line ``i + 1``.

    Attributes:
        path: The file.
        names: ``n`` names of photos, each once.
        template: ``(n,)`` numbers of templates.
        media: ``(n,)`` numbers of media.
    """

    path: Path
    names: tuple[str, ...]
    template: Int64[np.ndarray, " n"]
    media: Int64[np.ndarray, " n"]


@dataclass(frozen=True, eq=False)
class SubjectLines:
    """A 1:N list: many lines a template.

    Attributes:
        path: The file.
        subjects: The subject of each template, in the order of their first lines.
        lines: The line that names the template first.
    """

    path: Path
    subjects: dict[int, int]
    lines: dict[int, int]


def read_faces(path: Path) -> FaceLines:
    """Read which photo belongs to which template and medium.

    Raises:
        DatasetUnavailable: The file is absent.
        BadInput: A line is malformed, or a photo stands there twice; names the line.
    """
    first: dict[str, int] = {}
    numbers: list[tuple[int, int]] = []
    for number, line in enumerate(read_lines(path, path.name, HOW), 1):
        fields = line.split()
        if len(fields) != 3 or not (_is_whole(fields[1]) and _is_whole(fields[2])):
            raise BadInput(path, f"line {number}", _FACE, _shown(line))
        if first.setdefault(fields[0], number) != number:
            found = f"{fields[0][:80]!r} of line {first[fields[0]]} again"
            raise BadInput(path, f"line {number}", "each photo once", found)
        numbers.append((int(fields[1]), int(fields[2])))
    if not numbers:
        raise BadInput(path, "", f"lines of {_FACE}", "none")
    table = np.array(numbers, np.int64)
    return FaceLines(path, tuple(first), table[:, 0].copy(), table[:, 1].copy())


def read_points(
    path: Path, faces: FaceLines
) -> tuple[Float32[np.ndarray, "n 5 2"], Float32[np.ndarray, " n"]]:
    """Read five landmarks and the detector's score of each face.

    Args:
        path: The file.
        faces: The faces; the file has to name their photos in the same order.

    Returns:
        Landmarks x, y in pixels of the crop (image-left eye, image-right eye, nose, mouth corners
        likewise), and scores.

    Raises:
        DatasetUnavailable: The file is absent.
        BadInput: A line is malformed, or names another photo; names the line.
    """
    lines = read_lines(path, path.name, HOW)
    if len(lines) != len(faces.names):
        expected = f"{len(faces.names):,}, as in {faces.path.name}"
        raise BadInput(path, "number of lines", expected, f"{len(lines):,}")
    table = np.empty((len(lines), 11), np.float32)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
        for row, (line, name) in enumerate(zip(lines, faces.names, strict=True)):
            fields = line.split()
            if len(fields) != 12 or not line.isascii() or "_" in "".join(fields[1:]):
                raise BadInput(path, f"line {row + 1}", _POINTS, _shown(line))
            if fields[0] != name:
                expected = f"{name[:80]!r}, as in {faces.path.name}"
                raise BadInput(path, f"line {row + 1}", expected, repr(fields[0][:80]))
            try:
                table[row] = [float(field) for field in fields[1:]]
            except ValueError as error:
                raise BadInput(path, f"line {row + 1}", _POINTS, _shown(line)) from error
    broken = np.flatnonzero(~np.isfinite(table).all(axis=1))
    if len(broken):
        row = int(broken[0])
        raise BadInput(path, f"line {row + 1}", _POINTS, _shown(lines[row]))
    return table[:, :10].reshape(-1, 5, 2).copy(), table[:, 10].copy()


def read_subjects(path: Path) -> SubjectLines:
    """Read the first two columns of a 1:N list below its header: template and subject.

    Raises:
        DatasetUnavailable: The file is absent.
        BadInput: There is no header, a line is malformed, or a template has two subjects; names
            the line.
    """
    expected = "template,subject,… with two whole numbers"
    subjects: dict[int, int] = {}
    first: dict[int, int] = {}
    for number, line in enumerate(read_lines(path, path.name, HOW), 1):
        fields = [field.strip() for field in line.split(",", 2)[:2]]
        whole = len(fields) == 2 and _is_whole(fields[0]) and _is_whole(fields[1])
        if number == 1:
            if whole or len(fields) != 2:
                raise BadInput(path, "line 1", "a header: TEMPLATE_ID,SUBJECT_ID,…", _shown(line))
            continue
        if not whole:
            raise BadInput(path, f"line {number}", expected, _shown(line))
        template, subject = int(fields[0]), int(fields[1])
        first.setdefault(template, number)
        if subjects.setdefault(template, subject) != subject:
            one = f"one subject of template {template}"
            found = f"{subject}, and {subjects[template]} in line {first[template]}"
            raise BadInput(path, f"line {number}", one, found)
    if not subjects:
        raise BadInput(path, "", f"lines of {expected}", "none")
    return SubjectLines(path, subjects, first)


def check_apart(lists: Sequence[SubjectLines]) -> None:
    """Refuse a template that stands in two lists.

    Raises:
        BadInput: It does; names the line in the later list.
    """
    for later, one in enumerate(lists):
        for earlier in lists[:later]:
            for template in one.lines.keys() & earlier.lines.keys():
                found = (
                    f"template {template} of {earlier.path.name}, line {earlier.lines[template]}"
                )
                record = f"line {one.lines[template]}"
                raise BadInput(one.path, record, "each template in one list", found)


def check_subjects_once(gallery: SubjectLines) -> None:
    """Refuse a subject with two templates in a gallery: a search would find one or the other.

    Raises:
        BadInput: There is one; names the line of the later template.
    """
    first: dict[int, int] = {}
    for template, subject in gallery.subjects.items():
        if first.setdefault(subject, template) != template:
            found = f"{subject} with the templates {first[subject]} and {template}"
            record = f"line {gallery.lines[template]}"
            raise BadInput(gallery.path, record, "each subject once in a gallery", found)


def _is_whole(text: str) -> bool:
    """Whether it is a whole number from 0 to 2³¹−1."""
    digits = text.isdigit() and text.isascii() and len(text) <= 10
    return digits and int(text) <= LARGEST


def _shown(line: str) -> str:
    return repr(line[:80]) if line.strip() else "an empty line"

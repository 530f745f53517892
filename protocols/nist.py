"""What NIST's lists of IJB-A, IJB-B and IJB-C share: a CSV line for each face of each template.

Columns are found by name, because releases differ in their number and order: TEMPLATE_ID,
SUBJECT_ID, FILE or FILENAME, the medium, FACE_X, FACE_Y, FACE_WIDTH, FACE_HEIGHT in pixels, and in
some lists RIGHT_EYE, LEFT_EYE (the person's) and NOSE or NOSE_BASE. Of the landmarks and the box
any may be blank.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64

from protocols.columns import read_whole_numbers
from protocols.errors import BadInput
from protocols.photos import FolderPhotos, Missing, find_photos
from protocols.rows import check_boxes, codes, first_repeat, first_rows, number_faces, read_numbers
from protocols.textfile import read_csv
from protocols.types import Pairs, Samples, Templates

_BOX = ("x", "y", "width", "height")
_REQUIRED = {
    "template": ("TEMPLATE_ID",),
    "subject": ("SUBJECT_ID",),
    "file": ("FILENAME", "FILE"),
    **{side: (f"FACE_{side.upper()}",) for side in _BOX},
}
_POINTS = {  # the person's right is the image's left
    "right_eye": ("RIGHT_EYE",),
    "left_eye": ("LEFT_EYE",),
    "nose": ("NOSE", "NOSE_BASE"),
}
_OPTIONAL = {
    f"{point}_{axis}": tuple(f"{name}_{axis.upper()}" for name in names)
    for point, names in _POINTS.items()
    for axis in "xy"
}
_BLOCK = 1_000_000


@dataclass(frozen=True, eq=False)
class FaceList:
    """One list: ``m`` lines.

    Attributes:
        path: The file.
        lines: ``(m,)`` the line that each row stands on.
        template: ``(m,)`` TEMPLATE_ID.
        subject: ``(m,)`` SUBJECT_ID.
        files: ``(m,)`` the photo's path.
        media: ``(m,)`` the medium, as written.
        boxes: ``(m, 4)`` x, y, width, height; NaN where blank.
        points: ``(m, 3, 2)`` the eye on the image's left, the other one, nose; NaN where blank.
    """

    path: Path
    lines: Int64[np.ndarray, " m"]
    template: Int64[np.ndarray, " m"]
    subject: Int64[np.ndarray, " m"]
    files: Sequence[str]
    media: Sequence[str]
    boxes: Float32[np.ndarray, "m 4"]
    points: Float32[np.ndarray, "m 3 2"]


@dataclass(frozen=True, eq=False)
class Gathered:
    """Several lists as one: faces, templates, and which templates each list has."""

    samples: Samples
    templates: Templates
    listed: tuple[Int32[np.ndarray, " _"], ...]


def read_face_list(path: Path, what: str, how: str, medium: str) -> FaceList:
    """Read one list.

    Args:
        path: The CSV file.
        what: What it is, in words, for messages.
        how: How to get it, for messages.
        medium: The column that numbers the media: MEDIA_ID, or SIGHTING_ID.

    Raises:
        DatasetUnavailable: It is absent.
        BadInput: A column is lacking, or a line is malformed; names the line.
    """
    required = {**_REQUIRED, "media": (medium,)}
    lines: list[int] = []
    texts: list[tuple[str, ...]] = []
    names: list[str] = []
    for line, fields in read_csv(path, what, how, required=required, optional=_OPTIONAL):
        names = names or list(fields)
        lines.append(line)
        texts.append(tuple(fields.values()))
    if not texts:
        raise BadInput(path, "", "at least one face", "none")
    at = np.array(lines)
    columns = dict(zip(names, zip(*texts, strict=True), strict=True))
    empty = np.full(len(at), np.nan)
    points = [
        read_numbers(path, at, name, columns[name]) if name in columns else empty
        for name in _OPTIONAL
    ]
    boxes = [read_numbers(path, at, side, columns[side]) for side in _BOX]
    return FaceList(
        path=path,
        lines=at,
        template=_whole(path, at, "TEMPLATE_ID", columns["template"]),
        subject=_whole(path, at, "SUBJECT_ID", columns["subject"]),
        files=columns["file"],
        media=columns["media"],
        boxes=check_boxes(path, at, np.stack(boxes, axis=1)),
        points=np.stack(points, axis=1).reshape(-1, 3, 2).astype(np.float32),
    )


def gather(lists: Sequence[FaceList], folder: Path, how: str, missing: Missing) -> Gathered:
    """Join lists: a face that several lines name (same photo, same box) is one sample.

    A template that lists a face twice keeps it twice, as the official lists do here and there.

    Args:
        lists: Lists without a template in common.
        folder: Where the photos' paths start.
        how: How to get the photos, for messages.
        missing: What becomes of a photo that is not there.

    Raises:
        DatasetUnavailable: A photo is absent, and that was not to be counted.
        BadInput: A template has two subjects or is in two lists, or a path leads out of the folder.
    """
    numbers = np.concatenate([one.template for one in lists])
    ids, first, template = np.unique(numbers, return_index=True, return_inverse=True)
    subject = np.concatenate([one.subject for one in lists])
    _check_subjects(lists, numbers, subject, first[template])
    files = [file for one in lists for file in one.files]
    boxes = np.concatenate([one.boxes for one in lists])
    points = np.concatenate([one.points for one in lists])
    photo = codes(files)
    face = number_faces(photo, boxes)
    photo_row, face_row = first_rows(photo), first_rows(face)
    photos, absent = _find(
        lists, [files[row] for row in photo_row], photo_row, folder, how, missing
    )
    five = np.full((len(face_row), 5, 2), np.nan, np.float32)
    five[:, :3] = points[face_row]
    samples = Samples(
        photos=photos,
        photo=photo[face_row],
        absent=absent[photo[face_row]],
        boxes=boxes[face_row],
        landmarks=None if np.isnan(five).all() else five,
    )
    media = codes([text for one in lists for text in one.media]).astype(np.int64)
    templates = Templates(ids, subject[first], face, template.astype(np.int32), media)
    listed = [np.searchsorted(ids, np.unique(one.template)).astype(np.int32) for one in lists]
    return Gathered(samples, templates, tuple(listed))


def read_comparisons(path: Path, templates: Templates, what: str, how: str) -> Pairs:
    """Read ``t1,t2`` lines without a header; a pair is genuine when both have one subject.

    Raises:
        DatasetUnavailable: The file is absent.
        BadInput: A line is malformed, names an unknown template or one template twice, or stands
            there again; names the line.
    """
    sides = read_whole_numbers(path, 2, what, how, comma=True)
    left, right = (_positions(path, side, templates.ids) for side in sides)
    _check_pairs(path, left, right, len(templates))
    genuine = np.empty(len(left), bool)
    for start in range(0, len(left), _BLOCK):  # an index is widened: never all at once
        part = slice(start, start + _BLOCK)
        genuine[part] = templates.subjects[left[part]] == templates.subjects[right[part]]
    return Pairs(left, right, genuine)


def photo_folder(root: Path) -> Path:
    """Where photos such as ``img/1.jpg`` lie: in ``root/images``, or in ``root`` itself."""
    candidates = (root / "images", root)
    return next((one for one in candidates if (one / "img").is_dir()), candidates[0])


def _find(
    lists: Sequence[FaceList],
    names: Sequence[str],
    rows: Int64[np.ndarray, " k"],
    folder: Path,
    how: str,
    missing: Missing,
) -> tuple[FolderPhotos, Bool[np.ndarray, " k"]]:
    """Find the photos; a message names the list and the line that names a photo first.

    ``rows`` ascend: each list's photos that no list before it names are together.
    """
    ends = np.cumsum([len(one.lines) for one in lists])
    absent, start = [], 0
    for one, end in zip(lists, ends.tolist(), strict=True):
        stop = int(np.searchsorted(rows, end))
        own = rows[start:stop] - (end - len(one.lines))
        _, lacking = find_photos(
            folder,
            names[start:stop],
            listed_in=one.path,
            how=how,
            missing=missing,
            records=[f"line {line}" for line in one.lines[own]],
        )
        absent.append(lacking)
        start = stop
    return FolderPhotos(folder, tuple(names)), np.concatenate(absent)


def _positions(
    path: Path, numbers: Int32[np.ndarray, " p"], ids: Int64[np.ndarray, " t"]
) -> Int32[np.ndarray, " p"]:
    """Where each template number stands among the known ones, some at a time."""
    positions = np.empty(len(numbers), np.int32)
    for start in range(0, len(numbers), _BLOCK):
        part = numbers[start : start + _BLOCK]
        found = np.searchsorted(ids, part)
        unknown = np.flatnonzero(ids[np.minimum(found, len(ids) - 1)] != part)
        if len(unknown):
            row = int(unknown[0])
            expected = "a template of the lists of faces"
            raise BadInput(path, f"line {start + row + 1}", expected, str(part[row]))
        positions[start : start + _BLOCK] = found
    return positions


def _check_pairs(
    path: Path, left: Int32[np.ndarray, " p"], right: Int32[np.ndarray, " p"], count: int
) -> None:
    """Refuse a template against itself, and a pair that stands there twice."""
    same = np.flatnonzero(left == right)
    if len(same):
        raise BadInput(path, f"line {same[0] + 1}", "two different templates", "the same one twice")
    keys = left.astype(np.int64)
    keys *= count
    keys += right
    again = first_repeat(keys)
    if again:
        found = f"that of line {again[1] + 1} again"
        raise BadInput(path, f"line {again[0] + 1}", "each pair once", found)


def _check_subjects(
    lists: Sequence[FaceList], numbers: np.ndarray, subject: np.ndarray, start: np.ndarray
) -> None:
    """Refuse a template with two subjects, or in two lists."""
    which = np.repeat(np.arange(len(lists)), [len(one.lines) for one in lists])
    wrong = np.flatnonzero((subject != subject[start]) | (which != which[start]))
    if not len(wrong):
        return
    row, earlier = int(wrong[0]), int(start[wrong[0]])
    lines = np.concatenate([one.lines for one in lists])
    own, other = (lists[int(which[one])].path for one in (row, earlier))
    expected = f"template {numbers[row]} in {other.name} alone"
    found = f"it again (line {lines[earlier]} there)"
    if own == other:
        expected = f"subject {subject[earlier]} for template {numbers[row]}, as in line "
        expected += str(lines[earlier])
        found = str(subject[row])
    raise BadInput(own, f"line {lines[row]}", expected, found)


def _whole(
    path: Path, lines: Int64[np.ndarray, " m"], column: str, texts: Sequence[str]
) -> Int64[np.ndarray, " m"]:
    numbers = np.empty(len(texts), np.int64)
    for row, text in enumerate(texts):
        if not (text.isdecimal() and text.isascii() and len(text) <= 18):
            found = repr(text[:80])
            raise BadInput(path, f"line {lines[row]}, {column}", "a whole number from 0", found)
        numbers[row] = int(text)
    return numbers

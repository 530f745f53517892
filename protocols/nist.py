"""What NIST's lists of IJB-A, IJB-B and IJB-C share: a CSV line for each face of each template.

Columns are found by name, because releases differ in their number and order: TEMPLATE_ID,
SUBJECT_ID, FILE or FILENAME, FACE_X, FACE_Y, FACE_WIDTH, FACE_HEIGHT in pixels, and in some lists
the medium, RIGHT_EYE, LEFT_EYE (the person's) and NOSE or NOSE_BASE. Of the landmarks and the box
any may be blank.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64

from protocols.errors import BadInput
from protocols.photos import FolderPhotos, Missing, find_photos
from protocols.roots import inside_root
from protocols.rows import (
    check_boxes,
    codes,
    first_repeat,
    first_rows,
    number_faces,
    read_numbers,
)
from protocols.textfile import read_csv
from protocols.types import Samples, Templates

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
_ROWS = 20_000
"""Rows that are kept as text at a time."""


@dataclass(frozen=True, eq=False)
class FaceList:
    """One list: ``m`` lines.

    Attributes:
        path: The file.
        lines: ``(m,)`` the line that each row stands on.
        template: ``(m,)`` TEMPLATE_ID.
        subject: ``(m,)`` SUBJECT_ID.
        files: ``(m,)`` the photo's path.
        media: ``(m,)`` the medium.
        media_of_names: Whether the list has no media, and the photos' names told them.
        boxes: ``(m, 4)`` x, y, width, height; NaN where blank.
        points: ``(m, 3, 2)`` the eye on the image's left, the other one, nose; NaN where blank.
    """

    path: Path
    lines: Int64[np.ndarray, " m"]
    template: Int64[np.ndarray, " m"]
    subject: Int64[np.ndarray, " m"]
    files: Sequence[str]
    media: Int64[np.ndarray, " m"]
    media_of_names: bool
    boxes: Float32[np.ndarray, "m 4"]
    points: Float32[np.ndarray, "m 3 2"]


@dataclass(frozen=True, eq=False)
class Gathered:
    """Several lists as one.

    Attributes:
        samples: The faces.
        templates: How they make templates.
        listed: Which templates each list has.
        again: How many faces a template has again in one medium, and the complaint of the first.
    """

    samples: Samples
    templates: Templates
    listed: tuple[Int32[np.ndarray, " _"], ...]
    again: tuple[int, BadInput | None]

    def repeats(self, *, official: bool) -> str:
        """What to say of faces that stand there twice: words for the rule.

        In lists of the official length they count twice, as in published results.

        Raises:
            BadInput: There are such faces, in lists of a user's own.
        """
        count, complaint = self.again
        if complaint is not None and not official:
            raise complaint
        return f", {count:,} faces listed again" if count else ""


def read_face_list(
    path: Path, what: str, how: str, medium: str, *, media_of_names: bool = False
) -> FaceList:
    """Read one list.

    Args:
        path: The CSV file.
        what: What it is, in words, for messages.
        how: How to get it, for messages.
        medium: The column that numbers the media: MEDIA_ID, or SIGHTING_ID.
        media_of_names: Whether a list may lack that column; :func:`video_of` then tells the media.

    Raises:
        DatasetUnavailable: It is absent.
        BadInput: A column is lacking, or a line is malformed; names the line.
    """
    column = {"media": (medium,)}
    required = _REQUIRED if media_of_names else _REQUIRED | column
    rows = read_csv(path, what, how, required=required, optional=_OPTIONAL | column)
    numbers = {name: array("q") for name in ("line", "template", "subject", "media")}
    files: list[str] = []
    where: list[Float32[np.ndarray, "m 10"]] = []
    while block := list(islice(rows, _ROWS)):
        at = np.array([line for line, _ in block])
        columns = {name: [fields[name] for _, fields in block] for name in block[0][1]}
        numbers["line"].extend(at.tolist())
        for name, title in (("template", "TEMPLATE_ID"), ("subject", "SUBJECT_ID")):
            numbers[name].extend(_whole(path, at, title, columns[name]))
        if "media" in columns:
            numbers["media"].extend(_whole(path, at, medium, columns["media"]))
        files += columns["file"]
        where.append(_read_places(path, at, columns))
    if not files:
        raise BadInput(path, "", "at least one face", "none")
    unnamed = not numbers["media"]
    if unnamed:
        numbers["media"].extend(codes(map(video_of, files)).tolist())
    read = {name: np.array(values, np.int64) for name, values in numbers.items()}
    places = np.concatenate(where)
    return FaceList(
        path=path,
        lines=read["line"],
        template=read["template"],
        subject=read["subject"],
        files=files,
        media=read["media"],
        media_of_names=unnamed,
        boxes=places[:, :4].copy(),
        points=places[:, 4:].reshape(-1, 3, 2).copy(),
    )


def video_of(name: str) -> str:
    """What a photo's path says of its medium: the video of ``frames/28065_00390.png``.

    A photo of another folder, or without a number behind a ``_``, is a medium of its own.
    """
    path = PurePosixPath(name)
    video, _, frame = path.stem.rpartition("_")
    whole = path.parent.name in ("frame", "frames") and video and frame.isdecimal()
    return f"{path.parent}/{video}" if whole else name


def _read_places(
    path: Path, lines: Int64[np.ndarray, " m"], columns: Mapping[str, Sequence[str]]
) -> Float32[np.ndarray, "m 10"]:
    """Box and points of some rows; NaN where blank."""
    boxes = [read_numbers(path, lines, side, columns[side]) for side in _BOX]
    blank = np.full(len(lines), np.nan)
    points = [
        read_numbers(path, lines, name, columns[name]) if name in columns else blank
        for name in _OPTIONAL
    ]
    whole = check_boxes(path, lines, np.stack(boxes, axis=1))
    return np.concatenate((whole, np.stack(points, axis=1).astype(np.float32)), axis=1)


def gather(lists: Sequence[FaceList], folder: Path, how: str, missing: Missing) -> Gathered:
    """Join lists: a face that several lines name (photo, box, points, subject) is one sample.

    Box and points count: splits 2 and 5 of IJB-A have three boxes with the points of two sightings.

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
    place = number_faces(photo, np.concatenate((boxes, points.reshape(-1, 6)), axis=1))
    face = codes(zip(place.tolist(), subject.tolist(), strict=True))
    media = np.concatenate([one.media for one in lists])
    again = _rows_again(lists, template, face, media)
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
    templates = Templates(ids, subject[first], face, template.astype(np.int32), media)
    listed = [np.searchsorted(ids, np.unique(one.template)).astype(np.int32) for one in lists]
    return Gathered(samples, templates, tuple(listed), again)


def photo_folder(root: Path) -> Path:
    """Where photos such as ``img/1.jpg`` lie: in ``root/images``, or in ``root`` itself."""
    candidates = (root / "images", root)
    folder = next((one for one in candidates if (one / "img").is_dir()), candidates[0])
    inside_root(root, folder.relative_to(root).as_posix(), root, "folder of photos")
    return folder


def check_subjects_once(gallery: FaceList) -> None:
    """Refuse a subject with two templates in a gallery: a search would find one or the other.

    Raises:
        BadInput: There is one; names the line of the later template.
    """
    _, first = np.unique(gallery.template, return_index=True)
    again = first_repeat(gallery.subject[first])
    if again:
        row, earlier = (int(first[one]) for one in again)
        found = f"{gallery.subject[row]} of line {gallery.lines[earlier]} again"
        record = f"line {gallery.lines[row]}"
        raise BadInput(gallery.path, record, "each subject once in a gallery", found)


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


def _rows_again(
    lists: Sequence[FaceList], template: np.ndarray, face: np.ndarray, media: np.ndarray
) -> tuple[int, BadInput | None]:
    """How many faces a template has again in one medium, and the complaint of the first."""
    rows = codes(zip(template.tolist(), face.tolist(), media.tolist(), strict=True))
    again = first_repeat(rows.astype(np.int64))
    if not again:
        return 0, None
    lines = np.concatenate([one.lines for one in lists])
    ends = np.cumsum([len(one.lines) for one in lists])
    path = lists[int(np.searchsorted(ends, again[0], side="right"))].path
    record, found = f"line {lines[again[0]]}", f"that of line {lines[again[1]]} again"
    expected = "each face of a template once in a medium"
    return len(rows) - int(rows.max()) - 1, BadInput(path, record, expected, found)


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
) -> list[int]:
    for row, text in enumerate(texts):
        if not (text.isdecimal() and text.isascii() and len(text) <= 18):
            found = repr(text[:80])
            raise BadInput(path, f"line {lines[row]}, {column}", "a whole number from 0", found)
    return [int(text) for text in texts]

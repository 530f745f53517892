"""The faces of a templates CSV: its lines checked against each other, and its images found.

``protocols/templates_csv.py`` tells what the columns are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int32, Int64

from protocols.errors import BadInput
from protocols.pairs_csv import HOW, read_whole
from protocols.photos import Missing, find_photos
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


@dataclass(frozen=True, eq=False)
class FaceRows:
    """What the file says of faces and templates: ``m`` rows, ``t`` templates.

    Attributes:
        path: The file.
        lines: ``(m,)`` the number of the line that each row ends on.
        first: ``(t,)`` each template's first row.
        samples: The faces, each once, in the order of the file.
        templates: How they make templates; row i is membership i.
        columns: The columns as written.
    """

    path: Path
    lines: Int64[np.ndarray, " m"]
    first: Int64[np.ndarray, " t"]
    samples: Samples
    templates: Templates
    columns: Mapping[str, Sequence[str]]


def read_faces(path: Path, root: Path, missing: Missing) -> FaceRows:
    """Read the templates' file, and find its images.

    Args:
        path: The file.
        root: The folder that the images' paths start from.
        missing: What becomes of an image that is listed and absent.

    Raises:
        DatasetUnavailable: The file, or (if that is refused) an image is absent.
        BadInput: A line is malformed or contradicts another one; names the line.
    """
    lines, columns = _read_columns(path)
    texts = zip(lines.tolist(), columns["template"], strict=True)
    numbers = np.array([read_whole(path, line, "template", text) for line, text in texts])
    ids, first, template = np.unique(numbers, return_index=True, return_inverse=True)
    template = template.astype(np.int32)
    check_one_each(path, lines, numbers, first[template], "subject", columns["subject"])
    image = codes(columns["image"])
    boxes = _read_boxes(path, lines, columns)
    face = image if boxes is None else number_faces(image, boxes)
    face_row = first_rows(face)
    _check_one_subject(path, lines, face, columns["subject"])
    again = first_repeat(template.astype(np.int64) * len(face_row) + face)
    if again:
        expected = f"each face of template {numbers[again[0]]} once"
        found = f"that of line {lines[again[1]]} again"
        raise BadInput(path, f"line {lines[again[0]]}", expected, found)
    photos, absent = find_photos(
        root,
        [columns["image"][row] for row in first_rows(image)],
        listed_in=path,
        how=HOW,
        missing=missing,
        records=[f"line {line}" for line in lines[first_rows(image)]],
    )
    samples = Samples(
        photos=photos,
        photo=image[face_row],
        absent=absent[image[face_row]],
        boxes=None if boxes is None else boxes[face_row],
        scores=_read_scores(path, lines, columns, face, face_row),
    )
    people = {name: number for number, name in enumerate(sorted(set(columns["subject"])))}
    subjects = np.array([people[columns["subject"][row]] for row in first])
    media = _read_media(columns, image)
    templates = Templates(ids, subjects, sample=face, template=template, media=media)
    return FaceRows(path, lines, first, samples, templates, columns)


def _read_columns(path: Path) -> tuple[Int64[np.ndarray, " m"], dict[str, tuple[str, ...]]]:
    """The columns of the file, as written, and each row's line."""
    rows = read_csv(
        path,
        "the list of templates",
        HOW,
        required={name: (name.upper(),) for name in ("template", "subject", "image")},
        optional={name: (name.upper(),) for name in ("media", "score", *_BOX, "role")},
    )
    lines: list[int] = []
    names: list[str] = []
    texts: list[tuple[str, ...]] = []
    for line, fields in rows:
        names = names or list(fields)  # the same in every row
        lines.append(line)
        texts.append(tuple(fields.values()))
    if not lines:
        raise BadInput(path, "", "at least one template", "none")
    return np.array(lines), dict(zip(names, zip(*texts, strict=True), strict=True))


def _read_boxes(
    path: Path, lines: Int64[np.ndarray, " m"], columns: Mapping[str, Sequence[str]]
) -> Float32[np.ndarray, "m 4"] | None:
    """Each row's box, NaN where it is blank; None without the columns."""
    there = [name for name in _BOX if name in columns]
    if not there:
        return None
    if len(there) < len(_BOX):
        raise BadInput(path, "line 1", "x, y, width and height, or none of them", ", ".join(there))
    boxes = np.stack([read_numbers(path, lines, name, columns[name]) for name in _BOX], axis=1)
    blank = np.isnan(boxes)
    partial = np.flatnonzero(blank.any(axis=1) & ~blank.all(axis=1))
    if len(partial):
        expected = "x, y, width and height, or none of them"
        raise BadInput(path, f"line {lines[partial[0]]}", expected, "some of them blank")
    return check_boxes(path, lines, boxes)


def _read_scores(
    path: Path,
    lines: Int64[np.ndarray, " m"],
    columns: Mapping[str, Sequence[str]],
    face: Int32[np.ndarray, " m"],
    face_row: Int64[np.ndarray, " n"],
) -> Float32[np.ndarray, " n"] | None:
    """Each face's score; None without the column, or if it is blank throughout."""
    if not any(columns.get("score", ())):
        return None
    scores = read_numbers(path, lines, "score", columns["score"])
    bad = np.flatnonzero(~(scores >= 0))
    if len(bad):
        found = repr(columns["score"][bad[0]][:80])
        expected = "a number from 0 in every line, or in none"
        raise BadInput(path, f"line {lines[bad[0]]}, score", expected, found)
    other = np.flatnonzero(scores != scores[face_row][face])
    if len(other):
        row, earlier = other[0], face_row[face[other[0]]]
        expected = f"the score of this face in line {lines[earlier]}, {scores[earlier]:g}"
        raise BadInput(path, f"line {lines[row]}, score", expected, f"{scores[row]:g}")
    return scores[face_row].astype(np.float32)


def _read_media(
    columns: Mapping[str, Sequence[str]], image: Int32[np.ndarray, " m"]
) -> Int64[np.ndarray, " m"]:
    """A number for each medium: the text of ``media``, or the image where that is blank."""
    if not any(columns.get("media", ())):
        return image.astype(np.int64)
    both = zip(columns["media"], image.tolist(), strict=True)
    return codes([text or number for text, number in both]).astype(np.int64)


def _check_one_subject(
    path: Path,
    lines: Int64[np.ndarray, " m"],
    face: Int32[np.ndarray, " m"],
    subjects: Sequence[str],
) -> None:
    """Refuse a face that belongs to two people."""
    first: dict[int, int] = {}
    for row, one in enumerate(face.tolist()):
        earlier = first.setdefault(one, row)
        if subjects[row] != subjects[earlier]:
            expected = f"subject {subjects[earlier][:80]!r} for this face, as in line "
            expected += str(lines[earlier])
            found = repr(subjects[row][:80])
            raise BadInput(path, f"line {lines[row]}, subject", expected, found)


def check_one_each(
    path: Path,
    lines: Int64[np.ndarray, " m"],
    numbers: Int64[np.ndarray, " m"],
    starts: Int64[np.ndarray, " m"],
    column: str,
    texts: Sequence[str],
) -> None:
    """Refuse a blank, and another text than in the first row of the same template.

    Args:
        path: The file.
        lines: Each row's line.
        numbers: Each row's template.
        starts: The first row of each row's template.
        column: The column's name.
        texts: Each row's text there.

    Raises:
        BadInput: A row's text is blank or another one; names the line.
    """
    for row, (start, text) in enumerate(zip(starts.tolist(), texts, strict=True)):
        if not text:
            raise BadInput(path, f"line {lines[row]}, {column}", "text", "a blank")
        if text != texts[start]:
            told = f"{texts[start][:80]!r} for template {numbers[row]}, as in line {lines[start]}"
            raise BadInput(path, f"line {lines[row]}, {column}", told, repr(text[:80]))

"""Your own photos in pairs: a CSV file with ``left,right,same[,fold]``, one comparison a line.

``left`` and ``right`` are paths of photos below a root; ``same`` says whether they show the same
person (1, true, yes or 0, false, no). ``fold`` numbers the parts for cross-validation. With
``left_subject,right_subject`` the file says whose faces these are, so that intervals can respect
it. Other columns are ignored. ``docs/own-data.md`` has examples.
"""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int32, Int64

from protocols.counts import check_counts
from protocols.errors import BadInput
from protocols.photos import Missing, find_photos
from protocols.textfile import read_csv, read_text
from protocols.types import InputFile, Pairs, Samples, Templates, VerificationProtocol

SAME: Mapping[str, bool] = {
    "1": True,
    "true": True,
    "yes": True,
    "0": False,
    "false": False,
    "no": False,
}
"""Words of the column ``same``; case does not count."""
HOW = "docs/own-data.md says what the file looks like, and where its paths start."

_FOLD = re.compile(r"[0-9]{1,9}")
_WHAT_NUMBERS = "the list of comparisons"
_WHOLE = re.compile(r"[0-9]{1,18}")


class Row(NamedTuple):
    """One line of the file.

    Attributes:
        line: Its number, from 1.
        left: Path of a photo.
        right: Path of the other one.
        genuine: Whether both show the same person.
        fold: As written; blank if it has none.
        subjects: Who is on ``left`` and on ``right``, if the file says so.
    """

    line: int
    left: str
    right: str
    genuine: bool
    fold: str
    subjects: tuple[str, str] | None


def load(
    path: Path, *, root: Path | None = None, missing: Missing = "refuse"
) -> VerificationProtocol:
    """Read pairs of photos; every photo is a template of its own.

    Args:
        path: The CSV file; a ``counts.json`` beside it says how many photos, pairs and genuine
            pairs there have to be.
        root: The folder that the paths start from; the file's own by default.
        missing: What becomes of a photo that is listed and absent.

    Raises:
        DatasetUnavailable: The file, or (if that is refused) a photo is absent.
        BadInput: A line is malformed or contradicts another one, or a count is off; names the line.
    """
    rows = read_rows(path)
    root = path.parent if root is None else root
    first = _first_lines(rows)
    photos, absent = find_photos(
        root,
        list(first),
        listed_in=path,
        how=HOW,
        missing=missing,
        records=[f"line {line}" for line in first.values()],
    )
    position = {name: index for index, name in enumerate(first)}
    fold = renumber_folds(path, [row.line for row in rows], [row.fold for row in rows])
    genuine = np.array([row.genuine for row in rows])
    found = {"photos": len(first), "pairs": len(rows), "genuine": int(genuine.sum())}
    counted = check_counts(path.parent, found, found, path)
    return VerificationProtocol(
        name=path.stem,
        rule=f"{path.name}, {'no folds' if fold is None else f'folds: {fold.max() + 1}'}",
        samples=Samples.whole(photos, absent),
        templates=Templates.single(_subjects(path, rows, position)),
        pairs=Pairs(
            left=np.array([position[row.left] for row in rows], dtype=np.int32),
            right=np.array([position[row.right] for row in rows], dtype=np.int32),
            genuine=genuine,
            fold=fold,
        ),
        counted=counted.against if counted.inputs else f"as many as {path.name} holds",
        inputs=(InputFile.of(path), *counted.inputs),
    )


def read_rows(path: Path) -> list[Row]:
    """Read the lines and check each for itself and against repetition; photos are not looked for.

    Raises:
        DatasetUnavailable: The file is absent.
        BadInput: A line is malformed, or names a pair again; names the line.
    """
    rows, first = [], {}
    for line, fields in read_csv(
        path,
        "the list of pairs",
        HOW,
        required={name: (name.upper(),) for name in ("left", "right", "same")},
        optional={name: (name.upper(),) for name in ("fold", "left_subject", "right_subject")},
    ):
        row = _row(path, line, fields)
        pair = (min(row.left, row.right), max(row.left, row.right))
        if pair in first:
            told = "the same answer" if first[pair].genuine == row.genuine else "another answer"
            found = f"the pair of line {first[pair].line} again, with {told}"
            raise BadInput(path, f"line {line}", "each pair once, in either order", found)
        first[pair] = row
        rows.append(row)
    if not rows:
        raise BadInput(path, "", "at least one pair", "none")
    return rows


class NumberedPairs(NamedTuple):
    """Pairs of templates by their numbers.

    Attributes:
        lines: ``(p,)`` where each stands in the file.
        left: ``(p,)`` numbers of templates.
        right: ``(p,)`` numbers of templates.
        genuine: ``(p,)`` what the column ``same`` says, if there is one.
        fold: ``(p,)`` from 0, if there are folds.
    """

    lines: Int64[np.ndarray, " p"]
    left: Int64[np.ndarray, " p"]
    right: Int64[np.ndarray, " p"]
    genuine: Bool[np.ndarray, " p"] | None
    fold: Int32[np.ndarray, " p"] | None


def read_numbered_pairs(path: Path) -> NumberedPairs:
    """Read ``left,right[,same][,fold]`` with numbers of templates instead of paths.

    A file of nothing but digits, commas and line ends is read in one go: five million lines in
    seconds. Any other file, and one with an error, is read line by line.

    Raises:
        DatasetUnavailable: The file is absent.
        BadInput: A line is malformed; names it.
    """
    table = _read_digits(read_text(path, _WHAT_NUMBERS, HOW))
    if table is not None:
        same, fold = table.get("same"), table.get("fold")
        return NumberedPairs(
            lines=np.arange(len(table["left"])) + 2,
            left=table["left"],
            right=table["right"],
            genuine=None if same is None else same.astype(bool),
            fold=None if fold is None else _ascending(fold),
        )
    return _read_numbered_lines(path)


def read_same(path: Path, line: int, word: str) -> bool:
    """Whether a word of the column ``same`` says yes.

    Raises:
        BadInput: It is none of :data:`SAME`.
    """
    answer = SAME.get(word.lower())
    if answer is None:
        raise BadInput(path, f"line {line}, same", f"one of {', '.join(SAME)}", repr(word[:80]))
    return answer


def renumber_folds(
    path: Path, lines: Iterable[int], folds: Sequence[str]
) -> Int32[np.ndarray, " p"] | None:
    """Fold numbers as written (blank for all: none), as 0, 1, … in ascending order.

    Raises:
        BadInput: One is no whole number, or some lines have one and others do not.
    """
    if not any(folds):
        return None
    for line, fold in zip(lines, folds, strict=True):
        if not _FOLD.fullmatch(fold):
            expected = "a whole number from 0 in every line, or in none"
            raise BadInput(path, f"line {line}, fold", expected, repr(fold[:80]))
    return _ascending(np.array([int(fold) for fold in folds]))


def read_whole(path: Path, line: int, column: str, text: str) -> int:
    """A whole number from 0 with at most 18 digits.

    Raises:
        BadInput: It is none.
    """
    if not _WHOLE.fullmatch(text):
        raise BadInput(path, f"line {line}, {column}", "a whole number from 0", repr(text[:80]))
    return int(text)


def _ascending(numbers: Int64[np.ndarray, " p"]) -> Int32[np.ndarray, " p"]:
    """The same groups, numbered from 0 in ascending order."""
    return np.unique(numbers, return_inverse=True)[1].astype(np.int32)


def _row(path: Path, line: int, fields: Mapping[str, str]) -> Row:
    """One line, checked for itself."""
    left, right = fields["left"], fields["right"]
    genuine = read_same(path, line, fields["same"])
    if left == right:
        raise BadInput(path, f"line {line}", "two different photos", f"{left[:80]!r} with itself")
    subjects = None
    if "left_subject" in fields or "right_subject" in fields:
        subjects = (fields.get("left_subject", ""), fields.get("right_subject", ""))
        if not all(subjects):
            expected = "left_subject and right_subject, both or neither of them a column"
            raise BadInput(path, f"line {line}", expected, "a blank")
        if (subjects[0] == subjects[1]) != genuine:
            found = f"{subjects[0][:80]!r} and {subjects[1][:80]!r}"
            expected = "one subject" if genuine else "two subjects"
            raise BadInput(path, f"line {line}", f"{expected}, as same says", found)
    return Row(line, left, right, genuine, fields.get("fold", ""), subjects)


def _first_lines(rows: Iterable[Row]) -> dict[str, int]:
    """Each photo once, in the order of the file, and the line that names it first."""
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(row.left, row.line)
        first.setdefault(row.right, row.line)
    return first


def _subjects(
    path: Path, rows: Iterable[Row], position: Mapping[str, int]
) -> Int64[np.ndarray, " n"]:
    """Each photo's subject by number, −1 where the file names none."""
    told: dict[str, tuple[str, int]] = {}
    for row in rows:
        for photo, subject in zip((row.left, row.right), row.subjects or (), strict=False):
            known, line = told.setdefault(photo, (subject, row.line))
            if known != subject:
                expected = f"{known[:80]!r} on {photo[:80]!r}, as in line {line}"
                raise BadInput(path, f"line {row.line}", expected, repr(subject[:80]))
    subjects = np.full(len(position), -1)
    number = {name: index for index, name in enumerate(sorted({one for one, _ in told.values()}))}
    for photo, (subject, _) in told.items():
        subjects[position[photo]] = number[subject]
    return subjects


def _read_numbered_lines(path: Path) -> NumberedPairs:
    """Any list of numbered pairs, line by line."""
    lines, numbers, same, folds = [], [], [], []
    for line, fields in read_csv(
        path,
        _WHAT_NUMBERS,
        HOW,
        required={name: (name.upper(),) for name in ("left", "right")},
        optional={name: (name.upper(),) for name in ("same", "fold")},
    ):
        lines.append(line)
        numbers.append([read_whole(path, line, side, fields[side]) for side in ("left", "right")])
        folds.append(fields.get("fold", ""))
        if "same" in fields:
            same.append(read_same(path, line, fields["same"]))
    if not lines:
        raise BadInput(path, "", "at least one pair", "none")
    left, right = np.array(numbers).T
    genuine, fold = np.array(same) if same else None, renumber_folds(path, lines, folds)
    return NumberedPairs(np.array(lines), left, right, genuine, fold)


def _read_digits(text: str) -> dict[str, np.ndarray] | None:
    """The columns of a file that is nothing but whole numbers below a header; None if it is not."""
    import pandas as pd

    header, _, rest = text.partition("\n")
    names = [name.strip().lower() for name in header.split(",")]
    if not {"left", "right"} <= set(names) <= {"left", "right", "same", "fold"}:
        return None
    body = rest.encode().replace(b"\r\n", b"\n").rstrip(b"\n")
    separators = (len(names) - 1) * (body.count(b"\n") + 1)
    if not body or body.translate(None, b"0123456789,\n") or body.count(b",") != separators:
        return None
    try:
        table = pd.read_csv(io.BytesIO(body), header=None, names=names, dtype="int64")
    except (ValueError, OverflowError):  # a blank, a column named twice, a line with fewer fields
        return None
    columns = {name: table[name].to_numpy() for name in names}
    most = {"left": 10**18 - 1, "right": 10**18 - 1, "same": 1, "fold": 10**9 - 1}
    fits = all(int(columns[name].max()) <= most[name] for name in names)
    return columns if fits and len(table) == body.count(b"\n") + 1 else None

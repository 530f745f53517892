"""Points that lie beside the photos: five in a text file (as Deep3D wants them), or a CSV table.

A text file holds five lines ``x y`` (eye centres, nose tip, mouth corners, image left first) and
lies beside its photo, as ``photo.txt`` or ``detections/photo.txt``: the layout of
microsoft/Deep3DFaceReconstruction and sicxu/Deep3DFaceRecon_pytorch. A CSV has the columns
``file, x1, y1, …`` with 5 or 68 points; a photo with several rows has several faces. Both count
pixels by their centres, (0, 0) being the top-left one.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import UInt8

from cfr.align import five_from_68
from cfr.landmarks.face import FoundFace
from cfr.landmarks.with_dlib import box_from_five
from protocols.errors import BadInput, BadOption, DatasetUnavailable

HOW = "It has to be a CSV file with file, x1, y1, … or a folder with a text file for each photo."
MOST_BYTES = 10_000
_NAME = "sidecar"


@dataclass(frozen=True)
class TextFiles:
    """Points from one text file a photo.

    Attributes:
        folder: Where the text files lie; beside each photo by default.
        name: What commands print.
    """

    folder: Path | None = None
    name: str = _NAME

    def __call__(
        self, photo: UInt8[np.ndarray, "h w 3"], path: Path | None = None
    ) -> list[FoundFace]:
        """The face of a photo; none where there is no text file for it.

        Raises:
            BadInput: The text file does not hold five points; names the line.
            BadOption: The photo's path is not given.
        """
        photo_path = _require(path)
        beside = (photo_path.parent, photo_path.parent / "detections")
        for folder in (self.folder,) if self.folder else beside:
            file = folder / f"{photo_path.stem}.txt"
            if file.is_file():
                return [read_five(file)]
        return []


@dataclass(frozen=True)
class Table:
    """Points from one CSV for all photos.

    Attributes:
        faces: The faces of each file that the table names.
        name: What commands print.
    """

    faces: Mapping[PurePosixPath, list[FoundFace]]
    name: str = _NAME

    def __call__(
        self, photo: UInt8[np.ndarray, "h w 3"], path: Path | None = None
    ) -> list[FoundFace]:
        """The faces of a photo: of the row whose file agrees with most of the end of its path.

        Raises:
            BadOption: The photo's path is not given.
        """
        parts = _require(path).absolute().parts
        for start in range(len(parts)):
            key = PurePosixPath(*parts[start:])
            if key in self.faces:
                return list(self.faces[key])
        return []


def load(root: Path | None = None, device: str = "cpu") -> TextFiles | Table:
    """Points beside the photos, or where ``root`` says.

    Args:
        root: A CSV file, a folder of text files, or None: each photo's own folder.
        device: Not used.

    Raises:
        DatasetUnavailable: ``root`` is neither file nor folder.
        BadInput: The CSV is malformed; names the line.
    """
    if root is None or root.is_dir():
        return TextFiles(root)
    if not root.is_file():
        raise DatasetUnavailable("the table of points", root, HOW)
    return Table(read_csv(root))


def read_five(path: Path) -> FoundFace:
    """Read five lines ``x y``, separated by blanks, tabs or a comma.

    Raises:
        BadInput: There are other than five points, or one is no pair of numbers.
    """
    lines = [
        (number, line.replace(",", " ").split())
        for number, line in enumerate(_read_text(path).splitlines(), 1)
        if line.strip()
    ]
    points = [_numbers(path, number, fields, 2) for number, fields in lines]
    if len(points) != 5:
        raise BadInput(path, "", "five lines x y", f"{len(points)} of them")
    return _face(path, "", np.array(points))


def read_csv(path: Path) -> dict[PurePosixPath, list[FoundFace]]:
    """Read ``file, x1, y1, …, x5, y5`` or ``…, x68, y68``, with that header.

    Raises:
        BadInput: Another header, or a row that does not fit it; names the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file, strict=True)
            count = _count(path, next(rows, []))
            faces: dict[PurePosixPath, list[FoundFace]] = {}
            for row in rows:
                if not row:
                    continue
                record = f"line {rows.line_num}"
                if not row[0].strip():
                    raise BadInput(path, record, "a file name", "none")
                numbers = _numbers(path, rows.line_num, row[1:], 2 * count)
                face = _face(path, record, np.array(numbers).reshape(count, 2))
                faces.setdefault(PurePosixPath(row[0].strip()), []).append(face)
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(path, "", "CSV in UTF-8", str(error)) from error
    return faces


def _count(path: Path, header: list[str]) -> int:
    """How many points a header announces."""
    names = [name.strip().lower() for name in header]
    for count in (5, 68):
        points = [f"{axis}{index}" for index in range(1, count + 1) for axis in "xy"]
        if names == ["file", *points]:
            return count
    expected = "file,x1,y1,… up to x5,y5 or x68,y68"
    raise BadInput(path, "line 1", expected, repr(",".join(header)[:60]))


def _numbers(path: Path, line: int, fields: list[str], count: int) -> list[float]:
    expected = f"{count} finite numbers"
    try:
        numbers = [float(field) for field in fields]
    except ValueError as error:
        raise BadInput(path, f"line {line}", expected, str(error)) from error
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise BadInput(path, f"line {line}", expected, repr(" ".join(fields)[:60]))
    return numbers


def _face(path: Path, record: str, points: np.ndarray) -> FoundFace:
    five = points if len(points) == 5 else five_from_68(points)
    if np.ptp(five, axis=0).max() < 1:
        raise BadInput(path, record, "points at least a pixel apart", f"{five[0]} five times")
    return FoundFace(box_from_five(five), 1.0, five, points if len(points) == 68 else None, _NAME)


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(path, "", "five lines x y", str(error)) from error


def _require(path: Path | None) -> Path:
    if path is None:
        raise BadOption("landmarks sidecar", "photos that are files: points lie beside them")
    return path

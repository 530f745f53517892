"""Frontalize the faces of photos: files for each face, a sheet, and a record of all of it."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from cfr.frontalizers.render import RenderFrontalizer, TurnedFace
from cfr.landmarks.face import FoundFace, Landmarker
from cfr.landmarks.policy import Tally
from protocols.errors import BadInput
from protocols.images import read_image, save_image

_PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")

_RECORD_EVERY = 100
Damaged = Literal["error", "skip"]
"""For a photo that cannot be read: stop, or go on without it and note it."""


@dataclass(frozen=True)
class Written:
    """A face that was turned.

    Attributes:
        photo: Where it was found.
        face: Number of the face in the photo, from 1.
        found_by: The detector.
        box: Left, top, right, bottom in the photo's pixels.
        pitch_degrees: Of the face in the photo; positive looks down.
        yaw_degrees: Positive turns the nose to the image's right.
        roll_degrees: Positive is anticlockwise in the image.
        files: Name → file.
    """

    photo: str
    face: int
    found_by: str
    box: tuple[float, ...]
    pitch_degrees: float
    yaw_degrees: float
    roll_degrees: float
    files: dict[str, str]


def find_photos(path: Path, leave_out: Path | None = None) -> list[Path]:
    """A photo, or the photos of a folder and its subfolders, in order.

    Hidden files are no photos: the archives of some systems are full of them.

    Args:
        path: A photo or a folder.
        leave_out: A folder whose pictures do not count: what an earlier run wrote.

    Raises:
        BadInput: There is none.
    """
    if path.is_dir():
        ours = leave_out.resolve() if leave_out else None
        found = sorted(
            one
            for one in path.rglob("*")
            if one.suffix.lower() in _PICTURES
            and not one.name.startswith(".")
            and one.is_file()
            and not (ours and one.resolve().is_relative_to(ours))
        )
        if not found:
            raise BadInput(path, "", f"pictures ({', '.join(_PICTURES)})", "none")
        return found
    if not path.is_file():
        raise BadInput(path, "", "a photo or a folder of photos", "no such file")
    return [path]


def frontalize_photos(
    path: Path,
    out: Path,
    landmarker: Landmarker,
    frontalizer: RenderFrontalizer,
    tally: Tally,
    *,
    damaged: Damaged = "error",
    progress: Callable[[int], None] = lambda total: None,
) -> list[Written]:
    """Turn the chosen faces of each photo, and write as it goes.

    ``OUT/PHOTO-crop.png``, ``-projected.png``, ``-estimated.png`` and ``-sheet.png``; a second face
    of a photo is ``PHOTO-face2-crop.png``. A folder's subfolders are kept, and the suffix of photos
    that differ in nothing else. ``OUT/frontalized.json`` holds the poses, the choice of faces and
    the face model's digest.

    Args:
        path: A photo or a folder.
        out: A folder.
        landmarker: Finds faces and 68 points.
        frontalizer: Turns them.
        tally: The policy for none and for several; counts.
        damaged: The policy for a photo that cannot be read.
        progress: Called with the number of photos, after each.

    Raises:
        BadInput: A photo is damaged and the policy is ``error``, or there is none.
        NoFace: A photo has no face, and the policy is ``error``.
    """
    photos, unread = find_photos(path, leave_out=out), []
    base = path if path.is_dir() else path.parent
    names = _names([one.relative_to(base) for one in photos])
    written: list[Written] = []
    try:
        for count, (photo_path, name) in enumerate(zip(photos, names, strict=True), 1):
            try:
                photo = read_image(photo_path)
            except BadInput:
                if damaged == "error":
                    raise
                unread.append(photo_path.relative_to(base).as_posix())
                progress(len(photos))
                continue
            turned = _turn(photo, photo_path, landmarker, frontalizer, tally)
            for number, (face, one) in enumerate(turned, 1):
                stem = out / (name if number == 1 else f"{name}-face{number}")
                written.append(_write(stem, out, photo_path.relative_to(base), number, face, one))
            if count % _RECORD_EVERY == 0:
                _record(out, frontalizer, tally, written, unread)
            progress(len(photos))
    finally:  # what was written is on record even if a photo stops the run
        _record(out, frontalizer, tally, written, unread)
    return written


def _names(photos: list[Path]) -> list[str]:
    """Each photo's path without its suffix, but with it where another's would be the same."""
    bare = Counter(one.with_suffix("") for one in photos)
    names = [str(one.with_suffix("") if bare[one.with_suffix("")] == 1 else one) for one in photos]
    # A photo that is itself called like the second face of another keeps its suffix, too.
    faces = re.compile(r"-face\d+$")
    return [
        str(photo) if faces.search(name) else name
        for photo, name in zip(photos, names, strict=True)
    ]


def _turn(
    photo: np.ndarray,
    path: Path,
    landmarker: Landmarker,
    frontalizer: RenderFrontalizer,
    tally: Tally,
) -> Iterator[tuple[FoundFace, TurnedFace]]:
    for face in tally.choose(landmarker(photo, path), photo.shape[:2], path):
        if face.points is None:
            raise BadInput(path, "", "68 points", f"five, by {face.found_by}")
        try:
            yield face, frontalizer(photo, face.points)
        except ValueError as error:
            raise BadInput(path, "", f"a face's points from {face.found_by}", str(error)) from error


def doubtful(written: list[Written]) -> str:
    """A warning, if dlib's network alone found some faces; empty otherwise."""
    count = sum(one.found_by == "dlib-mmod" for one in written)
    if not count:
        return ""
    return (
        f"{count} of them only dlib's network saw: turned far, or covered. dlib's 68 points are "
        "often wrong there; look at the sheets, or try --landmarks tddfa."
    )


def _write(
    stem: Path, out: Path, photo: Path, number: int, face: FoundFace, turned: TurnedFace
) -> Written:
    from results.figures.sheet import draw_sheet

    stem.parent.mkdir(parents=True, exist_ok=True)
    pictures = {
        "crop": turned.crop,
        "projected": turned.projected,
        "estimated": turned.estimated,
    }
    files = {name: stem.with_name(f"{stem.name}-{name}.png") for name in (*pictures, "sheet")}
    for name, picture in pictures.items():
        save_image(files[name], picture)
    shown = {
        "aligned crop": turned.crop,
        "fitted model": turned.fitted,
        "photo's texture, turned": turned.projected,
        "estimated texture, turned": turned.estimated,
    }
    draw_sheet([shown]).savefig(files["sheet"])
    pitch, yaw, roll = np.degrees(turned.coefficients.rotation[0].cpu().numpy()).tolist()
    return Written(
        photo=photo.as_posix(),
        face=number,
        found_by=face.found_by,
        box=tuple(face.box.tolist()),
        pitch_degrees=pitch,
        yaw_degrees=yaw,
        roll_degrees=roll,
        files={name: file.relative_to(out).as_posix() for name, file in files.items()},
    )


def _record(
    out: Path,
    frontalizer: RenderFrontalizer,
    tally: Tally,
    written: list[Written],
    unread: list[str],
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    record = {
        "method": "render",
        "model": frontalizer.model.name,
        "model_digest": frontalizer.model.digest,
        "yaw_degrees": float(np.degrees(frontalizer.yaw)),
        "pitch_degrees": float(np.degrees(frontalizer.pitch)),
        "size": frontalizer.size,
        "fit": asdict(frontalizer.settings),
        **tally.record(),
        "damaged_photos": unread,
        "faces": [asdict(one) for one in written],
    }
    partial = out / ".frontalized.json.part"
    partial.write_text(json.dumps(record, indent=1), encoding="utf-8")
    partial.replace(out / "frontalized.json")

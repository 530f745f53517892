"""Frontalize the faces of photos: files for each face, a sheet, and a record of all of it."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import numpy as np

from cfr.landmarks.face import FoundFace, Landmarker
from cfr.landmarks.policy import NoFace, Tally
from protocols.errors import BadInput
from protocols.images import read_image, save_image
from results.alone import alone
from results.frontalizing.manifest import Done, Manifest, Written, sha256_of
from results.frontalizing.methods import Made, Method
from results.frontalizing.photos import find_photos, stems

Damaged = Literal["error", "skip"]
"""For a photo that cannot be read: stop, or go on without it and note it."""


def frontalize_photos(
    path: Path,
    out: Path,
    landmarker: Landmarker,
    method: Method,
    tally: Tally,
    *,
    damaged: Damaged = "error",
    progress: Callable[[int], None] = lambda total: None,
) -> list[Written]:
    """Turn the chosen faces of each photo, and write as it goes.

    ``OUT/PHOTO-NAME.png`` for each picture of the method, and ``OUT/PHOTO-sheet.png``; a second
    face of a photo is ``PHOTO-face2-NAME.png``. A folder's subfolders are kept, and the suffix of
    photos that differ in nothing else. ``OUT/frontalized.json`` holds the method, the choice of
    faces, their poses and the landmarks of the results; ``OUT/frontalized.jsonl`` is what a killed
    run goes on from.

    Args:
        path: A photo or a folder.
        out: A folder.
        landmarker: Finds faces and 68 points.
        method: What is done to them.
        tally: The policy for none and for several; counts.
        damaged: The policy for a photo that cannot be read.
        progress: Called with the number of photos, after each.

    Raises:
        BadInput: A photo is damaged and the policy is ``error``, or there is none; or the folder
            was begun with other options, or another run writes to it.
        NoFace: A photo has no face, and the policy is ``error``.
    """
    photos = find_photos(path, leave_out=out)
    base = path if path.is_dir() else path.parent
    names = [one.relative_to(base) for one in photos]
    # What happens to photos without a face may change: it changes no picture.
    options = {**method.record, "detector": tally.detector, "several_faces": tally.several}
    out.mkdir(parents=True, exist_ok=True)
    with alone(out):
        manifest = Manifest(out, options)
        done: list[Done] = []
        try:
            for photo, name, stem in zip(photos, names, stems(names), strict=True):
                one = manifest.find(name.as_posix(), stem, photo)
                if one is None or not _settled(one, tally, damaged):
                    one = _do(photo, name, stem, out, landmarker, method, tally, damaged)
                    manifest.add(one)
                done.append(one)
                progress(len(photos))
        except NoFace:
            tally.none += 1
            raise
        finally:  # what was written is on record even if a photo stops the run
            _count(tally, done)
            _record(out, method, tally, done)
    return [face for one in done for face in one.faces]


def _settled(done: Done, tally: Tally, damaged: Damaged) -> bool:
    """Whether nothing of it would stop this run."""
    if done.found is None:
        return damaged == "skip"
    return done.found > 0 or tally.missing == "skip"


def _do(
    path: Path,
    name: Path,
    stem: str,
    out: Path,
    landmarker: Landmarker,
    method: Method,
    tally: Tally,
    damaged: Damaged,
) -> Done:
    """Everything of one photo."""
    sha256 = sha256_of(path)
    try:
        photo = read_image(path)
    except BadInput:
        if damaged == "error":
            raise
        return Done(name.as_posix(), stem, sha256, None)
    found = landmarker(photo, path)
    chosen = Tally(tally.detector, tally.several, tally.missing)
    written = []
    for number, (face, made) in enumerate(_made(photo, path, found, method, chosen), 1):
        own = out / (stem if number == 1 else f"{stem}-face{number}")
        written.append(_write(own, out, name, number, face, made))
    return Done(name.as_posix(), stem, sha256, len(found), tuple(written))


def _made(
    photo: np.ndarray, path: Path, found: list[FoundFace], method: Method, tally: Tally
) -> Iterator[tuple[FoundFace, Made]]:
    for face in tally.choose(found, photo.shape[:2], path):
        points = face.require_68(path)
        try:
            yield face, method(photo, points)
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


def _write(stem: Path, out: Path, photo: Path, number: int, face: FoundFace, made: Made) -> Written:
    from results.figures.sheet import draw_sheet

    stem.parent.mkdir(parents=True, exist_ok=True)
    parts = (*made.pictures, *(("sheet",) if made.shown else ()))
    files = {name: stem.with_name(f"{stem.name}-{name}.png") for name in parts}
    for name, picture in made.pictures.items():
        save_image(files[name], picture)
    if made.shown:
        draw_sheet([made.shown]).savefig(files["sheet"])
    pitch, yaw, roll = made.degrees or (None, None, None)
    return Written(
        photo=photo.as_posix(),
        face=number,
        found_by=face.found_by,
        box=tuple(face.box.tolist()),
        pitch_degrees=pitch,
        yaw_degrees=yaw,
        roll_degrees=roll,
        files={name: file.relative_to(out).as_posix() for name, file in files.items()},
        points=tuple((round(x, 3), round(y, 3)) for x, y in made.points.tolist()),
    )


def _count(tally: Tally, done: Sequence[Done]) -> None:
    """Photos of this run and of those before it."""
    found = [one.found for one in done if one.found is not None]
    tally.found += sum(count > 0 for count in found)
    tally.none += sum(count == 0 for count in found)
    tally.many += sum(count > 1 for count in found)


def _record(out: Path, method: Method, tally: Tally, done: Sequence[Done]) -> None:
    record = {
        **method.record,
        **tally.record(),
        "damaged_photos": [one.photo for one in done if one.found is None],
        "faces": [asdict(face) for one in done for face in one.faces],
    }
    partial = out / ".frontalized.json.part"
    partial.write_text(json.dumps(record, indent=1), encoding="utf-8")
    partial.replace(out / "frontalized.json")

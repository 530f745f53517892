"""Faces of photos that lie on disk, with the points that a detector finds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from cfr.landmarks.face import FoundFace, Landmarker
from cfr.landmarks.policy import choose
from protocols.errors import BadInput
from protocols.images import read_image
from results.export.work import Show
from results.figures.landmarks import evenly_chosen
from results.frontalizing.photos import find_photos
from results.pictures.types import Chosen, Face

_SEVERAL = 6


@dataclass(frozen=True, eq=False)
class PhotoFile:
    """A photo that may be shown.

    Attributes:
        path: Where it lies.
        name: What the figure calls it.
        clear: The same without what hides the face, where there is such a photo.
    """

    path: Path
    name: str
    clear: Path | None = None


def own_photos(paths: Sequence[Path], leave_out: Path) -> list[PhotoFile]:
    """The photos that a user names, and those of folders, in order; each once.

    Args:
        paths: Photos and folders.
        leave_out: Where figures are written to: its pictures do not count.

    Raises:
        BadInput: A folder has none, or a photo is not there.
    """
    found: dict[Path, PhotoFile] = {}
    for path in (one.expanduser() for one in paths):
        for one in find_photos(path, leave_out):
            name = one.relative_to(path).as_posix() if path.is_dir() else one.name
            found.setdefault(one, PhotoFile(one, name))
    return list(found.values())


def spread(files: Sequence[PhotoFile], count: int) -> list[PhotoFile]:
    """So many of them, spread evenly over their order."""
    return [files[at] for at in evenly_chosen(np.arange(len(files)), count)]


def show_photos(
    files: Sequence[PhotoFile], count: int, landmarker: Landmarker, whose: str, show: Show
) -> Chosen:
    """The faces of some photos.

    Args:
        files: All that there are; some are taken, spread evenly.
        count: Faces, at most.
        landmarker: Finds them.
        whose: Whose photos these are, in words.
        show: Progress.

    Raises:
        BadInput: No face was found in any, or none could be read.
    """
    taken = spread(files, count)
    with show("finding faces", len(taken)) as advance:
        faces, without, damaged = _look(taken, landmarker, advance, every=len(files) == 1)
    if not faces:
        expected = f"a photo in which {landmarker.name} finds a face"
        raise BadInput(taken[0].path, "", expected, f"none in {len(taken)}")
    spread_out = "" if len(taken) == len(files) else ", spread evenly over their order"
    told = f"{whose}: {len(taken)} of {len(files):,}{spread_out}, none chosen by eye."
    if len(faces) > count:
        told += f" Of that photo's faces {count} of {len(faces)}, from the left to the right."
        faces = [faces[at] for at in evenly_chosen(np.arange(len(faces)), count)]
    return Chosen(
        faces=tuple(faces),
        world="real",
        told=told,
        points=f"by {landmarker.name}",
        labelled=False,
        left_out=tuple(_left_out(without, damaged, landmarker.name)),
    )


def _look(
    taken: Sequence[PhotoFile],
    landmarker: Landmarker,
    advance: Callable[[int], None],
    *,
    every: bool,
) -> tuple[list[Face], list[str], list[str]]:
    """The faces, the names of photos without one, and of those that cannot be read."""
    faces: list[Face] = []
    without: list[str] = []
    damaged: list[str] = []
    for file in taken:
        try:
            photo, clear = read_image(file.path), _clear(file)
        except BadInput:
            damaged.append(file.name)
        else:
            found = landmarker(photo, file.path)
            if not found:
                without.append(file.name)
            faces += _faces(file, photo, clear, found, every=every)
        advance(1)
    return faces, without, damaged


def _clear(file: PhotoFile) -> UInt8[np.ndarray, "h w 3"] | None:
    return None if file.clear is None else read_image(file.clear)


def _faces(
    file: PhotoFile,
    photo: np.ndarray,
    clear: np.ndarray | None,
    found: Sequence[FoundFace],
    *,
    every: bool,
) -> Iterator[Face]:
    """The largest face of a photo, or all, from the left to the right."""
    if not found:
        return
    chosen = choose(found, photo.shape[:2], "all" if every else "largest", file.path)
    chosen = sorted(chosen, key=lambda one: float(one.centre[0]))
    for at, one in enumerate(chosen, 1):
        name = f"{file.name}, face {at}" if len(chosen) > 1 else file.name
        about: dict[str, Any] = {"file": file.name, "face": at, "found_by": one.found_by}
        yield Face(name, photo, one.require_68(file.path), about, clear)


def _left_out(without: Sequence[str], damaged: Sequence[str], detector: str) -> Iterator[str]:
    for what, names in ((f"{detector} found no face in", without), ("Damaged:", damaged)):
        if names:
            more = f" and {len(names) - _SEVERAL} more" if len(names) > _SEVERAL else ""
            yield f"{what} {', '.join(names[:_SEVERAL])}{more}."

"""68 points on the listed photos: what everything else is learned from."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from protocols.errors import BadInput
from protocols.images import read_image
from protocols.roots import inside_root

_JITTER = np.array([(x, y) for x in (-3, 0, 3) for y in (-3, 0, 3)])
_SUREST = 0.2
FEWEST_PHOTOS = 200
"""Fewer photos have too few people for the modes that are to be learned."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Photos with one face each.

    Attributes:
        photos: Their files.
        people: Who they show, by name of the folder.
        points: ``(n, 68, 2)`` iBUG-68 points in pixels.
    """

    photos: list[Path]
    people: list[str]
    points: Float64[np.ndarray, "n 68 2"]


def read_list(path: Path, root: Path) -> list[Path]:
    """Photos by a list of paths within ``root``, one a line.

    Raises:
        BadInput: The list is absent, empty, or names a file that is not in the root.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise BadInput(path, "", "a list of photos", error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise BadInput(path, "", "a list of photos, one a line", "no text") from error
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            photo = inside_root(root, line.strip(), path, f"line {number}")
            if not photo.is_file():
                raise BadInput(path, f"line {number}", f"a photo in {root}", line.strip())
            found.append(photo)
    if len(found) < FEWEST_PHOTOS:
        expected = f"at least {FEWEST_PHOTOS} photos, for as many modes"
        raise BadInput(path, "", expected, f"{len(found)}")
    return found


def label(photos: Iterable[Path], progress: Callable[[], None]) -> Labelled:
    """Find the face nearest to each photo's middle and place its points.

    The points are the mean over shifted boxes, which halves their scatter. A photo without a clear
    face in its middle is left out: the others suffice.

    Raises:
        PackageUnavailable: dlib is not installed.
        BadInput: A photo is damaged.
    """
    from cfr.landmarks.with_dlib import Dlib, load_predictor

    detector = Dlib(load_predictor())
    used, points = [], []
    for path in photos:
        photo = read_image(path)
        progress()
        middle = np.array(photo.shape[1::-1]) / 2
        faces = [face for face in detector(photo) if face.score > _SUREST]
        if not faces:
            continue
        face = min(faces, key=lambda one: np.abs(one.centre - middle).sum())
        if np.abs(face.centre - middle).max() > middle.min() / 2:
            continue
        boxes = face.box + np.tile(_JITTER, 2)
        placed = [detector.predictor.points_in_box(photo, box) for box in boxes]
        used.append(path)
        points.append(np.mean(placed, axis=0))
    return Labelled(used, [path.parent.name for path in used], np.stack(points))

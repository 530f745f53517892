"""What a data set of the synthetic world is: photos that are asked for, and lists about them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Int64

from cfr.synthetic.shots import Shot
from protocols.counts import FILE
from results.cache.durable import write_durably
from results.synthetic.options import Name

CELLS = (6, 3)
"""Rows and columns of IJB-C's grid on a face, whose cells say where it is covered."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo of a data set.

    Attributes:
        name: Its path below the data set's root.
        shot: What it shows.
        aligned: Whether it is ArcFace's crop of 112 × 112, and not the whole picture.
    """

    name: str
    shot: Shot
    aligned: bool = False


@dataclass(frozen=True, eq=False)
class Truth:
    """What is known of ``n`` photos once they were taken.

    Attributes:
        points: ``(n, 68, 2)`` in pixels of the photo, hidden ones included.
        depth: ``(n, 68)`` likewise, behind the nearest of them.
        hidden: ``(n,)`` share of the face that an occluder covers.
        cells: ``(n, 18)`` parts of the face, row by row, at least half of which is covered.
    """

    points: Float32[np.ndarray, "n 68 2"]
    depth: Float32[np.ndarray, "n 68"]
    hidden: Float32[np.ndarray, " n"]
    cells: Bool[np.ndarray, "n 18"]

    @classmethod
    def joined(cls, parts: Sequence["Truth"]) -> "Truth":
        """Of several, one after the other."""
        names = [one.name for one in fields(cls)]
        return cls(
            **{name: np.concatenate([getattr(one, name) for one in parts]) for name in names}
        )

    @cached_property
    def boxes(self) -> Float32[np.ndarray, "n 4"]:
        """x, y, width, height of the faces, forehead included."""
        low, high = self.points.min(1), self.points.max(1)
        width, height = (high - low).T
        left, top = low[:, 0] - 0.05 * width, low[:, 1] - 0.25 * height
        return np.stack((left, top, 1.1 * width, 1.3 * height), axis=1).astype(np.float32)


Finish = Callable[[Path, Truth], None]
"""Writes a data set's lists into its root, when all of its photos are there."""


@dataclass(frozen=True, eq=False)
class SetPlan:
    """A data set before anything is drawn.

    Attributes:
        name: As commands call it.
        photos: All of them, those of a person together.
        finish: Writes the lists.
        rows: Title → positions of photos, for a sheet to look at.
    """

    name: Name
    photos: Sequence[Photo]
    finish: Finish
    rows: Mapping[str, Sequence[int]]

    @property
    def people(self) -> Int64[np.ndarray, " p"]:
        """Seeds of everybody in it, ascending."""
        return np.unique([photo.shot.person for photo in self.photos])


def write_file(path: Path, content: bytes) -> None:
    """Write one of many files: under its name it is whole or not there."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def write_text(path: Path, lines: Sequence[str], newline: str = "\n") -> None:
    """Write lines; the folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, "".join(f"{line}{newline}" for line in lines).encode())


def write_counts(root: Path, why: str, counts: Mapping[str, int]) -> None:
    """Write the ``counts.json`` that loaders hold a data set to."""
    text = json.dumps({"why": why, "counts": dict(counts)}, indent=1)
    write_durably(root / FILE, f"{text}\n".encode())

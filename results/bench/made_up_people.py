"""Made-up people, far cheaper than faces: a faint pattern each, in front of what changes always.

What two photos of a person share is a fifth as strong as what they do not, so that a network has to
learn it: one with random weights, or one that was taught wrong names, finds next to nothing.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from protocols.record_writer import RecordWriter

_CELLS = 8  # of a person's pattern, along each side
_GROUND = 3  # … of what is behind it


@dataclass(frozen=True)
class MadeUpPeople:
    """How many, and how large.

    Attributes:
        people: How many.
        photos: Of each.
        size: Pixels a side.
        strength: Of a person's pattern, in grey levels.
        ground: Of what is behind it.
        hold_out: Every so-manieth person keeps their own photos when names are shuffled.
        seed: Of everything drawn.
    """

    people: int
    photos: int
    size: int = 112
    strength: float = 12.0
    ground: float = 60.0
    hold_out: int = 5
    seed: int = 0

    def photo(self, person: int, number: int) -> UInt8[np.ndarray, "s s 3"]:
        """One photo, RGB."""
        own = np.random.default_rng((self.seed, person, 1)).choice([-1.0, 1.0], (_CELLS, _CELLS))
        rng = np.random.default_rng((self.seed, person, number, 2))
        ground = _enlarged(rng.normal(size=(_GROUND, _GROUND, 3)), self.size, cv2.INTER_CUBIC)
        pattern = _enlarged(own, self.size, cv2.INTER_NEAREST)[..., None]
        levels = 128 + self.ground * ground + self.strength * pattern
        levels = levels + rng.normal(0, 4, levels.shape)
        return np.clip(np.round(levels), 0, 255).astype(np.uint8)


def write_people(folder: Path, people: MadeUpPeople, *, shuffled: bool = False) -> None:
    """Write them as RecordIO, as JPEG.

    Args:
        folder: Where.
        people: Who.
        shuffled: Whether photos get names at random, but for every ``hold_out``-th person's.
    """
    names = np.repeat(np.arange(people.people), people.photos)
    if shuffled:
        kept = names % people.hold_out == people.hold_out - 1
        names[~kept] = np.random.default_rng((people.seed, 3)).permutation(names[~kept])
    with RecordWriter(folder, height=people.size, width=people.size) as writer:
        for at in np.argsort(names, kind="stable").tolist():
            buffer = io.BytesIO()
            photo = people.photo(*divmod(at, people.photos))
            Image.fromarray(photo).save(buffer, "JPEG", quality=95)
            writer.add(buffer.getvalue(), int(names[at]))


def _enlarged(cells: np.ndarray, size: int, how: int) -> np.ndarray:
    return cv2.resize(cells, (size, size), interpolation=how)

"""Who is who: seeds of people, apart from each other and from all that are used elsewhere.

Made-up people in pairs for training have seeds below :data:`results.making_pairs.PEOPLE`, those of
``bench.py face-model`` lie from 41 to 44 millions, those of restorations from 70 to 72 millions,
those of figures from 73 to 74 millions.
"""

from typing import Literal

import numpy as np

Part = Literal["casia", "rafdb train", "rafdb test", "lfw", "ijba", "ijbb", "ijbc", "aflw2000"]
PARTS: tuple[Part, ...] = (
    "casia",
    "rafdb train",
    "rafdb test",
    "lfw",
    "ijba",
    "ijbb",
    "ijbc",
    "aflw2000",
)
TRAINING: tuple[Part, ...] = ("casia", "rafdb train")
"""Parts that networks learn from; all others are for tests."""
FIRST = 100_000_000
"""The first seed of the first world."""
ROOM = 1_000_000
"""People that a part of a world may have."""
_SHOTS = 100_000  # that a person may have


def person_seed(part: Part, world: int, number: int) -> int:
    """The seed of the ``number``-th person of a part of a world."""
    if not 0 <= number < ROOM:
        raise ValueError(f"person {number}: expected 0 to {ROOM - 1}")
    return FIRST + (world * len(PARTS) + PARTS.index(part)) * ROOM + number


def shot_seed(person: int, number: int) -> int:
    """The seed of a person's ``number``-th setting or moment; no two people share one."""
    if not 0 <= number < _SHOTS:
        raise ValueError(f"shot {number}: expected 0 to {_SHOTS - 1}")
    return person * _SHOTS + number


def occluder_seed(part: Part, rng: np.random.Generator) -> int:
    """A seed of an occluder: even in training, odd in tests, so that none is in both."""
    return 2 * int(rng.integers(2**30)) + (0 if part in TRAINING else 1)


def plan_rng(part: Part, world: int) -> np.random.Generator:
    """Where poses, occluders and templates of a part are drawn from."""
    return np.random.default_rng((world, PARTS.index(part), 7))

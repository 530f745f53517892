"""LFW of made-up people: nearly frontal photos of 250 × 250, and pairs in ten folds.

As in the official list, no person is in two folds.
"""

from collections.abc import Sequence
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np

from cfr.synthetic.quality import Quality
from protocols.lfw import COUNTS, LIST
from protocols.lfw import Photo as Named
from results.synthetic.casting import Cast, Look, evenly, some
from results.synthetic.options import Scale
from results.synthetic.plan import Photo, SetPlan, Truth, write_counts, write_text
from results.synthetic.seeds import plan_rng
from results.synthetic.shares import FEW_KINDS, LFW

FOLDS = COUNTS["folds"]
FOLDER = "lfw-deepfunneled"
SIZES = {
    "tiny": (4, 3, 12),
    "small": (10, 4, 50),
    "mini": (25, 4, 100),
    "full": (192, 4, 300),
}
"""People of a fold, photos of each, pairs of each kind in a fold."""
LOOK = Look(
    size=250,
    zoom=(0.6, 0.68),
    bins=LFW,
    kinds=FEW_KINDS,
    quality=Quality(noise=1.0, kept=0.45, exposure=0.08),
    pitch=5.0,
    roll=4.0,
)


def plan(scale: Scale, world: int, why: str) -> SetPlan:
    """What is to be drawn."""
    people, each, pairs = SIZES[scale]
    rng = plan_rng("lfw", world)
    numbers = evenly(FOLDS * people * each, FOLDS * people)
    shots = Cast("lfw", world, LOOK).shots(rng, numbers)
    named = [Named(f"Made_Up_{at // each:05d}", at % each + 1) for at in range(len(shots))]
    photos = [Photo(f"{FOLDER}/{a.path}", b) for a, b in zip(named, shots, strict=True)]
    lines, used = [f"{FOLDS}\t{pairs}"], set()
    for fold in range(FOLDS):
        first = fold * people * each
        own = named[first : first + people * each]
        for pair in (*_genuine(rng, own, each, pairs), *_impostor(rng, own, each, pairs)):
            used.update(pair)
            lines.append(_line(*pair))
    counts = {
        "folds": FOLDS,
        "pairs": 2 * FOLDS * pairs,
        "genuine": FOLDS * pairs,
        "photos": len(used),
    }
    rows = {
        f"person {one}": range(one * each, (one + 1) * each)
        for one in range(min(6, FOLDS * people))
    }
    rows |= {"others": some(len(photos), 8)}
    return SetPlan("lfw", photos, partial(_finish, why, lines, counts), rows)


def _finish(
    why: str, lines: Sequence[str], counts: dict[str, int], root: Path, truth: Truth
) -> None:
    write_text(root / LIST, lines)
    write_counts(root, why, counts)


def _genuine(
    rng: np.random.Generator, own: Sequence[Named], each: int, pairs: int
) -> list[tuple[Named, Named]]:
    """Pairs of one person, all different."""
    every = [
        pair for first in range(0, len(own), each) for pair in combinations(own[first:][:each], 2)
    ]
    return [every[at] for at in np.sort(rng.choice(len(every), pairs, replace=False)).tolist()]


def _impostor(
    rng: np.random.Generator, own: Sequence[Named], each: int, pairs: int
) -> list[tuple[Named, Named]]:
    """Pairs of two people, all different."""
    every = [
        (left, right) for at, left in enumerate(own) for right in own[at // each * each + each :]
    ]
    return [every[at] for at in np.sort(rng.choice(len(every), pairs, replace=False)).tolist()]


def _line(left: Named, right: Named) -> str:
    if left.person == right.person:
        return f"{left.person}\t{left.number}\t{right.number}"
    return f"{left.person}\t{left.number}\t{right.person}\t{right.number}"

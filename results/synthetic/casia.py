"""CASIA-WebFace of made-up people: aligned pictures of 112 × 112, in folders and packed."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from cfr.synthetic.quality import Quality
from protocols.casia import NAME, RECORDS_COUNTS
from protocols.record_writer import RecordWriter
from results.synthetic.casting import Cast, Look, evenly, some
from results.synthetic.options import Scale
from results.synthetic.plan import Photo, SetPlan, Truth, write_counts
from results.synthetic.seeds import plan_rng
from results.synthetic.shares import CASIA, FEW_KINDS

SIZES = {
    "tiny": (24, 192),
    "small": (80, 800),
    "mini": (200, 4000),
    "full": (RECORDS_COUNTS["identities"], RECORDS_COUNTS["photos"]),
}
"""People and photos."""
SIDE = 112
LOOK = Look(
    size=184,
    zoom=(0.68, 0.72),
    bins=CASIA,
    kinds={kind: 2 * share for kind, share in FEW_KINDS.items()},
    quality=Quality(noise=1.2, kept=0.35, motion=4.0, exposure=0.15, grey=0.05),
)


def plan(scale: Scale, world: int, why: str) -> SetPlan:
    """What is to be drawn."""
    people, count = SIZES[scale]
    numbers = evenly(count, people)
    shots = Cast("casia", world, LOOK).shots(plan_rng("casia", world), numbers)
    photos, again = [], 0
    for at, (number, shot) in enumerate(zip(numbers, shots, strict=True)):
        again = again + 1 if at and numbers[at - 1] == number else 1
        photos.append(Photo(f"{NAME}/{number:07d}/{again:03d}.jpg", shot, aligned=True))
    each = count // people
    rows = {
        f"person {one}": range(one * each, one * each + min(8, each))
        for one in range(min(6, people))
    }
    finish = partial(_finish, why, photos, numbers)
    return SetPlan("casia", photos, finish, rows if scale != "full" else {"": some(count, 48)})


def _finish(
    why: str, photos: Sequence[Photo], numbers: Sequence[int], root: Path, truth: Truth
) -> None:
    """Pack the pictures, byte by byte as they lie in the folders."""
    for name in ("train.rec", "train.idx", "property"):
        (root / name).unlink(missing_ok=True)
    with RecordWriter(root, height=SIDE, width=SIDE) as writer:
        for photo, number in zip(photos, numbers, strict=True):
            writer.add((root / photo.name).read_bytes(), number)
    write_counts(root, why, {"photos": len(photos), "identities": numbers[-1] + 1})

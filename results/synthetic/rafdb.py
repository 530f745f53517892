"""RAF-DB of made-up people: seven expressions, and the lists of occluded and of turned faces.

Classes, and shares of occluded and turned faces, are the published ones. The published list numbers
four kinds of occluders without naming them; here 1 is a mask or scarf, 2 glasses, 3 a hand or
phone, 4 hair.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from cfr.synthetic.quality import Quality
from cfr.synthetic.shots import Shot
from protocols.rafdb import CLASSES, COUNTS, PARTITION
from results.synthetic.casting import Cast, Look, evenly
from results.synthetic.options import Scale
from results.synthetic.plan import Photo, SetPlan, Truth, write_counts, write_text
from results.synthetic.seeds import Part, plan_rng
from results.synthetic.shares import RAFDB, Kinds, apportion

SIZES = {
    "tiny": (140, 154),
    "small": (800, 300),
    "mini": (6136, 767),
    "full": (COUNTS["train"], COUNTS["test"]),
}
"""Photos for training and for tests."""
TRAIN_CLASSES = (1290, 281, 717, 4772, 1982, 705, 2524)
"""Official photos for training, by class."""
_SHOTS_EACH = 3  # photos of a person
_LISTED = {"mask": 78, "scarf": 78, "glasses": 141, "hand": 70, "phone": 70, "hair": 297}
NUMBER_OF = {"mask": 1, "scarf": 1, "glasses": 2, "hand": 3, "phone": 3, "hair": 4}
_AGAIN = 1  # rows of the list of occluded faces that stand there twice, as officially
KINDS: Kinds = {kind: count / COUNTS["test"] for kind, count in _LISTED.items()}
LOOK = Look(
    size=100,
    zoom=(1.16, 1.22),
    bins=RAFDB,
    kinds=KINDS,
    quality=Quality(noise=0.8, kept=0.75, exposure=0.1, grey=0.05),
    roll=2.0,
    shift=0.02,
)


def plan(scale: Scale, world: int, why: str) -> SetPlan:
    """What is to be drawn."""
    photos: list[Photo] = []
    labels: list[int] = []
    shares = {"train": TRAIN_CLASSES, "test": [COUNTS[f"test {name}"] for name in CLASSES]}
    for part, count in zip(shares, SIZES[scale], strict=True):
        drawn = _labels(part, world, count, shares[part])
        room: Part = "rafdb train" if part == "train" else "rafdb test"
        numbers = evenly(count, -(-count // _SHOTS_EACH))
        named = [CLASSES[label] for label in drawn]
        shots = Cast(room, world, LOOK).shots(plan_rng(room, world), numbers, named)
        photos += [
            Photo(f"Image/aligned/{part}_{at:05d}_aligned.jpg", shot)
            for at, shot in enumerate(shots, 1)
        ]
        labels += drawn
    rows = {
        name: [at for at, label in enumerate(labels) if label == number][:10]
        for number, name in enumerate(CLASSES)
    }
    return SetPlan("rafdb", photos, partial(_finish, why, photos, labels), rows)


def _labels(part: str, world: int, count: int, shares: Sequence[int]) -> list[int]:
    """The class of each photo; a person's three are in no order."""
    numbers = apportion(count, shares)
    rng = np.random.default_rng((world, 8 if part == "train" else 9))
    return rng.permutation(np.repeat(np.arange(len(numbers)), numbers)).tolist()


def _finish(
    why: str, photos: Sequence[Photo], labels: Sequence[int], root: Path, truth: Truth
) -> None:
    named = [Path(photo.name).stem.removesuffix("_aligned") for photo in photos]
    partition = [f"{name}.jpg {label + 1}" for name, label in zip(named, labels, strict=True)]
    write_text(root / "EmoLabel" / PARTITION, partition)
    test = [
        (name, label, photo.shot)
        for name, label, photo in zip(named, labels, photos, strict=True)
        if name.startswith("test")
    ]
    rows: Mapping[str, list[str]] = {
        "occlusion": _occluded(test),
        "pose > 30°": _turned(test, 30),
        "pose > 45°": _turned(test, 45),
    }
    write_text(root / "rafdb_occlusion_list.txt", rows["occlusion"], newline="\r\n")
    write_text(root / "val_raf_db_list.txt", rows["pose > 30°"])
    write_text(root / "val_raf_db_list_45.txt", rows["pose > 45°"])
    counts = {"train": len(labels) - len(test), "test": len(test)}
    for number, name in enumerate(CLASSES):
        counts[f"test {name}"] = sum(label == number for _, label, _ in test)
    write_counts(root, why, counts | {name: len(listed) for name, listed in rows.items()})


def _occluded(test: Sequence[tuple[str, int, Shot]]) -> list[str]:
    rows = [
        f"{name}_aligned {label} {NUMBER_OF[shot.occluder]}"
        for name, label, shot in test
        if shot.occluder
    ]
    return [*rows, *rows[-_AGAIN:]] if len(test) == COUNTS["test"] else rows


def _turned(test: Sequence[tuple[str, int, Shot]], degrees: int) -> list[str]:
    return [
        f"{label}/{name}_aligned.jpg"
        for name, label, shot in test
        if abs(shot.pose_degrees[1]) > degrees
    ]

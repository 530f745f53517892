"""Pairs for training that no photo is needed for: oval faces, a part of which a box hides."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from cfr.pairs.about import ABOUT, PairSettings, Shard, finished
from cfr.pairs.shards import INDEX, MadePair, shard_name, write_shard
from cfr.pairs.types import PairPictures
from protocols.types import InputFile

_VIEWS = 2


@dataclass(frozen=True)
class MadeUpPairs:
    """A source of pairs, each drawn from its number; a photo has two of them.

    Attributes:
        count: How many.
        size: Pixels a side.
    """

    count: int
    size: int

    @property
    def digest(self) -> str:
        """Of both numbers."""
        return hashlib.sha256(f"{self.count} {self.size}".encode()).hexdigest()

    @property
    def sources(self) -> Int64[np.ndarray, " n"]:
        """Number of the photo that each shows."""
        return np.arange(self.count) // _VIEWS

    def __len__(self) -> int:
        """How many."""
        return self.count

    def read(self, index: int, seed: int = 0) -> PairPictures:
        """A pair; the seed has no effect."""
        rng = np.random.default_rng((index, 3))
        rows, columns = np.mgrid[: self.size, : self.size] / self.size - 0.5
        face = (rows / 0.45) ** 2 + (columns / 0.35) ** 2 < 1
        skin = rng.uniform(90, 220, 3)
        photo = np.where(face[..., None], skin * (1 - 0.4 * columns[..., None]), 40)
        top, left = rng.integers(self.size // 4, self.size // 2, 2).tolist()
        hidden = np.zeros_like(face)
        hidden[top : top + self.size // 4, left : left + self.size // 4] = True
        hidden &= face
        damaged = np.where(hidden[..., None], rng.uniform(0, 255, 3), photo * face[..., None])
        guide = np.where(face[..., None], skin, 0)
        pictures = [one.clip(0, 255).astype(np.uint8) for one in (damaged, guide, photo)]
        mask = np.where(hidden, 255, 38).astype(np.uint8)
        return PairPictures(*pictures, mask=mask, face=face)


def write_pairs(folder: Path, pairs: MadeUpPairs) -> None:
    """Write pairs as make_pairs.py does, in one shard and without coefficients."""
    folder.mkdir(parents=True)
    made = [
        MadePair(
            pictures=pairs.read(index),
            name=f"{index:05d}",
            source=int(source),
            photo=f"{int(source)}.png",
            photo_sha256=pairs.digest,
            rotation_degrees=(0.0, 0.0, 0.0),
        )
        for index, source in enumerate(pairs.sources)
    ]
    shard = folder / shard_name(0)
    write_shard(shard, made, None, {})
    index = InputFile.of(shard / INDEX).sha256
    settings = PairSettings(
        size=pairs.size,
        preset="release",
        swap=True,
        parser={"name": "made up"},
        model="made up",
        coefficients={},
        landmarks={},
        seed=0,
        each=_VIEWS,
        photos=pairs.digest,
        rule="made-up faces",
        shard=len(pairs),
        device="cpu",
        ground={},
    )
    about = finished(settings, (Shard(len(pairs), index, ""),), {})
    (folder / ABOUT).write_text(about.text(), encoding="utf-8")

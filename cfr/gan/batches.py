"""Batches of pairs, each drawn from the seed, the step and the place of a pair in it alone.

So a run that goes on at step 1,000 sees what it would have seen, on one process or on several with
the same batch in all.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from cfr.gan.augmentation import Pair, augment
from cfr.gan.presets import GanAugmentation
from cfr.pairs.types import PairPictures, PairSource
from cfr.pictures import to_float
from cfr.training.reading_ahead import order_of_round, require_shares
from protocols.errors import BadOption

HELD_OUT = 20
"""The pairs of every twentieth photo are for validation."""


class PairBatch(NamedTuple):
    """Pairs as a generator is trained on them; RGB in [0, 1].

    Attributes:
        damaged: ``(b, 3, s, s)`` R_psr.
        guide: ``(b, 3, s, s)`` R_es.
        photo: ``(b, 3, s, s)`` what should be painted.
        mask: ``(b, 1, s, s)`` what has to be repaired.
        face: ``(b, 1, s, s)`` where the face is.
    """

    damaged: Tensor
    guide: Tensor
    photo: Tensor
    mask: Tensor
    face: Tensor

    def to(self, device: torch.device) -> "PairBatch":
        """The same on a device."""
        return PairBatch(*(one.to(device, non_blocking=True) for one in self))


@dataclass(frozen=True, eq=False)
class PairDraws(Dataset[PairBatch]):
    """The batches of a run, by step.

    Attributes:
        source: The pairs.
        size: Pixels a side that a generator sees.
        amounts: How pairs are changed.
        binary: Whether the target mask becomes 0 or 1.
        batch: Pairs of a batch, over all processes.
        seed: Of everything drawn.
        held_out: Draw from the pairs for validation, and not from those for training.
        rank: This process.
        ranks: Processes.
    """

    source: PairSource
    size: int
    amounts: GanAugmentation
    binary: bool
    batch: int
    seed: int
    held_out: bool = False
    rank: int = 0
    ranks: int = 1

    def __post_init__(self) -> None:
        """There have to be pairs, and a share of a batch for each process."""
        require_shares(self.batch, self.ranks)
        if not len(self.rows):
            part = "validation" if self.held_out else "training"
            expected = f"pairs for {part}: every {HELD_OUT}th photo is for validation"
            raise BadOption(f"{len(self.source)} pairs", expected)

    @cached_property
    def rows(self) -> Int64[np.ndarray, " n"]:
        """The pairs that may be drawn: all of a photo are on the same side."""
        aside = self.source.sources % HELD_OUT == HELD_OUT - 1
        return np.flatnonzero(aside == self.held_out)

    @property
    def steps_of_epoch(self) -> int:
        """Batches until each pair has been drawn."""
        return -(-len(self.rows) // self.batch)

    def __getitem__(self, step: int) -> PairBatch:
        """The batch of a step, or this process's part of it."""
        places = range(self.rank, self.batch, self.ranks)
        drawn = [self._draw(step, place) for place in places]
        return PairBatch(*(torch.stack(parts) for parts in zip(*drawn, strict=True)))

    def _draw(self, step: int, place: int) -> Pair:
        at = step * self.batch + place
        turn, index = divmod(at, len(self.rows))
        row = int(self.rows[order_of_round(len(self.rows), self.seed, turn)[index]])
        rng = np.random.default_rng((self.seed, int(self.held_out), step, place))
        pictures = self.source.read(row, int(rng.integers(2**31)))
        return augment(resized(pictures, self.size, binary=self.binary), rng, self.amounts)


def resized(pictures: PairPictures, size: int, *, binary: bool) -> Pair:
    """A pair of a folder as a generator sees it.

    Args:
        pictures: The pair.
        size: Pixels a side.
        binary: Whether half of the target mask's range decides: above it, the release's levels say
            that the renders differ or that something no part of a face is there.
    """
    photos = pictures.damaged, pictures.guide, pictures.photo
    tensors = to_float(np.stack(photos))
    mask = torch.from_numpy(pictures.mask)[None].float() / 255
    face = torch.from_numpy(pictures.face)[None].float()
    together = torch.cat((*tensors, mask, face))[None]
    if together.shape[-1] != size:
        together = functional.interpolate(
            together, size, mode="bilinear", align_corners=False, antialias=True
        ).clamp(0, 1)
    damaged, guide, photo, mask, face = together[0].split((3, 3, 3, 1, 1))
    if binary:
        mask = (mask >= 0.5).float()
    return Pair(damaged, guide, photo, mask, face >= 0.5)

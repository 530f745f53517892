"""Batches of labelled faces, each drawn from the seed, the step and a face's place in it alone.

So a run that goes on at step 1,000 sees what it would have seen, on one process or on several with
the same batch in all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor
from torch.utils.data import Dataset

from cfr.training.reading_ahead import order_of_round, require_shares
from protocols.errors import BadInput, BadOption
from protocols.photos import Photos

Change = Callable[[UInt8[np.ndarray, "h w 3"], np.random.Generator], UInt8[np.ndarray, "h w 3"]]
"""What becomes of a photo before the network sees it: cut, mirrored, …; has to be picklable."""


class LabelledBatch(NamedTuple):
    """Faces and who they are.

    Attributes:
        images: ``(b, 3, h, w)`` uint8 RGB.
        labels: ``(b,)`` int64.
    """

    images: Tensor
    labels: Tensor


@dataclass(frozen=True, eq=False)
class LabelledDraws(Dataset[LabelledBatch]):
    """The batches of a run, by step; photos are read when they are drawn.

    Attributes:
        photos: The photos.
        rows: ``(n,)`` which of them may be drawn.
        labels: ``(n,)`` the class of each of those, from 0.
        where: Their folder or file, for messages.
        change: What becomes of each; has to give pictures of one size.
        batch: Photos of a batch, over all processes.
        seed: Of everything drawn.
        balanced: Draw each class as often as any other, whatever photos it has; else each photo.
        rank: This process.
        ranks: Processes.
    """

    photos: Photos
    rows: Int64[np.ndarray, " n"]
    labels: Int64[np.ndarray, " n"]
    where: Path
    change: Change
    batch: int
    seed: int
    balanced: bool = False
    rank: int = 0
    ranks: int = 1

    def __post_init__(self) -> None:
        """There have to be photos, and a share of a batch for each process."""
        require_shares(self.batch, self.ranks)
        if not len(self.rows):
            raise BadOption("no photos to train on", "some")

    @property
    def steps_of_epoch(self) -> int:
        """Batches until as many photos have been drawn as there are."""
        return -(-len(self.rows) // self.batch)

    def __getitem__(self, step: int) -> LabelledBatch:
        """The batch of a step, or this process's part of it.

        Raises:
            BadInput: A photo cannot be read, ``change`` refuses it by a ``ValueError``, or it has
                another size than the batch's first.
        """
        images, labels = [], []
        for place in range(self.rank, self.batch, self.ranks):
            at = self.drawn(step * self.batch + place)
            row = int(self.rows[at])
            rng = np.random.default_rng((self.seed, 13, step, place))
            image = self._changed(row, rng)
            if images and image.shape != images[0].shape:
                expected, found = (" × ".join(map(str, one.shape)) for one in (images[0], image))
                raise BadInput(self.where, str(self.photos.names[row]), expected, found)
            images.append(image)
            labels.append(self.labels[at])
        planes = np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2))
        return LabelledBatch(torch.from_numpy(planes), torch.from_numpy(np.stack(labels)))

    def _changed(self, row: int, rng: np.random.Generator) -> UInt8[np.ndarray, "h w 3"]:
        photo = self.photos.read(row)
        try:
            return self.change(photo, rng)
        except ValueError as error:
            name = str(self.photos.names[row])
            raise BadInput(self.where, name, "a photo that this run can use", str(error)) from error

    def drawn(self, number: int) -> int:
        """Which of ``rows`` the photo of a number is, counted from the run's beginning."""
        if not self.balanced:
            turn, index = divmod(number, len(self.rows))
            return int(order_of_round(len(self.rows), self.seed, turn)[index])
        starts, members = self._classes
        turn, index = divmod(number, len(starts) - 1)
        chosen = int(order_of_round(len(starts) - 1, self.seed, turn, 1)[index])
        first, count = int(starts[chosen]), int(starts[chosen + 1] - starts[chosen])
        # Within a class its photos take turns, too.
        again, own = divmod(turn, count)
        order = np.random.default_rng((self.seed, chosen, again, 17)).permutation(count)
        return int(members[first + order[own]])

    @cached_property
    def _classes(self) -> tuple[Int64[np.ndarray, " c"], Int64[np.ndarray, " n"]]:
        """Where the members of each class that has any begin, and the end; the members in a row."""
        members = np.argsort(self.labels, kind="stable")
        _, starts = np.unique(self.labels[members], return_index=True)
        return np.append(starts, len(members)).astype(np.int64), members.astype(np.int64)

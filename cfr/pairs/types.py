"""What a pair for training is, as pictures, and where pairs come from."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Int64, UInt8


@dataclass(frozen=True, eq=False)
class PairPictures:
    """A pair: what the generator is given, and what it should make of it.

    Attributes:
        damaged: RGB, the photo's face turned to a random pose and back, without what hid it
            (R_psr); black outside the face.
        guide: RGB, the estimated face with what hid the photo's (R_es); black outside the face.
        photo: RGB, the aligned crop with its background (I): what should come out.
        mask: What has to be repaired (the target mask), 255 times and rounded.
        face: Where the face is.
    """

    damaged: UInt8[np.ndarray, "s s 3"]
    guide: UInt8[np.ndarray, "s s 3"]
    photo: UInt8[np.ndarray, "s s 3"]
    mask: UInt8[np.ndarray, "s s"]
    face: Bool[np.ndarray, "s s"]


@runtime_checkable
class PairSource(Protocol):
    """Pairs by number: from a folder (:class:`cfr.pairs.folder.PairFolder`), or made when asked.

    A source can be pickled, so that spawned processes of a data loader can read from it.
    """

    @property
    def size(self) -> int:
        """Pixels a side."""
        ...

    @property
    def digest(self) -> str:
        """Of everything that decides what :meth:`read` answers, beside its arguments."""
        ...

    @property
    def sources(self) -> Int64[np.ndarray, " n"]:
        """Which photo each pair shows: equal numbers are the same photo."""
        ...

    def __len__(self) -> int:
        """How many pairs there are."""
        ...

    def read(self, index: int, seed: int) -> PairPictures:
        """A pair; the same index and seed are the same pair, in every process.

        Args:
            index: From 0 to the number of pairs.
            seed: Of what is drawn, such as the rotation; of no effect where nothing is.

        Raises:
            IndexError: There is no such pair.
            BadInput: A file of it is absent or damaged.
        """
        ...

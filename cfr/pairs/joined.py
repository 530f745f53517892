"""Several folders of pairs of the same photos as one source."""

import hashlib
import json
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from cfr.pairs.about import ABOUT
from cfr.pairs.folder import PairFolder
from cfr.pairs.types import PairPictures
from protocols.errors import BadInput


class JoinedPairs:
    """The pairs of folders one after another; a :class:`cfr.pairs.types.PairSource`.

    Args:
        folders: At least one. They are of the same list of photos, so that a photo has the same
            number in all of them, and none is trained on in one and validated with in another.

    Raises:
        BadInput: They are of other photos, or of other sizes.
    """

    def __init__(self, folders: Sequence[PairFolder]) -> None:
        self.folders = tuple(folders)
        first, *others = self.folders
        for one in others:
            for name in ("photos", "size"):
                expected, found = (getattr(two.about.settings, name) for two in (first, one))
                if expected != found:
                    what = f"{expected}, as in {first.path}"
                    raise BadInput(one.path / ABOUT, name, what, str(found))
        self._starts = np.cumsum([0, *map(len, self.folders)])

    @property
    def size(self) -> int:
        """Pixels a side."""
        return self.folders[0].size

    @property
    def digest(self) -> str:
        """Of all folders, in their order."""
        what = json.dumps(["joined", *(one.digest for one in self.folders)])
        return hashlib.sha256(what.encode()).hexdigest()

    @property
    def sources(self) -> Int64[np.ndarray, " n"]:
        """Numbers of the photos."""
        return np.concatenate([one.sources for one in self.folders])

    def __len__(self) -> int:
        """Pairs of all folders."""
        return int(self._starts[-1])

    def read(self, index: int, seed: int = 0) -> PairPictures:
        """A pair as it was written; the seed has no effect.

        Raises:
            IndexError: There is no such pair.
            BadInput: A file of it is absent or damaged; names it.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        at = int(np.searchsorted(self._starts, index, side="right")) - 1
        return self.folders[at].read(index - int(self._starts[at]), seed)

"""Pairs made anew each time: the photos and coefficients of a folder, other rotations."""

import hashlib
import json
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Int64

from cfr.morphable.model import MorphableModel
from cfr.pairs.about import ABOUT, OCCLUDERS
from cfr.pairs.folder import PairFolder
from cfr.pairs.making import PairMaker, Stages, pair_rng
from cfr.pairs.pictures import pictures_of
from cfr.pairs.types import PairPictures
from cfr.parsing.from_model import ModelParser
from cfr.parsing.types import FaceParser
from cfr.pictures import to_float
from protocols.errors import BadInput


class LivePairs:
    """Pairs with a rotation drawn for each seed; a :class:`cfr.pairs.types.PairSource`.

    Everything else is as the folder's settings say: rules, exchange, coefficients.

    Attributes:
        folder: The photos and coefficients.

    Args:
        folder: Pairs that were made with this face model and parser.
        model: The face model, where pairs are to be computed.
        parser: The face parser, on the same device; by default the fitted face itself.

    Raises:
        BadInput: The folder was made with another parser or with drawn occluders, or its
            coefficients are damaged.
        WrongFaceModel: It was made with another face model.
    """

    def __init__(
        self, folder: PairFolder, model: MorphableModel, parser: FaceParser | None = None
    ) -> None:
        self.folder = folder
        settings = folder.about.settings
        made, here = _named(settings.parser), _named((parser or ModelParser()).identity)
        if made != here:
            raise BadInput(folder.path / ABOUT, "parser", f"the parser at hand ({here})", made)
        if OCCLUDERS in settings.added:
            expected = "pairs without drawn occluders: these can be read, not made anew"
            raise BadInput(folder.path / ABOUT, OCCLUDERS, expected, settings.added[OCCLUDERS])
        self._maker = PairMaker(model, settings.preset, settings.swap, parser)
        self._coefficients = folder.coefficients(model.layout())
        what = json.dumps(["live", folder.digest])
        self._digest = hashlib.sha256(what.encode()).hexdigest()

    @property
    def size(self) -> int:
        """Pixels a side."""
        return self.folder.size

    @property
    def digest(self) -> str:
        """Of the folder, and that its rotations do not count."""
        return self._digest

    @property
    def sources(self) -> Int64[np.ndarray, " n"]:
        """Of the folder."""
        return self.folder.sources

    def __len__(self) -> int:
        """Pairs of the folder."""
        return len(self.folder)

    def read(self, index: int, seed: int) -> PairPictures:
        """The pair of a photo, turned to a pose that index and seed decide.

        Raises:
            IndexError: There is no such pair.
            BadInput: Its photo is absent or damaged.
        """
        return pictures_of(self.make([index], [seed]))[0]

    def make(self, indices: Sequence[int], seeds: Sequence[int]) -> Stages:
        """Pairs of several photos at once, on the face model's device, with all stages.

        Each is the same as alone, but for last bits.

        Args:
            indices: Each from 0 to the number of pairs.
            seeds: One an index.

        Raises:
            IndexError: There is no such pair.
            BadInput: A photo is absent or damaged.
        """
        drawn = zip(seeds, indices, strict=True)
        return self._make(indices, [np.random.default_rng(one) for one in drawn])

    def as_written(self, indices: Sequence[int]) -> Stages:
        """The folder's own pairs, made again: what was drawn for them is drawn once more.

        Args:
            indices: Each from 0 to the number of pairs.

        Raises:
            IndexError: There is no such pair.
            BadInput: A photo is absent or damaged.
        """
        settings, rngs = self.folder.about.settings, []
        for index in indices:
            record = self.folder.record(index)
            turn = int(record.name) - record.source * settings.each
            rngs.append(pair_rng(settings.seed, record.source, turn))
        return self._make(indices, rngs)

    def _make(self, indices: Sequence[int], rngs: list[np.random.Generator]) -> Stages:
        device = self._maker.model.mean_shape.device
        photos = np.stack([self.folder.picture(index, "photo") for index in indices])
        coefficients = self._coefficients.rows(list(indices)).to(device)
        return self._maker(to_float(photos, device), coefficients, rngs)


def _named(identity: Mapping[str, str]) -> str:
    """Which parser it is, whatever version of PyTorch it runs with."""
    return ", ".join(f"{name} {one}" for name, one in sorted(identity.items()) if name != "torch")

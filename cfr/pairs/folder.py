"""Pairs that ``scripts/make_pairs.py`` wrote (:mod:`cfr.pairs.shards` has the layout)."""

import hashlib
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64

from cfr.coefficients import Layout, load_coefficients
from cfr.pairs.about import ABOUT, read_about
from cfr.pairs.pictures import PARTS, decode
from cfr.pairs.shards import COEFFICIENTS, PairRecord, file_name, read_bytes, read_index, shard_name
from cfr.pairs.types import PairPictures
from cfr.types import Coefficients
from protocols.errors import BadInput
from protocols.roots import inside_root


class PairFolder:
    """The pairs of a folder; a :class:`cfr.pairs.types.PairSource`.

    Pictures stay on disk until they are asked for, and are checked against their digests then.

    Attributes:
        path: The folder.
        about: What it says of itself.
        records: A record a pair.

    Args:
        path: The folder.

    Raises:
        BadInput: It is unfinished, damaged, of another format, empty, or a link leads out of it.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.about = path, read_about(path)
        if not self.about.finished:
            how = "an unfinished run: give make_pairs.py the same options again"
            raise BadInput(path / ABOUT, "", "finished pairs", how)
        self.records: list[PairRecord] = []
        self._places: list[tuple[int, int]] = []  # shard, and row of its coefficients
        for number, shard in enumerate(self.about.shards):
            folder = inside_root(path, shard_name(number), path / ABOUT, f"shard {number}")
            records = read_index(folder, shard.index)
            if len(records) != shard.pairs:
                raise BadInput(folder, "", f"{shard.pairs:,} pairs", f"{len(records):,}")
            self.records += records
            self._places += [(number, row) for row in range(len(records))]
        if not self.records:
            raise BadInput(path / ABOUT, "pairs", "at least one", "none")
        self._sources = np.array([one.source for one in self.records], np.int64)

    @property
    def size(self) -> int:
        """Pixels a side."""
        return self.about.settings.size

    @property
    def digest(self) -> str:
        """Of the settings and all files."""
        return self.about.digest

    @property
    def sources(self) -> Int64[np.ndarray, " n"]:
        """Number of the photo that each pair shows, in the list that the folder was made from."""
        return self._sources

    def __len__(self) -> int:
        """Pairs of all shards."""
        return len(self.records)

    def read(self, index: int, seed: int = 0) -> PairPictures:
        """A pair as it was written; the seed has no effect.

        Raises:
            IndexError: There is no such pair.
            BadInput: A file of it is absent or damaged; names it.
        """
        found = {part: self.picture(index, part) for part in PARTS}
        return PairPictures(**{**found, "face": found["face"] > 0})

    def picture(self, index: int, part: str) -> np.ndarray:
        """One picture of a pair.

        Args:
            index: From 0 to the number of pairs.
            part: A name of :data:`cfr.pairs.pictures.PARTS`.

        Returns:
            uint8, ``(s, s, 3)`` RGB or ``(s, s)``.

        Raises:
            IndexError: There is no such pair.
            BadInput: Its file is absent or damaged.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        record, (shard, _) = self.records[index], self._places[index]
        name = f"{shard_name(shard)}/{file_name(record.name, part)}"
        path = inside_root(self.path, name, self.path / ABOUT, f"pair {record.name}")
        content = read_bytes(path)
        if hashlib.sha256(content).hexdigest() != record.files[part]:
            raise BadInput(path, "", "the picture that was written", "other content")
        return decode(content, part, self.size, path)

    def coefficients(self, layout: Layout) -> Coefficients:
        """The coefficients of the faces, a row a pair.

        Args:
            layout: Of the face model at hand.

        Raises:
            BadInput: A file of them is absent or damaged.
            WrongFaceModel: They were made with another face model.
        """
        layout.require(self.about.settings.model, str(self.path / ABOUT))
        rows = []
        for number, shard in enumerate(self.about.shards):
            if not shard.pairs:
                continue
            name = f"{shard_name(number)}/{COEFFICIENTS}"
            path = inside_root(self.path, name, self.path / ABOUT, f"shard {number}")
            if hashlib.sha256(read_bytes(path)).hexdigest() != shard.coefficients:
                raise BadInput(path, "", "the coefficients that were written", "other content")
            found = layout.join(load_coefficients(path, layout))
            if len(found) != shard.pairs:
                raise BadInput(path, "", f"{shard.pairs:,} rows", f"{len(found):,}")
            rows.append(found)
        return layout.split(torch.cat(rows))

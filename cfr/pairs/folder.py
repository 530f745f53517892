"""Pairs that ``scripts/make_pairs.py`` wrote (:mod:`cfr.pairs.shards` has the layout)."""

import hashlib
from collections.abc import Iterator
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
        places, names, sources, digests = [], [], [], []
        for number, shard in enumerate(self.about.shards):
            records = self._records(number)
            if len(records) != shard.pairs:
                where = path / shard_name(number)
                raise BadInput(where, "", f"{shard.pairs:,} pairs", f"{len(records):,}")
            places += [(number, row) for row in range(len(records))]
            names += [one.name for one in records]
            sources += [one.source for one in records]
            digests += [
                bytes.fromhex("".join(one.files[part] for part in PARTS)) for one in records
            ]
        if not names:
            raise BadInput(path / ABOUT, "pairs", "at least one", "none")
        # Arrays, for they are sent to every process of a data loader.
        self._places, self._names = np.array(places, np.int32), np.array(names)
        self._sources = np.array(sources, np.int64)
        self._digests = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, len(PARTS), 32)

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
        return len(self._names)

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
        (shard, _), name = self._place(index), self._names[index]
        file = f"{shard_name(shard)}/{file_name(name, part)}"
        path = inside_root(self.path, file, self.path / ABOUT, f"pair {name}")
        content = read_bytes(path)
        expected = self._digests[index, list(PARTS).index(part)].tobytes()
        if hashlib.sha256(content).digest() != expected:
            raise BadInput(path, "", "the picture that was written", "other content")
        return decode(content, part, self.size, path)

    def record(self, index: int) -> PairRecord:
        """What the folder says of a pair: its photo, its rotation; read from its shard's index.

        Raises:
            IndexError: There is no such pair.
            BadInput: The index is absent or damaged by now.
        """
        shard, row = self._place(index)
        return self._records(shard)[row]

    def records(self) -> Iterator[PairRecord]:
        """What the folder says of each pair, in order.

        Raises:
            BadInput: An index is absent or damaged by now.
        """
        for shard in range(len(self.about.shards)):
            yield from self._records(shard)

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

    def _place(self, index: int) -> tuple[int, int]:
        """The shard of a pair, and its row there."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        shard, row = self._places[index].tolist()
        return shard, row

    def _records(self, shard: int) -> list[PairRecord]:
        name, where = shard_name(shard), f"shard {shard}"
        folder = inside_root(self.path, name, self.path / ABOUT, where)
        return read_index(folder, self.about.shards[shard].index)

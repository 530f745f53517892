"""The photos of a protocol by content: what a cache key is made of, and what a worker is sent."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from protocols.photos import FolderPhotos, PackedPhotos
from protocols.record_photos import RecordPhotos
from protocols.types import Samples
from results.export.stages import Photo

_READERS = 8


@dataclass(frozen=True, eq=False)
class Contents:
    """The faces of a protocol whose photos are there.

    Attributes:
        samples: All faces.
        present: Rows of those whose photo is there.
        digests: sha256 of each row's photo; empty where it is absent.
    """

    samples: Samples
    present: Int64[np.ndarray, " p"]
    digests: list[bytes]

    @classmethod
    def of(cls, samples: Samples) -> "Contents":
        """Read and digest the photos, each once.

        Raises:
            BadInput: One cannot be read.
        """
        present = np.flatnonzero(~samples.absent)
        photos = np.unique(samples.photo[present]).tolist()

        def one(index: int) -> bytes:
            return hashlib.sha256(samples.photos.content(index)).digest()

        with ThreadPoolExecutor(_READERS) as pool:
            digest = dict(zip(photos, pool.map(one, photos), strict=True))
        rows = zip(samples.photo.tolist(), samples.absent.tolist(), strict=True)
        return cls(samples, present, [b"" if absent else digest[index] for index, absent in rows])

    def photo(self, row: int) -> Photo:
        """The encoded photo of a face.

        Raises:
            BadInput: It cannot be read.
        """
        index = int(self.samples.photo[row])
        file, record = self._place(index)
        return Photo(self.samples.photos.content(index), file, record)

    def file(self, row: int) -> Path:
        """The file that a face's photo is in; of a packed one with the record's name after it."""
        file, record = self._place(int(self.samples.photo[row]))
        return file / record if isinstance(self.samples.photos, RecordPhotos) else file

    def boxes(self) -> Iterator[np.ndarray | None]:
        """Each face's published box: left, top, right, bottom, the outer edges of its pixels."""
        published = self.samples.boxes
        for row in range(len(self.samples)):
            box = None if published is None else published[row].astype(np.float64)
            if box is None or not np.isfinite(box).all() or min(box[2:]) <= 0:
                yield None
            else:
                yield np.concatenate((box[:2], box[:2] + box[2:])) - 0.5

    def _place(self, index: int) -> tuple[Path, str]:
        photos = self.samples.photos
        if isinstance(photos, FolderPhotos):
            return photos.root / photos.names[index], ""
        if isinstance(photos, PackedPhotos):
            return photos.file, photos.names[index]
        if isinstance(photos, RecordPhotos):
            return photos.file.path, photos.names[index]
        return Path(photos.names[index]), ""

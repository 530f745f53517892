"""From the faces of a protocol to vectors: slow, cached, resumable, in many processes."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64

from cfr.frontalizers.sources import NONE
from cfr.frontalizers.types import Frontalizer
from recognizers.types import Recognizer
from recognizers.variations import Variation
from results.cache.store import Cache
from results.export.contents import Contents
from results.export.faces import Points
from results.export.ground import Ground, digest, torch_device
from results.export.loaded import frontalizer_of, recognizer_of
from results.export.locating import Places, Setup
from results.export.stages import VERSION, Embed, Feed, Located
from results.export.work import Blocks, Show, compute_missing, distinct

_PACKAGES = ("numpy", "opencv-python", "pillow", "scikit-image")


@dataclass(frozen=True)
class Way:
    """One way from a face to a vector.

    Attributes:
        recognizer: As ``recognizers.sources.load_recognizer`` knows it.
        root: Folder of its weights, if not the usual place.
        variation: How its input differs from the stated one.
    """

    recognizer: str
    root: Path | None
    variation: Variation


class Exporter:
    """Vectors of a protocol's faces, on demand.

    Attributes:
        contents: The photos.
        places: Where the faces are.
        computed: How many vectors were computed so far, and not found in a cache.
        warnings: What a user has to know of the caches.
    """

    def __init__(self, contents: Contents, places: Places, setup: Setup, show: Show) -> None:
        self.contents, self.places, self._setup, self._show = contents, places, setup, show
        self.computed = 0
        self.warnings: list[str] = []
        self._recognizers: dict[Way, Recognizer] = {}

    def recognizer(self, way: Way) -> Recognizer:
        """What embeds the faces: the same one, whatever becomes of its file."""
        if way not in self._recognizers:
            found = recognizer_of(way.recognizer, way.root, self._setup.device)
            self._recognizers[way] = found
        return self._recognizers[way]

    def frontalizer(self, name: str) -> Frontalizer | None:
        """What restores the faces; None for ``none``."""
        return frontalizer_of(name, self._setup.device)

    def summary(self) -> str:
        """What had to be computed, and what was there, in a sentence."""
        return (
            f"Computed: {self.places.computed:,} faces' points and {self.computed:,} vectors; the "
            f"rest was in {self._setup.cache}."
        )

    def points(self, row: int, frontalizer: str, recognizer: Recognizer) -> Points | None:
        """Where a face is, by the points that count; None where its whole photo is the face."""
        if self.places.whole and frontalizer == NONE:
            return None
        dense = frontalizer != NONE or bool(recognizer.input.template.dense)
        return self.places.points(row, dense=dense)

    def compute(self, ways: Sequence[Way], frontalizer: str, rows: Int64[np.ndarray, " k"]) -> None:
        """See to it that the vectors of some faces are in the cache; see :meth:`vectors`."""
        for group in self._alike(ways):
            self._filled([ways[at] for at in group], frontalizer, rows)

    def vectors(
        self, ways: Sequence[Way], frontalizer: str, rows: Int64[np.ndarray, " k"]
    ) -> list[Float32[np.ndarray, "k _"]]:
        """The vectors of some faces, one array a way; faces are restored once for all of them.

        Args:
            ways: What embeds the faces.
            frontalizer: What restores them first, or ``none``.
            rows: Which faces; their photos have to be there.

        Returns:
            A row a face as asked; NaN where it could not be restored.

        Raises:
            BadInput: A photo is damaged.
            DataError: Weights are absent or damaged, a worker was lost; what was computed is kept.
        """
        found: dict[int, np.ndarray] = {}
        for group in self._alike(ways):
            stores, keys, back = self._filled([ways[at] for at in group], frontalizer, rows)
            for at, store in zip(group, stores, strict=True):
                size = self.recognizer(ways[at]).dimension
                found[at] = self._stored(store, keys, size)[back]
        return [found[at] for at in range(len(ways))]

    def _alike(self, ways: Sequence[Way]) -> list[list[int]]:
        """Positions of the ways that look at the same points, which are part of a key."""
        dense = [bool(self.recognizer(way).input.template.dense) for way in ways]
        groups = [[at for at, one in enumerate(dense) if one == kind] for kind in (False, True)]
        return [group for group in groups if group]

    def _filled(
        self, ways: Sequence[Way], frontalizer: str, rows: np.ndarray
    ) -> tuple[list[Cache], list[bytes], np.ndarray]:
        """The store of each way with all vectors in it, the keys, and which one each row's is."""
        recognizer = self.recognizer(ways[0])
        points = [self.points(row, frontalizer, recognizer) for row in rows.tolist()]
        keys, first, back = distinct(
            [
                _key(self.contents.digests[row], one)
                for row, one in zip(rows.tolist(), points, strict=True)
            ]
        )
        stores = [self._store(way, frontalizer) for way in ways]
        missing = np.stack([~store.find(keys).have for store in stores], axis=1)
        self.computed += int(missing.sum())
        if missing.any():
            with self._show(f"embedding ({frontalizer})", len(keys)) as advance:
                advance(int((~missing.any(axis=1)).sum()))
                for pattern in np.unique(missing, axis=0):
                    if pattern.any():
                        chosen = np.flatnonzero((missing == pattern).all(axis=1))
                        lacking = np.flatnonzero(pattern).tolist()
                        places = first[chosen]
                        self._compute(
                            [(ways[at], stores[at]) for at in lacking],
                            frontalizer,
                            [(int(rows[at]), points[at]) for at in places.tolist()],
                            [keys[at] for at in chosen.tolist()],
                            advance,
                        )
        return stores, keys, back

    def _compute(
        self,
        ways: Sequence[tuple[Way, Cache]],
        frontalizer: str,
        faces: Sequence[tuple[int, Points | None]],
        keys: Sequence[bytes],
        advance: Callable[[int], None],
    ) -> None:
        restorer = self.frontalizer(frontalizer)
        feeds = tuple(
            Feed(way.recognizer, way.root, digest(self.recognizer(way).identity), way.variation)
            for way, _ in ways
        )
        expected = "" if restorer is None else digest(restorer.identity)

        def located(at: int) -> Located:
            row, points = faces[at]
            return Located(self.contents.photo(row), points)

        compute_missing(
            Embed(
                feeds,
                frontalizer,
                expected,
                self._setup.device,
                self._ground([way for way, _ in ways], frontalizer),
            ),
            Blocks(len(faces), located),
            [store for _, store in ways],
            keys,
            self._setup.workers,
            advance,
        )

    def _stored(self, store: Cache, keys: Sequence[bytes], size: int) -> np.ndarray:
        found = store.find(keys)
        self.warnings += [one for one in store.warnings if one not in self.warnings]
        return found.arrays["vectors"] if keys else np.zeros((0, size), np.float32)

    def _store(self, way: Way, frontalizer: str) -> Cache:
        recognizer, restorer = self.recognizer(way), self.frontalizer(frontalizer)
        config: Mapping[str, Any] = {
            "what": "vectors",
            "stage": VERSION,
            "recognizer": dict(recognizer.identity),
            "variation": asdict(way.variation),
            "frontalizer": None if restorer is None else dict(restorer.identity),
            "device of the frontalizer": torch_device(self._setup.device) if restorer else "cpu",
            "packages, code": self._ground([way], frontalizer).seen(),
        }
        return Cache(self._setup.cache / "vectors", config)

    def _ground(self, ways: Sequence[Way], frontalizer: str) -> Ground:
        """The code and the packages that decide an answer, beside what identities say."""
        makers = [self.recognizer(way) for way in ways] + [self.frontalizer(frontalizer)]
        modules = ["results.export.faces", "recognizers.variations", "protocols.images"]
        for one in makers:
            # A class from elsewhere has its identity alone to tell its versions apart.
            if one is not None and type(one).__module__.startswith(("cfr.", "recognizers.")):
                modules.append(type(one).__module__)
        return Ground.here(sorted(set(modules)), _PACKAGES)


def _key(photo: bytes, points: Points | None) -> bytes:
    return hashlib.sha256(photo + (b"whole" if points is None else points.content())).digest()

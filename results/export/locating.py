"""Where the faces of a protocol are: published points, files beside the photos, or a detector."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float64

from cfr.landmarks.face import FoundFace
from cfr.landmarks.policy import choose
from cfr.landmarks.sources import SOURCES, load_landmarker, weight_files
from protocols.errors import BadOption
from protocols.photos import PackedPhotos
from protocols.types import Samples
from recognizers.types import Device
from results.cache.store import Cache
from results.export.contents import Contents
from results.export.faces import Points, nearest
from results.export.ground import Ground, torch_device
from results.export.mapping import Workers
from results.export.stages import VERSION, Arrays, Asked, Locate
from results.export.work import Blocks, Show, compute_missing, distinct

PUBLISHED, ALIGNED, AUTO = "published", "aligned", "auto"
_FILES = ("sidecar",)  # sources that answer from files, not from the photo
_DENSE = ("dlib", "dlib-hog", "tddfa")  # sources that always give 68 points
_MAYBE_DENSE = ("insightface", ALIGNED)  # … that may, or whose five points come with them
_NOTHING = np.zeros((1, 1, 3), np.uint8)
PACKAGES = ("dlib-bin", "insightface", "onnxruntime", "opencv-python", "pillow", "torch")
"""Packages whose version may change where a face is found."""


@dataclass(frozen=True)
class Setup:
    """Where points come from, and where the work is done.

    Attributes:
        landmarks: ``published``, ``aligned``, or a key of ``cfr.landmarks.sources.SOURCES``.
        landmarks_root: Folder of its weights, or of the points' files.
        several: Which of several faces, where no box says.
        device: Where networks run.
        workers: How many processes, or which cluster.
        cache: The folder of the caches.
    """

    landmarks: str
    landmarks_root: Path | None
    several: Literal["centre", "largest"]
    device: Device
    workers: Workers
    cache: Path


@dataclass(frozen=True, eq=False)
class Places:
    """Where faces are.

    Attributes:
        found: ``(n,)`` whether a face was found; False where the photo is absent.
        five: ``(n, 5, 2)`` where no face was found, where one would be expected.
        dense: ``(n, 68, 2)`` if they were asked for; NaN where no face was found.
        whole: Whether each photo is a crop already.
        computed: How many were looked for, and not found in the cache.
        warnings: What a user has to know of the cache.
    """

    found: Bool[np.ndarray, " n"]
    five: Float64[np.ndarray, "n 5 2"]
    dense: Float64[np.ndarray, "n 68 2"] | None
    whole: bool
    computed: int = 0
    warnings: tuple[str, ...] = ()

    def points(self, row: int, *, dense: bool) -> Points:
        """The points of one face.

        Args:
            row: Which.
            dense: Whether the 68 count too, if they are known of this face.
        """
        known = dense and self.dense is not None and bool(np.isfinite(self.dense[row]).all())
        return Points(self.five[row], self.dense[row] if known and self.dense is not None else None)


def choose_source(asked: str, samples: Samples) -> str:
    """What ``auto`` means for a protocol; any other name as it is.

    Published points where there are any; the crop itself for a packed file, which by its
    convention holds aligned crops; dlib for everything else.

    Raises:
        BadOption: There is no source of this name, or nothing was published.
    """
    if asked == AUTO:
        if samples.landmarks is not None:
            return PUBLISHED
        return ALIGNED if isinstance(samples.photos, PackedPhotos) else "dlib"
    if asked == PUBLISHED and samples.landmarks is None:
        raise BadOption("--landmarks published", "another source: this protocol has no points")
    if asked not in (PUBLISHED, ALIGNED, *SOURCES):
        known = ", ".join((AUTO, PUBLISHED, ALIGNED, *SOURCES))
        raise BadOption(f"--landmarks {asked}", f"any of {known}")
    return asked


def locate(contents: Contents, setup: Setup, show: Show, *, dense: bool) -> Places:
    """Find the facial points of every face, or look them up.

    Args:
        contents: The photos.
        setup: Where points come from.
        show: Progress.
        dense: Whether 68 points are wanted.

    Raises:
        BadInput: A photo is damaged.
        DatasetUnavailable, PackageUnavailable: The detector's weights are absent.
    """
    source = PUBLISHED if setup.landmarks in _FILES else setup.landmarks
    five, points = _known(contents, setup)
    there, whole = ~contents.samples.absent, source == ALIGNED
    found = there if whole else there & np.isfinite(five).all((1, 2))
    computed, warnings = 0, ()
    lacking = np.flatnonzero(there & ~np.isfinite(five).all((1, 2)))
    if len(lacking) and (dense or not whole):
        # What gives 68 points anyway gives them now, whether they are wanted yet or not.
        at_once = source in _DENSE or (dense and source in _MAYBE_DENSE)
        look = _Look(contents, setup, show, source, dense=at_once)
        arrays, computed, warnings = look(lacking, five)
        found = found.copy()
        found[lacking], five[lacking] = arrays["found"], arrays["five"]
        points[lacking] = arrays["dense"] if at_once else np.nan
    # Of five points, dlib's predictor makes 68; its answers are kept apart from the detector's.
    lacking = np.flatnonzero(found & ~np.isfinite(points).all((1, 2)))
    if dense and len(lacking):
        look = _Look(contents, setup, show, PUBLISHED, dense=True)
        arrays, added, more = look(lacking, five)
        points[lacking] = arrays["dense"]
        computed, warnings = max(computed, added), (*warnings, *more)
    return Places(found, five, points if dense else None, whole, computed, warnings)


def _known(contents: Contents, setup: Setup) -> tuple[np.ndarray, np.ndarray]:
    """The points that need no photo, five and 68: published, or in files beside the photos."""
    count = len(contents.samples)
    five, dense = np.full((count, 5, 2), np.nan), np.full((count, 68, 2), np.nan)
    published = contents.samples.landmarks
    if setup.landmarks == PUBLISHED and published is not None:
        five[contents.present] = published[contents.present]
    if setup.landmarks in _FILES:
        boxes = list(contents.boxes())
        beside = load_landmarker(setup.landmarks, setup.landmarks_root)
        for row in contents.present.tolist():
            faces = beside(_NOTHING, contents.file(row))
            face = _chosen(faces, boxes[row], contents, row, setup)
            if face is not None:
                five[row] = face.five
                dense[row] = np.nan if face.points is None else face.points
    return five, dense


def _chosen(
    faces: list[FoundFace], box: np.ndarray | None, contents: Contents, row: int, setup: Setup
) -> FoundFace | None:
    """The face that a box means, or the policy; a photo is read only where it has several."""
    if box is not None:
        return nearest(faces, box)
    if len(faces) < 2:
        return faces[0] if faces else None
    photo = contents.photo(row)
    return choose(faces, photo.read().shape[:2], setup.several, photo.file)[0]


@dataclass(frozen=True, eq=False)
class _Look:
    """What a detector or predictor says of some faces: cached, computed where it is not."""

    contents: Contents
    setup: Setup
    show: Show
    source: str
    dense: bool

    def __call__(self, rows: np.ndarray, five: np.ndarray) -> tuple[Arrays, int, tuple[str, ...]]:
        contents, setup = self.contents, self.setup
        task = Locate(
            detector=self.source,
            root=setup.landmarks_root,
            several=setup.several,
            dense=self.dense,
            device=torch_device(setup.device),
            ground=_ground(self.source, setup.landmarks_root, dense=self.dense),
        )
        store = Cache(setup.cache / "points", _config(task))
        boxes = list(contents.boxes())
        given = [five[row] if np.isfinite(five[row]).all() else None for row in range(len(five))]
        keys, first, back = distinct(
            [_key(contents.digests[row], boxes[row], given[row]) for row in rows.tolist()]
        )
        missing = np.flatnonzero(~store.find(keys).have)
        at = rows[first[missing]]

        def asked(index: int) -> Asked:
            row = int(at[index])
            return Asked(contents.photo(row), boxes[row], given[row])

        if len(missing):
            with self.show(f"facial points ({self.source})", len(keys)) as advance:
                advance(len(keys) - len(missing))
                named = [keys[index] for index in missing.tolist()]
                blocks = Blocks(len(at), asked)
                compute_missing(task, blocks, [store], named, setup.workers, advance)
        found = store.find(keys)
        arrays = {name: array[back] for name, array in found.arrays.items()}
        return arrays, len(missing), tuple(store.warnings)


def _key(digest: bytes, *arrays: np.ndarray | None) -> bytes:
    content = hashlib.sha256(digest)
    for array in arrays:
        content.update(b"-" if array is None else array.astype("<f8").tobytes())
    return content.digest()


def _config(task: Locate) -> dict[str, Any]:
    """Everything but the photo and its box that decides where a face is found."""
    return {
        "what": "facial points",
        "stage": VERSION,
        "detector": task.detector,
        "several": task.several,
        "dense": task.dense,
        "device": task.device if task.detector in SOURCES else "cpu",
        "weights, packages, code": task.ground.seen(),
    }


def _ground(source: str, root: Path | None, *, dense: bool) -> Ground:
    """The weights and the code that decide what a detector answers."""
    files, modules = (), ["results.export.faces", "cfr.landmarks.policy", "protocols.images"]
    if source in SOURCES:
        files = weight_files(source, root)
        modules.append(SOURCES[source].__module__)
    if dense and source not in _DENSE:
        files = (*files, *weight_files("dlib-hog"))
        modules.append("cfr.landmarks.with_dlib")
    return Ground.here(tuple(modules), PACKAGES, files)

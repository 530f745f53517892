"""Shows every photo to every method of Table 4, and keeps what each of them answered."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from results.cache.store import Cache
from results.export.ground import Ground
from results.export.work import Show
from results.tables.table4_crops import (
    FOUND,
    FaceFinder,
    View,
    crop_by_points,
    crop_of_face,
    judged,
)
from results.tables.table4_methods import Method
from results.tables.table4_photos import CONDITIONS, Condition, LabelledPhotos

PACKAGES = ("dlib-bin", "numpy", "opencv-python", "pillow", "timm", "torch")
"""Packages whose version may move a point."""
_METHODS = ("results.tables.table4_loading", "results.tables.table4_methods")
_FINDERS = ("results.tables.table4_crops", "cfr.landmarks.sources")
_AT_ONCE = 25


@dataclass(frozen=True, eq=False)
class Predicted:
    """What all methods answered.

    Attributes:
        points: Condition → method → ``(n, 68, 2)`` pixels.
        draws: A line an image that records its hands.
        faces: Condition → how many photos had the labelled face found, none, or another; empty if
            no detector was asked.
        warnings: What a user has to know of the cache.
    """

    points: Mapping[Condition, Mapping[str, Float64[np.ndarray, "n 68 2"]]]
    draws: tuple[str, ...]
    faces: Mapping[Condition, Counter[str]]
    warnings: tuple[str, ...]


def predict(
    photos: LabelledPhotos,
    methods: Sequence[Method],
    finder: FaceFinder | None,
    cache: Path,
    show: Show,
    *,
    detected: bool,
) -> Predicted:
    """Ask every method for every photo, or look its answer up.

    Args:
        photos: The photos and their labels.
        methods: The methods.
        finder: The detector; None if nothing needs one.
        cache: The folder of what is kept.
        show: Progress.
        detected: Whether the detector places the crops, instead of the labels.

    Raises:
        BadInput: A photo is damaged, or a network gives no numbers.
        CacheFailed: An answer could not be kept.
    """
    count = len(photos.images)
    caches = {one.name: _cache_of(one, cache) for one in methods}
    points: dict[Condition, dict[str, np.ndarray]] = {
        condition: {one.name: np.zeros((count, 68, 2)) for one in methods}
        for condition in CONDITIONS
    }
    faces: dict[Condition, Counter[str]] = {condition: Counter[str]() for condition in CONDITIONS}
    draws: list[str] = []
    for condition in CONDITIONS:
        with show(f"{condition} photos", count) as advance:
            for start in range(0, count, _AT_ONCE):
                rows = range(start, min(start + _AT_ONCE, count))
                shown, lines = _shown(photos, rows, condition)
                draws += lines
                views = _views(photos, rows, shown, finder, faces[condition], detected=detected)
                for one in methods:
                    answer = _answers(one, caches[one.name], views)
                    points[condition][one.name][rows.start : rows.stop] = answer
                advance(len(rows))
    stores = [*caches.values(), *([finder.cache] if finder else [])]
    warnings = tuple(warning for store in stores for warning in store.warnings)
    if finder is None:
        faces = {}
    return Predicted(points, tuple(draws), faces, warnings)


def finder_cache(name: str, files: tuple[Path, ...], device: str, cache: Path) -> Cache:
    """Where a detector's faces are kept.

    Args:
        name: The detector.
        files: Its weights.
        device: Where its network runs.
        cache: The folder of what is kept.
    """
    ground = Ground.here(_FINDERS, PACKAGES, files)
    config = {"what": "table4 faces", "detector": name, "device": device, "ground": ground.seen()}
    return Cache(cache / "table4", config)


def _cache_of(method: Method, cache: Path) -> Cache:
    ground = Ground.here(_METHODS, PACKAGES, method.files)
    config = {
        "what": "table4 points",
        "method": dict(method.identity),
        "ground": ground.seen(),
    }
    return Cache(cache / "table4", config)


def _shown(
    photos: LabelledPhotos, rows: range, condition: Condition
) -> tuple[list[np.ndarray], list[str]]:
    """The photos as the methods see them, and the lines that record what was drawn."""
    if condition == "original":
        return [photos.show(row, condition) for row in rows], []
    drawn = [photos.draw(row) for row in rows]
    return [photo for photo, _ in drawn], [line for _, line in drawn]


def _views(
    photos: LabelledPhotos,
    rows: range,
    shown: Sequence[np.ndarray],
    finder: FaceFinder | None,
    counts: Counter[str],
    *,
    detected: bool,
) -> list[View]:
    """What the methods may know of some photos; counts what the detector found."""
    found = finder.find(shown, [photos.path(row) for row in rows]) if finder else [None] * len(rows)
    views = []
    for row, photo, face in zip(rows, shown, found, strict=True):
        labelled = photos.points[row]
        verdict = judged(face, labelled)
        counts[verdict] += 1
        face = face if verdict == FOUND else None
        crop = crop_of_face(photo, face) if detected else crop_by_points(labelled)
        views.append(View(photo, crop, face))
    return views


def _answers(method: Method, cache: Cache, views: Sequence[View]) -> Float64[np.ndarray, "n 68 2"]:
    """A method's points, from the cache where it knows them."""
    keys = [view.key for view in views]
    known = cache.find(keys)
    missing = np.flatnonzero(~known.have).tolist()
    points = known.arrays.get("points", np.zeros((len(views), 68, 2)))
    if missing:
        points[missing] = method([views[index] for index in missing])
        cache.add([keys[index] for index in missing], {"points": points[missing]})
    return points

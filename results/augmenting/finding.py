"""Where the faces of a training set are, and which of its pictures cannot be read."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from cfr.align import ARCFACE_112, five_from_68
from cfr.landmarks.sources import weight_files
from protocols.errors import BadInput, BadOption, DatasetUnavailable, PackageUnavailable
from protocols.images import decode_image
from protocols.types import Samples
from recognizers.templates import Points
from results.augmenting.options import Augment
from results.augmenting.sets import SourceSet
from results.export.contents import Contents
from results.export.locating import ALIGNED, AUTO, Setup, locate
from results.export.stages import Photo
from results.export.work import Show

_READERS = 8
_MEASURED = 512
"""So many pictures tell where faces lie in a set."""
_APART = 6.0
"""Pixels of 112: farther from ArcFace's places (median), a set is not cut as ArcFace wants it."""


@dataclass
class Looked:
    """Pictures that were looked at, each by its place in the set.

    Attributes:
        sha256: Of each picture's bytes; empty if there are none.
        damaged: Why a picture cannot be read.
        sizes: Height and width of those that can.
        points: ``(68, 2)`` of those whose face was looked for and found.
    """

    sha256: dict[int, str] = field(default_factory=dict)
    damaged: dict[int, BadInput] = field(default_factory=dict)
    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)
    points: dict[int, Float64[np.ndarray, "68 2"]] = field(default_factory=dict)


def landmark_source(config: Augment) -> str:
    """Who finds the faces.

    Raises:
        BadOption: ``aligned`` was asked for, and the set is not cut as ArcFace wants it.
    """
    if config.landmarks == ALIGNED and config.alignment == "measured":
        raise BadOption("--landmarks aligned with --alignment measured", "a detector")
    return config.landmarks if config.landmarks != AUTO else usual_source(config.landmarks_root)


def usual_source(root: Path | None = None) -> str:
    """What ``auto`` means: 3DDFA-V2 where its weights are, else dlib."""
    try:
        weight_files("tddfa", root)
    except (DatasetUnavailable, PackageUnavailable):
        return "dlib"
    return "tddfa"


def photo(source: SourceSet, at: int) -> Photo:
    """The encoded picture.

    Raises:
        BadInput: It cannot be read.
    """
    return Photo(source.photos.content(int(source.rows[at])), *source.place(at))


def look(
    source: SourceSet, every: Sequence[int], wanted: Sequence[int], setup: Setup, show: Show
) -> Looked:
    """Read pictures, and find faces; what was found once is in a cache.

    Args:
        source: The set.
        every: Places of the pictures that are read.
        wanted: Those among them whose faces are found.
        setup: Where points come from.
        show: Progress.
    """
    looked = Looked()

    def read(at: int) -> tuple[str, tuple[int, int] | BadInput]:
        try:
            one = photo(source, at)
        except BadInput as error:
            return "", error
        sha256 = hashlib.sha256(one.content).hexdigest()
        try:
            height, width = decode_image(one.content, one.file, one.record).shape[:2]
        except BadInput as error:
            return sha256, error
        return sha256, (height, width)

    with ThreadPoolExecutor(_READERS) as pool:
        for at, (sha256, found) in zip(every, pool.map(read, every), strict=True):
            looked.sha256[at] = sha256
            if isinstance(found, BadInput):
                looked.damaged[at] = found
            else:
                looked.sizes[at] = found
    good = [at for at in wanted if at not in looked.damaged]
    if good:
        looked.points |= _points(source, np.array(good, np.int64), setup, show)
    return looked


def measure_template(source: SourceSet, measured: bool, setup: Setup, show: Show) -> Points:
    """Where the five points belong in a picture of 112 × 112.

    Args:
        source: The set.
        measured: Whether that is where they are in half of the pictures; ArcFace's places else.
        setup: Where points come from.
        show: Progress.

    Raises:
        BadInput: No face is found, or the set is not cut as ArcFace wants it.
    """
    some = np.unique(np.linspace(0, len(source) - 1, min(_MEASURED, len(source))).astype(int))
    looked = look(source, some.tolist(), some.tolist(), setup, show)
    fives = [
        five_from_68(points) * (112 / looked.sizes[at][1], 112 / looked.sizes[at][0])
        for at, points in looked.points.items()
    ]
    if not fives:
        raise BadInput(source.source, "", "pictures with faces", f"none in {len(some):,} of them")
    usual = np.median(fives, axis=0)
    apart = float(np.linalg.norm(usual - ARCFACE_112, axis=1).mean())
    if not measured and apart > _APART:
        expected = f"faces cut as ArcFace wants them, or --alignment measured (at most {_APART:g}"
        raise BadInput(
            source.source,
            "",
            f"{expected} pixels of 112 from its places)",
            f"{apart:.1f} pixels, in {len(fives):,} pictures",
        )
    chosen = usual.round(2) if measured else ARCFACE_112
    return tuple((x, y) for x, y in chosen.tolist())


def _points(
    source: SourceSet, at: Int64[np.ndarray, " k"], setup: Setup, show: Show
) -> dict[int, np.ndarray]:
    rows = source.rows[at].astype(np.int32)
    samples = Samples(source.photos, rows, np.zeros(len(rows), bool))
    places = locate(Contents.of(samples), setup, show, dense=True)
    found = {}
    for index, place in enumerate(at.tolist()):
        dense = places.points(index, dense=True).dense
        if places.found[index] and dense is not None:
            found[place] = dense
    return found

"""Training samples on disk: photos and made-up people, prepared part by part; a killed run goes on.

::

    FOLDER/3fa1…/about.json              what this is, in clear
    FOLDER/3fa1…/photos-00012.safetensors   samples of one part, absent if nothing could be used
    FOLDER/3fa1…/photos-00012.json          how many, and which photos were left out, and why
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float64

from cfr.landmarks.face import Landmarker
from cfr.landmarks.policy import choose
from cfr.landmarks.sources import load_landmarker, weight_files
from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from cfr.regressor.preparing import BadFit, Preparing, prepare_photo, prepare_renders
from cfr.regressor.samples import Frame, Sample, save_samples
from protocols.errors import BadInput
from protocols.images import read_image
from results.cache.canonical import canonical
from results.cache.durable import write_durably
from results.export.ground import Ground, one_thread
from results.export.mapping import Workers, map_blocks
from results.export.work import Show

PACKAGES = ("dlib-bin", "numpy", "opencv-python", "pillow", "scipy", "timm", "torch")
"""Packages whose version may change a sample."""
_MODULES = ("cfr.regressor.preparing", "cfr.regressor.samples", "cfr.landmarks.sources")
_VERSION = 1  # of how this file chooses faces and numbers photos
_PHOTOS, _RENDERS = 8, 32  # of a part
_ALONG_THE_OUTLINE = ("dlib", "dlib-hog")
_NO_FACE = "no face was found"


@dataclass(frozen=True, eq=False)
class PhotoToUse:
    """A photo for training.

    Attributes:
        path: The photo.
        points: Its 68 points in pixels; None where a network has to estimate them.
        masked: The same photo with a mask on, if there is one.
    """

    path: Path
    points: Float64[np.ndarray, "68 2"] | None
    masked: Path | None = None


@dataclass(frozen=True)
class SampleOrder:
    """What is to be prepared.

    Attributes:
        model: Name of the face model, as commands know it.
        landmarks: Who estimates points that are not there.
        settings: How samples are made.
        frame: How large.
        renders: Made-up people, a photo each.
        seed: Of everything drawn.
    """

    model: str
    landmarks: str
    settings: Preparing
    frame: Frame
    renders: int
    seed: int


@dataclass(frozen=True)
class PreparedSamples:
    """Samples, ready to be read.

    Attributes:
        folder: Where they lie.
        files: In an order that does not change.
        samples: How many.
        left_out: Photo → why it was not used.
    """

    folder: Path
    files: tuple[Path, ...]
    samples: int
    left_out: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class _Part:
    """A part of the work: numbered photos, or numbers of made-up people."""

    kind: Literal["photos", "renders"]
    number: int
    first: int
    photos: tuple[PhotoToUse, ...] = ()
    people: int = 0

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.number:05d}"


def prepare_samples(
    folder: Path,
    order: SampleOrder,
    photos: Sequence[PhotoToUse],
    digest: str,
    workers: Workers,
    show: Show,
) -> PreparedSamples:
    """Prepare what is not there yet.

    Args:
        folder: Of all samples; what is prepared lies in a folder of it that is named by content.
        order: What to prepare.
        photos: The photos; their numbers are their places in this order.
        digest: Of the photos: another one is another folder.
        workers: Processes of this machine.
        show: Progress.

    Raises:
        BadInput: No photo could be used, a photo is damaged, or a masked one has another size.
        DatasetUnavailable: Face model or weights of the points' source are absent.
        CacheFailed: The disk is full.
    """
    estimating = any(one.points is None for one in photos)
    weights = weight_files(order.landmarks) if estimating else ()
    about = {
        "what": f"samples for the regressor, version {_VERSION}",
        "order": asdict(order),
        "face model": load_model(order.model).digest,
        "photos": digest,
        "part": [_PHOTOS, _RENDERS],
        "ground": Ground.here(_MODULES, PACKAGES, weights).seen(),
    }
    content = canonical(about).encode()
    own = folder / hashlib.sha256(content).hexdigest()[:16]
    own.mkdir(parents=True, exist_ok=True)
    write_durably(own / "about.json", content)
    parts = [*_parts_of(photos), *_parts_of_renders(order.renders)]
    waiting = [part for part in parts if not (own / f"{part.name}.json").is_file()]
    with show("preparing samples", len(parts)) as advance:
        advance(len(parts) - len(waiting))
        for _ in map_blocks(partial(_prepare, own, order), waiting, workers):
            advance(1)
    return _collect(own, parts, len(photos))


def _parts_of(photos: Sequence[PhotoToUse]) -> list[_Part]:
    starts = range(0, len(photos), _PHOTOS)
    return [
        _Part("photos", number, start, tuple(photos[start : start + _PHOTOS]))
        for number, start in enumerate(starts)
    ]


def _parts_of_renders(count: int) -> list[_Part]:
    starts = range(0, count, _RENDERS)
    return [
        _Part("renders", number, start, people=min(_RENDERS, count - start))
        for number, start in enumerate(starts)
    ]


def _prepare(folder: Path, order: SampleOrder, part: _Part) -> None:
    """Prepare and write a part; the list of what was left out comes last: then it is done."""
    model = _model(order.model)
    samples: list[Sample] = []
    left_out: dict[str, str] = {}
    with one_thread():
        if part.kind == "renders":
            samples = prepare_renders(
                model,
                order.settings,
                order.frame,
                seed=order.seed,
                first=part.first,
                count=part.people,
            )
        for place, photo in enumerate(part.photos):
            try:
                samples += _of_photo(order, photo, part.first + place)
            except ValueError as error:  # BadFit, or points that are no numbers or in one place
                left_out[str(photo.path)] = str(error)
    if samples:
        save_samples(folder / f"{part.name}.safetensors", samples, model.digest)
    told = {"samples": len(samples), "left_out": left_out}
    write_durably(folder / f"{part.name}.json", json.dumps(told).encode())


def _of_photo(order: SampleOrder, photo: PhotoToUse, number: int) -> list[Sample]:
    image = read_image(photo.path)
    points, settings = photo.points, order.settings
    if points is None:
        if order.landmarks in _ALONG_THE_OUTLINE:
            settings = replace(settings, contour="sliding")
        faces = _landmarker(order.landmarks)(image, photo.path)
        if not faces:
            raise BadFit(_NO_FACE)
        size = image.shape[0], image.shape[1]
        points = choose(faces, size, "centre", photo.path)[0].require_68(photo.path)
    masked = None if photo.masked is None else read_image(photo.masked)
    if masked is not None and masked.shape != image.shape and photo.masked is not None:
        expected = f"{image.shape[1]} × {image.shape[0]}, as {photo.path.name}"
        raise BadInput(photo.masked, "", expected, f"{masked.shape[1]} × {masked.shape[0]}")
    return prepare_photo(
        _model(order.model),
        image,
        points,
        settings,
        order.frame,
        seed=order.seed,
        source=number,
        estimated=photo.points is None,
        masked=masked,
    )


@lru_cache(maxsize=1)
def _model(name: str) -> MorphableModel:
    """Once in each process."""
    return load_model(name)


@lru_cache(maxsize=1)
def _landmarker(name: str) -> Landmarker:
    """Once in each process."""
    return load_landmarker(name, need_68=True)


def _collect(folder: Path, parts: Sequence[_Part], photos: int) -> PreparedSamples:
    files, count, left_out = [], 0, {}
    for part in parts:
        told = json.loads((folder / f"{part.name}.json").read_text())
        count += told["samples"]
        left_out |= told["left_out"]
        if told["samples"]:
            files.append(folder / f"{part.name}.safetensors")
    if not count or (photos and len(left_out) == photos):
        path, why = next(iter(left_out.items()), ("", "no photo was given"))
        raise BadInput(folder, "", "photos with faces", f"none of {photos:,}; {path}: {why}")
    return PreparedSamples(folder, tuple(files), count, left_out)

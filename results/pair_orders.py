"""What pairs are to be made of, and the models that every process loads once for itself."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from cfr.landmarks.face import Landmarker
from cfr.landmarks.sources import load_landmarker
from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from cfr.pairs.rules import Preset
from cfr.parsing.sources import load_parser
from cfr.parsing.types import FaceParser
from cfr.regressor.network import RNet
from cfr.regressor.weights import load

FIT, NO_PARSER = "fit", "none"


@dataclass(frozen=True)
class PairOrder:
    """What pairs are to be made of; names and paths, that every process loads for itself.

    Attributes:
        model: Name of the face model.
        size: Pixels a side.
        preset: Of :data:`cfr.pairs.rules.PRESETS`.
        swap: Whether what hides the face is exchanged.
        parser: ``none``, or as :func:`cfr.parsing.sources.load_parser` knows it.
        coefficients: ``fit``, or a regressor's file.
        landmarks: Who estimates points that are not there.
        landmarks_root: Of it.
        seed: Of the rotations.
        each: Rotations of a photo.
        device: cpu or cuda.
        occluded: Share of pairs with a drawn occluder.
        occluders: Its kinds, each as likely as the others.
    """

    model: str
    size: int
    preset: Preset
    swap: bool
    parser: str
    coefficients: str
    landmarks: str
    landmarks_root: Path | None
    seed: int
    each: int
    device: str
    occluded: float = 0.0
    occluders: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class PhotoToPair:
    """A photo.

    Attributes:
        path: Where it lies.
        name: Its path below the root.
        points: Its 68 points in pixels; None where a network has to estimate them.
        person: Seed of a made-up person; the photo is drawn then, and lies nowhere.
    """

    path: Path
    name: str
    points: Float64[np.ndarray, "68 2"] | None
    person: int | None = None


@dataclass(frozen=True, eq=False)
class PhotoBlock:
    """The photos of a shard; the first one's number is that of its place in the list."""

    number: int
    first: int
    photos: tuple[PhotoToPair, ...]


@lru_cache(maxsize=2)
def face_model(name: str, device: str) -> MorphableModel:
    """Once in each process."""
    return load_model(name).to(device)


def regressor(order: PairOrder) -> RNet | None:
    """What gives coefficients; None where the face model is fitted."""
    if order.coefficients == FIT:
        return None
    return _regressor(Path(order.coefficients), order.model, order.device)


@lru_cache(maxsize=2)
def _regressor(path: Path, model: str, device: str) -> RNet:
    return load(path, face_model(model, device).layout()).to(device)


def face_parser(order: PairOrder) -> FaceParser | None:
    """What tells face and objects apart; None for the fitted face itself."""
    return None if order.parser == NO_PARSER else _parser(order.parser, order.device)


@lru_cache(maxsize=2)
def _parser(name: str, device: str) -> FaceParser:
    return load_parser(name, device=device)


def landmarker(order: PairOrder) -> Landmarker:
    """What finds faces and their 68 points."""
    return _landmarker(order.landmarks, order.landmarks_root, order.device)


@lru_cache(maxsize=2)
def _landmarker(name: str, root: Path | None, device: str) -> Landmarker:
    return load_landmarker(name, root, device=device, need_68=True)

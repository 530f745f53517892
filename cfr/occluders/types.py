"""What goes into an occluder and what comes out: a photo, 68 points, and a record of the draw."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8

from cfr.camera import Camera
from cfr.morphable.model import MorphableModel
from cfr.occluders.frame import FaceFrame, frame_from_points
from cfr.types import Coefficients

Settings: TypeAlias = dict[str, float | int | str | list]
"""What was drawn, ready for JSON."""


@dataclass(frozen=True)
class OccluderRecord:
    """What was drawn into a photo. The same seed, options and input give the same bytes.

    Attributes:
        kind: A key of :data:`cfr.occluders.kinds.KINDS`.
        seed: Of ``numpy.random.default_rng``, the only source of chance.
        settings: The values that were drawn; lengths in pixels of the photo unless named
            otherwise, angles in degrees where the name says so.
    """

    kind: str
    seed: int
    settings: Settings


@dataclass(frozen=True, eq=False)
class Occluded:
    """A photo with something in front of the face.

    Attributes:
        image: RGB; equal to the photo wherever ``alpha`` is 0.
        alpha: How much of the occluder covers each pixel, 0 to 1.
        record: What was drawn.
    """

    image: UInt8[np.ndarray, "h w 3"]
    alpha: Float32[np.ndarray, "h w"]
    record: OccluderRecord

    @property
    def mask(self) -> Bool[np.ndarray, "h w"]:
        """Where the occluder covers at least half of a pixel."""
        return self.alpha >= 0.5


@dataclass(frozen=True, eq=False)
class FittedFace:
    """A face model fitted to a photo that is the camera's square picture.

    Attributes:
        model: The face model.
        coefficients: Of one face (a batch of 1).
        camera: Its size is the photo's height and width.
    """

    model: MorphableModel
    coefficients: Coefficients
    camera: Camera


@dataclass(frozen=True, eq=False)
class Scene:
    """What a kind of occluder draws into.

    Attributes:
        photo: RGB.
        points: The iBUG-68 points in the photo's pixels; they may lie outside the photo.
        rng: Made from the seed; the only source of chance.
        fitted: A face model fitted to the photo, if there is one.
    """

    photo: UInt8[np.ndarray, "h w 3"]
    points: Float64[np.ndarray, "68 2"]
    rng: np.random.Generator
    fitted: FittedFace | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.photo.shape[0], self.photo.shape[1]

    @cached_property
    def frame(self) -> FaceFrame:
        """Where the face is and how it is turned."""
        return frame_from_points(self.points)


@dataclass(frozen=True, eq=False)
class Drawn:
    """An occluder before it is laid over the photo.

    Attributes:
        color: RGB in [0, 1], already multiplied by ``alpha``.
        alpha: Coverage in [0, 1].
        settings: What was drawn.
    """

    color: Float32[np.ndarray, "h w 3"]
    alpha: Float32[np.ndarray, "h w"]
    settings: Settings


@runtime_checkable
class Occluder(Protocol):
    """A kind of occluder: a frozen dataclass whose fields are its options."""

    def draw(self, scene: Scene) -> Drawn:
        """Draw it for one photo, by chance from ``scene.rng`` alone."""
        ...

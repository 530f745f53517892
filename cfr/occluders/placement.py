"""Where silhouettes and cut-outs go: around a landmark, of random size and turn."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Float64

from cfr.occluders.paint import mean_patch
from cfr.occluders.types import Scene, Settings


@dataclass(frozen=True)
class Placement:
    """The statistics of the paper authors' hand script, as the defaults.

    Lengths are pixels of an aligned 224 crop; in other photos they grow with the face.
    Source: ``create_stage1_data.py`` of yeongjoonJu/Occlusion-Robust-3D-Face-CFR-GAN. There, what
    a turned shape loses at its box's corners is lost, positions wrap at 256 and what fails is
    left out; here a shape is whole, and clipped at the photo's border.
    """

    smallest: float = 56.0
    """Of width and height, drawn independently."""
    largest: float = 150.0
    """Of width and height."""
    turn_degrees: float = 90.0
    """It is turned by at most this, either way."""
    jitter: float = 20.0
    """The centre is at most this far from its landmark, along x and along y."""
    patch: float = 40.0
    """Side of the square around the landmark whose mean colour fills a flat shape."""
    keep_aspect: bool = False
    """Draw one size, for the longer side, instead of a width and a height."""
    landmarks: tuple[int, ...] = ()
    """The iBUG-68 points (from 0) to choose from; all of them if empty."""
    unit: float | None = None
    """Pixels of the photo for one pixel of an aligned crop; measured on the face if None."""

    def __post_init__(self) -> None:
        if not 0 < self.smallest <= self.largest:
            raise ValueError(f"sizes {self.smallest} to {self.largest}: expected 0 < small ≤ large")
        if min(self.turn_degrees, self.jitter, self.patch) < 0:
            raise ValueError("turn, jitter and patch: expected none below 0")
        if not set(self.landmarks) <= set(range(68)):
            raise ValueError(f"landmarks {self.landmarks}: expected 0 to 67")
        if self.unit is not None and not 0 < self.unit < np.inf:
            raise ValueError(f"unit {self.unit}: expected a positive number")


@dataclass(frozen=True, eq=False)
class Place:
    """One draw of a :class:`Placement`, in the photo's pixels.

    Attributes:
        landmark: Index of the point that it was put on.
        centre: x and y of its middle.
        width: Before it is turned.
        height: Before it is turned.
        turn_degrees: Anticlockwise.
        color: RGB in [0, 1], the mean of the patch around the landmark.
    """

    landmark: int
    centre: Float64[np.ndarray, "2"]
    width: float
    height: float
    turn_degrees: float
    color: Float64[np.ndarray, "3"]

    def settings(self) -> Settings:
        """For the record."""
        return {
            "landmark": self.landmark,
            "centre": [float(value) for value in self.centre],
            "width": self.width,
            "height": self.height,
            "turn_degrees": self.turn_degrees,
            "color": [float(value) for value in self.color],
        }


def draw_place(
    scene: Scene, placement: Placement, aspect: float, fixed: float | None = None
) -> Place:
    """Draw a place for a shape.

    Args:
        scene: The photo, the points, and the generator.
        placement: The statistics.
        aspect: The shape's width / height; used with ``keep_aspect``.
        fixed: Width and height in pixels of an aligned crop, instead of drawn ones.
    """
    rng = scene.rng
    unit = placement.unit or scene.frame.unit
    landmark = int(rng.choice(placement.landmarks or 68))
    sizes = rng.uniform(placement.smallest, placement.largest, 2)
    if fixed is not None:
        sizes = np.array([fixed, fixed])
    elif placement.keep_aspect:
        sizes = sizes[0] * np.array([min(1, aspect), min(1, 1 / aspect)])
    turn = float(rng.uniform(-placement.turn_degrees, placement.turn_degrees))
    shift = rng.uniform(-placement.jitter, placement.jitter, 2)
    at = scene.points[landmark]
    return Place(
        landmark=landmark,
        centre=at + shift * unit,
        width=float(sizes[0] * unit),
        height=float(sizes[1] * unit),
        turn_degrees=turn,
        color=mean_patch(scene.photo, at, placement.patch * unit / 2),
    )


def put(
    picture: Float32[np.ndarray, "r c *k"], place: Place, height: int, width: int
) -> Float32[np.ndarray, "h w *k"]:
    """Warp a picture, 0 around it, to its place in a photo; what lies outside is cut off.

    Args:
        picture: Any channels. Its outer edges become the place's box.
        place: Where it goes.
        height: Of the photo.
        width: Of the photo.
    """
    rows, columns = picture.shape[:2]
    # Averaged first where it shrinks, as a bilinear warp alone would skip pixels.
    fewer = (
        int(np.clip(np.ceil(place.width), 1, columns)),
        int(np.clip(np.ceil(place.height), 1, rows)),
    )
    if fewer != (columns, rows):
        picture = cv2.resize(picture, fewer, interpolation=cv2.INTER_AREA)
    turn = np.radians(place.turn_degrees)
    cos, sin = np.cos(turn), np.sin(turn)
    stretch = np.diag([place.width / fewer[0], place.height / fewer[1]])
    linear = np.array([[cos, sin], [-sin, cos]]) @ stretch
    middle = (np.array(fewer) - 1) / 2
    matrix = np.column_stack((linear, place.centre - linear @ middle))
    left, top, right, bottom = _box(place, height, width)
    out = np.zeros((height, width, *picture.shape[2:]), np.float32)
    if right > left and bottom > top:
        matrix[:, 2] -= left, top
        part = cv2.warpAffine(picture, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
        out[top:bottom, left:right] = part.reshape(out[top:bottom, left:right].shape)
    return out


def _box(place: Place, height: int, width: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom (ends excluded) of the photo that a place can reach."""
    reach = np.hypot(place.width, place.height) / 2 + 2
    limit = (width, height)
    left, top = np.clip(np.floor(place.centre - reach), 0, limit).astype(int).tolist()
    right, bottom = np.clip(np.ceil(place.centre + reach) + 1, 0, limit).astype(int).tolist()
    return left, top, right, bottom

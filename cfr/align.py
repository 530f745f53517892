"""Alignment: from facial points to a crop by one affine warp, and back.

Pixels are counted by their centres, (0, 0) being the top-left one, y downwards. Photos are uint8
RGB, height × width × 3.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float64, UInt8

CANONICAL_FIVE = np.array(
    [
        (-0.3115, 0.2904, 0.1338),
        (0.3098, 0.2897, 0.1318),
        (0.0033, -0.0462, 0.5524),
        (-0.2522, -0.3813, 0.2241),
        (0.2485, -0.3813, 0.2224),
    ]
)
"""Eyes (image left, right), nose tip, mouth corners (left, right) of Deep3D's mean face: dm, y up,
nose towards the camera. Source: SPEC §2, from Deep3D's ``similarity_Lm3D_all.mat``."""

ARCFACE_112 = np.array(
    [
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ]
)
"""The five points in ArcFace's 112 × 112 crop. Source: insightface, ``face_align.py``."""

DEEP3D_SCALE = 102.0
"""Pixels of a 224 crop for one decimetre: focal length 1015 at 10 dm, rounded by Deep3D."""


@dataclass(frozen=True)
class Alignment:
    """A square crop of a photo.

    Attributes:
        matrix: ``(2, 3)`` takes (x, y, 1) of the photo to (x, y) of the crop.
        size: Pixels along each side of the crop.
    """

    matrix: Float64[np.ndarray, "2 3"]
    size: int

    @property
    def inverse(self) -> Float64[np.ndarray, "2 3"]:
        """Takes (x, y, 1) of the crop to (x, y) of the photo."""
        turn = np.linalg.inv(self.matrix[:, :2])
        return np.column_stack((turn, -turn @ self.matrix[:, 2]))

    def to_crop(self, points: Float64[np.ndarray, "*n 2"]) -> Float64[np.ndarray, "*n 2"]:
        """Points of the photo, in the crop; nothing is clamped."""
        return points @ self.matrix[:, :2].T + self.matrix[:, 2]

    def to_photo(self, points: Float64[np.ndarray, "*n 2"]) -> Float64[np.ndarray, "*n 2"]:
        """Points of the crop, in the photo; nothing is clamped."""
        return points @ self.inverse[:, :2].T + self.inverse[:, 2]

    def crop(self, photo: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "s s 3"]:
        """Cut the crop; black where it reaches out of the photo, and nowhere else."""
        return warp(photo, self.matrix, self.size, self.size)

    def paste(
        self, crop: UInt8[np.ndarray, "s s 3"], height: int, width: int
    ) -> tuple[UInt8[np.ndarray, "h w 3"], Bool[np.ndarray, "h w"]]:
        """Put a crop back where it came from: a picture of the photo's size, and where it lies."""
        column, row = np.meshgrid(np.arange(width, dtype=float), np.arange(height, dtype=float))
        inside = self.to_crop(np.stack((column, row), axis=-1))
        lies = np.asarray(((inside >= 0) & (inside <= self.size - 1)).all(axis=-1))
        picture = warp(crop, self.inverse, height, width)
        picture[~lies] = 0
        return picture, lies


def five_from_68(points: Float64[np.ndarray, "*n 68 2"]) -> Float64[np.ndarray, "*n 5 2"]:
    """Eye centres (means of the two eye corners), nose tip and mouth corners of iBUG-68 points."""
    eyes = (points[..., [36, 42], :] + points[..., [39, 45], :]) / 2
    return np.concatenate((eyes, points[..., [30, 48, 54], :]), axis=-2)


def align_deep3d(five: Float64[np.ndarray, "5 2"], photo_height: int, size: int = 224) -> Alignment:
    """The crop that Deep3D's regressor expects: scale and shift by POS, without rotation.

    The scaled-orthographic fit (POS) of the canonical points gives a scale s and a position t; one
    decimetre becomes 102 pixels and the plane point (t_x, h − t_y) the middle of the crop. Both
    are counted from the pixels' edges there, as Deep3D's resize and crop do (SPEC §2).

    Args:
        five: Eye centres, nose tip, mouth corners, in the photo's pixels.
        photo_height: Rows of the photo.
        size: Pixels along each side of the crop; the scale follows.

    Raises:
        ValueError: The points are not finite, or lie in one place.
    """
    _check(five)
    upward = np.column_stack((five[:, 0], photo_height - 1 - five[:, 1]))
    # Unconstrained least squares for two rows of a scaled rotation, and their offsets.
    design = np.column_stack((CANONICAL_FIVE, np.ones(5)))
    solution = np.linalg.lstsq(design, upward, rcond=None)[0]
    scale = np.linalg.norm(solution[:3], axis=0).mean()
    centre = np.array([solution[3, 0], photo_height - solution[3, 1]])
    if not scale > 0:
        raise ValueError("five points: expected points that span a face, found a scale of 0")
    zoom = DEEP3D_SCALE * size / 224 / scale
    shift = size / 2 - zoom * (centre - 0.5) - 0.5
    return Alignment(np.column_stack((zoom * np.eye(2), shift)), size)


def align_arcface(five: Float64[np.ndarray, "5 2"], size: int = 112) -> Alignment:
    """The crop that ArcFace recognizers expect: the similarity that fits its template best.

    Args:
        five: Eye centres, nose tip, mouth corners, in the photo's pixels.
        size: Pixels along each side; the template is scaled to it as insightface does.

    Raises:
        ValueError: The points are not finite, or lie in one place.
    """
    from skimage.transform import SimilarityTransform

    _check(five)
    found = SimilarityTransform.from_estimate(five, ARCFACE_112 * (size / 112))
    if not found:
        raise ValueError(f"five points: no similarity fits them: {found}")
    return Alignment(np.asarray(found.params[:2], np.float64), size)


def warp(
    photo: UInt8[np.ndarray, "h w 3"], matrix: Float64[np.ndarray, "2 3"], height: int, width: int
) -> UInt8[np.ndarray, "_ _ 3"]:
    """Warp a photo by an affine map, bilinearly; black outside the photo.

    Where it shrinks by two or more, the photo is first averaged over blocks of whole pixels: a
    bilinear warp alone would skip pixels and alias.

    Args:
        photo: RGB.
        matrix: Takes (x, y, 1) of the photo to (x, y) of the result.
        height: Rows of the result.
        width: Columns of the result.
    """
    shrink = 1 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    block = int(shrink) if np.isfinite(shrink) else 1
    if block >= 2:
        photo, matrix = _averaged(photo, matrix, height, width, block)
    return cv2.warpAffine(photo, matrix, (width, height), flags=cv2.INTER_LINEAR)


def _averaged(
    photo: np.ndarray, matrix: np.ndarray, height: int, width: int, block: int
) -> tuple[np.ndarray, np.ndarray]:
    """The part of the photo that the result shows, in blocks, and the matrix that fits it."""
    inverse = cv2.invertAffineTransform(matrix)
    corners = np.array([(0, 0), (width, 0), (0, height), (width, height)], np.float64) - 0.5
    shown = corners @ inverse[:, :2].T + inverse[:, 2]
    rows, columns = photo.shape[:2]
    limit = np.array([columns, rows])
    low = (np.clip(shown.min(0) - 2 * block, 0, limit - 1) // block * block).astype(int)
    high = np.clip(np.ceil(shown.max(0)) + 2 * block, low + 1, limit).astype(int)
    part = photo[low[1] : high[1], low[0] : high[0]]
    bottom, right = -part.shape[0] % block, -part.shape[1] % block
    # A last block that is not whole is filled with its own border, not with black.
    part = cv2.copyMakeBorder(part, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    small = cv2.resize(
        part, (part.shape[1] // block, part.shape[0] // block), interpolation=cv2.INTER_AREA
    )
    # Block j covers the photo's pixels low + j·block …: its middle, in the photo's pixels.
    middle = low + (block - 1) / 2
    shift = matrix[:, :2] @ middle + matrix[:, 2]
    return small, np.column_stack((matrix[:, :2] * block, shift))


def _check(five: np.ndarray) -> None:
    if not np.isfinite(five).all() or np.ptp(five, axis=0).max() < 1e-6:
        raise ValueError(f"five points: expected finite points apart, found {five.tolist()}")

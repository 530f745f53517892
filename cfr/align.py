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
"""Eyes (image left, right), nose tip, mouth corners (left, right) of the mean face: dm, y up, nose
towards the camera. Source: ``similarity_Lm3D_all.mat`` of microsoft/Deep3DFaceReconstruction."""

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


_LARGEST_CANVAS = 4096


@dataclass(frozen=True, eq=False)
class Alignment:
    """A square crop of a photo.

    Attributes:
        matrix: ``(2, 3)`` takes (x, y, 1) of the photo to (x, y) of the crop.
        size: Pixels along each side of the crop.
        antialias: Whether a crop that shrinks averages the pixels that it leaves out.
    """

    matrix: Float64[np.ndarray, "2 3"]
    size: int
    antialias: bool = True

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
        return warp(photo, self.matrix, self.size, self.size, antialias=self.antialias)[0]

    def paste(
        self, crop: UInt8[np.ndarray, "s s 3"], height: int, width: int
    ) -> tuple[UInt8[np.ndarray, "h w 3"], Bool[np.ndarray, "h w"]]:
        """Put a crop back where it came from: a picture of the photo's size, and where it lies."""
        corners = np.array([(0, 0), (1, 0), (0, 1), (1, 1)]) * float(self.size) - 0.5
        shown, limit = self.to_photo(corners), np.array([width, height])
        left, top = np.clip(np.floor(shown.min(0)), 0, limit).astype(int).tolist()
        right, bottom = np.clip(np.ceil(shown.max(0)) + 1, (left, top), limit).astype(int).tolist()
        picture = np.zeros((height, width, 3), np.uint8)
        lies = np.zeros((height, width), bool)
        if right > left and bottom > top:
            back = self.inverse - [[0, 0, left], [0, 0, top]]
            part = warp(crop, back, bottom - top, right - left)
            picture[top:bottom, left:right], lies[top:bottom, left:right] = part
        return picture, lies


def five_from_68(points: Float64[np.ndarray, "*n 68 d"]) -> Float64[np.ndarray, "*n 5 d"]:
    """Eye centres (means of the two eye corners), nose tip and mouth corners of iBUG-68 points.

    Args:
        points: In the plane or in space.
    """
    eyes = (points[..., [36, 42], :] + points[..., [39, 45], :]) / 2
    return np.concatenate((eyes, points[..., [30, 48, 54], :]), axis=-2)


def align_deep3d(five: Float64[np.ndarray, "5 2"], size: int = 224) -> Alignment:
    """The crop that Deep3D's regressor expects: scale and shift by POS, without rotation.

    The scaled-orthographic fit (POS) of the canonical points gives a scale and a position; one
    decimetre becomes 102 pixels, and the face's origin goes to the middle of the crop. Deep3D
    counts from the edges when it resizes and crops, so that pixel centres lie half a pixel off.
    Source: ``preprocess_img.py`` of microsoft/Deep3DFaceReconstruction.

    Args:
        five: Eye centres, nose tip, mouth corners, in the photo's pixels.
        size: Pixels along each side of the crop; the scale follows.

    Raises:
        ValueError: The points are not finite, or lie in one place.
    """
    _check(five)
    # Unconstrained least squares, y upwards, for two rows of a scaled rotation and their offsets.
    design = np.column_stack((CANONICAL_FIVE, np.ones(5)))
    solution = np.linalg.lstsq(design, five * (1, -1), rcond=None)[0]
    scale = np.linalg.norm(solution[:3], axis=0).mean()
    # Deep3D's (t_x, h − t_y), with t_y counted upwards from the photo's last row.
    centre = np.array([solution[3, 0], 1 - solution[3, 1]])
    zoom = DEEP3D_SCALE * size / 224 / scale
    shift = size / 2 - zoom * (centre - 0.5) - 0.5
    return Alignment(np.column_stack((zoom * np.eye(2), shift)), size)


def align_arcface(five: Float64[np.ndarray, "5 2"], size: int = 112) -> Alignment:
    """The crop that ArcFace recognizers expect: the similarity that fits its template best.

    It is cut without antialiasing, as insightface cuts what these recognizers were trained on.

    Args:
        five: Eye centres, nose tip, mouth corners, in the photo's pixels.
        size: Pixels along each side; the template is scaled to it as insightface does.

    Raises:
        ValueError: The points are not finite, or lie in one place.
    """
    return Alignment(similarity(five, ARCFACE_112 * (size / 112)), size, antialias=False)


def similarity(
    points: Float64[np.ndarray, "n 2"], places: Float64[np.ndarray, "n 2"]
) -> Float64[np.ndarray, "2 3"]:
    """The turn, scale and shift that bring points nearest to their places, by least squares.

    Umeyama, Least-Squares Estimation of Transformation Parameters Between Two Point Patterns,
    PAMI 1991.

    Args:
        points: In the photo.
        places: Where they belong in the crop.

    Returns:
        What takes (x, y, 1) of the photo to (x, y) of the crop.

    Raises:
        ValueError: The points are not finite, or lie in one place.
    """
    from skimage.transform import SimilarityTransform

    _check(points)
    found = SimilarityTransform.from_estimate(points, places)
    if not found:
        raise ValueError(f"{len(points)} points: no similarity fits them: {found}")
    return np.asarray(found.params[:2], np.float64)


def warp(
    photo: UInt8[np.ndarray, "h w 3"],
    matrix: Float64[np.ndarray, "2 3"],
    height: int,
    width: int,
    *,
    antialias: bool = True,
) -> tuple[UInt8[np.ndarray, "_ _ 3"], Bool[np.ndarray, "_ _"]]:
    """Warp a photo by an affine map, bilinearly.

    Where it shrinks, a bilinear warp alone would skip pixels and alias: the result is drawn
    larger, by the next whole factor, and averaged.

    Args:
        photo: RGB.
        matrix: Takes (x, y, 1) of the photo to (x, y) of the result.
        height: Rows of the result.
        width: Columns of the result.
        antialias: Whether to average where it shrinks.

    Returns:
        The picture, black outside the photo, and where the photo is: the pixels whose centre falls
        on one of its pixels.
    """
    shrink = 1 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    most = max(1, _LARGEST_CANVAS // max(height, width))
    factor = int(min(np.ceil(shrink - 1e-6), most)) if antialias and shrink > 1 else 1
    # Pixel j of the result is made of the pixels factor·j … of the larger one.
    larger = matrix * factor + [[0, 0, (factor - 1) / 2]] * 2
    picture = cv2.warpAffine(
        photo,
        larger,
        (width * factor, height * factor),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if factor > 1:
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    inside = _inside(matrix, height, width, photo.shape[:2])
    picture[~inside] = 0
    return picture, inside


def _inside(matrix: np.ndarray, height: int, width: int, photo: tuple[int, ...]) -> np.ndarray:
    """Which pixel centres of a result come from within the photo's outer edges."""
    inverse = cv2.invertAffineTransform(matrix)
    column, row = np.arange(width), np.arange(height)[:, None]
    inside = np.ones((height, width), bool)
    for (along_x, along_y, offset), limit in zip(inverse, reversed(photo), strict=True):
        position = along_x * column + along_y * row + offset
        inside &= (position >= -0.5) & (position <= limit - 0.5)
    return inside


def _check(points: np.ndarray) -> None:
    if not np.isfinite(points).all() or np.ptp(points, axis=0).max() < 1e-6:
        found = str(points[:5].tolist()) + ("" if len(points) <= 5 else " …")
        count = "five" if len(points) == 5 else f"{len(points)}"
        raise ValueError(f"{count} points: expected finite points apart, found {found}")

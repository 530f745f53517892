"""Antialiased shapes, and layers of colour that are laid over each other and over a photo."""

import cv2
import numpy as np
from jaxtyping import Float, Float32, Float64, UInt8

_FINER = 4
"""Samples of a pixel along each axis, if there are not too many."""
_MOST_SAMPLES = 1 << 26
_FARTHEST = 20_000.0
"""Corners of a shape are pulled in to this many pixels around the photo."""


class Layer:
    """Colour and coverage of a picture that is being built, from the back to the front.

    Attributes:
        color: ``(h, w, 3)`` RGB in [0, 1], multiplied by ``alpha``.
        alpha: ``(h, w)`` coverage in [0, 1].
    """

    def __init__(self, height: int, width: int) -> None:
        self.color = np.zeros((height, width, 3), np.float32)
        self.alpha = np.zeros((height, width), np.float32)

    def over(self, color: Float[np.ndarray, "*n 3"], alpha: Float[np.ndarray, "h w"]) -> None:
        """Lay something on top.

        Args:
            color: ``(3,)`` or ``(h, w, 3)``, not multiplied by ``alpha``; clipped to [0, 1].
            alpha: Its coverage.
        """
        top, bottom, left, right = box_of(alpha > 0)
        part = np.s_[top:bottom, left:right]
        coverage = alpha[part].astype(np.float32)
        paint = color if color.ndim == 1 else color[part]
        kept = 1 - coverage
        self.color[part] *= kept[..., None]
        self.color[part] += np.clip(paint, 0, 1).astype(np.float32) * coverage[..., None]
        self.alpha[part] = self.alpha[part] * kept + coverage


def box_of(where: np.ndarray) -> tuple[int, int, int, int]:
    """Top, bottom, left, right (ends excluded) of what is true; all 0 if nothing is."""
    rows, columns = np.nonzero(where.any(axis=1))[0], np.nonzero(where.any(axis=0))[0]
    if not len(rows):
        return 0, 0, 0, 0
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def lay_over(
    photo: UInt8[np.ndarray, "h w 3"],
    color: Float32[np.ndarray, "h w 3"],
    alpha: Float32[np.ndarray, "h w"],
) -> tuple[UInt8[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
    """Lay a layer over a photo.

    Args:
        photo: RGB.
        color: RGB in [0, 1], multiplied by ``alpha``.
        alpha: Coverage.

    Returns:
        The picture, and the coverage in [0, 1]: 0 where it is too small to move a level by a half,
        and there the picture is the photo, exactly.
    """
    image, used = photo.copy(), np.clip(alpha, 0, 1)
    used[used < 0.5 / 255] = 0
    top, bottom, left, right = box_of(used > 0)
    part = np.s_[top:bottom, left:right]
    blended = photo[part] * (1 - used[part][..., None]) + 255 * color[part]
    blended = np.clip(np.rint(blended), 0, 255).astype(np.uint8)
    image[part] = np.where(used[part][..., None] > 0, blended, photo[part])
    return image, used


def blur(coverage: Float32[np.ndarray, "h w"], sigma: float) -> Float32[np.ndarray, "h w"]:
    """Blur with a Gaussian of a deviation in pixels, limited to what the picture can show."""
    limited = float(np.clip(sigma, 0.5, max(coverage.shape) / 4 + 0.5))
    return cv2.GaussianBlur(coverage, (0, 0), limited)


def fill(
    polygons: list[Float64[np.ndarray, "_ 2"]], height: int, width: int
) -> Float32[np.ndarray, "h w"]:
    """Coverage of the union of closed polygons: corners in pixels, (0, 0) a pixel's centre.

    A polygon that crosses itself covers what an odd number of its turns surrounds.
    """
    coverage = np.zeros((height, width), np.float32)
    most = (width + _FARTHEST, height + _FARTHEST)
    limited = [np.clip(one, -_FARTHEST, most) for one in polygons]
    if not limited:
        return coverage
    corners = np.concatenate(limited)
    left, top = np.clip(np.floor(corners.min(0)) - 1, 0, (width, height)).astype(int).tolist()
    right, bottom = np.clip(np.ceil(corners.max(0)) + 2, 0, (width, height)).astype(int).tolist()
    if right <= left or bottom <= top:
        return coverage
    samples = _samples(bottom - top, right - left)
    finer = np.zeros(((bottom - top) * samples, (right - left) * samples), np.uint8)
    for one in limited:
        cv2.fillPoly(finer, [_sixteenths(one - (left, top), samples)], 255, shift=4)
    small = cv2.resize(finer, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    coverage[top:bottom, left:right] = small.astype(np.float32) / 255
    return coverage


def paint_polygons(
    polygons: list[Float64[np.ndarray, "_ 2"]],
    colors: Float[np.ndarray, "n 3"],
    height: int,
    width: int,
) -> tuple[Float32[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
    """Opaque polygons, each over those before it.

    Args:
        polygons: Corners in pixels.
        colors: RGB in [0, 1] of each.
        height: Of the picture.
        width: Of the picture.

    Returns:
        Colour multiplied by coverage, and coverage.
    """
    samples = _samples(height, width)
    finer = np.zeros((height * samples, width * samples, 4), np.uint8)
    levels = np.rint(np.clip(colors, 0, 1) * 255).astype(int).tolist()
    for corners, color in zip(polygons, levels, strict=True):
        limited = np.clip(corners, -_FARTHEST, (width + _FARTHEST, height + _FARTHEST))
        cv2.fillPoly(finer, [_sixteenths(limited, samples)], (*color, 255), shift=4)
    small = cv2.resize(finer, (width, height), interpolation=cv2.INTER_AREA)
    picture = small.astype(np.float32) / 255
    return np.ascontiguousarray(picture[..., :3]), picture[..., 3].copy()


def _samples(height: int, width: int) -> int:
    """Samples of a pixel along each axis: fewer for pictures of many megapixels."""
    return next((n for n in (_FINER, 2) if height * width * n * n <= _MOST_SAMPLES), 1)


def _sixteenths(corners: np.ndarray, samples: int) -> np.ndarray:
    """Positions for OpenCV, in sixteenths of a sample."""
    return np.rint(((corners + 0.5) * samples - 0.5) * 16).astype(np.int32)


def smooth_line(
    knots: Float64[np.ndarray, "n 2"], count: int, *, closed: bool = False
) -> Float64[np.ndarray, "count 2"]:
    """A smooth curve (cubic spline) through knots, ``count`` points along it."""
    from scipy.interpolate import CubicSpline

    if closed:
        knots = np.concatenate((knots, knots[:1]))
    steps = np.linalg.norm(np.diff(knots, axis=0), axis=1)
    along = np.concatenate(([0.0], np.cumsum(np.maximum(steps, 1e-6))))
    spline = CubicSpline(along, knots, bc_type="periodic" if closed else "natural")
    return spline(np.linspace(0, along[-1], count, endpoint=not closed))


def stroke(
    line: Float64[np.ndarray, "n 2"], radius: Float64[np.ndarray, "*n"] | float
) -> Float64[np.ndarray, "_ 2"]:
    """The outline of a line drawn with a round pen of a radius that may vary along it."""
    radii = np.broadcast_to(np.asarray(radius, np.float64), len(line))
    steps = np.diff(line, axis=0)
    direction = np.concatenate((steps[:1], steps[:-1] + steps[1:], steps[-1:]))
    direction /= np.maximum(np.hypot(direction[:, :1], direction[:, 1:]), 1e-9)
    aside = np.column_stack((-direction[:, 1], direction[:, 0])) * radii[:, None]
    turn = np.linspace(0, np.pi, 9)[1:-1, None]
    end = line[-1] + np.cos(turn) * aside[-1] + np.sin(turn) * direction[-1] * radii[-1]
    start = line[0] - np.cos(turn) * aside[0] - np.sin(turn) * direction[0] * radii[0]
    return np.concatenate((line + aside, end, line[::-1] - aside[::-1], start))


def soft_noise(
    rng: np.random.Generator, height: int, width: int, grain: float
) -> Float32[np.ndarray, "h w"]:
    """Smooth noise of mean 0 and deviation about 1 whose spots are ``grain`` pixels wide."""
    rows, columns = (max(2, int(np.ceil(side / max(grain, 1))) + 1) for side in (height, width))
    coarse = rng.standard_normal((rows, columns)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def mean_patch(
    photo: UInt8[np.ndarray, "h w 3"], centre: Float64[np.ndarray, "2"], half: float
) -> Float64[np.ndarray, "3"]:
    """Mean colour in [0, 1] of a square patch, clipped to the photo; its nearest pixel if outside.

    Args:
        photo: RGB.
        centre: x and y in pixels.
        half: Half of the patch's side in pixels.
    """
    limit = np.array(photo.shape[1::-1])
    first = np.clip(np.floor(centre - half), 0, limit - 1).astype(int)
    last = np.clip(np.floor(centre + half), first + 1, limit).astype(int)
    return photo[first[1] : last[1], first[0] : last[0]].reshape(-1, 3).mean(0) / 255

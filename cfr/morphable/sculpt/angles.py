"""Where the rows and columns of the skin run: longitude and latitude about a point in the head.

A column is a longitude. The rows follow the lower edge, the seam of the lips, the eyelids and the
upper edge, and are spread evenly in between.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.interpolate import CubicSpline, PchipInterpolator

from cfr.morphable.sculpt.mesh import COLUMNS, EYES, INNER_EYE, LIPS, MIDDLE, MOUTH, OUTER_EYE, TOP

CENTRE = np.array([0.0, 0.0, -0.5])
"""From where longitudes and latitudes are seen, in decimetres."""
SIDE = np.radians(97.0)
"""Longitude of the outermost column, before the ears."""
_LOWER_EDGE = ([0, 25, 45, 64, 80, 97], [-66, -63, -55, -43, -29, -12])
"""Longitude → latitude in degrees: under the chin, along the jaw, to the ear lobe."""


def to_angles(points: Float64[np.ndarray, "*n 3"]) -> Float64[np.ndarray, "*n 2"]:
    """Longitude (to the image's right) and latitude (upwards) of points, in radians."""
    x, y, z = np.moveaxis(points - CENTRE, -1, 0)
    return np.stack((np.arctan2(x, z), np.arctan2(y, np.hypot(x, z))), axis=-1)


def to_points(
    longitude: np.ndarray, latitude: np.ndarray, radius: np.ndarray
) -> Float64[np.ndarray, "*n 3"]:
    """The inverse of :func:`to_angles`, given the distance from :data:`CENTRE`."""
    across = radius * np.cos(latitude)
    parts = (across * np.sin(longitude), radius * np.sin(latitude), across * np.cos(longitude))
    return np.stack(parts, axis=-1) + CENTRE


@dataclass(frozen=True, eq=False)
class Graticule:
    """Longitudes and latitudes of the three sheets of skin, in radians.

    Attributes:
        longitude: ``(columns,)``.
        latitude: Sheet → ``(rows, columns)``, rising with the row.
        lips: ``(columns,)`` latitude of the seam of the lips and of its continuation.
    """

    longitude: Float64[np.ndarray, " c"]
    latitude: dict[str, Float64[np.ndarray, "_ c"]]
    lips: Float64[np.ndarray, " c"]


def build_graticule(landmarks: Float64[np.ndarray, "68 3"]) -> Graticule:
    """Lay rows and columns through the eyelids and lips of a symmetric mean face.

    Args:
        landmarks: iBUG-68 points of the mean face, in decimetres.
    """
    at = to_angles(landmarks)
    inner, outer, corner = at[42], at[45], at[54]
    column = PchipInterpolator(
        [0, INNER_EYE, MOUTH, OUTER_EYE, MIDDLE], [0, inner[0], corner[0], outer[0], SIDE]
    )
    half = column(np.arange(MIDDLE + 1))
    longitude = np.concatenate((-half[:0:-1], half))
    off = np.abs(longitude)
    lips = _lips(at)(off)
    upper, lower = _lids(at, off)
    edge = PchipInterpolator(*np.radians(_LOWER_EDGE))(off)
    top = np.radians(24) + np.radians(36) * np.sqrt(np.clip(1 - (off / SIDE) ** 2.6, 0, 1))
    below = np.arange(EYES + 1)
    skin = PchipInterpolator(
        [0, 14, LIPS, EYES], np.stack((edge, edge + 0.25 * (lips - edge), lips, lower))
    )(below)
    above = PchipInterpolator(
        [EYES, EYES + 34, TOP], np.stack((upper, 0.55 * upper + 0.45 * top, top))
    )
    latitude = {
        "lower": skin[: LIPS + 1],
        "middle": skin[LIPS:],
        "upper": above(np.arange(EYES, TOP + 1)),
    }
    return Graticule(longitude, latitude, lips)


def _lips(at: np.ndarray) -> PchipInterpolator:
    """Latitude of the seam by longitude: through the inner points, level beyond the corners."""
    corner, beside = at[54], at[[63, 65]].mean(0)
    known = [0.0, beside[0], corner[0], np.radians(45), SIDE]
    return PchipInterpolator(
        known, [at[[62, 66], 1].mean(), beside[1], corner[1], corner[1] + np.radians(3), 0.0]
    )


def _lids(at: np.ndarray, off: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Latitudes of the upper and the lower lid's edge, equal where there is no eye."""
    inner, outer = at[42], at[45]
    known = [0.0, 0.6 * inner[0], inner[0], outer[0], np.radians(60), SIDE]
    beside = [inner[1] + 0.03, inner[1] + 0.02, inner[1], outer[1], np.radians(17), np.radians(12)]
    level = PchipInterpolator(known, beside)(off)
    open_eye = np.arange(COLUMNS) - MIDDLE
    open_eye = (np.abs(open_eye) >= INNER_EYE) & (np.abs(open_eye) <= OUTER_EYE)
    lids = []
    for points in ([42, 43, 44, 45], [42, 47, 46, 45]):
        edge = CubicSpline(at[points, 0], at[points, 1])(off)
        lids.append(np.where(open_eye, edge, level))
    return lids[0], lids[1]

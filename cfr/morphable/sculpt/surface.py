"""The mean surface: how far the skin is from a point in the head, in every direction.

A thin-plate spline runs through the average landmarks and through points that were placed by hand
where landmarks say nothing (forehead, temples, cheeks, chin, under the jaw, the sides of the
nose); small bumps and grooves then give lips, nostrils, wings of the nose and lids.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float64
from scipy.interpolate import RBFInterpolator, RegularGridInterpolator
from scipy.ndimage import gaussian_filter

from cfr.morphable.sculpt.angles import CENTRE, Graticule, build_graticule, to_angles, to_points
from cfr.morphable.sculpt.mesh import INNER_EYE, MIDDLE, MOUTH, OUTER_EYE, SHEETS, Mesh

# x, y, z in decimetres, of the half with x ≥ 0.
_BY_HAND = (
    *((0, 0.62, 0.325), (0, 0.75, 0.335), (0, 0.9, 0.30), (0, 1.05, 0.19), (0, 1.18, 0.04)),
    *((0.25, 0.68, 0.295), (0.25, 0.78, 0.295), (0.25, 0.92, 0.245), (0.25, 1.08, 0.12)),
    *((0.5, 0.66, 0.16), (0.5, 0.75, 0.15), (0.5, 0.9, 0.08), (0.48, 1.05, -0.04)),
    *((0.66, 0.58, -0.06), (0.68, 0.75, -0.13), (0.66, 0.9, -0.2), (0.70, 0.4, -0.15)),
    *((0.74, 0.5, -0.30), (0.755, 0.35, -0.45), (0.76, 0.1, -0.47), (0.75, 0.62, -0.42)),
    # brow and orbit
    *((0, 0.50, 0.318), (0, 0.44, 0.30), (0.10, 0.43, 0.285), (0.30, 0.43, 0.232)),
    *((0.20, 0.42, 0.242), (0.42, 0.41, 0.18), (0.31, 0.185, 0.155), (0.2, 0.2, 0.165)),
    *((0.42, 0.19, 0.12), (0.115, 0.27, 0.205), (0.52, 0.3, 0.06), (0.60, 0.28, -0.06)),
    (0.55, 0.42, 0.07),
    # cheek
    *((0.3, 0.05, 0.215), (0.45, 0.08, 0.17), (0.55, 0.09, 0.085), (0.63, 0.1, -0.05)),
    *((0.70, 0.08, -0.22), (0.2, 0.06, 0.225), (0.14, 0.12, 0.25), (0.22, -0.1, 0.265)),
    *((0.35, -0.12, 0.225), (0.5, -0.1, 0.12), (0.63, -0.12, -0.08), (0.69, -0.1, -0.26)),
    *((0.3, -0.28, 0.235), (0.42, -0.3, 0.14), (0.55, -0.32, -0.02), (0.65, -0.3, -0.22)),
    *((0.33, -0.48, 0.175), (0.45, -0.48, 0.03)),
    # chin, and under it
    *((0, -0.575, 0.342), (0, -0.66, 0.345), (0, -0.76, 0.315), (0.12, -0.58, 0.312)),
    *((0.12, -0.70, 0.30), (0.25, -0.6, 0.225), (0.26, -0.72, 0.15), (0, -0.9, 0.07)),
    *((0, -0.90, -0.1), (0.2, -0.87, -0.02), (0.2, -0.86, -0.15), (0.4, -0.72, -0.12)),
    *((0.35, -0.77, -0.25), (0.55, -0.56, -0.28), (0.5, -0.62, -0.35), (0.65, -0.36, -0.40)),
    *((0.7, -0.2, -0.45), (0.6, -0.5, -0.45)),
    # between nose and mouth, lips
    *((0, -0.25, 0.385), (0.05, -0.25, 0.39), (0.13, -0.25, 0.34), (0.2, -0.22, 0.285)),
    *((0.08, -0.345, 0.375), (0.08, -0.455, 0.375), (0, -0.345, 0.385), (0, -0.455, 0.385)),
    # nose
    *((0.065, 0.09, 0.375), (0.075, 0.2, 0.295), (0.075, 0, 0.43), (0.06, -0.05, 0.475)),
    *((0.10, -0.03, 0.40), (0, -0.1, 0.49), (0, -0.145, 0.445), (0.05, -0.135, 0.43)),
    *((0.115, -0.085, 0.405), (0.155, -0.085, 0.33), (0.15, -0.03, 0.305), (0.19, -0.08, 0.27)),
    (0.12, 0.04, 0.315),
)
_LANDMARK_SMOOTHING = (
    (0, 17, 5e-3),
    (17, 27, 6e-3),
    (27, 36, 1e-3),
    (36, 48, 2e-3),
    (48, 60, 3e-3),
    (60, 68, 1e-2),
)


def build_surface(mesh: Mesh, landmarks: Float64[np.ndarray, "68 3"]) -> Float64[np.ndarray, "v 3"]:
    """The mean face's vertices in decimetres: skin, eyeballs, the mouth's inside.

    Args:
        mesh: The topology.
        landmarks: Mean iBUG-68 points, symmetric, in the frame of
            :data:`cfr.align.CANONICAL_FIVE`.
    """
    graticule = build_graticule(landmarks)
    radius = _radius(graticule, landmarks)
    vertices = np.empty((mesh.vertices, 3))
    for name, latitude in graticule.latitude.items():
        vertices[mesh.sheets[name]] = to_points(graticule.longitude, latitude, radius[name])
    for name in ("left eye", "right eye"):
        vertices[mesh.sheets[name]] = _eyeball(mesh, vertices, name)
    vertices[mesh.sheets["mouth"][1:-1]] = _mouth_wall(mesh, vertices)
    for name in ("upper teeth", "lower teeth"):
        vertices[mesh.sheets[name]] = _teeth(mesh, vertices, name)
    return (vertices + vertices[mesh.symmetry] * (-1, 1, 1)) / 2


def _radius(graticule: Graticule, landmarks: np.ndarray) -> dict[str, np.ndarray]:
    half = np.array(_BY_HAND, np.float64)
    points = np.concatenate((landmarks, half, half[half[:, 0] > 0] * (-1, 1, 1)))
    at = to_angles(points)
    smoothing = np.full(len(points), 3e-3)
    for first, last, value in _LANDMARK_SMOOTHING:
        smoothing[first:last] = value
    smoothing[np.abs(at[:, 0]) > np.radians(45)] *= 3
    smoothing[at[:, 1] > np.radians(38)] *= 4
    distance = np.linalg.norm(points - CENTRE, axis=1)
    # SciPy takes a smoothing for each point; its annotation knows only one for all.
    each: Any = smoothing
    spline = RBFInterpolator(at, distance, kernel="thin_plate_spline", smoothing=each)
    base, relief = _smoothed(spline), _relief(landmarks)
    found = {}
    for name, latitude in graticule.latitude.items():
        longitude = np.broadcast_to(graticule.longitude, latitude.shape)
        radius = base(np.stack((longitude, latitude), axis=-1))
        radius += relief(graticule.longitude, latitude, graticule.lips)
        found[name] = (radius + radius[:, ::-1]) / 2
    return found


def _smoothed(spline: RBFInterpolator) -> RegularGridInterpolator:
    """The spline on a grid of one degree, blurred where the face has no small forms."""
    longitude, latitude = np.arange(-100.0, 101), np.arange(-80.0, 71)
    place = np.stack(np.meshgrid(longitude, latitude, indexing="ij"), axis=-1)
    radius = spline(np.radians(place).reshape(-1, 2)).reshape(place.shape[:2])
    small_forms = np.exp(-((longitude[:, None] / 34) ** 6) - ((latitude - 3) / 32) ** 6)
    brows = np.exp(-(((latitude - 34) / 8) ** 2))
    keep = small_forms * (1 - 0.7 * brows)
    radius = keep * radius + (1 - keep) * gaussian_filter(radius, 4.5, mode="nearest")
    axes = (np.radians(longitude), np.radians(latitude))
    return RegularGridInterpolator(axes, radius, method="cubic")


def _relief(landmarks: np.ndarray) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """Bumps and grooves in decimetres, by longitude, latitude and the latitude of the lips."""
    at = to_angles(landmarks)
    corner, wing, lid = at[54], at[35], at[42:46].mean(0)

    lids = at[43:45, 1].mean()
    bumps = (  # longitude, latitude, widths of both, height
        (corner[0], corner[1], 0.05, 0.04, -0.012),  # corners of the mouth
        (0.0, (at[33, 1] + at[51, 1]) / 2, 0.028, 0.05, -0.008),  # groove under the nose
        (wing[0], wing[1] + 0.06, 0.045, 0.055, 0.022),  # wings of the nose
        (wing[0] + 0.085, wing[1] + 0.05, 0.03, 0.07, -0.018),  # creases beside them
        (at[34, 0], at[34, 1] - 0.005, 0.04, 0.022, -0.025),  # nostrils
        (lid[0], lids + 0.065, 0.13, 0.022, -0.010),  # creases of the upper lids
        (lid[0], lids + 0.02, 0.15, 0.022, 0.006),  # their edges
    )

    def relief(longitude: np.ndarray, latitude: np.ndarray, lips: np.ndarray) -> np.ndarray:
        off = np.broadcast_to(np.abs(longitude), latitude.shape)
        within = np.clip(1 - (off / corner[0]) ** 2, 0, 1)
        above = latitude - lips
        upper, lower = at[51, 1] - lips, lips - at[57, 1]
        height = -0.020 * np.exp(-((above / 0.022) ** 2)) * within**0.5
        height += 0.010 * np.exp(-(((above - 0.55 * upper) / 0.03) ** 2)) * within
        height += 0.014 * np.exp(-(((above + 0.55 * lower) / 0.035) ** 2)) * within
        for east, north, wide, high, bump in bumps:
            away = ((off - east) / wide) ** 2 + ((latitude - north) / high) ** 2
            height += bump * np.exp(-away)
        return height

    return relief


def _eyeball(mesh: Mesh, vertices: np.ndarray, name: str) -> np.ndarray:
    """A flat dome behind the lids, a little wider than their opening."""
    side = -1 if name == "left eye" else 1
    columns = MIDDLE + side * np.arange(INNER_EYE, OUTER_EYE + 1)
    edge = np.concatenate(
        (vertices[mesh.sheets["upper"][0, columns]], vertices[mesh.sheets["middle"][-1, columns]])
    )
    low, high = edge[:, :2].min(0), edge[:, :2].max(0)
    middle, reach = (low + high) / 2, (high - low) / 2 * (1.25, 2.0)
    rows, across = SHEETS[name]
    x = middle[0] + reach[0] * np.linspace(-1, 1, across)
    y = middle[1] + reach[1] * np.linspace(-1, 1, rows)

    def terms(at: np.ndarray) -> np.ndarray:
        return np.stack((np.ones(len(at)), *(at - middle).T), axis=1)

    def dome(at: np.ndarray) -> np.ndarray:
        return -np.square(at - middle).sum(1) / (2 * 0.17)

    plane = np.linalg.lstsq(terms(edge[:, :2]), edge[:, 2] - dome(edge[:, :2]), rcond=None)[0]
    at = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    depth = terms(at) @ plane + dome(at)
    behind = (edge[:, 2] - terms(edge[:, :2]) @ plane - dome(edge[:, :2])).min()
    return np.column_stack((at, depth + min(behind, 0) - 0.004)).reshape(rows, across, 3)


def _mouth_wall(mesh: Mesh, vertices: np.ndarray) -> np.ndarray:
    """From the upper lip up behind it, back, and forward again to the lower lip."""
    seam = vertices[mesh.sheets["lower"][-1, MIDDLE - MOUTH : MIDDLE + MOUTH + 1]]
    within = np.clip(1 - np.linspace(-1, 1, len(seam)) ** 2, 0, 1)[:, None] ** 0.5
    rise = np.array([0.06, 0.10, 0.09, 0.04, -0.04, -0.09, -0.10, -0.06])
    back = np.array([0.05, 0.14, 0.28, 0.38, 0.38, 0.28, 0.14, 0.05])
    steps = np.stack((np.zeros(8), rise, -back), axis=1)[:, None]
    wall = seam + steps * within
    wall[..., 0] *= 1 - 0.5 * back[:, None]
    return wall


def _teeth(mesh: Mesh, vertices: np.ndarray, name: str) -> np.ndarray:
    """An arch behind a lip; the upper teeth reach a little below the seam."""
    rows, columns = SHEETS[name]
    seam = vertices[mesh.sheets["lower"][-1, MIDDLE]]
    low, high, behind = (-0.015, 0.085, 0.095) if name == "upper teeth" else (-0.095, -0.01, 0.11)
    x = np.linspace(-0.21, 0.21, columns)
    y = seam[1] + np.linspace(low, high, rows)[:, None]
    z = seam[2] - behind - 2.6 * x**2
    return np.stack(np.broadcast_arrays(x, y, z), axis=-1)

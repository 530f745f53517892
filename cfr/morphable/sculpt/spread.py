"""From displacements of a few points to a displacement of every vertex, smoothly.

The points' displacements are taken for a Gaussian process over the skin: a sum of squared
exponentials, so that a face may be wide as a whole, and its nose narrow. Distances are measured on
the skin with the lips apart; along the slit neighbours may move freely. What lies behind the slits
follows the skin around it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from cfr.morphable.sculpt.angles import to_angles
from cfr.morphable.sculpt.mesh import INNER_EYE, MIDDLE, MOUTH, OUTER_EYE, Mesh

ALONG = ((0.9, 1.0), (0.35, 0.5), (0.17, 0.25))
"""Lengths in radians and shares of the variance, for displacements to the side and upwards."""
OUTWARD = ((0.9, 1.0), (0.45, 0.5), (0.2, 0.15))
"""The same for displacements towards the camera: smoother."""
_APART = 0.16


@dataclass(frozen=True, eq=False)
class Skin:
    """Where every vertex lies on the unfolded skin.

    Attributes:
        mesh: The topology.
        mean: ``(v, 3)`` mean shape in decimetres.
        place: ``(v, 2)`` longitude and latitude in radians, the lips apart.
    """

    mesh: Mesh
    mean: Float64[np.ndarray, "v 3"]
    place: Float64[np.ndarray, "v 2"]


def unfold(mesh: Mesh, mean: Float64[np.ndarray, "v 3"]) -> Skin:
    """Lay out the skin; vertices of the mouth, the teeth and the eyes get a place on it too."""
    place = to_angles(mean)
    seam = mesh.sheets["lower"][-1]
    lips = np.interp(place[:, 0], place[seam, 0], place[seam, 1])
    corner = place[seam[MIDDLE + MOUTH], 0]
    # Smooth where it ends: a kink here would be a crease in every mode.
    within = np.clip(1 - (place[:, 0] / corner) ** 2, 0, 1) ** 2
    above = place[:, 1] - lips
    side = np.sign(above)
    side[mesh.sheets["lower"]] = -1.0
    for name in ("middle", "upper"):
        side[mesh.sheets[name]] = 1.0
    side[mesh.sheets["lower"][-1, np.abs(np.arange(2 * MIDDLE + 1) - MIDDLE) >= MOUTH]] = 0.0
    apart = side * _APART / 2 * np.exp(-np.abs(above) / 0.35) * within
    return Skin(mesh, mean, place + np.stack((np.zeros(len(place)), apart), axis=1))


def kernel(
    a: Float64[np.ndarray, "n 2"], b: Float64[np.ndarray, "m 2"], scales: tuple
) -> Float64[np.ndarray, "n m"]:
    """Covariance of a Gaussian process between places on the skin; its variance is 1."""
    # A radian of longitude is shorter the higher it lies.
    shrink = np.cos((a[:, None, 1] + b[None, :, 1]) / 2)
    along = (a[:, None, 0] - b[None, :, 0]) * shrink
    squared = along**2 + (a[:, None, 1] - b[None, :, 1]) ** 2
    total = sum(share for _, share in scales)
    covariance = np.zeros_like(squared)
    for length, share in scales:
        covariance += share / total * np.exp(-squared / (2 * length**2))
    return covariance


def spread(
    skin: Skin,
    points: np.ndarray,
    displacements: Float64[np.ndarray, "k n 3"],
    noise: float = 0.01,
) -> Float64[np.ndarray, "k v 3"]:
    """Displace every vertex as the Gaussian process expects, given some vertices' displacements.

    Args:
        skin: The unfolded skin.
        points: ``(n,)`` vertex indices.
        displacements: Of these, in decimetres, for each of ``k`` fields.
        noise: Variance of the points' own errors, as a share of the fields'.
    """
    along, outward = spread_operators(skin, points, noise)
    found = np.empty((len(displacements), len(skin.place), 3))
    for axis, operator in enumerate((along, along, outward)):
        found[..., axis] = displacements[..., axis] @ operator.T
    return follow(skin, found)


def spread_operators(
    skin: Skin, points: np.ndarray, noise: float
) -> tuple[Float64[np.ndarray, "v n"], Float64[np.ndarray, "v n"]]:
    """Take points' displacements to all vertices': sideways and upwards, and outwards."""
    at = skin.place[points]
    found = []
    for scales in (ALONG, OUTWARD):
        inverse = np.linalg.inv(kernel(at, at, scales) + noise * np.eye(len(at)))
        found.append(kernel(skin.place, at, scales) @ inverse)
    return found[0], found[1]


def hang_wall(mesh: Mesh, values: np.ndarray) -> None:
    """Let values of the mouth's inner wall go from the upper lip's to the lower lip's, in place.

    Args:
        mesh: The topology.
        values: ``(v, …)``.
    """
    wall = mesh.sheets["mouth"]
    share = np.linspace(0, 1, len(wall)).reshape(-1, *[1] * values.ndim)
    values[wall] = (1 - share) * values[wall[0]] + share * values[wall[-1]]


def follow(skin: Skin, fields: Float64[np.ndarray, "k v 3"]) -> Float64[np.ndarray, "k v 3"]:
    """Let the mouth's wall, the teeth and the eyeballs go with the skin around them.

    The wall goes from what the upper lip does to what the lower lip does; an eyeball moves with the
    middle of its lids and widens with them.
    """
    fields, sheets = fields.copy(), skin.mesh.sheets
    hang_wall(skin.mesh, fields.swapaxes(0, 1))
    near = slice(MIDDLE - 21, MIDDLE + 22)
    # The jaw bones carry the teeth: what the skin over them does, a centimetre from the lips' edge.
    for name, row in (("upper teeth", sheets["middle"][12]), ("lower teeth", sheets["lower"][-13])):
        middle = fields[:, row[near]].mean(1)
        fields[:, sheets[name]] = middle[:, None, None]
    for name, side in (("left eye", -1), ("right eye", 1)):
        columns = MIDDLE + side * np.arange(INNER_EYE, OUTER_EYE + 1)
        lids = np.concatenate((sheets["upper"][0, columns], sheets["middle"][-1, columns]))
        x = skin.mean[lids, 0] - skin.mean[lids, 0].mean()
        moved = fields[:, lids].mean(1)
        wider = ((fields[:, lids, 0] - moved[:, None, 0]) * x).sum(1) / (x**2).sum()
        ball = sheets[name]
        local = skin.mean[ball] - skin.mean[lids].mean(0)
        fields[:, ball] = moved[:, None, None]
        fields[:, ball, :2] += wider[:, None, None, None] * local[..., :2]
    return fields

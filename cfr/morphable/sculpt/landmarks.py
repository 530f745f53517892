"""The iBUG-68 points: which mirrors which, and which vertices they are."""

import numpy as np
from jaxtyping import Float64, Int64

from cfr.morphable.sculpt.angles import to_angles
from cfr.morphable.sculpt.mesh import INNER_EYE, MIDDLE, MOUTH, OUTER_EYE, Mesh

_JAW_TO_NOSE = (*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1))
_EYES = (45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40)
_MOUTH = (*range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1))
PARTNER = np.array(_JAW_TO_NOSE + _EYES + _MOUTH)
"""``(68,)`` the point across the face's middle."""


def pick_landmarks(
    mesh: Mesh, mean: Float64[np.ndarray, "v 3"], points: Float64[np.ndarray, "68 3"]
) -> Int64[np.ndarray, "68"]:
    """The vertices nearest to symmetric points in direction; lids and lips on their own edges."""
    place, wanted = to_angles(mean), to_angles(points)
    skin = np.concatenate([mesh.sheets[name].reshape(-1) for name in ("lower", "middle", "upper")])
    chosen = np.empty(68, np.int64)
    across = np.arange(2 * MIDDLE + 1) - MIDDLE
    right_eye = (across >= INNER_EYE) & (across <= OUTER_EYE)
    lips = np.abs(across) <= MOUTH
    edges = {
        "upper lid": (mesh.sheets["upper"][0, right_eye], (42, 43, 44, 45)),
        "lower lid": (mesh.sheets["middle"][-1, right_eye], (46, 47)),
        "upper lip": (mesh.sheets["middle"][0, lips], (54, 62, 63, 64)),
        "lower lip": (mesh.sheets["lower"][-1, lips], (65, 66)),
    }
    of = {point: ids for ids, points_ in edges.values() for point in points_}
    middle = {8, 27, 28, 29, 30, 33, 51, 57, 62, 66}
    for point in range(68):
        if wanted[point, 0] < 0 and point not in middle:
            continue
        candidates = of.get(point, skin)
        if point in middle:
            candidates = candidates[mesh.symmetry[candidates] == candidates]
        gap = place[candidates] - wanted[point]
        chosen[point] = candidates[np.square(gap).sum(1).argmin()]
        chosen[PARTNER[point]] = mesh.symmetry[chosen[point]]
    return chosen

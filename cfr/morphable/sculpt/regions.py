"""Which vertex belongs to what: skin, nose, eyes, brows, lips, the mouth's inside, teeth."""

import numpy as np
from jaxtyping import Bool, Int64
from matplotlib.path import Path as Outline

from cfr.morphable.model import REGIONS
from cfr.morphable.sculpt.angles import to_angles
from cfr.morphable.sculpt.spread import Skin

_BROW = np.radians(2.6)  # half its height
_NOSE = (27, 31, 32, 33, 34, 35)


def label_regions(skin: Skin, landmarks: np.ndarray) -> Int64[np.ndarray, " v"]:
    """``(v,)`` positions in :data:`cfr.morphable.model.REGIONS`, from outlines of landmarks."""
    sheets, at = skin.mesh.sheets, to_angles(skin.mean)
    point = at[landmarks]
    found = np.full(skin.mesh.vertices, REGIONS.index("skin"))
    nose = point[list(_NOSE)]
    nose[1, 0] -= np.radians(3)
    nose[-1, 0] += np.radians(3)
    outlines = [("nose", nose), ("lips", point[48:60])]
    for first, last in ((17, 22), (22, 27)):
        ridge, up = point[first:last], np.array([0.0, _BROW])
        outlines.append(("brows", np.concatenate((ridge + up, ridge[::-1] - up))))
    for name, outline in outlines:
        found[Outline(outline).contains_points(at)] = REGIONS.index(name)
    inside = {"mouth": ("mouth",), "teeth": ("upper teeth", "lower teeth")}
    inside["eyes"] = ("left eye", "right eye")
    for name, parts in inside.items():
        for part in parts:
            rows = sheets[part][1:-1] if part == "mouth" else sheets[part]
            found[rows] = REGIONS.index(name)
    return found


def bare_skin(skin: Skin, regions: np.ndarray) -> Bool[np.ndarray, " v"]:
    """Skin and nose between the hairline and the jaw, without the rims of the eyes."""
    longitude, latitude = np.degrees(to_angles(skin.mean)).T
    bare = np.isin(regions, [REGIONS.index("skin"), REGIONS.index("nose")])
    bare &= (np.abs(longitude) < 70) & (latitude < 42) & (latitude > -52)
    eyes = [skin.mesh.sheets[name] for name in ("left eye", "right eye")]
    for ball in eyes:
        middle = to_angles(skin.mean[ball]).reshape(-1, 2).mean(0)
        away = (to_angles(skin.mean) - middle) / np.radians((15, 7))
        bare &= np.square(away).sum(1) > 1
    return bare

"""Expressions that anatomy gives: what muscles do to the skin, written down as fields.

Nearly all go one way only (:data:`LOWEST`). Names say whose side: left is the image's left. The
lower jaw turns about its joints; an upper lid slides over the eyeball down to the lower lid;
everything else pulls at a landmark and fades.
"""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float64
from scipy.interpolate import RegularGridInterpolator
from scipy.ndimage import gaussian_filter1d

from cfr.morphable.sculpt.landmarks import PARTNER
from cfr.morphable.sculpt.mesh import COLUMNS, INNER_EYE, MIDDLE, MOUTH, OUTER_EYE
from cfr.morphable.sculpt.spread import Skin, hang_wall

_JOINT = np.array([0.0, 0.12, -0.55])
_JAW_ANGLE = np.radians(24.0)
_LID_GAP = 0.012
_OFF = np.abs(np.arange(COLUMNS) - MIDDLE) / MOUTH  # 1 at the corners of the lips


class Pull(NamedTuple):
    """A displacement around a landmark of the image's left side.

    Attributes:
        at: The landmark.
        move: x (negative is outwards), y, z in decimetres.
        width: Radians at which it has faded to 0.6.
        where: Lips and brows move without what lies on the other side of the slit.
    """

    at: int
    move: tuple[float, float, float]
    width: float
    where: Literal["all", "brow", "upper lip", "lower lip"] = "all"


_ONE_SIDE: dict[str, tuple[Pull, ...]] = {
    "brow outer up": (Pull(18, (0, 0.10, 0.01), 0.20, "brow"),),
    "brow inner up": (Pull(21, (0, 0.10, 0.01), 0.16, "brow"),),
    "brow down": (
        Pull(19, (0, -0.05, 0), 0.20, "brow"),
        Pull(21, (0.025, -0.045, 0.01), 0.13, "brow"),
    ),
    "smile": (
        Pull(48, (-0.085, 0.085, -0.035), 0.13),
        Pull(50, (-0.02, 0.03, -0.01), 0.12, "upper lip"),
        Pull(58, (-0.03, 0.03, -0.01), 0.12, "lower lip"),
        Pull(41, (0, 0.015, 0.02), 0.22),
    ),
    "mouth corner down": (Pull(48, (-0.01, -0.08, -0.01), 0.13),),
    "mouth stretch": (Pull(48, (-0.09, -0.01, -0.03), 0.15),),
    "upper lip up": (Pull(50, (-0.005, 0.07, 0.01), 0.10, "upper lip"),),
    "lower lip down": (Pull(58, (-0.005, -0.08, 0.005), 0.10, "lower lip"),),
    "nose wrinkle": (Pull(31, (-0.01, 0.05, 0.01), 0.10), Pull(39, (0, 0.015, 0.01), 0.10)),
    "cheek puff": (Pull(4, (-0.06, 0, 0.03), 0.25), Pull(48, (-0.02, 0, 0.05), 0.2)),
}
_BOTH_SIDES: dict[str, tuple[Pull, ...]] = {
    "pucker": (
        Pull(48, (0.10, 0, 0.05), 0.15),
        Pull(51, (0, 0, 0.03), 0.14),
        Pull(57, (0, 0, 0.03), 0.14),
    ),
    "funnel": (
        Pull(48, (0.07, 0, 0.03), 0.15),
        Pull(50, (0.01, 0.05, 0.04), 0.13, "upper lip"),
        Pull(58, (0.01, -0.06, 0.04), 0.13, "lower lip"),
    ),
    "lips in": (
        Pull(50, (0, -0.012, -0.02), 0.09, "upper lip"),
        Pull(58, (0, 0.012, -0.02), 0.09, "lower lip"),
    ),
    "chin up": (Pull(57, (0, 0.03, 0.015), 0.14), Pull(8, (0, 0.015, 0.01), 0.2)),
    "nostrils wide": (Pull(31, (-0.02, 0, 0.0), 0.08),),
    "cheeks in": (Pull(4, (0.05, 0, -0.01), 0.22),),
    "upper lip down": (Pull(51, (0, -0.02, 0.005), 0.12), Pull(57, (0, -0.02, 0.005), 0.12)),
    "frown": (Pull(21, (0.035, -0.02, 0.012), 0.11, "brow"),),
}
_SIDEWAYS = (Pull(51, (-0.08, 0, 0), 0.2), Pull(57, (-0.08, 0, 0), 0.2))
_UPPER_LIP = (Pull(51, (0, 0.05, 0), 0.11, "upper lip"),)  # bares the teeth as the jaw opens
LOWEST = {"jaw right": -1.0, "mouth right": -1.0, "blink left": -0.3, "blink right": -0.3}
"""What goes the other way as well, and how far: to the left, and eyes opened wide."""


def expressions(skin: Skin, landmarks: np.ndarray) -> dict[str, Float64[np.ndarray, "v 3"]]:
    """Each named movement at its full extent, in decimetres.

    Args:
        skin: The unfolded skin.
        landmarks: ``(68,)`` vertex indices.
    """
    found = _jaw(skin)
    found["jaw open"] += _pulled(skin, landmarks, _UPPER_LIP, right=False)
    for side in ("left", "right"):
        found[f"blink {side}"] = _blink(skin, side)
        found[f"squint {side}"] = _squint(skin, side)
        for name, pulls in _ONE_SIDE.items():
            found[f"{name} {side}"] = _pulled(skin, landmarks, pulls, side == "right")
    for name, pulls in _BOTH_SIDES.items():
        found[name] = np.add(*(_pulled(skin, landmarks, pulls, right) for right in (False, True)))
    found["mouth right"] = _pulled(skin, landmarks, _SIDEWAYS, right=True)
    return found


def _jaw(skin: Skin) -> dict[str, np.ndarray]:
    weight = _jaw_weight(skin)[:, None]
    arm = skin.mean - _JOINT
    cos, sin = np.cos(_JAW_ANGLE), np.sin(_JAW_ANGLE)
    turned = np.stack(
        (arm[:, 0], cos * arm[:, 1] - sin * arm[:, 2], sin * arm[:, 1] + cos * arm[:, 2]), axis=1
    )
    return {
        "jaw open": weight * (turned - arm),
        "jaw forward": weight * (0.0, 0.0, 0.08),
        "jaw right": weight * (0.09, 0.0, 0.0),
    }


def _jaw_weight(skin: Skin) -> np.ndarray:
    """1 on the chin and the lower lip, 0 on the upper lip, 0.4 at the corners of the mouth."""
    mesh, weight = skin.mesh, np.zeros(skin.mesh.vertices)
    lower, middle = mesh.sheets["lower"], mesh.sheets["middle"]
    beyond = 0.4 * np.exp(-(((_OFF - 1) / 0.8) ** 2))
    below = np.where(_OFF < 1, 0.4 + 0.6 * np.clip(1 - _OFF**2, 0, 1), beyond)
    above = np.where(_OFF < 1, 0.4 * _OFF**3, beyond)
    side = np.clip((np.radians(85) - np.abs(skin.place[lower[0], 0])) / np.radians(50), 0, 1)
    side = side * side * (3 - 2 * side)
    for row, ids in enumerate(lower[::-1]):
        down = 1 - np.exp(-((row / 19) ** 2))
        weight[ids] = gaussian_filter1d(below + (side - below) * down, 3 + row / 4)
    seam = np.where(_OFF < 1, above, weight[lower[-1]])
    for row, ids in enumerate(middle):
        share = np.exp(-((row / 18) ** 2))
        weight[ids] = gaussian_filter1d(seam, row / 4) * share if row else seam
    hang_wall(mesh, weight)
    weight[mesh.sheets["lower teeth"]] = 1.0
    return weight


def _eye_columns(side: str) -> np.ndarray:
    return MIDDLE + (-1 if side == "left" else 1) * np.arange(INNER_EYE, OUTER_EYE + 1)


def _blink(skin: Skin, side: str) -> np.ndarray:
    """The upper lid comes down to the lower one, over the eyeball."""
    mesh, mean, columns = skin.mesh, skin.mean, _eye_columns(side)
    lid = mesh.sheets["upper"][:27, columns]
    down = mean[mesh.sheets["middle"][-1, columns]] - mean[lid[0]]
    share = np.linspace(0, 1, len(lid))[:, None]
    fade = np.cos(np.pi / 2 * share) ** 2
    moved = mean[lid] + fade[..., None] * down
    ball = mean[mesh.sheets[f"{side} eye"]]
    floor = _depth(ball, moved) + _LID_GAP
    lifted = np.maximum(moved[..., 2], floor)
    corners = np.sin(np.linspace(0, np.pi, len(columns))) ** 0.5
    moved[..., 2] += (lifted - moved[..., 2]) * corners * np.clip(4 * (0.8 - share), 0, 1)
    field = np.zeros_like(mean)
    field[lid] = moved - mean[lid]
    return field


def _depth(ball: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The eyeball's z at some x and y, low outside of it."""
    x, y = ball[0, :, 0], ball[:, 0, 1]
    order = np.argsort(x)
    surface = RegularGridInterpolator(
        (y, x[order]), ball[:, order, 2], bounds_error=False, fill_value=-10.0
    )
    return surface(at[..., [1, 0]])


def _squint(skin: Skin, side: str) -> np.ndarray:
    """The lower lid rises by a third of the opening."""
    mesh, mean, columns = skin.mesh, skin.mean, _eye_columns(side)
    lid = mesh.sheets["middle"][:-25:-1, columns]
    up = 0.35 * (mean[mesh.sheets["upper"][0, columns]] - mean[lid[0]])
    fade = np.cos(np.pi / 2 * np.linspace(0, 1, len(lid))) ** 2
    field = np.zeros_like(mean)
    field[lid] = fade[:, None, None] * up
    return field


def _pulled(skin: Skin, landmarks: np.ndarray, pulls: tuple[Pull, ...], right: bool) -> np.ndarray:
    field = np.zeros_like(skin.mean)
    for pull in pulls:
        at = skin.place[landmarks[PARTNER[pull.at] if right else pull.at]]
        near = np.exp(-np.square(skin.place - at).sum(1) / (2 * pull.width**2))
        near = near * _belongs(skin, pull.where)
        field += near[:, None] * (np.array(pull.move) * ((-1, 1, 1) if right else (1, 1, 1)))
    sheets = skin.mesh.sheets
    for name in ("left eye", "right eye", "upper teeth", "lower teeth"):
        field[sheets[name]] = 0.0
    hang_wall(skin.mesh, field)
    return field


def _belongs(skin: Skin, where: str) -> np.ndarray:
    """How far each vertex takes part: fades out across a slit, so that nothing tears beside it."""
    sheets, share = skin.mesh.sheets, np.ones(skin.mesh.vertices)
    beside = np.clip(_OFF, 0, 1) ** 4
    if where == "upper lip":
        share[sheets["lower"]] = beside
        share[sheets["middle"][0]] = 1.0
    elif where == "lower lip":
        share[sheets["middle"]] = beside
        share[sheets["lower"][-1]] = 1.0
    elif where == "brow":
        lids = skin.place[sheets["upper"][0, _eye_columns("right")], 1].max()
        share = np.clip((skin.place[:, 1] - lids) / 0.2, 0, 1)
        share = share * share * (3 - 2 * share)
    return share

"""The shape modes: what landmarks of many people taught, what anatomy says, and what neither knows.

Identity: directions in which people differ (learned from landmarks); depth and fullness that
landmarks of frontal photos hardly show (written down); and smooth undulations that leave the
landmarks where they are, the likeliest first. Expression: named movements
(:mod:`cfr.morphable.sculpt.expressions`), then directions in which one person's photos differ.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from cfr.align import CANONICAL_FIVE
from cfr.morphable.sculpt.angles import CENTRE
from cfr.morphable.sculpt.expressions import LOWEST, expressions
from cfr.morphable.sculpt.spread import Skin, follow, kernel, spread

IDENTITIES, EXPRESSIONS = 80, 64
FULL = 3.0
"""Weight at which a named movement is at its full extent; its spread over photos is about 1."""
_UNDULATIONS = ((0.35, 1.0), (0.18, 0.5))
_UNDULATION = 0.05  # decimetres
_DEPTH = 0.07  # share of the depth, for one deviation
_NAP = 9  # every so many rows and columns carry an undulation's value


# longitude, latitude (degrees), width (degrees), displacement in decimetres for one deviation;
# what is not in the middle is mirrored.
_ANATOMY: dict[str, tuple[float, float, float, tuple[float, float, float]]] = {
    "depth of the sides": (78, -5, 28, (0, 0, -0.06)),
    "nose tip": (0, -3, 7, (0, 0, 0.035)),
    "nose tip height": (0, -5, 7, (0, 0.025, 0)),
    "nose bridge": (0, 9, 7, (0, 0, 0.025)),
    "nose root": (0, 20, 8, (0, 0, 0.022)),
    "nose width": (11, -9, 5, (0.018, 0, 0)),
    "brow ridge": (20, 32, 10, (0, 0, 0.022)),
    "glabella": (0, 31, 8, (0, 0, 0.018)),
    "eye depth": (28, 22, 8, (0, 0, 0.015)),
    "forehead slope": (0, 50, 16, (0, 0, 0.05)),
    "forehead width": (48, 40, 16, (0.03, 0, 0)),
    "cheekbones": (44, 8, 11, (0.022, 0, 0.022)),
    "cheeks": (40, -16, 12, (0.025, 0, 0.025)),
    "jaw width": (70, -22, 16, (0.045, 0, 0)),
    "jaw height": (60, -42, 14, (0, 0.04, 0)),
    "chin depth": (0, -42, 10, (0, 0, 0.04)),
    "chin width": (16, -45, 9, (0.025, 0, 0)),
    "under the chin": (0, -62, 14, (0, -0.05, 0.03)),
    "mouth depth": (0, -24, 11, (0, 0, 0.025)),
    "upper lip": (0, -20.5, 5, (0, 0, 0.014)),
    "lower lip": (0, -29, 5, (0, 0, 0.014)),
}


@dataclass(frozen=True, eq=False)
class ShapeModes:
    """Dense modes in decimetres.

    Attributes:
        identity: ``(80, v, 3)`` for one standard deviation.
        expression: ``(64, v, 3)`` for one standard deviation.
        names: Of the expressions.
        low: ``(64,)`` lowest weight of each expression.
        high: ``(64,)`` highest weight.
    """

    identity: Float64[np.ndarray, "i v 3"]
    expression: Float64[np.ndarray, "e v 3"]
    names: tuple[str, ...]
    low: Float64[np.ndarray, " e"]
    high: Float64[np.ndarray, " e"]


def build_modes(
    skin: Skin,
    landmarks: np.ndarray,
    between: Float64[np.ndarray, "k 68 3"],
    within: Float64[np.ndarray, "m 68 3"],
) -> ShapeModes:
    """All modes of the model.

    Args:
        skin: The unfolded skin.
        landmarks: ``(68,)`` vertex indices.
        between: How people differ: landmark displacements for one deviation, strongest first.
        within: How photos of one person differ, likewise.
    """
    learned = spread(skin, landmarks, _sealed(between))
    anatomy = np.stack([_depth(skin), *(_swelling(skin, *one) for one in _ANATOMY.values())])
    rest = IDENTITIES - len(learned) - len(anatomy)
    identity = np.concatenate((learned, anatomy, _undulations(skin, landmarks, rest)))
    identity = _seal(skin, identity)
    named = expressions(skin, landmarks)
    free = spread(skin, landmarks, _sealed(within)[: EXPRESSIONS - len(named)])
    free = _seal(skin, free)
    for name in ("left eye", "right eye", "upper teeth"):  # bone and eyeballs stay
        free[:, skin.mesh.sheets[name]] = 0.0
    expression = np.concatenate((np.stack(list(named.values())) / FULL, free))
    if len(identity) != IDENTITIES or len(expression) != EXPRESSIONS:
        raise ValueError(f"{len(identity)} identity and {len(expression)} expression modes")
    sided = np.arange(EXPRESSIONS) < len(named)
    names = (*named, *(f"learned {number + 1}" for number in range(len(free))))
    return ShapeModes(
        identity=identity,
        expression=expression,
        names=names,
        low=np.where(sided, [FULL * LOWEST.get(name, 0.0) for name in names], -FULL),
        high=np.full(EXPRESSIONS, FULL),
    )


def _seal(skin: Skin, fields: np.ndarray) -> np.ndarray:
    """Close the seam that a smooth field leaves a little open between the landmarks."""
    fields, sheets = fields.copy(), skin.mesh.sheets
    upper, lower = sheets["middle"], sheets["lower"][::-1]
    half = (fields[:, upper[0]] - fields[:, lower[0]]) / 2
    for row in range(18):
        share = np.exp(-((row / 6) ** 2))
        fields[:, upper[row]] -= share * half
        if row:  # what both sheets share beside the mouth has no gap to close
            fields[:, lower[row]] += share * half
    slit = lower[0] != upper[0]
    fields[:, lower[0, slit]] += half[:, slit]
    return follow(skin, fields)


def _sealed(displacements: np.ndarray) -> np.ndarray:
    """Without what parts the lips: the named movements do that, and never press them together."""
    sealed = displacements.copy()
    for upper, lower in ((61, 67), (62, 66), (63, 65)):
        sealed[:, [upper, lower]] = displacements[:, [upper, lower]].mean(1, keepdims=True)
    return sealed


def _depth(skin: Skin) -> np.ndarray:
    """The whole head deeper or flatter."""
    field = np.zeros_like(skin.mean)
    field[:, 2] = _DEPTH * (skin.mean[:, 2] - CANONICAL_FIVE[:, 2].mean())
    return follow(skin, field[None])[0]


def _swelling(
    skin: Skin, longitude: float, latitude: float, width: float, move: tuple[float, float, float]
) -> np.ndarray:
    field = np.zeros_like(skin.mean)
    for side in (1, -1) if longitude else (1,):
        at = np.radians((side * longitude, latitude))
        near = np.exp(-np.square(skin.place - at).sum(1) / (2 * np.radians(width) ** 2))
        field += near[:, None] * (np.array(move) * (side, 1, 1))
    return follow(skin, field[None])[0]


def _undulations(skin: Skin, landmarks: np.ndarray, number: int) -> np.ndarray:
    """Symmetric smooth fields along the radius that leave the landmarks where they are.

    The leading eigenfunctions of the Gaussian process, given that it is 0 at the landmarks.
    """
    sheets = skin.mesh.sheets
    anchors = [sheets[name][::_NAP, ::_NAP].reshape(-1) for name in ("lower", "middle", "upper")]
    anchors = np.concatenate(anchors)
    anchors = np.unique((anchors, skin.mesh.symmetry[anchors]))
    at, fixed = skin.place[anchors], skin.place[landmarks]
    known = kernel(fixed, fixed, _UNDULATIONS) + 1e-2 * np.eye(len(fixed))
    gain = np.linalg.solve(known, kernel(fixed, at, _UNDULATIONS))
    covariance = kernel(at, at, _UNDULATIONS) - kernel(at, fixed, _UNDULATIONS) @ gain
    partner = np.searchsorted(anchors, skin.mesh.symmetry[anchors])
    covariance = (covariance + covariance[partner]) / 2  # the symmetric part
    covariance = (covariance + covariance[:, partner]) / 2
    values, vectors = np.linalg.eigh(covariance)
    leading = vectors[:, ::-1][:, :number]
    # Signs that do not depend on the eigen-solver.
    leading = leading * np.sign(leading[np.abs(leading).argmax(0), np.arange(number)])
    cross = kernel(skin.place, at, _UNDULATIONS)
    cross -= kernel(skin.place, fixed, _UNDULATIONS) @ gain
    height = _UNDULATION * cross @ leading / np.sqrt(values[::-1][:number])
    outward = skin.mean - CENTRE
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    return follow(skin, height.T[..., None] * outward)

"""A hand of our own, drawn from a few curves: palm, four fingers and a thumb."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float32, Float64

from cfr.occluders.paint import fill, smooth_line, stroke

CANVAS = 150
"""Pixels along each side of a silhouette."""

# In breadths of the palm, y up from the wrist: root, direction from straight up towards the
# little finger (degrees), length and radius at root and tip.
_FINGERS: tuple[tuple[tuple[float, float], float, float, float, float], ...] = (
    ((-0.33, 0.90), -13.0, 1.00, 0.132, 0.094),
    ((-0.10, 0.95), -3.0, 1.12, 0.136, 0.097),
    ((0.15, 0.92), 8.0, 1.03, 0.132, 0.092),
    ((0.36, 0.80), 22.0, 0.84, 0.115, 0.082),
)
_THUMB = ((-0.28, 0.30), -48.0, 0.90, 0.20, 0.105)
_PALM = np.array(
    [
        (-0.27, -0.12),
        (-0.43, 0.30),
        (-0.48, 0.72),
        (-0.42, 1.00),
        (-0.10, 1.08),
        (0.20, 1.04),
        (0.44, 0.88),
        (0.49, 0.62),
        (0.41, 0.22),
        (0.28, -0.12),
        (0.00, -0.20),
    ]
)


@dataclass(frozen=True, eq=False)
class HandShape:
    """The curves of one hand on the canvas, in its pixels, y down.

    Attributes:
        palm: ``(n, 2)`` outline.
        fingers: Centre lines from root to tip, thumb first, then index to little finger.
        radii: Of each finger, along its line.
    """

    palm: Float64[np.ndarray, "_ 2"]
    fingers: tuple[Float64[np.ndarray, "_ 2"], ...]
    radii: tuple[Float64[np.ndarray, " _"], ...]

    def outlines(self) -> list[Float64[np.ndarray, "_ 2"]]:
        """Closed polygons whose union is the hand: the palm, then each finger."""
        pairs = zip(self.fingers, self.radii, strict=True)
        return [self.palm, *(stroke(line, radius) for line, radius in pairs)]

    def silhouette(self) -> Float32[np.ndarray, "150 150"]:
        """How much of each pixel of the canvas the hand covers."""
        return fill(self.outlines(), CANVAS, CANVAS)


def draw_hand(rng: np.random.Generator) -> HandShape:
    """Draw a hand: a left or right one, its fingers more or less spread, bent and foreshortened.

    It touches the canvas on all four sides and fills close to 47 % of it, as the silhouette of the
    paper's authors does.
    """
    spread, side = rng.uniform(0.7, 1.25), rng.choice((-1.0, 1.0))
    lines, radii = [], []
    for root, degrees, length, thick, thin in (_THUMB, *_FINGERS):
        thumb = root == _THUMB[0]
        angle = np.radians(degrees * (1.0 if thumb else spread) + rng.normal(0, 4 if thumb else 2))
        bend = np.radians(rng.uniform(-14, 14))
        reach = length * rng.uniform(0.9, 1.03)
        along = np.linspace(0, 1, 17)
        # The direction turns evenly on the way to the tip.
        heading = angle + bend * along
        steps = np.column_stack((np.sin(heading), np.cos(heading))) * reach / (len(along) - 1)
        lines.append(np.array(root) + np.cumsum(steps, axis=0) - steps[0])
        # Slightly thicker at the two joints.
        joints = 1 + 0.05 * np.cos(4 * np.pi * (along - 0.35)) * (along > 0.2)
        radii.append((thick + (thin - thick) * along) * joints)
    palm = _palm() * (side, -1)
    return _onto_canvas(palm, [line * (side, -1) for line in lines], radii)


@cache
def _palm() -> np.ndarray:
    return smooth_line(_PALM, 64, closed=True)


def _onto_canvas(palm: np.ndarray, lines: list[np.ndarray], radii: list[np.ndarray]) -> HandShape:
    """Stretch a hand until it touches the canvas on all sides."""
    hand = HandShape(palm, tuple(lines), tuple(radii))
    # A finger stays round, so that each stretch leaves a little for the next.
    for _ in range(3):
        middle, around = np.concatenate(hand.fingers), np.concatenate(hand.radii)[:, None]
        low = np.minimum((middle - around).min(0), hand.palm.min(0))
        factor = CANVAS / (np.maximum((middle + around).max(0), hand.palm.max(0)) - low)
        grow = float(np.sqrt(factor.prod()))
        hand = HandShape(
            palm=(hand.palm - low) * factor - 0.5,
            fingers=tuple((line - low) * factor - 0.5 for line in hand.fingers),
            radii=tuple(radius * grow for radius in hand.radii),
        )
    return hand

"""Hands in front of a face, after the script that made the paper's occluded photos."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from cfr.occluders.hand_shape import CANVAS, HandShape, draw_hand
from cfr.occluders.paint import Layer, soft_noise
from cfr.occluders.placement import Place, Placement, draw_place, put
from cfr.occluders.types import Drawn, Scene, Settings

# sRGB of skin from light to dark; a shaded hand lies between two neighbours.
_SKIN = np.array(
    [
        (0.96, 0.83, 0.74),
        (0.88, 0.69, 0.57),
        (0.76, 0.56, 0.43),
        (0.55, 0.38, 0.28),
        (0.35, 0.24, 0.18),
    ]
)


@dataclass(frozen=True)
class Hand:
    """One hand, or two.

    The second is small and square, as in the authors' script (see
    :class:`cfr.occluders.placement.Placement`). The silhouette is our own.
    """

    style: Literal["flat", "shaded"] = "flat"
    """flat is the authors': the mean colour around the landmark. shaded looks like skin."""
    two: float = 0.2
    """Probability of a second hand."""
    second_size: float = 56.0
    """Width and height of the second, in pixels of an aligned 224 crop."""
    placement: Placement = field(default_factory=Placement)
    """Sizes, turn, and distance from the landmark."""

    def __post_init__(self) -> None:
        if not 0 <= self.two <= 1 or self.second_size <= 0:
            raise ValueError("hand: expected two within 0 to 1 and a second_size above 0")

    def draw(self, scene: Scene) -> Drawn:
        """Draw one or two hands."""
        number = 1 + int(scene.rng.random() < self.two)
        layer = Layer(*scene.size)
        hands: list[Settings] = []
        for index in range(number):
            fixed = self.second_size if index else None
            place = draw_place(scene, self.placement, 1.0, fixed)
            shape = draw_hand(scene.rng)
            coverage = put(shape.silhouette(), place, *scene.size)
            if self.style == "flat":
                layer.over(place.color, coverage)
            else:
                layer.over(*_skin(scene, shape, place))
            hands.append(place.settings())
        return Drawn(layer.color, layer.alpha, {"style": self.style, "hands": hands})


def _skin(scene: Scene, shape: HandShape, place: Place) -> tuple[np.ndarray, np.ndarray]:
    """Colour and coverage of a hand that looks like skin, in the photo."""
    rng = scene.rng
    tone = float(rng.uniform(0, len(_SKIN) - 1))
    whole, part = min(int(tone), len(_SKIN) - 2), tone % 1 if tone < len(_SKIN) - 1 else 1.0
    skin = _SKIN[whole] * (1 - part) + _SKIN[whole + 1] * part
    light = rng.uniform(-0.6, 0.6), rng.uniform(-0.9, -0.2)
    shade, redness = _relief(shape, light)
    shade *= 1 + 0.025 * soft_noise(rng, CANVAS, CANVAS, 9.0)
    shade += 0.012 * rng.standard_normal((CANVAS, CANVAS))
    color = skin * shade[..., None] + redness[..., None] * np.array((0.06, -0.02, -0.02))
    alpha = shape.silhouette()
    # The colour is spread with its coverage, so that no background bleeds in at the edge.
    spread = np.concatenate((color * alpha[..., None], alpha[..., None]), -1).astype(np.float32)
    placed = put(spread, place, *scene.size)
    coverage = placed[..., 3]
    return placed[..., :3] / np.maximum(coverage, 1e-6)[..., None], coverage


def _relief(shape: HandShape, light: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Brightness around 1, and how red the skin is, on the canvas.

    Every finger is a round bar whose flanks turn away from the light; the last one drawn is on top.
    """
    row, column = np.mgrid[:CANVAS, :CANVAS].astype(np.float32)
    pixels = np.stack((column, row), -1)
    middle, size = shape.palm.mean(0), np.ptp(shape.palm, axis=0) / 2
    out = (pixels - middle) / size
    brightness = 1 - 0.10 * np.clip((out**2).sum(-1), 0, 2) + 0.10 * (out @ np.array(light))
    redness = np.zeros_like(brightness)
    for line, radius in zip(shape.fingers, shape.radii, strict=True):
        reach = 1.5 * radius.max()
        low = np.clip(np.floor(line.min(0) - reach), 0, CANVAS).astype(int)
        high = np.clip(np.ceil(line.max(0) + reach), 0, CANVAS).astype(int)
        part = np.s_[low[1] : high[1], low[0] : high[0]]
        _finger(brightness[part], redness[part], pixels[part], line, radius, light)
    return brightness, redness


def _finger(
    brightness: np.ndarray,
    redness: np.ndarray,
    pixels: np.ndarray,
    line: np.ndarray,
    radius: np.ndarray,
    light: tuple[float, float],
) -> None:
    """Draw one finger into brightness and redness, in place, at the canvas positions given."""
    apart = pixels[:, :, None] - line[None, None].astype(np.float32)
    nearest = (apart**2).sum(-1).argmin(-1)
    across = np.take_along_axis(apart, nearest[..., None, None], 2)[:, :, 0]
    across = across / radius[nearest][..., None]
    distance = np.sqrt((across**2).sum(-1))
    height = np.sqrt(np.clip(1 - distance**2, 0, 1))
    along = nearest / (len(line) - 1)
    # Away from its root the finger replaces the palm; a dark line at its edge parts the two.
    grown = np.clip((along - 0.02) / 0.22, 0, 1)
    weight = np.clip((1.12 - distance) / 0.1, 0, 1) * grown
    edge = np.exp(-(((distance - 1.0) / 0.14) ** 2)) * np.clip(grown * 1.5, 0, 1)
    finger = 0.80 + 0.22 * height + 0.16 * (across @ np.array(light))
    joints = np.exp(-(((along[..., None] - (0.38, 0.70)) / 0.035) ** 2)).sum(-1)
    brightness += (finger - brightness) * weight
    brightness *= (1 - 0.28 * edge) * (1 - 0.07 * joints * weight * height)
    redness += weight * np.clip((along - 0.8) / 0.2, 0, 1)
    nail, rim = _nail(line, radius, pixels)
    brightness *= (1 + 0.10 * nail) * (1 - 0.12 * rim)
    redness += 0.8 * nail


def _nail(
    line: np.ndarray, radius: np.ndarray, pixels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where the nail and its rim are: the back of the hand is what a camera sees."""
    ahead = line[-1] - line[-4]
    ahead = ahead / max(float(np.linalg.norm(ahead)), 1e-6)
    offset = pixels - (line[-1] + ahead * radius[-1] * 0.1)
    forward, aside = offset @ ahead, offset @ np.array((-ahead[1], ahead[0]))
    inside = np.hypot(forward / (0.85 * radius[-1]), aside / (0.62 * radius[-1]))
    return np.clip((1.05 - inside) / 0.15, 0, 1), np.exp(-(((inside - 1) / 0.15) ** 2))

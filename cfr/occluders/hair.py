"""Hair that falls over the forehead and, more or less, the eyes."""

from dataclasses import dataclass

import numpy as np

from cfr.occluders.paint import paint_polygons, stroke
from cfr.occluders.types import Drawn, Scene, Settings

_COLORS = np.array(
    [
        (0.07, 0.06, 0.06),
        (0.20, 0.13, 0.09),
        (0.34, 0.22, 0.14),
        (0.56, 0.45, 0.31),
        (0.33, 0.19, 0.12),
        (0.44, 0.43, 0.42),
    ]
)


@dataclass(frozen=True)
class Hair:
    """A fringe of many strands, straight down or swept to a side."""

    strands: int = 320
    """How many."""
    longest: float = 0.05
    """The lowest tips lie here at most: decimetres, where the eyes are at 0.29."""
    shortest: float = 0.50
    """The tips of the shortest fringe."""

    def __post_init__(self) -> None:
        if self.strands < 1 or not -1.5 <= self.longest <= self.shortest <= 0.8:
            raise ValueError("hair: expected strands above 0 and −1.5 ≤ longest ≤ shortest ≤ 0.8")

    def draw(self, scene: Scene) -> Drawn:
        """Draw one fringe."""
        rng, frame = scene.rng, scene.frame
        color = _COLORS[rng.integers(len(_COLORS))] * rng.uniform(0.8, 1.15)
        tip = float(rng.uniform(self.longest, self.shortest))
        parting, sweep = float(rng.uniform(-0.5, 0.5)), float(rng.uniform(-0.5, 0.5))
        facing = float(np.arctan2(frame.towards_camera[0], frame.towards_camera[2]))
        angles = np.sort(facing + rng.uniform(-1.35, 1.35, self.strands))
        # Locks: neighbours share where they go.
        locks = np.interp(angles, facing + np.linspace(-1.4, 1.4, 19), rng.standard_normal(19))
        polygons, colors = [], []
        for index in rng.permutation(self.strands):
            line = self._strand(rng, float(angles[index]), float(locks[index]), tip, parting, sweep)
            seen = frame.project(line)
            thick = rng.uniform(0.010, 0.026) * frame.scale
            along = np.linspace(0, 1, len(line))
            polygons.append(stroke(seen, np.maximum(thick * (1 - along**3), 0.12)))
            shade = rng.uniform(0.65, 1.25) + 0.12 * locks[index]
            colors.append(color * shade + 0.03 * rng.random())
        image, alpha = paint_polygons(polygons, np.array(colors), *scene.size)
        settings: Settings = {
            "color": [float(value) for value in color],
            "tip_dm": tip,
            "parting_dm": parting,
            "sweep_dm": sweep,
        }
        gloss = _gloss(scene, rng)
        return Drawn(np.minimum(image * gloss[..., None], alpha[..., None]), alpha, settings)

    def _strand(
        self,
        rng: np.random.Generator,
        angle: float,
        lock: float,
        tip: float,
        parting: float,
        sweep: float,
    ) -> np.ndarray:
        """``(n, 3)`` a strand in decimetres on the mean face, from the scalp to its tip."""
        along = np.linspace(0, 1, 14)
        # It leaves the crown, goes over the forehead, and hangs in front of it.
        end = tip + 0.12 * lock + rng.normal(0, 0.06) - 0.25 * np.sin(abs(angle)) ** 4
        aside = sweep * 0.8 + 0.16 * lock + 0.25 * np.tanh(4 * (np.sin(angle) - parting))
        turned = angle + aside * along**1.6 + 0.03 * rng.standard_normal() * along
        height = 1.42 + (end - 1.42) * along**1.15
        # The head's outline: widest at the temples, closing towards the crown.
        closing = np.sqrt(np.clip(1 - (np.clip(height - 0.55, 0, 1.2) / 1.02) ** 2, 0.05, 1))
        x = 0.77 * closing * np.sin(turned)
        z = 0.50 * closing * np.cos(turned) - 0.08
        return np.column_stack((x, height, z))


def _gloss(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Brightness: a band of light across the forehead, fading towards the tips."""
    height, width = scene.size
    row, column = np.mgrid[:height, :width]
    # How far up the face a pixel is, along the image of the face's vertical axis.
    upward = scene.frame.matrix[:, 1]
    length = max(float(np.linalg.norm(upward)), 1e-6)
    origin = scene.frame.matrix[:, 3]
    level = ((column - origin[0]) * upward[0] + (row - origin[1]) * upward[1]) / length**2
    band = np.exp(-(((level - rng.uniform(0.7, 0.95)) / 0.16) ** 2))
    return (0.88 + 0.35 * band).astype(np.float32)

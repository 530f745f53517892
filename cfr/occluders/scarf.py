"""A scarf over mouth and chin: a folded sheet around the head, seen as the points say it is."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cfr.occluders.paint import Layer, blur
from cfr.occluders.sheet import grid_normals, grid_triangles, see
from cfr.occluders.types import Drawn, Scene, Settings

_ROWS, _COLUMNS = 56, 64
_COLORS = np.array(
    [
        (0.55, 0.12, 0.14),
        (0.15, 0.20, 0.36),
        (0.45, 0.45, 0.46),
        (0.12, 0.12, 0.13),
        (0.60, 0.52, 0.40),
        (0.20, 0.34, 0.26),
        (0.78, 0.76, 0.72),
        (0.64, 0.40, 0.16),
    ]
)
_PATTERNS = ("plain", "stripes", "plaid")


@dataclass(frozen=True)
class Scarf:
    """A scarf wound around neck and lower face."""

    highest: float = 0.0
    """The upper edge in front of the face lies at most this high: decimetres above the middle
    between eyes and mouth; the nose tip is near −0.05, the mouth at −0.38."""
    lowest: float = -0.3
    """And at least this high."""
    pattern: Literal["any", "plain", "stripes", "plaid"] = "any"
    """Of the cloth."""

    def __post_init__(self) -> None:
        if not -1.0 <= self.lowest <= self.highest <= 0.4:
            raise ValueError("scarf: expected −1 ≤ lowest ≤ highest ≤ 0.4")

    def draw(self, scene: Scene) -> Drawn:
        """Draw one scarf."""
        rng = scene.rng
        top = float(rng.uniform(self.lowest, self.highest))
        first = _COLORS[rng.integers(len(_COLORS))] * rng.uniform(0.8, 1.15)
        second = _COLORS[rng.integers(len(_COLORS))]
        pattern = _PATTERNS[rng.integers(3)] if self.pattern == "any" else self.pattern
        points, cloth = _sheet(scene, top)
        normals = grid_normals(points)
        across, up = scene.frame.matrix[0, :3], -scene.frame.matrix[1, :3]
        towards = scene.frame.towards_camera
        depth = 100 - points.reshape(-1, 3) @ towards
        seen_at = np.column_stack((scene.frame.project(points.reshape(-1, 3)), depth))
        basis = np.stack([one / max(np.linalg.norm(one), 1e-9) for one in (across, up, towards)])
        carried = np.concatenate((cloth, normals @ basis.T), -1).reshape(-1, 5)
        seen = see(seen_at, grid_triangles(_ROWS, _COLUMNS), carried, *scene.size)
        u, v = seen.values[:, 0], seen.values[:, 1]
        color = _weave(rng, u, v, first, second, pattern)
        light = np.array([rng.uniform(-0.5, 0.5), rng.uniform(0.3, 0.9), 0.75])
        normal = seen.values[:, 2:]
        lit = np.clip(normal @ (light / np.linalg.norm(light)), 0, 1)
        edge = 1 - 0.25 * np.exp(-v / 0.03)
        image, coverage = seen.layer(color * ((0.38 + 0.68 * lit) * edge)[:, None])
        layer = Layer(*scene.size)
        _shadow(scene, layer, coverage)
        layer.over(image, coverage)
        settings: Settings = {
            "top_dm": top,
            "pattern": pattern,
            "color": [float(value) for value in first],
            "second_color": [float(value) for value in second],
        }
        return Drawn(layer.color, layer.alpha, settings)


def _sheet(scene: Scene, top: float) -> tuple[np.ndarray, np.ndarray]:
    """Points ``(r, c, 3)`` in decimetres of the mean face, and positions on the cloth.

    The half of the sheet that faces the camera, whichever way the face is turned.
    """
    rng = scene.rng
    towards = scene.frame.towards_camera
    facing = np.arctan2(towards[0], towards[2])
    angle = facing + np.linspace(-1.62, 1.62, _COLUMNS)[None]
    down = np.linspace(0, 1, _ROWS)[:, None]
    # The edge is highest in front, hangs a little between, and sinks towards the neck.
    sag = 0.05 * np.sin(rng.uniform(1.5, 3.0) * angle + rng.uniform(0, 6.3))
    edge = top + sag - 0.30 * (1 - np.cos(angle)) * rng.uniform(0.2, 0.9)
    y = edge + (-2.3 - edge) * down
    # Wide enough for jaw and cheeks; looser below the chin.
    loose = 0.10 * np.clip((-0.8 - y) / 0.5, 0, 1) + 0.02
    folds = np.zeros((_ROWS, _COLUMNS))
    for _ in range(5):
        slant, phase = rng.uniform(-0.35, 0.35), rng.uniform(0, 6.3)
        rate, strength = rng.uniform(9, 26), rng.uniform(0.010, 0.030)
        wave = np.sin(rate * (y + slant * np.sin(angle)) + phase + 0.6 * np.sin(2 * angle + phase))
        folds += strength * (1 - np.abs(wave)) ** 0.7
    folds += 0.015 * np.exp(-((down / 0.02) ** 2))  # the hem
    x = (0.80 + loose + folds) * np.sin(angle)
    z = (0.62 + loose + 1.2 * folds) * np.cos(angle) - 0.05
    points = np.stack((x, np.broadcast_to(y, x.shape), z), -1)
    cloth = np.stack(np.broadcast_arrays(angle, (edge - y)), -1)
    return points, cloth


def _weave(
    rng: np.random.Generator,
    u: np.ndarray,
    v: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    pattern: str,
) -> np.ndarray:
    """Colours ``(n, 3)`` of the cloth at positions on it."""
    share = np.zeros_like(u)
    period = rng.uniform(0.18, 0.4)
    if pattern in ("stripes", "plaid"):
        share += 0.9 * ((v / period) % 1 < rng.uniform(0.25, 0.5))
    if pattern == "plaid":
        share = 0.5 * share + 0.45 * ((u / period) % 1 < rng.uniform(0.25, 0.5))
    color = first + (second - first) * share[:, None]
    knit = np.sin(2 * np.pi * u / 0.035) * np.sin(2 * np.pi * v / 0.028)
    return color * (1 + 0.05 * knit[:, None]) + 0.012 * rng.standard_normal((len(u), 1))


def _shadow(scene: Scene, layer: Layer, coverage: np.ndarray) -> None:
    """What the cloth's upper edge casts on the skin."""
    blurred = blur(coverage, 0.05 * scene.frame.scale)
    layer.over(np.zeros(3), 0.30 * blurred * (1 - coverage))

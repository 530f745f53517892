"""Glasses and sunglasses, built on the mean face in space and seen as the points say it is."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from cfr.occluders.paint import Layer, blur, fill, smooth_line, stroke
from cfr.occluders.types import Drawn, Scene, Settings

_FRAMES = np.array(
    [
        (0.06, 0.06, 0.07),
        (0.28, 0.16, 0.09),
        (0.62, 0.62, 0.64),
        (0.66, 0.52, 0.28),
        (0.10, 0.14, 0.30),
        (0.45, 0.08, 0.10),
    ]
)
_TINTS = np.array([(0.05, 0.05, 0.06), (0.16, 0.10, 0.05), (0.06, 0.11, 0.08), (0.08, 0.09, 0.16)])
# Squareness (exponent of a superellipse), half width and half height in decimetres.
_STYLES = {
    "round": (2.0, 0.235, 0.215),
    "oval": (2.3, 0.260, 0.180),
    "rectangle": (4.5, 0.265, 0.160),
    "square": (3.4, 0.260, 0.200),
    "aviator": (2.6, 0.275, 0.225),
}


@dataclass(frozen=True)
class Glasses:
    """Two lenses, a bridge, and the temples that the camera sees."""

    lenses: Literal["any", "clear", "sun"] = "any"
    """any: clear or sun with equal chance."""
    shape: Literal["any", "round", "oval", "rectangle", "square", "aviator"] = "any"
    """Of the lenses."""

    def draw(self, scene: Scene) -> Drawn:
        """Draw one pair of glasses."""
        rng = scene.rng
        sun = bool(rng.random() < 0.5) if self.lenses == "any" else self.lenses == "sun"
        names = list(_STYLES)
        shape = names[int(rng.integers(len(names)))] if self.shape == "any" else self.shape
        size, thickness = float(rng.uniform(0.92, 1.12)), float(rng.uniform(0.010, 0.027))
        frame_color = _FRAMES[rng.integers(len(_FRAMES))] * rng.uniform(0.8, 1.2)
        tint = _TINTS[rng.integers(len(_TINTS))]
        outlines = [_outline(shape, size, thickness, side) for side in (-1.0, 1.0)]
        layer = Layer(*scene.size)
        coverage = _frame(scene, outlines, thickness)
        _shadow(scene, layer, coverage)
        self._lenses(scene, layer, [inner for _, inner in outlines], sun, tint)
        layer.over(_glint(scene, frame_color), coverage)
        settings: Settings = {
            "lenses": "sun" if sun else "clear",
            "shape": shape,
            "size": size,
            "thickness_dm": thickness,
            "frame_color": [float(value) for value in frame_color],
        }
        return Drawn(layer.color, layer.alpha, settings)

    def _lenses(
        self, scene: Scene, layer: Layer, inner: list[np.ndarray], sun: bool, tint: np.ndarray
    ) -> None:
        """Glass: dark and graded, or clear; and a slanted reflection on both."""
        rng, (height, width) = scene.rng, scene.size
        density = rng.uniform(0.86, 0.97) if sun else rng.uniform(0.03, 0.10)
        fade = rng.uniform(0.0, 0.25) if sun else 0.0
        slant, offset = rng.uniform(0.5, 1.5), rng.uniform(-0.15, 0.15)
        strength = rng.uniform(0.05, 0.16) if sun else rng.uniform(0.08, 0.28)
        row, column = np.mgrid[:height, :width].astype(np.float32)
        for outline in inner:
            seen = scene.frame.project(outline)
            glass = fill([seen], height, width)
            low, high = seen.min(0), seen.max(0)
            down = np.clip((row - low[1]) / max(high[1] - low[1], 1e-3), 0, 1)
            color = tint if sun else np.array((0.80, 0.86, 0.90))
            layer.over(color, glass * (density - fade * down))
            across = (column - (low + high)[0] / 2) / scene.frame.scale
            band = (
                across + slant * (row - (low + high)[1] / 2) / scene.frame.scale - offset
            ) / 0.07
            layer.over(np.array((0.95, 0.97, 1.0)), glass * strength * np.exp(-(band**2)))


def _bent(flat: np.ndarray) -> np.ndarray:
    """Put positions of the front (x, y) onto its curve in space, around the face."""
    x, y = flat[:, 0], flat[:, 1]
    return np.column_stack((x, y, 0.335 - 0.25 * x**2))


def _outline(
    shape: str, size: float, thickness: float, side: float
) -> tuple[np.ndarray, np.ndarray]:
    """Outer and inner edge of a lens' rim: ``(n, 3)`` in decimetres on the mean face."""
    exponent, half_width, half_height = _STYLES[shape]
    turn = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    cos, sin = np.cos(turn), np.sin(turn)
    x = np.sign(cos) * np.abs(cos) ** (2 / exponent)
    y = np.sign(sin) * np.abs(sin) ** (2 / exponent)
    if shape == "aviator":  # narrower above the nose, drooping outwards
        y = y - 0.12 * x * (y < 0)
        x = x * (1 + 0.08 * y)
    edges = []
    for grown in (thickness, -thickness):
        flat = np.column_stack((x * (half_width * size + grown), y * (half_height * size + grown)))
        edges.append(_bent(flat * (side, 1) + (side * 0.325 * (0.4 + 0.6 * size), 0.25)))
    return edges[0], edges[1]


def _frame(
    scene: Scene, outlines: list[tuple[np.ndarray, np.ndarray]], thickness: float
) -> np.ndarray:
    """Coverage of rims, bridge and the temples that are not behind the face."""
    height, width = scene.size
    radius = max(thickness * scene.frame.scale, 0.6)
    rims = np.zeros(scene.size, np.float32)
    for outer, inner in outlines:
        seen, hole = scene.frame.project(outer), scene.frame.project(inner)
        rims = np.maximum(rims, fill([seen], height, width) - fill([hole], height, width))
        # A rim that would be thinner than the screen can show is drawn as a line.
        middle = (seen + hole) / 2
        if 2 * thickness * scene.frame.scale < 1.4:
            rims = np.maximum(rims, _ring(middle, 0.6, height, width))
    left, right = outlines[0][0][:, 0].max(), outlines[1][0][:, 0].min()
    flat = np.column_stack(
        (np.linspace(left, right, 9), 0.30 + 0.035 * np.sin(np.linspace(0, np.pi, 9)))
    )
    bars = [stroke(scene.frame.project(_bent(flat) + np.array((0, 0, 0.02))), radius)]
    for outline, side in zip((outlines[0][0], outlines[1][0]), (-1, 1), strict=True):
        if side * scene.frame.towards_camera[0] < -0.12:
            continue
        hinge = outline[np.argmax(side * outline[:, 0] + 0.3 * outline[:, 1])]
        knots = np.array([hinge, (side * 0.735, hinge[1], 0.0), (side * 0.76, 0.24, -0.45)])
        bars.append(stroke(smooth_line(scene.frame.project(knots), 24), 0.85 * radius))
    return np.maximum(np.maximum(rims, fill(bars, height, width)), 0)


def _ring(line: np.ndarray, radius: float, height: int, width: int) -> np.ndarray:
    return fill([stroke(np.concatenate((line, line[:2])), radius)], height, width)


def _shadow(scene: Scene, layer: Layer, coverage: np.ndarray) -> None:
    """A faint shadow of the frame on the skin below it."""
    moved = np.array([[1, 0, 0], [0, 1, 0.045 * scene.frame.scale]])
    cast = cv2.warpAffine(coverage, moved, coverage.shape[::-1])
    layer.over(np.zeros(3), 0.25 * blur(cast, 0.02 * scene.frame.scale))


def _glint(scene: Scene, color: np.ndarray) -> np.ndarray:
    """The frame's colour with soft highlights along it."""
    height, width = scene.size
    column = np.arange(width, dtype=np.float32)[None]
    phase = scene.rng.uniform(0, 2 * np.pi)
    light = 0.5 + 0.5 * np.sin(2 * np.pi * column / max(0.55 * scene.frame.scale, 2) + phase)
    return np.broadcast_to(color + 0.16 * light[..., None] ** 6, (height, width, 3))

"""A phone, held in front of the face with its back to the camera."""

from dataclasses import dataclass

import numpy as np

from cfr.occluders.paint import Layer, blur, fill, mean_patch, smooth_line, stroke
from cfr.occluders.types import Drawn, Scene, Settings

_COLORS = np.array(
    [
        (0.07, 0.07, 0.08),
        (0.85, 0.85, 0.86),
        (0.14, 0.20, 0.32),
        (0.62, 0.16, 0.20),
        (0.78, 0.70, 0.58),
        (0.30, 0.42, 0.38),
    ]
)
_PLACES = (2, 4, 12, 14, 27, 30, 33, 36, 45, 51, 57)
"""Points around which its middle may lie: cheeks, eyes, nose, mouth."""


@dataclass(frozen=True)
class Phone:
    """A phone of usual size and, perhaps, the fingers that hold it."""

    tilt_degrees: float = 25.0
    """It is turned by at most this, either way, from upright or lying."""
    lying: float = 0.2
    """Probability that it is held across."""
    fingers: float = 0.7
    """Probability that fingers reach around it."""

    def __post_init__(self) -> None:
        if not (0 <= self.lying <= 1 and 0 <= self.fingers <= 1 and self.tilt_degrees >= 0):
            raise ValueError("phone: expected probabilities within 0 to 1 and a tilt of at least 0")

    def draw(self, scene: Scene) -> Drawn:
        """Draw one phone."""
        rng, scale = scene.rng, scene.frame.scale
        landmark = int(rng.choice(_PLACES))
        centre = scene.points[landmark] + rng.uniform(-0.25, 0.25, 2) * scale
        tilt = float(rng.uniform(-self.tilt_degrees, self.tilt_degrees))
        lying = bool(rng.random() < self.lying)
        held = bool(rng.random() < self.fingers)
        side = float(rng.choice((-1.0, 1.0)))
        color = _COLORS[rng.integers(len(_COLORS))] * rng.uniform(0.85, 1.1)
        # 71 to 78 mm by 146 to 163 mm, a little nearer to the camera than the face.
        half = np.array((rng.uniform(0.355, 0.39), rng.uniform(0.73, 0.815))) * 1.06
        turn = np.radians(tilt + 90 * lying)
        body = _Body(centre, turn, scale, half)
        layer = Layer(*scene.size)
        skin = _skin(scene) * rng.uniform(0.85, 1.05)
        first = float(rng.uniform(-0.05, 0.25))
        if held:
            _draw_palm(scene, layer, body, skin, side, first)
        _draw_body(scene, layer, body, color)
        _draw_cameras(scene, layer, body, color)
        if held:
            _draw_fingers(scene, layer, body, skin, side, first)
        settings: Settings = {
            "landmark": landmark,
            "centre": [float(value) for value in centre],
            "tilt_degrees": tilt,
            "lying": int(lying),
            "fingers": int(held),
            "color": [float(value) for value in color],
        }
        return Drawn(layer.color, layer.alpha, settings)


@dataclass(frozen=True, eq=False)
class _Body:
    """Where the phone is: its middle, its turn (radians), pixels a decimetre, its half sides."""

    centre: np.ndarray
    turn: float
    scale: float
    half: np.ndarray

    def place(self, points: np.ndarray) -> np.ndarray:
        """Positions on the phone in decimetres (x right, y down), in the photo."""
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        return self.centre + self.scale * points @ np.array([[cos, -sin], [sin, cos]])

    def positions(self, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Each pixel's position on the phone, from −1 to 1 between its edges."""
        row, column = np.mgrid[:height, :width].astype(np.float64)
        offset = np.stack((column, row), -1) - self.centre
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        on = offset @ np.array([[cos, sin], [-sin, cos]]) / (self.scale * self.half)
        return on[..., 0], on[..., 1]


def _rounded(half: np.ndarray, corner: float, middle: np.ndarray | None = None) -> np.ndarray:
    """A rectangle with round corners, ``(n, 2)``, in decimetres."""
    turn = np.linspace(0, np.pi / 2, 9)
    arcs = []
    for quarter, (x, y) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        at = turn + quarter * np.pi / 2
        arc = np.column_stack((np.cos(at), np.sin(at))) * corner
        arcs.append(arc + (half - corner) * (x, y))
    return np.concatenate(arcs) + (np.zeros(2) if middle is None else middle)


def _draw_body(scene: Scene, layer: Layer, body: _Body, color: np.ndarray) -> None:
    size, rng = scene.size, scene.rng
    outline = fill([body.place(_rounded(body.half, 0.09))], *size)
    cast = blur(outline, 0.05 * body.scale)
    layer.over(np.zeros(3), 0.35 * cast)
    x, y = body.positions(*size)
    sheen = np.exp(-(((x + 0.6 * y - rng.uniform(-0.8, 0.8)) / 0.45) ** 2))
    surface = color * (0.92 - 0.10 * y[..., None]) + 0.10 * sheen[..., None]
    layer.over(color * 0.55 + 0.22, outline)  # the metal edge
    layer.over(surface, fill([body.place(_rounded(body.half - 0.018, 0.075))], *size))


def _draw_cameras(scene: Scene, layer: Layer, body: _Body, color: np.ndarray) -> None:
    """The bump with two or three lenses in the upper corner."""
    size, count = scene.size, int(scene.rng.integers(2, 4))
    middle = np.array((-body.half[0] + 0.19, -body.half[1] + 0.20))
    bump = _rounded(np.array((0.145, 0.155)), 0.05, middle)
    layer.over(color * 0.82 + 0.06, fill([body.place(bump)], *size))
    spots = np.array([(-0.065, -0.07), (-0.065, 0.07), (0.065, 0.0)])[:count] + middle
    circle = np.column_stack((np.cos(_CIRCLE), np.sin(_CIRCLE)))
    for radius, shade in ((0.062, 0.45), (0.052, 0.05), (0.022, 0.16)):
        rings = [body.place(spot + radius * circle) for spot in spots]
        layer.over(np.full(3, shade), fill(rings, *size))
    glints = [body.place(spot + (-0.018, -0.018) + 0.008 * circle) for spot in spots]
    layer.over(np.full(3, 0.9), fill(glints, *size))


_CIRCLE = np.linspace(0, 2 * np.pi, 24, endpoint=False)


def _skin(scene: Scene) -> np.ndarray:
    """Mean colour of the cheek that faces the camera: the hand is the person's own."""
    pair = (14, 35) if scene.frame.towards_camera[0] > 0 else (2, 31)
    return mean_patch(scene.photo, scene.points[list(pair)].mean(0), 0.12 * scene.frame.scale)


def _draw_palm(
    scene: Scene, layer: Layer, body: _Body, skin: np.ndarray, side: float, first: float
) -> None:
    """The hand behind the phone, from the knuckles to the wrist."""
    size, edge = scene.size, side * body.half[0]
    knots = np.array(
        [
            (edge - side * 0.30, first - 0.10),
            (edge + side * 0.10, first - 0.06),
            (edge + side * 0.20, first + 0.25),
            (edge + side * 0.18, first + 0.65),
            (edge - side * 0.02, first + 1.15),
            (edge - side * 0.15, first + 2.20),
            (edge - side * 0.75, first + 2.20),
            (edge - side * 0.72, first + 1.00),
        ]
    )
    outline = fill([body.place(smooth_line(knots, 80, closed=True))], *size)
    inner = blur(outline, 0.07 * body.scale)
    layer.over(skin * (0.35 + 0.62 * inner[..., None] ** 1.2), outline)


def _draw_fingers(
    scene: Scene, layer: Layer, body: _Body, skin: np.ndarray, side: float, first: float
) -> None:
    """Four fingers that come around one long edge."""
    rng, size = scene.rng, scene.size
    reach = rng.uniform(0.28, 0.45)
    edge = side * body.half[0]
    for index, (longer, radius) in enumerate(
        ((0.9, 0.085), (1.0, 0.09), (0.96, 0.088), (0.8, 0.075))
    ):
        y = first + 0.175 * index + rng.normal(0, 0.008)
        tip = edge - side * reach * longer * rng.uniform(0.93, 1.05)
        knots = np.array(
            [(edge + side * 0.13, y + 0.07), (edge + side * 0.03, y + 0.02), (tip, y - 0.02)]
        )
        line = smooth_line(body.place(knots), 20)
        wide = radius * body.scale * np.linspace(1.05, 0.86, 20)
        # From the dark flank to the light ridge.
        under = blur(fill([stroke(line, wide * 1.1)], *size), 0.02 * body.scale)
        layer.over(skin * 0.25, 0.45 * under)
        for share, shade in ((1.0, 0.72), (0.9, 0.86), (0.74, 0.96), (0.5, 1.03), (0.25, 1.08)):
            layer.over(np.clip(skin * shade, 0, 1), fill([stroke(line, wide * share)], *size))
        _draw_nail(scene, layer, line, wide[-1], skin)


def _draw_nail(
    scene: Scene, layer: Layer, line: np.ndarray, radius: float, skin: np.ndarray
) -> None:
    ahead = (line[-1] - line[-3]) / max(float(np.linalg.norm(line[-1] - line[-3])), 1e-6)
    aside = np.array((-ahead[1], ahead[0]))
    at = line[-1] + 0.1 * radius * ahead
    oval = np.cos(_CIRCLE)[:, None] * ahead * 0.7 * radius
    oval = at + oval + np.sin(_CIRCLE)[:, None] * aside * 0.55 * radius
    nail = np.clip(skin * 1.02 + (0.08, 0.03, 0.03), 0, 1)
    layer.over(nail, 0.8 * fill([oval], *scene.size))

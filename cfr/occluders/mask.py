"""A medical mask on a fitted face: laid over its mesh, lit by its light, hidden where it is."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import torch

from cfr.camera import place, turn
from cfr.lighting import shade
from cfr.occluders.mask_cloth import Worn, lay_cloth
from cfr.occluders.paint import Layer, blur, fill
from cfr.occluders.sheet import see
from cfr.occluders.types import Drawn, FittedFace, Scene, Settings

_COLORS = {
    "surgical-blue": (0.56, 0.76, 0.87),
    "white": (0.93, 0.94, 0.95),
    "black": (0.10, 0.10, 0.11),
    "green": (0.58, 0.80, 0.70),
    "pink": (0.90, 0.66, 0.70),
    "grey": (0.52, 0.54, 0.57),
}
_PATTERNED = np.array(
    [
        (0.24, 0.32, 0.52),
        (0.66, 0.20, 0.22),
        (0.86, 0.80, 0.66),
        (0.25, 0.42, 0.34),
        (0.92, 0.9, 0.88),
    ]
)


@dataclass(frozen=True)
class Mask:
    """A medical mask or a cloth one. It needs a fitted face.

    The ways to wear it wrongly are those of MaskedFace-Net (Cabani et al., 2021).
    """

    worn: Worn | Literal["any"] = "correct"
    """correct, nose-uncovered, chin-uncovered; any: one of them, with equal chance."""
    color: Literal[
        "any", "surgical-blue", "white", "black", "green", "pink", "grey", "patterned"
    ] = "any"
    """any: one of the others, with equal chance."""

    def draw(self, scene: Scene) -> Drawn:
        """Draw one mask.

        Raises:
            ValueError: No face is fitted, or more than one.
            WrongFaceModel: The coefficients belong to another face model.
        """
        if scene.fitted is None:
            raise ValueError("mask: expected a fitted face (fitted=…), found none")
        if len(scene.fitted.coefficients.rotation) != 1:
            raise ValueError("mask: expected the coefficients of one face")
        rng = scene.rng
        ways: tuple[Worn, ...] = ("correct", "nose-uncovered", "chin-uncovered")
        worn = ways[int(rng.integers(3))] if self.worn == "any" else self.worn
        names = [*_COLORS, "patterned"]
        color = names[int(rng.integers(len(names)))] if self.color == "any" else self.color
        layer = Layer(*scene.size)
        image, coverage = _draw(scene, scene.fitted, worn, color)
        layer.over(np.zeros(3), _shadow(scene, coverage))
        layer.over(image, coverage)
        settings: Settings = {"worn": worn, "color": color}
        return Drawn(layer.color, layer.alpha, settings)


@torch.no_grad()
def _draw(
    scene: Scene, fitted: FittedFace, worn: Worn, color: str
) -> tuple[np.ndarray, np.ndarray]:
    """Colour and coverage of the mask in the photo."""
    model, face = fitted.model, fitted.coefficients
    shape, triangles = model.shape(face), model.triangles.cpu().numpy()
    cloth = lay_cloth(
        shape[0].double().cpu().numpy(), triangles, model.landmarks.cpu().numpy(), worn
    )
    both = torch.cat((torch.as_tensor(cloth.points[None]).to(shape), shape), dim=1)
    points = fitted.camera.project(place(both, face.rotation, face.translation))
    normals = turn(torch.as_tensor(cloth.normals[None]).to(shape), face.rotation)[0]
    joined = np.concatenate((cloth.triangles, triangles + len(cloth.points)))
    columns = (cloth.across, cloth.down, cloth.loop, *normals.double().cpu().numpy().T)
    seen = see(
        points[0].double().cpu().numpy(),
        joined,
        np.stack(columns, -1),
        *scene.size,
        cull_backfaces=True,
    )
    across, down, loop = seen.values[:, :3].T
    normal = torch.as_tensor(seen.values[:, 3:], dtype=torch.float32)
    normal = torch.nn.functional.normalize(normal, dim=-1)[None]
    albedo = _fabric(scene.rng, across, down, color)
    albedo[loop > 0.5] = (0.88, 0.88, 0.88) if color != "black" else (0.14, 0.14, 0.15)
    # One light for the three channels: a fit cannot tell the light's colour from the skin's.
    light = face.lighting.cpu().unflatten(1, (-1, 9)).mean(1)
    lit = shade(torch.as_tensor(albedo, dtype=torch.float32)[None], normal, light)
    # Cloth turned away from the camera is seen through more of its fibres.
    rim = 0.80 + 0.20 * normal[0, :, 2:].clamp(0, 1)
    return seen.layer((lit[0] * rim).numpy())


def _fabric(
    rng: np.random.Generator, across: np.ndarray, down: np.ndarray, color: str
) -> np.ndarray:
    """Albedo ``(n, 3)`` at positions on the sheet: colour, pleats, hem and wire."""
    if color == "patterned":
        albedo = _pattern(rng, across, down)
    else:
        albedo = np.array(_COLORS[color]) * rng.uniform(0.93, 1.05) * np.ones((len(across), 1))
    dark = np.ones_like(down)
    if color != "patterned":
        # Three folds that open in the middle; each panel grows darker towards the next fold.
        start, end = rng.uniform(0.22, 0.30), rng.uniform(0.66, 0.76)
        fade = 1 - 0.55 * np.exp(-((across / 0.55) ** 2))
        for fold in np.linspace(start, end, 3):
            below = down - fold - 0.02 * across**2
            dark -= 0.26 * fade * np.exp(-((below / 0.010) ** 2))
            dark -= 0.08 * fade * np.exp(-np.clip(below, 0, None) / 0.05) * (below > 0)
            dark += 0.05 * fade * np.exp(-(((below + 0.022) / 0.012) ** 2))
        wire = np.exp(-(((down - 0.075) / 0.012) ** 2)) * (np.abs(across) < 0.36)
        dark += 0.07 * wire
    edge = np.minimum(np.minimum(down, 1 - down) / 1.0, (1 - np.abs(across)) * 0.6)
    dark -= 0.12 * np.exp(-((edge / 0.008) ** 2))  # the rim turns away
    dark -= 0.08 * np.exp(-(((edge - 0.038) / 0.006) ** 2))  # the seam of the hem
    weave = 1 + 0.012 * rng.standard_normal(len(across))
    return np.clip(albedo * (dark * weave)[:, None], 0.01, 1)


def _pattern(rng: np.random.Generator, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Dots, stripes or checks of two colours."""
    first, second = _PATTERNED[rng.choice(len(_PATTERNED), 2, replace=False)]
    x, y, period = 1.5 * across, down, rng.uniform(0.11, 0.22)
    kind = int(rng.integers(3))
    if kind == 0:
        row = np.floor(y / period)
        centre = (x / period + 0.5 * (row % 2)) % 1 - 0.5
        share = np.hypot(centre, (y / period) % 1 - 0.5) < 0.27
    elif kind == 1:
        share = ((x * rng.uniform(-0.6, 0.6) + y) / period) % 1 < 0.4
    else:
        share = 0.5 * ((x / period) % 1 < 0.5) + 0.5 * ((y / period) % 1 < 0.5)
    return first + (second - first) * np.asarray(share, np.float64)[:, None]


def _shadow(scene: Scene, coverage: np.ndarray) -> np.ndarray:
    """A soft shadow around the mask's edge, on the face only."""
    scale = scene.frame.scale
    corners = cv2.convexHull(scene.points.astype(np.float32))[:, 0].astype(np.float64)
    face = fill([corners], *scene.size)
    cast = blur(coverage, 0.035 * scale)
    return 0.38 * cast * face

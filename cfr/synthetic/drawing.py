"""What photos of made-up people consist of: movements, light, a lit mesh, a background."""

import numpy as np
import torch

from cfr.camera import Camera, place, turn
from cfr.lighting import shade
from cfr.morphable.model import MorphableModel
from cfr.normals import vertex_normals
from cfr.render.shading import Rendered, render
from cfr.synthetic.identity import Identity
from cfr.types import Coefficients, FaceMesh


def draw_movements(rng: np.random.Generator, highest: np.ndarray, strength: float) -> np.ndarray:
    """A few movements at a time, strong ones seldom; the model's limits are still to be met."""
    drawn = rng.normal(size=len(highest)) * np.where(highest <= 1, 1 / 3, 1.0)  # thirds of 1
    chosen = rng.uniform(size=len(highest)) < 0.5
    return strength * drawn * chosen * 2


def draw_light(rng: np.random.Generator, strength: float) -> np.ndarray:
    """27 weights: an even light, one from a direction above, a little of everything, a tint."""
    azimuth, height = rng.uniform(-np.pi, np.pi) * 0.6, rng.uniform(-0.2, 1.0)
    x, y, z = np.sin(azimuth) * np.cos(height), np.sin(height), np.cos(azimuth) * np.cos(height)
    directed = rng.uniform(0, strength)
    weights = np.zeros(9)
    weights[1:4] = directed * np.array((-y, z, -x))
    weights[4:] = rng.normal(0, 0.05 * strength, 5)
    exposure = np.exp(rng.normal(0, 0.1))
    weights[0] = 0.2 - 0.55 * directed
    even = np.zeros(9)
    even[0] = 0.8  # cfr.lighting.AMBIENT, which exposure and tint scale as well
    tint = exposure * np.exp(rng.normal(0, 0.04, 3))
    return np.concatenate([(weights + even) * one - even for one in tint])


def photograph(
    model: MorphableModel, people: list[Identity], coefficients: Coefficients, camera: Camera
) -> tuple[FaceMesh, Rendered]:
    """People as a camera sees them, their own detail included: the mesh, and its picture."""
    shape = model.shape(coefficients) + torch.stack([person.relief for person in people])
    albedo = model.albedo(coefficients) + torch.stack([one.complexion for one in people])
    normals = turn(vertex_normals(shape, model.triangles, model.incident), coefficients.rotation)
    mesh = FaceMesh(
        vertices=place(shape, coefficients.rotation, coefficients.translation),
        colors=shade(albedo.clamp(0.02, 1), normals, coefficients.lighting),
        triangles=model.triangles,
    )
    return mesh, render(mesh, camera)


def composite(rendered: Rendered, index: int, behind: np.ndarray) -> np.ndarray:
    """One of several rendered faces in front of a background: uint8 RGB."""
    face = rendered.image[index].clamp(0, 1).permute(1, 2, 0).cpu().numpy()
    covered = rendered.coverage[index].cpu().numpy()[..., None]
    return np.round(255 * np.where(covered, face, behind)).astype(np.uint8)

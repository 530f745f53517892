"""A photo of noise, 68 points of a frontal face in an aligned crop, and a face model that fits."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from cfr.align import CANONICAL_FIVE
from cfr.camera import Camera
from cfr.morphable.model import ModelArrays, MorphableModel
from cfr.occluders.types import FittedFace


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """The pictures are small: threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# Decimetres, y up: corners of eyes and mouth are set so that their means are the canonical five.
_OUTLINES = {
    "jaw": [(-0.74 * np.cos(a), 0.15 - 0.98 * np.sin(a)) for a in np.linspace(0, np.pi, 17)],
    "brows": [(x, 0.48) for x in np.linspace(-0.5, -0.12, 5)]
    + [(x, 0.48) for x in np.linspace(0.12, 0.5, 5)],
    "nose": [(0, 0.27), (0, 0.17), (0, 0.06), tuple(CANONICAL_FIVE[2, :2])]
    + [(x, -0.14) for x in np.linspace(-0.11, 0.11, 5)],
}


def _ring(centre: tuple[float, float], width: float, height: float, count: int) -> list:
    turn = np.pi - np.arange(count) * 2 * np.pi / count
    return [(centre[0] + width * np.cos(a), centre[1] + height * np.sin(a)) for a in turn]


@pytest.fixture(scope="session")
def template() -> np.ndarray:
    """``(68, 2)`` in decimetres, y up."""
    left, right = tuple(CANONICAL_FIVE[0, :2]), tuple(CANONICAL_FIVE[1, :2])
    points = [*_OUTLINES["jaw"], *_OUTLINES["brows"], *_OUTLINES["nose"]]
    points += _ring(left, 0.14, 0.05, 6) + _ring(right, 0.14, 0.05, 6)
    points += _ring((-0.002, -0.3813), 0.25, 0.08, 12) + _ring((-0.002, -0.3813), 0.18, 0.02, 8)
    found = np.array(points, np.float64)
    found[[48, 54]] = CANONICAL_FIVE[3:, :2]
    return found


@pytest.fixture(scope="session")
def points(template: np.ndarray) -> np.ndarray:
    """The same in an aligned 224 crop, whose unit is close to 1."""
    return template * (101.5, -101.5) + 111.5


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """224² of smooth colours with noise: no level is 0 or 255."""
    row, column = np.mgrid[:224, :224]
    base = np.stack((90 + row // 3, 60 + column // 3, 200 - row // 3), -1)
    return (base + np.random.default_rng(0).integers(-8, 9, base.shape)).astype(np.uint8)


@pytest.fixture(scope="session")
def fitted(template: np.ndarray) -> FittedFace:
    """A half egg with a nose and a chin as a face model; its coefficients are zero."""
    side = 90
    x, y = np.meshgrid(np.linspace(-0.95, 0.95, side), np.linspace(1.0, -1.15, side))
    # An ellipsoid in front, continued straight backwards at its rim.
    depth = 1 - (x / 0.92) ** 2 - ((y + 0.05) / 1.05) ** 2
    z = np.where(depth > 0.02, 0.62 * np.sqrt(np.maximum(depth, 0.02)), 0.0877) - 0.2
    z -= np.where(depth > 0.02, 0, 1.2 * (0.02 - depth))
    z += 0.24 * np.exp(-((x / 0.1) ** 2) - ((y + 0.03) / 0.14) ** 2)
    z += 0.12 * np.exp(-((x / 0.25) ** 2) - ((y + 0.78) / 0.1) ** 2)
    shape = np.stack((x, y, z), -1).reshape(-1, 3).astype(np.float32)
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = (
        one.ravel() for one in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:])
    )
    triangles = np.concatenate((np.stack((a, c, d), -1), np.stack((a, d, b), -1)))
    landmarks = [int(np.argmin(((shape[:, :2] - one) ** 2).sum(1))) for one in template]
    arrays = ModelArrays(
        mean_shape=shape,
        identity=np.zeros((1, len(shape), 3), np.float32),
        expression=np.zeros((1, len(shape), 3), np.float32),
        mean_texture=np.full((len(shape), 3), 0.6, np.float32),
        texture=np.zeros((0, len(shape), 3), np.float32),
        triangles=triangles,
        landmarks=np.array(landmarks, np.int64),
        skin=np.ones(len(shape), bool),
    )
    model = MorphableModel("egg", arrays)
    return FittedFace(model, model.layout().zeros(1), Camera())

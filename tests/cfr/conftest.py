"""Meshes and small face models, made up."""

import numpy as np
import pytest
import torch

from cfr.morphable.model import ModelArrays, MorphableModel
from results.bench.meshes import head


@pytest.fixture(scope="session")
def small_head() -> tuple[torch.Tensor, torch.Tensor]:
    """A head-like surface that hides parts of itself when turned: (v, 3) and (f, 3)."""
    return head(24)


@pytest.fixture(scope="session")
def small_arrays() -> ModelArrays:
    """A face model of 576 vertices with 3, 2 and 4 modes."""
    vertices, triangles = head(24)
    count = len(vertices)
    rng = np.random.default_rng(3)

    def modes(number: int, size: float) -> np.ndarray:
        return rng.normal(0, size, (number, count, 3)).astype(np.float32)

    return ModelArrays(
        mean_shape=vertices.numpy(),
        identity=modes(3, 0.01),
        expression=modes(2, 0.01),
        mean_texture=rng.uniform(0.3, 0.8, (count, 3)).astype(np.float32),
        texture=modes(4, 0.05),
        triangles=triangles.numpy(),
        landmarks=rng.choice(count, 68, replace=False),
        skin=rng.uniform(size=count) > 0.3,
    )


@pytest.fixture(scope="session")
def small_model(small_arrays: ModelArrays) -> MorphableModel:
    return MorphableModel("small", small_arrays)

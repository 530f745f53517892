"""A face model without downloads, and faces whose coefficients are known."""

import pytest
import torch

from cfr.morphable.model import MorphableModel
from cfr.types import Coefficients
from results.bench.faces import made_up_model, random_faces


@pytest.fixture(scope="session")
def model() -> MorphableModel:
    """1,600 vertices with 6, 4 and 5 smooth modes."""
    return made_up_model(40, (6, 4, 5))


@pytest.fixture(scope="session")
def faces(model: MorphableModel) -> Coefficients:
    return random_faces(model, 12, torch.Generator().manual_seed(3))

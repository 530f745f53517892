"""A photo with one face, and one without, that come with scikit-image."""

from pathlib import Path

import numpy as np
import pytest

from cfr.landmarks.face import FoundFace


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """One frontal face, 300²; its pupils lie at (103, 100) and (147, 103)."""
    from skimage import data

    return np.ascontiguousarray(data.astronaut()[:300, 100:400])


@pytest.fixture(scope="session")
def cat() -> np.ndarray:
    from skimage import data

    return data.chelsea()


@pytest.fixture
def some_face() -> FoundFace:
    five = np.array([(40.0, 40), (60, 40), (50, 52), (43, 62), (57, 62)])
    return FoundFace(np.array([20.0, 20, 80, 80]), 0.9, five, None, "made up")


@pytest.fixture
def retinaface_root(shared: Path) -> Path:
    return shared / "networks" / "foamliu_mobilefacenet"

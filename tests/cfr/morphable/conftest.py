"""Files of exactly the formats that are published, with contents of our own."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

VERTICES, TRIANGLES = 35_709, 70_789
RING, RINGS, LAST_RING = 314, 113, 227


def rolled_topology() -> np.ndarray:
    """A rolled sheet with the Basel crop's counts: 113 rings of 314 vertices and a bit of one."""
    ring = np.arange(RING)
    quads = [(row * RING + ring, row * RING + (ring + 1) % RING) for row in range(RINGS - 1)]
    a = np.concatenate([first for first, _ in quads])
    b = np.concatenate([second for _, second in quads])
    last = np.arange(LAST_RING - 1) + (RINGS - 1) * RING
    a, b = np.concatenate((a, last)), np.concatenate((b, last + 1))
    sheet = np.concatenate((np.stack((a, a + RING, b), 1), np.stack((b, a + RING, b + RING), 1)))
    corner = (RINGS - 1) * RING + LAST_RING - 1
    return np.concatenate((sheet, [[corner, corner + RING, corner + 1]]))


def around_each_vertex(triangles: np.ndarray) -> np.ndarray:
    """``(v, 8)`` triangles around each vertex, padded with the number of triangles."""
    table = np.full((VERTICES, 8), TRIANGLES)
    filled = np.zeros(VERTICES, int)
    for index, corners in enumerate(triangles):
        table[corners, filled[corners]] = index
        filled[corners] += 1
    return table


@pytest.fixture(scope="session")
def front_fields() -> dict[str, np.ndarray]:
    """``BFM_model_front.mat`` with the published shapes, types, scale and index base."""
    rng = np.random.default_rng(5)
    triangles = rolled_topology()
    assert triangles.shape == (TRIANGLES, 3)

    def modes(number: int, size: float) -> np.ndarray:
        # Few distinct rows: the file stays small and quick, the numbers are still all checked.
        return np.tile(rng.normal(0, size, (3 * 81, number)), (441, 1))[: 3 * VERTICES]

    return {
        "meanshape": rng.normal(0, 0.5, (1, 3 * VERTICES)).astype(np.float32),
        "idBase": modes(80, 0.01),
        "exBase": modes(64, 0.01),
        "meantex": rng.uniform(60, 220, (1, 3 * VERTICES)).astype(np.float32),
        "texBase": modes(80, 5.0),
        "tri": (triangles + 1).astype(np.float64),
        "point_buf": (around_each_vertex(triangles) + 1).astype(np.float64),
        "keypoints": (rng.choice(VERTICES, (1, 68), replace=False) + 1).astype(np.float64),
        "skinmask": (rng.uniform(size=(1, VERTICES)) < 0.27).astype(np.float64),
        "frontmask2_idx": np.ones((27660, 1)),
        "tri_mask2": np.ones((54681, 3)),
    }


@pytest.fixture(scope="session")
def front(front_fields: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("front") / "BFM_model_front.mat"
    savemat(path, front_fields)
    return path


@pytest.fixture(scope="session")
def authors_fields(front_fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same model as ``BFM_model_80.mat``: indices from 0, texture from 0 to 1."""
    fields = dict(front_fields)
    for name in ("tri", "point_buf", "keypoints"):
        fields[name] = (fields[name] - 1).astype(np.int64)
    for name in ("meantex", "texBase"):
        fields[name] = (fields[name] / 255).astype(np.float32)
    fields["skinmask"] = fields["skinmask"].astype(np.uint8)
    return fields

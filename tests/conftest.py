"""Fixtures: real inputs where they are at hand, and small data of the same format."""

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.io import savemat

if TYPE_CHECKING:  # tests that need no PyTorch do not wait for it
    from collections.abc import Callable

    from torch import Tensor

    from cfr.morphable.model import ModelArrays, MorphableModel

PROJECT = Path(__file__).resolve().parent.parent
BIN_COUNTS = {"new-pose": (1306, 462, 232), "pose": (1312, 383, 305)}


def pytest_configure() -> None:
    """Nothing in a test may reach MLflow's telemetry or a user's own store and data.

    PyTorch works with one thread, in what tests start as well: two that share their cores with
    another program wait for each other, and take five times as long for networks this small.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    for name in ("MLFLOW_TRACKING_URI", "CFR_DATA"):
        os.environ.pop(name, None)


@pytest.fixture(scope="session")
def free_port() -> "Callable[[], int]":
    """Finds a port of this machine that nothing listens on."""

    def find() -> int:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            return one.getsockname()[1]

    return find


@pytest.fixture(scope="session")
def project() -> Path:
    return PROJECT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real inputs; the test is skipped, visibly, without it."""
    folder = Path(os.environ.get("CFR_SHARED", PROJECT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"real inputs are not at {folder}: set CFR_SHARED")
    return folder


@pytest.fixture(scope="session")
def aflw2000_arrays() -> dict[str, np.ndarray]:
    """Random labels and predictions of exactly AFLW2000-3D's shapes, types and bin counts."""
    rng = np.random.default_rng(7)
    points = rng.uniform(50, 400, (2000, 3, 68)).astype(np.float32)
    arrays = {"labels/AFLW2000-3D.pts68.npy": points}
    arrays["labels/AFLW2000-3D-Reannotated.pts68.npy"] = (
        points[:, :2] + rng.normal(0, 2, (2000, 2, 68))
    ).astype(np.float32)
    for bins, counts in BIN_COUNTS.items():
        edges = np.repeat([[0, 30], [30.5, 60], [60.5, 110]], counts, axis=0)
        yaw = rng.uniform(edges[:, 0], edges[:, 1]) * rng.choice([-1, 1], 2000)
        file = "AFLW2000-3D-new.pose.npy" if bins == "new-pose" else "AFLW2000-3D.pose.npy"
        arrays[f"labels/{file}"] = rng.permutation(yaw).astype(np.float32)
    for index, name in enumerate(("Y_deng", "ours", "Y_deng_occluded", "ours_occluded")):
        noise = rng.normal(0, 5 + index, (2000, 68, 2))
        predicted = points[:, :2].transpose(0, 2, 1) + noise
        arrays[f"released_predictions/AFLW2000_pts68_{name}.npy"] = predicted.astype(np.float32)
    return arrays


@pytest.fixture
def aflw2000(tmp_path: Path, aflw2000_arrays: dict[str, np.ndarray]) -> Path:
    """A root laid out like AFLW2000-3D, without photos; each test gets its own to damage."""
    root = tmp_path / "aflw2000"
    for path, array in aflw2000_arrays.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        np.save(root / path, array)
    names = [f"image{2 * index + 2:05d}.jpg" for index in range(2000)]
    (root / "AFLW2000-3D_crop.list").write_text("\n".join(names) + "\n")
    return root


@pytest.fixture
def aflw2000_photos(aflw2000: Path, aflw2000_arrays: dict[str, np.ndarray]) -> Path:
    """The same root with .jpg and .mat of its first ten images, listed in ``ten.txt``."""
    folder = aflw2000 / "AFLW2000-3D"
    folder.mkdir()
    yaw = np.radians(aflw2000_arrays["labels/AFLW2000-3D.pose.npy"])
    points = aflw2000_arrays["labels/AFLW2000-3D.pts68.npy"]
    names = (aflw2000 / "AFLW2000-3D_crop.list").read_text().split()[:10]
    for row, name in enumerate(names):
        pose = np.array([[0.1, yaw[row], -0.2, 0, 0, 0, 1]], dtype=np.float32)
        savemat(folder / name.replace(".jpg", ".mat"), {"pt3d_68": points[row], "Pose_Para": pose})
        (folder / name).write_bytes(b"")
    (aflw2000 / "ten.txt").write_text("\n".join(names))
    return aflw2000


@pytest.fixture(scope="session")
def small_head() -> "tuple[Tensor, Tensor]":
    """A head-like surface that hides parts of itself when turned: (v, 3) and (f, 3)."""
    from results.bench.meshes import head

    return head(24)


@pytest.fixture(scope="session")
def small_arrays(small_head: "tuple[Tensor, Tensor]") -> "ModelArrays":
    """A face model of 576 vertices with 3, 2 and 4 modes."""
    from cfr.morphable.model import ModelArrays

    vertices, triangles = small_head
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
def small_model(small_arrays: "ModelArrays") -> "MorphableModel":
    from cfr.morphable.model import MorphableModel

    return MorphableModel("small", small_arrays)


@pytest.fixture(scope="session")
def write_rafdb() -> "Callable[[Path, int, int, int | None], Path]":
    """Writes a root in RAF-DB's layout, a colour a class: 7 classes in turn, 32 pixels.

    Given a root, how many photos to train and to test on, and a seed to shuffle the former's labels
    by, or None.
    """
    import colorsys
    import json

    from protocols.images import save_image
    from protocols.rafdb import CLASSES, PARTITION

    def write(root: Path, train: int, test: int, shuffled: int | None = None) -> Path:
        rng = np.random.default_rng(5)
        (root / "EmoLabel").mkdir(parents=True)
        (root / "Image/aligned").mkdir(parents=True)
        names = [f"train_{i:05d}" for i in range(train)] + [f"test_{i:04d}" for i in range(test)]
        shown = [i % 7 for i in (*range(train), *range(test))]
        for name, label in zip(names, shown, strict=True):
            picture = np.zeros((32, 32, 3)) + rng.uniform(40, 160, 3)
            edge = 5 + int(rng.integers(-1, 2))
            colour = 200 * np.array(colorsys.hsv_to_rgb(label / 7, 1, 1)) + rng.normal(0, 10, 3)
            picture[edge:-edge, edge:-edge] = colour
            noisy = (picture + rng.normal(0, 20, picture.shape)).clip(0, 255).astype(np.uint8)
            save_image(root / f"Image/aligned/{name}_aligned.jpg", noisy)
        said = list(shown)
        if shuffled is not None:
            said[:train] = np.random.default_rng(shuffled).permutation(said[:train]).tolist()
        lines = [f"{name}.jpg {label + 1}" for name, label in zip(names, said, strict=True)]
        (root / "EmoLabel" / PARTITION).write_text("\n".join(lines))
        tested = list(zip(names[train:], shown[train:], strict=True))
        hidden = [f"{name}_aligned {label} 1" for name, label in tested[::2]]
        turned = [f"{label}/{name}_aligned.jpg" for name, label in tested[::3]]
        (root / "rafdb_occlusion_list.txt").write_text("\n".join(hidden))
        (root / "val_raf_db_list.txt").write_text("\n".join(turned))
        counts = {"train": train, "test": test, "occlusion": len(hidden)}
        counts |= {"pose > 30°": len(turned)}
        counts |= {f"test {one}": shown[train:].count(i) for i, one in enumerate(CLASSES)}
        (root / "counts.json").write_text(json.dumps({"why": "in colours", "counts": counts}))
        return root

    return write

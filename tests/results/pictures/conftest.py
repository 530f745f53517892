"""A folder of photos of made-up people, with their points beside them."""

from pathlib import Path

import numpy as np
import pytest

from protocols.images import save_image
from results.export.work import no_bar
from results.pictures.made_up import draw_people


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``photos`` with three faces, a photo of two, one of none, a damaged one; ``points.csv``."""
    root = tmp_path_factory.mktemp("pictures")
    faces = draw_people("occluded", 3, 5, "cpu", no_bar).faces
    (root / "photos").mkdir()
    lines = ["file," + ",".join(f"{axis}{at}" for at in range(1, 69) for axis in "xy")]

    def line(name: str, points: np.ndarray) -> None:
        lines.append(f"{name}," + ",".join(str(one) for one in points.ravel()))

    for at, face in enumerate(faces):
        save_image(root / "photos" / f"{at}.png", face.photo)
        line(f"{at}.png", face.points)
    first, second = faces[:2]
    save_image(root / "two.png", np.concatenate((first.photo, second.photo), axis=1))
    beside = np.array([first.photo.shape[1], 0.0])
    line("two.png", second.points + beside)
    line("two.png", first.points)
    save_image(root / "photos" / "none.png", np.zeros((50, 50, 3), np.uint8))
    (root / "photos" / "zz.png").write_bytes(b"no picture")
    (root / "points.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without data roots, whose artifacts lie elsewhere."""
    monkeypatch.setenv("CFR_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CFR_ARTIFACTS", str(tmp_path / "artifacts"))
    return tmp_path

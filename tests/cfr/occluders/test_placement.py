import numpy as np
import pytest

from cfr.align import align_deep3d, five_from_68
from cfr.occluders.frame import frame_from_points
from cfr.occluders.placement import Place, put


def place(centre: tuple[float, float], width: float, height: float, turn: float = 0.0) -> Place:
    at = np.array(centre, np.float64)
    return Place(0, at, float(width), float(height), float(turn), np.zeros(3))


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).uniform(size=(20, 31, 3)).astype(np.float32)


def test_at_its_own_size_a_picture_stays_as_it_is(picture: np.ndarray) -> None:
    put_there = put(picture, place((40 + 15, 7 + 9.5), 31, 20), 60, 90)
    assert np.allclose(put_there[7:27, 40:71], picture, atol=1e-5)
    put_there[7:27, 40:71] = 0
    assert not put_there.any()


def test_turning_is_anticlockwise(picture: np.ndarray) -> None:
    turned = put(picture, place((40 + 9.5, 7 + 15), 31, 20, 90), 60, 90)
    assert np.allclose(turned[7:38, 40:60], np.rot90(picture), atol=1e-4)


def test_shrinking_averages() -> None:
    """A chequerboard becomes grey; skipping pixels would leave black and white."""
    board = (np.indices((128, 128)).sum(0) % 2).astype(np.float32)
    small = put(board, place((20, 20), 16, 16), 40, 40)
    assert np.allclose(small[14:26, 14:26], 0.5, atol=0.02)


def test_what_leaves_the_photo_is_cut_off(picture: np.ndarray) -> None:
    large = put(picture, place((60, 60), 80, 50, 33), 120, 120)
    part = put(picture, place((0, 30), 80, 50, 33), 60, 40)
    assert np.allclose(part, large[30:90, 60:100], atol=1e-4)
    assert not put(picture, place((-500, 9e8), 80, 50), 60, 40).any()
    assert put(picture, place((20, 20), 1e7, 1e7), 60, 40).shape == (60, 40, 3)
    assert np.isfinite(put(picture, place((20, 20), 1e-7, 1e-7), 60, 40)).all()


def test_the_frame_agrees_with_the_alignment(points: np.ndarray) -> None:
    rng = np.random.default_rng(3)
    for scale in (0.4, 1.0, 3.0):
        moved = points * scale + rng.normal(0, 3, points.shape)
        zoom = align_deep3d(five_from_68(moved)).matrix[0, 0]
        assert frame_from_points(moved).unit == pytest.approx(1 / zoom)


def test_the_frame_knows_where_the_camera_is() -> None:
    """Turn the canonical points as the camera's rotation does; ask where it looks from."""
    import torch

    from cfr.align import CANONICAL_FIVE
    from cfr.camera import rotation_matrix

    for angles in ((0.0, 0.0, 0.0), (0.2, -0.7, 0.3), (-0.4, 1.2, -0.5)):
        rotation = rotation_matrix(torch.tensor([angles], dtype=torch.float64))[0].numpy()
        seen = (CANONICAL_FIVE @ rotation.T)[:, :2] * (80, -80) + 100
        points = np.zeros((68, 2))
        points[[36, 39]], points[[42, 45]], points[[30, 48, 54]] = seen[0], seen[1], seen[2:]
        frame = frame_from_points(points)
        assert frame.towards_camera == pytest.approx(rotation.T @ (0, 0, 1), abs=1e-6)
        assert frame.scale == pytest.approx(80)
        assert frame.project(CANONICAL_FIVE) == pytest.approx(seen)

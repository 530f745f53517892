import numpy as np
import pytest

from cfr.occluders.sheet import grid_normals, grid_triangles, see


def sheet(left: float, top: float, right: float, bottom: float, depth: float) -> np.ndarray:
    """A 3 × 4 grid in pixels, rows downwards."""
    y, x = np.meshgrid(np.linspace(top, bottom, 3), np.linspace(left, right, 4), indexing="ij")
    return np.stack((x, y, np.full_like(x, depth)), -1).reshape(-1, 3)


def test_coverage_is_the_share_of_the_samples() -> None:
    """Edges between samples: a quarter pixel in is half of the pixel's samples."""
    points = sheet(2.0, 3.0, 6.0, 5.0, 9.0)
    values = points[:, :2]
    seen = see(points, grid_triangles(3, 4), values, 10, 12, cull_backfaces=True)
    _, coverage = seen.layer(np.zeros((len(seen.row), 3)))
    expected = np.zeros((10, 12))
    expected[3:6, 2:7] = 1
    expected[[3, 5], 2:7] *= 0.5
    expected[3:6, [2, 6]] *= 0.5
    assert np.array_equal(coverage, expected)
    # What the vertices carry comes out where they are.
    assert seen.values[:, 0] == pytest.approx((seen.column + 0.5) / 2 - 0.5, abs=1e-4)
    assert seen.values[:, 1] == pytest.approx((seen.row + 0.5) / 2 - 0.5, abs=1e-4)


def test_what_is_nearer_hides_it() -> None:
    back, front = sheet(1.9, 1.9, 8.1, 8.1, 9.0), sheet(4.7, 0.0, 20.0, 20.0, 8.0)
    triangles = np.concatenate((grid_triangles(3, 4), grid_triangles(3, 4) + len(back)))
    values = np.zeros((len(back), 1))
    seen = see(np.concatenate((back, front)), triangles, values, 10, 12)
    _, coverage = seen.layer(np.zeros((len(seen.row), 3)))
    assert (coverage[3:8, 3:5] == 1).all()
    assert not coverage[:, 5:].any()
    seen = see(np.concatenate((back, front + np.array((0, 0, 5)))), triangles, values, 10, 12)
    _, whole = seen.layer(np.zeros((len(seen.row), 3)))
    assert (whole[3:8, 3:8] == 1).all()


def test_nothing_is_seen_outside_the_photo() -> None:
    for shift in ((100, 0, 0), (0, -90, 0), (1e9, 1e9, 0)):
        seen = see(sheet(2, 3, 6, 5, 9) + shift, grid_triangles(3, 4), np.zeros((12, 2)), 10, 12)
        assert not len(seen.row)


def test_a_grid_faces_outwards() -> None:
    y, x = np.meshgrid(np.linspace(1, -1, 9), np.linspace(-1, 1, 9), indexing="ij")
    z = 2 - 0.1 * (x**2 + y**2)
    points = np.stack((x, y, z), -1)
    normals = grid_normals(points)
    inner = np.s_[1:-1, 1:-1]
    expected = np.stack((0.2 * x, 0.2 * y, np.ones_like(x)), -1)
    expected /= np.linalg.norm(expected, axis=-1, keepdims=True)
    assert np.allclose(normals[inner], expected[inner], atol=1e-6)
    a, b, c = (points.reshape(-1, 3)[grid_triangles(9, 9)[:, corner]] for corner in range(3))
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()

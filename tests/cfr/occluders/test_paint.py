import numpy as np
import pytest

from cfr.occluders.paint import (
    Layer,
    blur,
    fill,
    lay_over,
    mean_patch,
    paint_polygons,
    smooth_line,
    stroke,
)


def circle(centre: tuple[float, float], radius: float, count: int = 200) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.column_stack((np.cos(turn), np.sin(turn))) * radius + centre


def test_a_rectangle_covers_its_share_of_each_pixel() -> None:
    """Pixel (0, 0) reaches from −0.5 to 0.5."""
    corners = np.array([(0.75, 1.5), (3.25, 1.5), (3.25, 4.0), (0.75, 4.0)])
    across = np.clip(
        np.minimum(np.arange(8) + 0.5, 3.25) - np.maximum(np.arange(8) - 0.5, 0.75), 0, 1
    )
    down = np.clip(np.minimum(np.arange(6) + 0.5, 4.0) - np.maximum(np.arange(6) - 0.5, 1.5), 0, 1)
    found = fill([corners], 6, 8)
    # OpenCV also draws the outline: at most one sample (a quarter) too much along each side.
    assert np.abs(found - np.outer(down, across)).max() <= 0.38
    assert (found >= np.outer(down, across) - 0.01).all()
    assert found[0].max() == found[:, 5:].max() == 0


@pytest.mark.parametrize("radius", [3.0, 10.3, 40.0])
def test_a_circle_has_its_area_and_place(radius: float) -> None:
    found = fill([circle((50.3, 48.8), radius)], 100, 100)
    assert found.sum() == pytest.approx(np.pi * radius**2, rel=0.6 / radius)
    row, column = np.mgrid[:100, :100]
    assert (found * column).sum() / found.sum() == pytest.approx(50.3, abs=0.1)
    assert (found * row).sum() / found.sum() == pytest.approx(48.8, abs=0.1)


def test_polygons_are_united_and_cut_at_the_border() -> None:
    one, two = circle((10, 10), 8), circle((16, 10), 8)
    both = fill([one, two], 40, 30)
    either = np.maximum(fill([one], 40, 30), fill([two], 40, 30))
    assert (both >= either - 1e-6).all()
    assert np.array_equal(both > 0, either > 0)
    whole = fill([circle((0, 0), 1e9)], 5, 7)
    assert (whole == 1).all()
    assert not fill([circle((-50, 3), 8)], 40, 30).any()
    assert not fill([], 4, 4).any()


def test_later_polygons_are_in_front() -> None:
    colors = np.array([(1.0, 0, 0), (0, 0, 1.0)])
    color, alpha = paint_polygons([circle((10, 10), 6), circle((14, 10), 6)], colors, 20, 26)
    assert color[10, 12].tolist() == [0, 0, 1]
    assert color[10, 6].tolist() == [1, 0, 0]
    assert np.allclose(color.sum(-1), alpha, atol=0.01)


def test_layers_follow_the_over_rule() -> None:
    """Porter and Duff (1984), pixel by pixel."""
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (9, 8, 3), dtype=np.uint8)
    colors = rng.uniform(size=(3, 9, 8, 3))
    alphas = rng.uniform(size=(3, 9, 8)) * (rng.uniform(size=(3, 9, 8)) > 0.3)
    layer, expected = Layer(9, 8), photo / 255
    for color, alpha in zip(colors, alphas, strict=True):
        layer.over(color, alpha)
        expected = expected * (1 - alpha[..., None]) + color * alpha[..., None]
    image, used = lay_over(photo, layer.color, layer.alpha)
    assert np.abs(image - 255 * expected).max() <= 0.51
    assert np.allclose(used, 1 - np.prod(1 - alphas, axis=0), atol=1e-5)
    assert np.array_equal(image[used == 0], photo[used == 0])


def test_a_trace_of_colour_is_none() -> None:
    photo = np.full((3, 3, 3), 100, np.uint8)
    alpha = np.full((3, 3), 0.0019, np.float32)
    image, used = lay_over(photo, np.zeros((3, 3, 3), np.float32) + alpha[..., None], alpha)
    assert not used.any()
    assert np.array_equal(image, photo)


def test_a_stroke_is_as_wide_as_its_pen() -> None:
    line = np.column_stack((np.linspace(20, 80, 30), np.full(30, 50.0)))
    found = fill([stroke(line, 6.0)], 100, 100)
    assert found[:, 50].sum() == pytest.approx(12, abs=0.5)
    assert found.sum() == pytest.approx(60 * 12 + np.pi * 36, rel=0.04)
    tapered = fill([stroke(line, np.linspace(8, 2, 30))], 100, 100)
    assert tapered[:, 22].sum() > 2.5 * tapered[:, 78].sum()


def test_a_smooth_line_meets_its_knots() -> None:
    knots = np.array([(0.0, 0), (10, 5), (20, -3), (26, 9)])
    line = smooth_line(knots, 4001)
    for knot in knots:
        assert np.linalg.norm(line - knot, axis=1).min() < 0.02
    ring = smooth_line(knots, 400, closed=True)
    assert np.linalg.norm(ring[0] - ring[-1]) < 1


def test_a_patch_is_clipped_to_the_photo() -> None:
    photo = np.random.default_rng(1).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    found = mean_patch(photo, np.array([12.0, 9.0]), 5.0)
    assert np.allclose(found, photo[4:14, 7:17].reshape(-1, 3).mean(0) / 255)
    assert np.allclose(
        mean_patch(photo, np.array([0.0, 0.0]), 4.0), photo[:4, :4].reshape(-1, 3).mean(0) / 255
    )
    assert np.allclose(mean_patch(photo, np.array([900.0, -50.0]), 4.0), photo[0, 39] / 255)
    assert np.allclose(mean_patch(photo, np.array([3.0, 4.0]), 0.0), photo[4, 3] / 255)


def test_a_blur_has_a_limit() -> None:
    coverage = np.zeros((20, 20), np.float32)
    coverage[10, 10] = 1
    assert blur(coverage, 2.0).max() == pytest.approx(1 / (2 * np.pi * 4), rel=0.1)
    assert np.isfinite(blur(coverage, 1e9)).all()

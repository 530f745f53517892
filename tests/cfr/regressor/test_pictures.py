"""What happens to training pictures, against formulas written out."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms import functional as vision

from cfr.regressor import pictures
from cfr.regressor.presets import Augmentation

GREY = np.array((0.299, 0.587, 0.114))
SIZE = 24


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(8)


def random_pictures(rng: np.random.Generator, count: int = 4) -> Tensor:
    return torch.from_numpy(rng.uniform(size=(count, 3, SIZE, SIZE))).float()


def grey(picture: np.ndarray) -> np.ndarray:
    return np.tensordot(GREY, picture, axes=1)


def jittered_by_formulas(picture: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """One picture (3, h, w): brightness, contrast about the mean grey, saturation about grey."""
    brightness, contrast, saturation = factors
    picture = np.clip(picture * brightness, 0, 1)
    mean = grey(picture).mean()
    picture = np.clip(contrast * picture + (1 - contrast) * mean, 0, 1)
    return np.clip(saturation * picture + (1 - saturation) * grey(picture), 0, 1)


def test_jitter_without_hue(rng: np.random.Generator) -> None:
    given = random_pictures(rng, 6)
    factors = rng.uniform(0.4, 1.6, (6, 3))
    drawn = torch.from_numpy(np.column_stack((factors, np.zeros(6)))).float()
    found = pictures.jitter(given, drawn).numpy()
    for one, factor, result in zip(given.double().numpy(), factors, found, strict=True):
        np.testing.assert_allclose(result, jittered_by_formulas(one, factor), atol=2e-5)
        plain = one * factor[0]  # the order and the limits matter for these factors
        assert np.abs(result - np.clip(plain, 0, 1)).max() > 0.01


def test_jitter_with_hue(rng: np.random.Generator) -> None:
    """Against torchvision's."""
    given = random_pictures(rng, 5)
    drawn = np.column_stack((rng.uniform(0.6, 1.4, (5, 3)), rng.uniform(-0.3, 0.3, 5)))
    turned = torch.from_numpy(drawn * (1, 1, 1, 2 * np.pi)).float()
    found = pictures.jitter(given, turned)
    for one, (brightness, contrast, saturation, hue), result in zip(
        given, drawn.tolist(), found, strict=True
    ):
        expected = vision.adjust_brightness(one, brightness)
        expected = vision.adjust_contrast(expected, contrast)
        expected = vision.adjust_hue(vision.adjust_saturation(expected, saturation), hue)
        torch.testing.assert_close(result, expected, atol=2e-3, rtol=0)


def test_factors_of_one_change_nothing(rng: np.random.Generator) -> None:
    given = random_pictures(rng)
    same = pictures.jitter(given, torch.tensor([[1.0, 1, 1, 0]] * 4))
    torch.testing.assert_close(same, given, atol=1e-6, rtol=0)
    drawn = pictures.draw_jitter(rng, (0.0, 0.0, 0.0, 0.0))
    np.testing.assert_array_equal(drawn, (1, 1, 1, 0))


def test_a_picture_is_jittered_alike_in_any_company(rng: np.random.Generator) -> None:
    given = random_pictures(rng)
    drawn = torch.from_numpy(rng.uniform(0.5, 1.5, (4, 4))).float()
    together = pictures.jitter(given, drawn)
    for index in range(4):
        alone = pictures.jitter(given[index : index + 1], drawn[index : index + 1])
        torch.testing.assert_close(together[index : index + 1], alone, atol=1e-6, rtol=0)


def test_drawn_factors_fill_their_ranges(rng: np.random.Generator) -> None:
    by = (0.3, 0.1, 0.6, 0.05)
    drawn = np.stack([pictures.draw_jitter(rng, by) for _ in range(2000)])
    limits = np.array((0.3, 0.1, 0.6, 2 * np.pi * 0.05))
    apart = drawn - (1, 1, 1, 0)
    assert (np.abs(apart) <= limits).all()
    np.testing.assert_allclose(
        np.stack((apart.min(0), apart.max(0))) / limits, [[-1] * 4, [1] * 4], atol=0.02
    )
    assert np.abs(np.corrcoef(apart.T) - np.eye(4)).max() < 0.1


def test_coarsen(rng: np.random.Generator) -> None:
    """Means of blocks, drawn between their centres; beyond the outermost they go on as they are."""
    given = random_pictures(rng, 2)
    for by in (2, 3, 4):
        count = SIZE // by
        means = given.double().numpy().reshape(2, 3, count, by, count, by).mean((3, 5))
        centres = by * np.arange(count) + (by - 1) / 2

        def drawn_between(line: np.ndarray, centres: np.ndarray = centres) -> np.ndarray:
            return np.interp(np.arange(SIZE), centres, line)

        rows = np.apply_along_axis(drawn_between, 2, means)
        expected = np.apply_along_axis(drawn_between, 3, rows)
        found = pictures.coarsen(given, by)
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)
    torch.testing.assert_close(pictures.coarsen(given, 1), given)
    single = pictures.coarsen(given, 10 * SIZE)
    torch.testing.assert_close(single, given.mean((2, 3), keepdim=True).expand_as(given))


def test_a_frame_is_black_above_left_and_in_the_corner(rng: np.random.Generator) -> None:
    given = random_pictures(rng)[0] + 0.1
    before = given.clone()
    top, left, bottom, right = 3, 5, 17, 20
    found = pictures.frame(given, (top, left, bottom, right))
    for row in range(SIZE):
        for column in range(SIZE):
            black = row < top or column < left or (row >= bottom and column >= right)
            expected = torch.zeros(3) if black else before[:, row, column]
            assert torch.equal(found[:, row, column], expected)
    assert torch.equal(given, before)
    assert torch.equal(pictures.frame(given, (0, 0, SIZE, SIZE)), before)


@pytest.mark.parametrize("size", [224, 112])
def test_a_frames_corners_lie_in_their_ranges(rng: np.random.Generator, size: int) -> None:
    amounts = Augmentation(framed_first=(4, 56), framed_second=(112, 168))
    drawn = np.array([pictures.draw_frame(rng, amounts, size) for _ in range(3000)])
    scaled = drawn * 224 / size
    first, apart = scaled[:, :2], scaled[:, 2:] - scaled[:, :2]
    rounding = 0 if size == 224 else 2
    for found, low, high in ((first, 4, 56), (apart, 112, 168)):
        assert low - rounding <= found.min() <= low + 1
        assert high - 1 <= found.max() <= high + rounding
    assert np.abs(np.corrcoef(np.column_stack((first, apart)).T) - np.eye(4)).max() < 0.1


def test_erasing_stays_within_its_limits_and_changes_nothing_elsewhere(
    rng: np.random.Generator,
) -> None:
    side = 100
    amounts = Augmentation(erased_area=(0.04, 0.12), erased_aspect=(0.25, 3.0))
    given = torch.full((3, side, side), -1.0)  # no noise is negative
    areas, aspects, places, values = [], [], [], []
    for _ in range(400):
        found = pictures.erase(given, rng, amounts)
        rows, columns = np.nonzero((found != given).any(0).numpy())
        top, left, height, width = rows.min(), columns.min(), np.ptp(rows) + 1, np.ptp(columns) + 1
        patch = found[:, top : top + height, left : left + width]
        assert len(rows) == height * width
        assert patch.min() >= 0
        assert patch.max() <= 1
        areas.append(height * width / side**2)
        aspects.append(height / width)
        places.append((top / (side - height), left / (side - width)))
        values.append(patch.mean((1, 2)).tolist())
    assert torch.equal(given, torch.full_like(given, -1.0))
    # Sides are rounded to whole pixels.
    assert 0.038 < min(areas) < 0.05
    assert 0.11 < max(areas) < 0.123
    assert 0.23 < min(aspects) < 0.3
    assert 2.5 < max(aspects) < 3.2
    assert 0.4 < np.mean(np.less(aspects, np.sqrt(0.75))) < 0.6  # even in the logarithm
    assert np.min(places) == 0
    assert np.max(places) == 1
    np.testing.assert_allclose(np.mean(values, 0), 0.5, atol=0.01)


def test_erasing_never_leaves_the_picture(rng: np.random.Generator) -> None:
    amounts = Augmentation(erased_area=(0.9, 1.0), erased_aspect=(0.1, 10.0))
    for _ in range(50):
        given = torch.full((3, 9, 9), -1.0)
        found = pictures.erase(given, rng, amounts)
        assert found.shape == given.shape
        assert (found != given).any()


def test_the_same_draw_erases_alike(rng: np.random.Generator) -> None:
    given = random_pictures(rng)[0]
    one, again, other = (
        pictures.erase(given, np.random.default_rng(seed), Augmentation()) for seed in (1, 1, 2)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)

"""Erosion against OpenCV's box filter, and filling against hand numbers."""

import cv2
import numpy as np
import pytest
import torch

from cfr.rotate_and_render.erosion import (
    AT_WORK,
    PHOTO,
    TURNED,
    Erosion,
    draw_erosion,
    eroded,
    filled,
    middle_erosion,
    window,
)


def oval(side: int) -> np.ndarray:
    """A face that touches the left edge of its picture."""
    rows, columns = np.mgrid[:side, :side] / side
    return ((rows - 0.5) / 0.49) ** 2 + ((columns - 0.3) / 0.35) ** 2 < 1


def test_windows_are_odd_and_as_published_at_256() -> None:
    assert [window(one, 256) for one in (PHOTO, TURNED, AT_WORK)] == [19, 5, 15]
    assert [window(one, 224) for one in (PHOTO, TURNED, AT_WORK)] == [17, 5, 13]
    assert [window(one, 112) for one in (PHOTO, TURNED, AT_WORK)] == [9, 3, 7]
    assert [window(one, 64) for one in (PHOTO, TURNED, AT_WORK)] == [5, 3, 3]


@pytest.mark.parametrize(("side", "pixels", "size"), [(256, 19, 19), (112, 15, 7)])
def test_erosion_is_a_box_filter_and_a_threshold_between_rows(
    side: int, pixels: int, size: int
) -> None:
    face = np.stack([oval(side), oval(side)[:, ::-1]])
    rows, sure = (60 / 256, 90 / 256), (0.83, 0.97)
    found = eroded(
        torch.from_numpy(face.copy()), pixels, Erosion(torch.tensor(rows), torch.tensor(sure))
    )
    for one, kept, row, least in zip(face, found.numpy(), rows, sure, strict=True):
        share = cv2.blur(one.astype(np.float64), (size, size), borderType=cv2.BORDER_CONSTANT)
        expected = one.copy()
        first, last = round(row * side), side - round(10 * side / 256)
        expected[first:last] = share[first:last] > least
        # The published code keeps nothing beside the face either: 0.8 is more than half a window.
        assert np.array_equal(kept, expected)
        assert not np.array_equal(kept, one)
        assert np.array_equal(kept[:first], one[:first])
        assert np.array_equal(kept[last:], one[last:])


def test_draws_stay_in_the_published_range_and_come_from_the_generators() -> None:
    rngs = [np.random.default_rng(seed) for seed in range(400)]
    row, sure = draw_erosion(rngs)
    pixels = (row * 256).round()
    assert (pixels.min(), pixels.max()) == (50, 99)
    assert 0.8 <= sure.min() < 0.81
    assert 0.98 < sure.max() <= 0.99
    again = draw_erosion([np.random.default_rng(seed) for seed in range(400)])
    assert torch.equal(again.row, row)
    assert torch.equal(again.sure, sure)
    middle = middle_erosion(3)
    assert middle.row.tolist() == [75 / 256] * 3
    assert middle.sure.tolist() == pytest.approx([0.895] * 3)


def test_the_rest_gets_the_mean_colour_of_what_is_kept() -> None:
    picture = torch.rand(3, 3, 4, 4)
    kept = torch.zeros(3, 4, 4, dtype=torch.bool)
    kept[0, 1, 2] = kept[0, 3, 3] = True
    kept[2] = True
    found = filled(picture, kept)
    mean = (picture[0, :, 1, 2] + picture[0, :, 3, 3]) / 2
    assert torch.allclose(found[0, :, 0, 0], mean)
    assert torch.equal(found[0, :, 1, 2], picture[0, :, 1, 2])
    assert (found[1] == 0.5).all()
    assert torch.equal(found[2], picture[2])

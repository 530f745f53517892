"""Eq. 5 in numbers: colours, structure, and what becomes of them."""

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from cfr.occlusion import color_difference, difference, structure_difference


def test_colours_are_cie_lab() -> None:
    """Not three neighbouring pixels of a channel, which is what the published code compares."""
    one, other = torch.rand(2, 1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    labs = [rgb2lab(picture[0].permute(1, 2, 0).double().numpy()) for picture in (one, other)]
    found = color_difference(one, other)[0, 0]
    apart = np.abs(labs[0] - labs[1])
    for row, column in ((5, 5), (10, 17)):
        around = np.s_[row - 1 : row + 2, column - 1 : column + 2]
        mean = [lab[around].mean((0, 1)) for lab in labs]
        assert float(found[row, column]) == pytest.approx(
            float(np.linalg.norm(mean[0] - mean[1])), abs=0.05
        )
    assert apart.max() > 20  # the pictures differ at all


def test_structure_is_ssim_s_without_luminance() -> None:
    """By the formula, with sums over the window in plain NumPy."""
    one, other = torch.rand(2, 1, 3, 15, 15, generator=torch.Generator().manual_seed(1))
    axis = np.exp(-(np.arange(-2, 3) ** 2) / (2 * 1.5**2))
    window = np.outer(axis, axis) / axis.sum() ** 2
    row, column, expected = 7, 6, []
    for channel in range(3):
        x, y = (
            picture[0, channel, row - 2 : row + 3, column - 2 : column + 3].double().numpy()
            for picture in (one, other)
        )
        mean_x, mean_y = (window * x).sum(), (window * y).sum()
        var_x = (window * x * x).sum() - mean_x**2
        var_y = (window * y * y).sum() - mean_y**2
        both = (window * x * y).sum() - mean_x * mean_y
        expected.append(1 - (2 * both + 0.03**2) / (var_x + var_y + 0.03**2))
    found = structure_difference(one, other)[0, 0, row, column]
    assert float(found) == pytest.approx(float(np.mean(expected)), abs=1e-4)


def test_structure_ignores_brightness_and_colours_do_not() -> None:
    picture = torch.rand(1, 3, 32, 32) / 2
    assert structure_difference(picture, picture + 0.3)[:, :, 4:-4, 4:-4].max() < 1e-2
    assert color_difference(picture, picture + 0.3).min() > 5


def test_equal_pictures_differ_nowhere() -> None:
    picture = torch.rand(1, 3, 32, 32)
    for graded in (False, True):
        assert not difference(picture, picture, 0.4, graded=graded).any()


def test_a_patch_is_found_and_only_graded_maps_have_shades() -> None:
    one = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2)) / 20 + 0.5
    other = one.clone()
    other[:, :, 20:40, 20:40] = torch.tensor([0.9, 0.1, 0.1]).view(3, 1, 1)
    sharp, soft = difference(one, other, 0.4), difference(one, other, 0.4, graded=True)
    assert set(sharp.unique().tolist()) == {0.0, 1.0}
    assert sharp[:, :, 23:37, 23:37].all()
    assert soft[:, :, 23:37, 23:37].round().all()
    assert not sharp[:, :, :10].any()


def test_pictures_of_a_batch_do_not_meet() -> None:
    ones, others = torch.rand(2, 3, 3, 24, 24)
    together = difference(ones, others, 0.4, graded=True)
    alone = torch.cat(
        [difference(ones[i : i + 1], others[i : i + 1], 0.4, graded=True) for i in range(3)]
    )
    torch.testing.assert_close(together, alone)

"""Sums of shifted pictures against kornia's convolutions and its median."""

import pytest
import torch
from kornia.filters import box_blur, gaussian_blur2d, median_blur

from cfr.filters import Border, box, gaussian, median

PICTURE = torch.rand(2, 3, 31, 40, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("border", ["constant", "reflect"])
def test_box_and_gaussian_are_kornia_s(border: Border) -> None:
    for size in (3, 7):
        torch.testing.assert_close(
            box(PICTURE, size, border), box_blur(PICTURE, size, border), atol=1e-6, rtol=0
        )
    expected = gaussian_blur2d(PICTURE, 5, (1.5, 1.5), border)
    torch.testing.assert_close(gaussian(PICTURE, 5, 1.5, border), expected, atol=1e-6, rtol=0)


def test_rows_are_not_columns() -> None:
    line = torch.zeros(1, 1, 9, 9)
    line[..., 4, :] = 1
    found = box(line, 3, "constant")[0, 0]
    torch.testing.assert_close(found[3:6, 4], torch.full((3,), 1 / 3))
    torch.testing.assert_close(found[4, 0], torch.tensor(2 / 9))


@pytest.mark.parametrize("size", [3, 5, 7])
def test_the_median_is_kornia_s_exactly(size: int) -> None:
    grey = PICTURE[:, :1]
    assert torch.equal(median(grey, size), median_blur(grey, size))
    wanted = grey.clone().requires_grad_()
    assert torch.equal(median(wanted, size).detach(), median_blur(grey, size))


def test_gradients_flow() -> None:
    picture = PICTURE.double().clone()[:1, :1, :8, :8].requires_grad_()
    assert torch.autograd.gradcheck(lambda one: gaussian(one, 5, 1.5, "constant"), picture)

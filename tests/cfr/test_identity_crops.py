import cv2
import numpy as np
import pytest
import torch
from scipy import ndimage

from cfr.align import ARCFACE_112, align_arcface, five_from_68
from cfr.identity_crops import aligned_crop, fixed_crop


def faces(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two smooth pictures of 160 × 160, and points of faces in them."""
    pictures = rng.integers(0, 256, (2, 160, 160, 3), dtype=np.uint8)
    pictures = np.stack([cv2.GaussianBlur(one, (0, 0), 4) for one in pictures])
    points = rng.uniform(40, 120, (2, 68, 2))
    eyes = ([36, 39], [42, 45])
    for sample, turn in enumerate((0.2, -0.3)):
        matrix = 0.9 * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        five = ARCFACE_112 @ matrix.T + (30 + 20 * sample, 25)
        for eye, centre in zip(eyes, five[:2], strict=True):
            points[sample, eye] = np.add(centre, [[-4, 0], [4, 0]])
        points[sample, [30, 48, 54]] = five[2:]
    return pictures, points


def test_an_aligned_crop_is_that_of_our_recognizers() -> None:
    pictures, points = faces(np.random.default_rng(0))
    expected = np.stack(
        [
            align_arcface(five_from_68(at)).crop(picture)
            for picture, at in zip(pictures, points, strict=True)
        ]
    )
    floats = torch.from_numpy(pictures).permute(0, 3, 1, 2).double() / 255
    found = aligned_crop(floats, torch.from_numpy(points))
    levels = 255 * (found.permute(0, 2, 3, 1).numpy() + 1) / 2
    inside = expected.max(axis=-1) > 0
    # OpenCV rounds to levels; at the photo's border kornia mixes with black.
    inside = ndimage.binary_erosion(inside, np.ones((1, 3, 3)), border_value=1)
    assert inside.mean() > 0.8
    assert np.where(inside[..., None], np.abs(levels - expected), 0).max() < 1


def test_an_aligned_crop_is_differentiable_in_the_picture_only() -> None:
    pictures, points = faces(np.random.default_rng(1))
    floats = (torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255).requires_grad_()
    at = torch.from_numpy(points).float().requires_grad_()
    aligned_crop(floats, at)[0].sum().backward()
    assert floats.grad is not None
    assert floats.grad[0].any()
    assert not floats.grad[1].any()
    assert at.grad is None


def test_points_that_are_no_face_are_an_error() -> None:
    with pytest.raises(ValueError, match="five points"):
        aligned_crop(torch.zeros(1, 3, 20, 20), torch.full((1, 68, 2), torch.nan))


def test_a_fixed_crop_is_the_cut_squeezed() -> None:
    """A picture whose values are linear in row and column stays so."""
    row, column = torch.meshgrid(torch.arange(224.0), torch.arange(224.0), indexing="ij")
    picture = torch.stack((row, column, row + column))[None] / 448
    found = 448 * (fixed_crop(picture)[0] + 1) / 2
    rows, columns = torch.linspace(15, 183, 112), torch.linspace(15, 208, 112)
    torch.testing.assert_close(found[0], rows[:, None].expand(112, 112), atol=1e-2, rtol=0)
    torch.testing.assert_close(found[1], columns[None].expand(112, 112), atol=1e-2, rtol=0)
    total = rows[:, None] + columns
    torch.testing.assert_close(found[2], total, atol=1e-2, rtol=0)


def test_a_fixed_crop_of_half_the_size_shows_the_same() -> None:
    picture = torch.zeros(1, 3, 112, 112, requires_grad=True)
    fixed_crop(picture).sum().backward()
    assert picture.grad is not None
    rows = picture.grad.sum(dim=(0, 1, 3)).nonzero()
    columns = picture.grad.sum(dim=(0, 1, 2)).nonzero()
    assert (rows.min(), rows.max()) == (8, 91)
    assert (columns.min(), columns.max()) == (8, 103)

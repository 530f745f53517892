"""Pictures of other sizes."""

import numpy as np

from cfr.pictures import resized, resized_mask


def test_a_picture_that_shrinks_is_made_of_means() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    means = picture.reshape(4, 2, 4, 2, 3).mean((1, 3))
    assert np.abs(resized(picture, 4) - means).max() <= 0.5
    assert resized(picture, 16).shape == (16, 16, 3)
    assert resized(picture, 8) is picture


def test_half_of_a_pixel_is_enough_for_a_mask() -> None:
    mask = np.zeros((4, 4), bool)
    mask[0, :2] = True  # half of the first pixel of four
    mask[2, 2] = True  # a quarter of the last
    assert resized_mask(mask, 2).tolist() == [[True, False], [False, False]]
    assert resized_mask(np.kron(mask, np.ones((2, 2))) > 0, 4).tolist() == mask.tolist()
    assert resized_mask(mask, 4) is mask

"""From how surely each pixel is hidden to regions."""

import numpy as np

from cfr.frontalizers.regions import hidden_regions

SIDE = 112
FACE = np.zeros((SIDE, SIDE), bool)
FACE[10:100, 20:90] = True


def test_what_hangs_together_with_what_is_sure_is_hidden() -> None:
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[50:90, 30:80] = 0.4  # a plain surface
    mask[50:56, 30:80] = 1.0  # and its rim
    found = hidden_regions(mask, FACE)
    assert found[52:86, 34:76].all()
    assert not found[:44].any()
    alone = mask.copy()
    alone[50:56] = 0.4  # without a rim nobody is sure
    assert not hidden_regions(alone, FACE).any()


def test_a_speck_is_nothing() -> None:
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[60:62, 60:62] = 1.0
    assert not hidden_regions(mask, FACE).any()


def test_the_outline_loses_nothing_and_nothing_lies_outside() -> None:
    mask = np.ones((SIDE, SIDE), np.float32)
    assert np.array_equal(hidden_regions(mask, FACE), FACE)
    outside = np.where(FACE, 0, 1).astype(np.float32)
    assert not hidden_regions(outside, FACE).any()


def test_it_grows_with_the_picture() -> None:
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[40:70, 40:70] = 1.0
    small = hidden_regions(mask, FACE)
    large = hidden_regions(
        np.kron(mask, np.ones((2, 2), np.float32)), np.kron(FACE, [[1, 1]] * 2) > 0
    )
    assert abs(large.mean() - small.mean()) < 0.005

"""Pairs with and without a mask: what is read, and where the mask is found to be."""

from pathlib import Path

import numpy as np
import pytest

from protocols.errors import BadInput, DatasetUnavailable
from protocols.images import save_image
from protocols.masked_pairs import load, true_mask


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A noisy photo, the same with a mask, a strap and specks, and where the mask itself is."""
    rng = np.random.default_rng(0)
    plain = rng.integers(60, 190, (120, 100, 3), np.uint8)
    inside = np.zeros((120, 100), bool)
    inside[60:100, 25:75] = True
    masked = plain.copy()
    masked[inside] = 255
    masked[70:73, 40:43] = plain[70:73, 40:43]  # where mask and skin look the same
    masked[50:62, 10] = masked[50, 10:26] = 255  # a strap: a line of one pixel
    masked[5, 5] = 255 - plain[5, 5]
    noise = rng.integers(-10, 11, masked.shape)
    return np.clip(masked + noise, 0, 255).astype(np.uint8), plain, inside


def test_the_mask_is_found_without_specks_and_holes(
    pair: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    masked, plain, inside = pair
    found = true_mask(masked, plain)
    assert (found & inside).sum() / (found | inside).sum() > 0.97
    assert found[71, 41]
    assert not found[5, 5]
    assert not found[:55].any()


def test_a_large_hole_stays_open(pair: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """What a strap encloses is cheek, not mask."""
    masked, plain, inside = pair
    masked[65:85, 30:45] = plain[65:85, 30:45]
    assert not true_mask(masked, plain)[68:82, 33:42].any()
    assert inside[68:82, 33:42].all()


def test_equal_photos_have_no_mask(pair: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    assert not true_mask(pair[1], pair[1]).any()


def test_pairs_are_read_in_the_order_of_their_numbers(
    tmp_path: Path, pair: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> None:
    for folder in ("with_mask", "without_mask"):
        (tmp_path / folder).mkdir()
    with pytest.raises(DatasetUnavailable, match="prajnasb/observations"):
        load(tmp_path)
    for name in ("101", "24"):
        save_image(tmp_path / "with_mask" / f"{name}-with-mask.jpg", pair[0])
        save_image(tmp_path / "without_mask" / f"{name}.jpg", pair[1])
    found = load(tmp_path)
    assert [one.name for one in found] == ["24", "101"]
    np.testing.assert_array_equal(found[0].read()[1], pair[1])
    save_image(tmp_path / "without_mask" / "24.jpg", pair[1][:50])
    with pytest.raises(BadInput, match="100 × 50, as without mask"):
        found[0].read()
    (tmp_path / "without_mask" / "24.jpg").unlink()
    with pytest.raises(BadInput, match=r"without_mask/24\.jpg"):
        load(tmp_path)


def test_the_real_pairs(shared: Path) -> None:
    found = load(shared / "faces" / "masked_pairs_prajnasb")
    assert len(found) == 30
    shares = [true_mask(*one.read()).mean() for one in found[:5]]
    assert all(0.05 < share < 0.25 for share in shares)

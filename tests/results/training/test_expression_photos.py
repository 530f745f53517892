"""What a classifier sees of a photo: in a test, and changed for training."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from protocols import rafdb
from protocols.errors import BadInput
from recognizers.training.expression import FaceAugmentation
from results.export.work import no_bar
from results.training.expression_photos import FaceChange, as_tested, faces_of, look_at

Write = Callable[[Path, int, int, int | None], Path]
PHOTO = np.random.default_rng(0).integers(0, 256, (50, 40, 3)).astype(np.uint8)
NOTHING = FaceAugmentation(flip=0.0)


def change(amounts: FaceAugmentation, seed: int = 0) -> np.ndarray:
    return FaceChange(32, amounts)(PHOTO, np.random.default_rng(seed))


def test_without_amounts_it_is_what_a_test_sees() -> None:
    seen = as_tested(PHOTO, 32)
    assert seen.shape == (32, 32, 3)
    np.testing.assert_array_equal(change(NOTHING), seen)
    np.testing.assert_array_equal(change(FaceAugmentation(flip=1.0)), seen[:, ::-1])


def test_each_amount_changes_it_and_the_same_draws_do_the_same() -> None:
    seen = change(NOTHING)
    for one in (
        FaceAugmentation(0.0, tilt_degrees=10.0),
        FaceAugmentation(0.0, zoom=0.1),
        FaceAugmentation(0.0, shift=0.1),
        FaceAugmentation(0.0, light=0.2),
    ):
        found = change(one)
        assert (found != seen).mean() > 0.3, one
        np.testing.assert_array_equal(found, change(one))
        assert (found != change(one, 1)).any()


def test_a_shift_moves_by_pixels() -> None:
    found, seen = change(FaceAugmentation(0.0, shift=0.5)), change(NOTHING)
    drawn = np.random.default_rng(0)
    drawn.uniform()
    right, down = 16 * drawn.uniform(-1, 1, 6)[2:4]
    columns, rows = np.arange(32) - right, np.arange(32) - down
    inside = (columns >= 0) & (columns <= 31), (rows >= 0) & (rows <= 31)
    assert 8 < inside[0].sum() < 32
    across = np.stack([np.interp(columns, np.arange(32), row) for row in seen[..., 0]])
    wanted = np.stack([np.interp(rows, np.arange(32), column) for column in across.T], axis=1)
    gaps = np.abs(found[..., 0] - wanted)[inside[1]][:, inside[0]]
    assert gaps.max() <= 2


def test_a_damaged_photo_and_a_class_without_any_are_found_before_a_run(
    tmp_path: Path, write_rafdb: Write
) -> None:
    root = write_rafdb(tmp_path / "whole", 7, 7, None)
    protocol = rafdb.load(root)
    digest = look_at(protocol, no_bar)
    assert faces_of(protocol, [0, 1], 40).shape == (2, 40, 40, 3)
    photo = root / "Image/aligned/train_00003_aligned.jpg"
    whole = photo.read_bytes()
    photo.write_bytes((root / "Image/aligned/train_00004_aligned.jpg").read_bytes())
    assert look_at(protocol, no_bar) != digest
    photo.write_bytes(whole[:200])
    with pytest.raises(BadInput, match=r"train_00003_aligned\.jpg: expected a whole picture"):
        look_at(protocol, no_bar)
    few = rafdb.load(write_rafdb(tmp_path / "few", 5, 7, None))
    told = r"list_patition_label\.txt: expected photos of each class to train on, found none of "
    with pytest.raises(BadInput, match=f"{told}anger, neutral"):
        look_at(few, no_bar)

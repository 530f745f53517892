"""Batches of pairs: the same whoever draws them, and no photo on both sides."""

import numpy as np
import pytest
import torch

from cfr.gan.batches import PairDraws, resized
from cfr.gan.presets import GanAugmentation
from cfr.training.reading_ahead import read_ahead
from protocols.errors import BadOption
from results.bench.made_up_pairs import MadeUpPairs

SOURCE = MadeUpPairs(80, 32)
PUBLISHED = GanAugmentation()


def draws(**changes) -> PairDraws:
    return PairDraws(SOURCE, **{"size": 32, "amounts": PUBLISHED, "binary": False, "batch": 4,
                                "seed": 5, **changes})  # fmt: skip


def equal(one, other) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_no_photo_is_on_both_sides() -> None:
    training, held_out = draws().rows, draws(held_out=True).rows
    assert sorted([*training, *held_out]) == list(range(80))
    photos = SOURCE.sources
    assert not set(photos[training]) & set(photos[held_out])
    assert set(photos[held_out]) == {19, 39}


def test_a_batch_has_the_shapes_and_ranges_of_a_generator() -> None:
    batch = draws(size=64)[3]
    assert [tuple(one.shape) for one in batch] == [(4, 3, 64, 64)] * 3 + [(4, 1, 64, 64)] * 2
    for one in batch[:4]:
        assert one.dtype == torch.float32
        assert one.min() >= 0
        assert one.max() <= 1
    assert batch.face.dtype == torch.bool


def test_each_pair_comes_once_in_a_round_and_rounds_differ() -> None:
    one = draws(amounts=GanAugmentation(0.0, 0.0, 0.0, 0.0), batch=4)
    assert one.steps_of_epoch == 19  # 76 pairs
    photos = {index: SOURCE.read(index).photo[16, 16].tolist() for index in one.rows.tolist()}

    def seen(first: int) -> list[list[int]]:
        values = []
        for step in range(first, first + 19):
            values += (255 * one[step].photo[:, :, 16, 16]).round().int().tolist()
        return values

    assert sorted(seen(0)) == sorted(photos.values()) == sorted(seen(19))
    assert seen(0) != seen(19)


def test_processes_share_a_batch_and_others_draw_the_same() -> None:
    whole = draws()[7]
    parts = [draws(rank=rank, ranks=2)[7] for rank in range(2)]
    for one, *shares in zip(whole, *parts, strict=True):
        assert torch.equal(one[0::2], shares[0])
        assert torch.equal(one[1::2], shares[1])
    assert equal(draws()[7], whole)
    assert not equal(draws(seed=6)[7], whole)
    here, there = (list(read_ahead(draws(), 5, 8, workers)) for workers in (0, 1))
    assert all(equal(one, other) for one, other in zip(here, there, strict=True))
    assert equal(here[2], whole)


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(BadOption, match="a batch of 4: expected a multiple of 3 processes"):
        draws(ranks=3)
    with pytest.raises(BadOption, match="10 pairs: expected pairs for validation"):
        PairDraws(MadeUpPairs(10, 32), 32, PUBLISHED, False, 4, 0, held_out=True)


def test_the_upper_levels_of_a_mask_become_one() -> None:
    """The release's levels are 0, .15, .25, .75, .9 and 1."""
    pictures = MadeUpPairs(1, 32).read(0)
    levels = np.array([0, 38, 64, 191, 230, 255], np.uint8)
    pictures.mask[:] = 0
    pictures.mask[0, :6] = levels
    graded, binary = (resized(pictures, 32, binary=one).mask[0, 0, :6] for one in (False, True))
    assert (255 * graded).round().int().tolist() == levels.tolist()
    assert binary.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_resized_pair_is_smoothed_and_masks_stay_masks() -> None:
    pair = resized(MadeUpPairs(1, 64).read(0), 32, binary=True)
    assert set(pair.mask.unique().tolist()) == {0.0, 1.0}
    whole = resized(MadeUpPairs(1, 64).read(0), 64, binary=True)
    for one, other in zip(pair[:3], whole[:3], strict=True):
        assert one.shape == (3, 32, 32)
        assert one.mean().item() == pytest.approx(other.mean().item(), abs=5e-3)
    areas = [one.face.float().mean().item() for one in (pair, whole)]
    assert areas[0] == pytest.approx(areas[1], abs=0.02)

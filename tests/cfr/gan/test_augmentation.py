"""What happens to pairs: what is filled, what the mask says of it, and that draws repeat."""

import numpy as np
import pytest
import torch

from cfr.gan.augmentation import Pair, augment, coarsen, erase_box, misalign, shifted
from cfr.gan.batches import resized
from cfr.gan.presets import GanAugmentation
from results.bench.made_up_pairs import MadeUpPairs

NONE = GanAugmentation(coarse=0.0, erased=0.0, flip=0.0)


@pytest.fixture
def pair() -> Pair:
    return resized(MadeUpPairs(1, 112).read(0), 112, binary=False)


def changed(one: Pair, other: Pair) -> torch.Tensor:
    return (one.damaged != other.damaged).any(0, keepdim=True)


@pytest.mark.parametrize("spoil", [erase_box, misalign])
def test_what_is_filled_lies_on_the_face_and_in_the_mask(pair: Pair, spoil) -> None:
    seen = 0
    for seed in range(30):
        found = spoil(pair, np.random.default_rng(seed))
        where = changed(found, pair)
        seen += int(where.sum())
        assert not (where & ~pair.face).any()
        assert (found.mask[where] == 1).all()
        assert (found.mask[~pair.face] == 0).all()
        kept = pair.face & (found.mask != 1)
        assert torch.equal(found.mask[kept], pair.mask[kept])
        assert found.damaged.min() >= 0
        assert found.damaged.max() <= 1
        for name in ("guide", "photo", "face"):
            assert getattr(found, name) is getattr(pair, name)
    assert seen > 30 * 20


def test_boxes_are_as_large_as_published(pair: Pair) -> None:
    whole = pair._replace(face=torch.ones_like(pair.face), mask=torch.zeros_like(pair.mask))
    sides, colors = [], set()
    for seed in range(200):
        found = erase_box(whole, np.random.default_rng(seed))
        box = (found.mask[0] == 1).nonzero()
        low, high = box.min(0).values, box.max(0).values
        assert (low >= 33).all()
        assert low[1] <= 84
        assert low[0] <= 79
        sides += (high - low + 1).tolist()
        flat = found.damaged[:, found.mask[0] == 1]
        colors.add(bool((flat == flat[:, :1]).all()))
    assert 1 <= min(sides) <= 4
    assert 33 <= max(sides) <= 37
    assert colors == {False, True}  # with noise and without


def test_a_shift_leaves_what_nothing_moved_to_empty() -> None:
    face = torch.ones(1, 6, 6, dtype=torch.bool)
    for right in (2, -2, 0):
        moved = shifted(face, 1, right)
        assert not moved[:, -1].any()
        assert moved[:, :-1].sum() == 5 * (6 - abs(right))
    one = torch.zeros(1, 6, 6, dtype=torch.bool)
    one[0, 3, 3] = True
    assert shifted(one, 2, 1).nonzero().tolist() == [[0, 1, 4]]
    assert shifted(one, 1, -3).nonzero().tolist() == [[0, 2, 0]]


def test_a_misaligned_face_is_uncovered_at_its_lower_edge(pair: Pair) -> None:
    """The face moves up: what it leaves is at the chin."""
    rows = [
        changed(misalign(pair, np.random.default_rng(seed)), pair)[0].nonzero()[:, 0].float().mean()
        for seed in range(20)
    ]
    middle = pair.face[0].nonzero()[:, 0].float().mean()
    assert float(torch.stack(rows).mean()) > middle + 5


def test_half_the_resolution_keeps_the_size_and_the_mean(pair: Pair) -> None:
    found = coarsen(pair.damaged)
    assert found.shape == pair.damaged.shape
    assert found.mean().item() == pytest.approx(pair.damaged.mean().item(), abs=2e-3)
    apart = (found - pair.damaged).abs()
    assert apart.max() > 0.1  # edges
    assert apart.median() < 0.01


def test_flips_take_everything_along(pair: Pair) -> None:
    found = augment(pair, np.random.default_rng(0), GanAugmentation(0.0, 0.0, 0.0, 1.0))
    for one, other in zip(found, pair, strict=True):
        assert torch.equal(one.flip(-1), other)


def test_shares_are_kept_and_draws_repeat(pair: Pair) -> None:
    assert augment(pair, np.random.default_rng(0), NONE) is pair
    published = GanAugmentation(flip=0.0)
    erased = 0
    for seed in range(200):
        found = augment(pair, np.random.default_rng(seed), published)
        again = augment(pair, np.random.default_rng(seed), published)
        assert all(torch.equal(one, other) for one, other in zip(found, again, strict=True))
        erased += not torch.equal(found.mask, pair.mask)
    assert erased / 200 == pytest.approx(0.4, abs=0.1)

import pytest
import torch

from cfr.render.expand import expand


@pytest.mark.parametrize("budget", [1, 2, 3, 7, 1000])
def test_every_item_of_every_list_comes_once_and_in_order(budget: int) -> None:
    counts = torch.tensor([0, 3, 0, 0, 11, 1, 2, 0])
    pieces = list(expand(counts, budget))
    assert all(len(owner) <= budget for owner, _ in pieces)
    pairs = [
        pair
        for owner, offset in pieces
        for pair in zip(owner.tolist(), offset.tolist(), strict=True)
    ]
    assert pairs == [(one, k) for one, count in enumerate(counts.tolist()) for k in range(count)]


@pytest.mark.parametrize("counts", [[], [0, 0, 0]])
def test_empty_lists_give_nothing(counts: list[int]) -> None:
    assert list(expand(torch.tensor(counts, dtype=torch.int64), 5)) == []

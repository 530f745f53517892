"""Lists of unequal length, flattened in pieces of bounded size: the renderer's one loop.

Triangle ``i`` has ``counts[i]`` candidate pixels. All (triangle, candidate) pairs form one flat
list, which is worked through in pieces of at most ``budget`` pairs; a triangle that covers the
whole screen simply spans several pieces. So memory is bounded whatever the sizes are.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Int
from torch import Tensor


def expand(counts: Int[Tensor, " n"], budget: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield ``(owner, offset)`` for every item of every list, in order.

    Args:
        counts: Length of each of the ``n`` lists, none negative.
        budget: The most items of one piece.

    Yields:
        Two ``(m,)`` int64 tensors: the list, and the position within it.
    """
    ends = counts.cumsum(0)
    total = int(ends[-1]) if len(ends) else 0
    lists = torch.arange(len(counts), device=counts.device)
    for low in range(0, total, budget):
        high = min(low + budget, total)
        if low == 0 and high == total:
            part, clipped, starts = lists, counts, ends - counts
        else:
            bounds = torch.tensor([low, high - 1], device=counts.device)
            first, last = torch.searchsorted(ends, bounds, right=True).tolist()
            part = lists[first : last + 1]
            starts = ends[part] - counts[part]
            clipped = ends[part].clamp(max=high) - starts.clamp(min=low)
        local = torch.repeat_interleave(
            torch.arange(len(part), device=counts.device), clipped, output_size=high - low
        )
        owner = local if len(part) == len(lists) else part.index_select(0, local)
        flat = torch.arange(low, high, device=counts.device)
        yield owner, flat - starts.index_select(0, local)

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
    starts = ends - counts
    total = int(ends[-1]) if len(ends) else 0
    for low in range(0, total, budget):
        high = min(low + budget, total)
        within = (ends.clamp(max=high) - starts.clamp(min=low)).clamp(min=0)
        owner = torch.repeat_interleave(within, output_size=high - low)
        flat = torch.arange(low, high, device=counts.device)
        yield owner, flat - starts.index_select(0, owner)

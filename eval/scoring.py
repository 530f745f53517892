"""Cosine similarity of millions of template pairs, exactly, in blocks.

Benchmarks compare few galleries with many probes, so that a matrix product over a block of left
templates costs far less than fetching two vectors for every pair. Where pairs are too thinly spread
for that, each pair's own product is taken. Both give the same number but for the last bits.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Bool, Float32, Int32
from threadpoolctl import threadpool_limits

_DENSE = 0.025
"""Share of a block's left × right table that has to be asked for, for the product to pay."""
_TABLE = 2_000_000
"""Entries of that table: it has to stay small beside the scores."""
_MOST = 0.7
"""With more of the templates on the right, all of them are: they need no copy then."""
_PAIRS = 4096
_FETCH = 1 << 17
"""Scores that a thread fetches from its table at a time."""


def score_pairs(
    templates: Float32[np.ndarray, "t d"],
    left: Int32[np.ndarray, " p"],
    right: Int32[np.ndarray, " p"],
    *,
    enrolled: Bool[np.ndarray, " t"] | None = None,
) -> Float32[np.ndarray, " p"]:
    """The similarity of each pair: the dot product of its two vectors.

    Args:
        templates: Vectors of length 1, so that the product is the cosine.
        left: Rows of ``templates``.
        right: Rows of ``templates``.
        enrolled: Templates that have a vector; a pair with another one gets −∞, which no threshold
            accepts. All by default.

    Raises:
        ValueError: A pair points outside the templates, or a vector is not finite.
    """
    count = len(templates)
    for side in (left, right):
        if len(side) and not (side.min() >= 0 and side.max() < count):
            raise ValueError(f"a pair points outside 0 … {count - 1}: {side.min()}, {side.max()}")
    finite = np.isfinite(np.einsum("td,td->t", templates, templates))
    if not finite.all():
        raise ValueError(f"template {int(np.argmin(finite))}: its vector is not finite")
    scores = np.empty(len(left), np.float32)
    if not len(left):
        return scores
    # Blocks of the side that names fewer templates: fewer, fuller tables.
    if np.count_nonzero(_used(left, count)) > np.count_nonzero(_used(right, count)):
        left, right = right, left
    _score_blocks(templates, left, right, scores)
    if enrolled is not None and not enrolled.all():
        for part in _parts(len(left)):
            scores[part][~(enrolled[left[part]] & enrolled[right[part]])] = -np.inf
    return scores


def _score_blocks(
    templates: np.ndarray, left: np.ndarray, right: np.ndarray, scores: np.ndarray
) -> None:
    """Score every pair, a block of left templates a thread."""
    used, others = (np.flatnonzero(_used(side, len(templates))) for side in (left, right))
    if len(others) > _MOST * len(templates):
        others = np.arange(len(templates))  # a few products too many, but nothing is copied
    row, column = (_places(one, len(templates)) for one in (used, others))
    columns = templates[_slice_if_whole(others)]
    rows = max(1, _TABLE // len(others))
    in_order = all((left[part][1:] >= left[part][:-1]).all() for part in _parts(len(left), 1))

    def work(start: int) -> None:
        block = used[start : start + rows]
        pairs = _within(left, block, in_order)
        count = pairs.stop - pairs.start if isinstance(pairs, slice) else len(pairs)
        if count < _DENSE * len(block) * len(others):
            scores[pairs] = _each(templates, left[pairs], right[pairs])
            return
        table = (templates[_slice_if_whole(block)] @ columns.T).ravel()
        for first in range(0, count, _FETCH):  # a whole-number index is widened in memory
            part = _part(pairs, first, min(first + _FETCH, count))
            place = row[left[part]]
            place -= np.int32(start)
            place *= np.int32(len(others))
            place += column[right[part]]
            scores[part] = table[place]

    starts = range(0, len(used), rows)
    if len(starts) == 1:
        work(0)
        return
    # Fetching from the table takes as long as the product: a thread does both for its own block,
    # or all cores but one would wait while one fetches.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(_threads()) as workers:
        list(workers.map(work, starts))


def _threads() -> int:
    """One a core, but few: each holds a table of its own."""
    return min(4, os.cpu_count() or 1)


def _parts(count: int, shared: int = 0) -> Iterator[slice]:
    """Slices of a million; a whole-number index is widened in memory, so never all at once."""
    for start in range(0, count, 1_000_000):
        yield slice(start, start + 1_000_000 + shared)


def _used(side: Int32[np.ndarray, " p"], count: int) -> Bool[np.ndarray, " t"]:
    """Which templates one side of the pairs names."""
    used = np.zeros(count, bool)
    for part in _parts(len(side)):
        used[side[part]] = True
    return used


def _places(used: np.ndarray, count: int) -> Int32[np.ndarray, " t"]:
    """Where each template stands in a list of templates."""
    places = np.zeros(count, np.int32)
    places[used] = np.arange(len(used), dtype=np.int32)
    return places


def _slice_if_whole(rows: np.ndarray) -> slice | np.ndarray:
    """Rows in one piece as a slice, which copies nothing."""
    first, last = int(rows[0]), int(rows[-1])
    return slice(first, last + 1) if last - first + 1 == len(rows) else rows


def _within(left: Int32[np.ndarray, " p"], block: np.ndarray, in_order: bool) -> slice | np.ndarray:
    """The pairs whose left template is between a block's first and last."""
    first, last = np.int32(block[0]), np.int32(block[-1])
    if in_order:
        return slice(*np.searchsorted(left, (first, last + 1)).tolist())
    return np.flatnonzero((left >= first) & (left <= last))


def _part(pairs: slice | np.ndarray, first: int, last: int) -> slice | np.ndarray:
    """Some of a block's pairs."""
    if isinstance(pairs, slice):
        return slice(pairs.start + first, pairs.start + last)
    return pairs[first:last]


def _each(templates: np.ndarray, left: np.ndarray, right: np.ndarray) -> Float32[np.ndarray, " p"]:
    """One product a pair, some thousand pairs at a time."""
    scores = np.empty(len(left), np.float32)
    for start in range(0, len(left), _PAIRS):
        part = slice(start, start + _PAIRS)
        scores[part] = np.einsum("pd,pd->p", templates[left[part]], templates[right[part]])
    return scores

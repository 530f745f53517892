"""Work in blocks: what a cache lacks is computed, and written while the rest goes on."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Generic, TypeVar

import numpy as np
from jaxtyping import Int64

from results.cache.store import Cache
from results.export.mapping import Workers, map_blocks
from results.export.stages import Arrays

Show = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Opens a progress bar: its title and total in; what comes out is called with each advance."""
BLOCK = 32
"""Faces of a block: a second or so of work, so that little is lost and workers stay busy."""
WRITE_EVERY = 5.0
"""Seconds of work that may be lost when a run is killed."""
_T = TypeVar("_T")


def no_bar(title: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
    """No progress bar."""
    return nullcontext(lambda advance: None)


class Blocks(Sequence[list[_T]], Generic[_T]):
    """Blocks of faces, each made when it is asked for: the photos' bytes never all lie in memory.

    Args:
        count: How many faces.
        make: Makes what a stage gets of one face, by its position.
    """

    def __init__(self, count: int, make: Callable[[int], _T]) -> None:
        self._count, self._make = count, make

    def __len__(self) -> int:
        return -(-self._count // BLOCK)

    def __getitem__(self, index: int) -> list[_T]:  # type: ignore[override] (no slices)
        if not 0 <= index < len(self):
            raise IndexError(index)
        start = index * BLOCK
        return [self._make(at) for at in range(start, min(start + BLOCK, self._count))]


def distinct(
    keys: Sequence[bytes],
) -> tuple[list[bytes], Int64[np.ndarray, " u"], Int64[np.ndarray, " n"]]:
    """Each key once, in the order of its first place; that place; and which one each key is."""
    place: dict[bytes, int] = {}
    back = np.array([place.setdefault(key, len(place)) for key in keys], np.int64)
    first = np.full(len(place), len(keys), np.int64)
    np.minimum.at(first, back, np.arange(len(keys)))
    return list(place), first, back


def compute_missing(
    task: Callable[[list[_T]], Sequence[Arrays]],
    blocks: Blocks[_T],
    stores: Sequence[Cache],
    keys: Sequence[bytes],
    workers: Workers,
    advance: Callable[[int], None],
) -> None:
    """Map blocks, and store what each gives; whatever stops it, what was computed is kept.

    Args:
        task: From a block to one set of arrays for each store.
        blocks: What is to be computed.
        stores: Where it belongs.
        keys: One a face, in the blocks' order.
        workers: Who computes.
        advance: Called with the number of faces done.

    Raises:
        DataError: As of the task; a worker was lost; the disk is full.
    """
    done: list[tuple[int, Sequence[Arrays]]] = []
    written = time.monotonic()
    try:
        for index, arrays in map_blocks(task, blocks, workers):
            done.append((index, arrays))
            advance(min(BLOCK, len(keys) - index * BLOCK))
            if time.monotonic() - written > WRITE_EVERY:
                _write(done, stores, keys)
                done, written = [], time.monotonic()
    finally:
        _write(done, stores, keys)


def _write(
    done: Sequence[tuple[int, Sequence[Arrays]]], stores: Sequence[Cache], keys: Sequence[bytes]
) -> None:
    if not done:
        return
    names = [one for index, _ in done for one in keys[index * BLOCK : (index + 1) * BLOCK]]
    for at, store in enumerate(stores):
        parts = [arrays[at] for _, arrays in done]
        store.add(
            names, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        )

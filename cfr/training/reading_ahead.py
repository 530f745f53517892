"""Batches of a run: in what order samples come, and drawing them while the network trains."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from torch.utils.data import DataLoader, Dataset

from protocols.errors import BadOption, DataError


def read_ahead(draws: Dataset[Any], first: int, steps: int, workers: int) -> Iterator[Any]:
    """The batches of the steps from ``first`` on, in order.

    Args:
        draws: The batches, by step.
        first: The first step.
        steps: The last one, exclusive.
        workers: Processes; 0 draws in this one.

    Raises:
        DataError: A batch could not be drawn, whichever process tried.
    """
    more: dict[str, Any] = {}
    if workers:
        # A fork would copy libraries' threads in the middle of their work, and a fork server's
        # children would outlive this process if it is killed.
        more = {"multiprocessing_context": "spawn", "prefetch_factor": 4}
    loader: DataLoader[Any] = DataLoader(
        _Told(draws),
        batch_size=None,
        sampler=range(first, steps),
        num_workers=workers,
        worker_init_fn=_one_thread,
        **more,
    )
    for batch in loader:
        if isinstance(batch, DataError):
            raise batch
        yield batch


def require_shares(batch: int, ranks: int) -> None:
    """Refuse a batch that so many processes cannot share evenly.

    Raises:
        BadOption: It is no multiple of them.
    """
    if batch % ranks:
        raise BadOption(f"a batch of {batch}", f"a multiple of {ranks} processes")


@dataclass(frozen=True, eq=False)
class _Told(Dataset[Any]):
    """Batches, or the errors in their place: PyTorch would make a trace of text of an error."""

    draws: Dataset[Any]

    def __getitem__(self, step: int) -> Any:
        try:
            return self.draws[step]
        except DataError as error:
            return error


def _one_thread(worker: int) -> None:
    import cv2

    torch.set_num_threads(1)
    cv2.setNumThreads(1)


@lru_cache(maxsize=16)
def order_of_round(count: int, *numbers: int) -> Int64[np.ndarray, " n"]:
    """The order of samples in a round, each once; numbers such as the seed and the round's own."""
    return np.random.default_rng((*numbers, 11)).permutation(count)

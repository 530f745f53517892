"""Batches of a run: in what order samples come, and drawing them while the network trains."""

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from torch.utils.data import DataLoader, Dataset


def read_ahead(draws: Dataset[Any], first: int, steps: int, workers: int) -> "DataLoader[Any]":
    """The batches of the steps from ``first`` on.

    Args:
        draws: The batches, by step.
        first: The first step.
        steps: The last one, exclusive.
        workers: Processes; 0 draws in this one.
    """
    more: dict[str, Any] = {}
    if workers:
        # A fork would copy libraries' threads in the middle of their work, and a fork server's
        # children would outlive this process if it is killed.
        more = {"multiprocessing_context": "spawn", "prefetch_factor": 4}
    return DataLoader(
        draws,
        batch_size=None,
        sampler=range(first, steps),
        num_workers=workers,
        worker_init_fn=_one_thread,
        **more,
    )


def _one_thread(worker: int) -> None:
    import cv2

    torch.set_num_threads(1)
    cv2.setNumThreads(1)


@lru_cache(maxsize=16)
def order_of_round(count: int, *numbers: int) -> Int64[np.ndarray, " n"]:
    """The order of samples in a round, each once; numbers such as the seed and the round's own."""
    return np.random.default_rng((*numbers, 11)).permutation(count)

"""Batches of a run, drawn by other processes while this one trains."""

from typing import Any

import torch
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

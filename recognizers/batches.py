"""Batches of one size, so that a face's embedding does not depend on the faces beside it."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32, UInt8

Run = Callable[[UInt8[np.ndarray, "b h w 3"]], Float32[np.ndarray, "b d"]]
"""A network: a full batch of faces to a row each."""


def in_batches(
    images: UInt8[np.ndarray, "n h w 3"], size: int, run: Run
) -> Float32[np.ndarray, "n d"]:
    """Feed a network with batches of exactly ``size`` faces.

    Backends choose their kernels by the shape of the input, and other kernels round otherwise. The
    last batch is therefore filled up with copies of its last face, whose answers are dropped.

    Args:
        images: RGB faces, possibly none.
        size: Faces in a batch.
        run: The network. Without faces it is asked once, about black ones, for the dimension.

    Raises:
        ValueError: ``size`` is below 1, or the network does not answer with a row a face.
    """
    if size < 1:
        raise ValueError(f"batch of {size}: expected 1 or more")
    if len(images) == 0:
        return _rows(run, np.zeros((size, *images.shape[1:]), np.uint8))[:0]
    answers = []
    for start in range(0, len(images), size):
        part = images[start : start + size]
        missing = size - len(part)
        full = np.concatenate((part, np.repeat(part[-1:], missing, axis=0))) if missing else part
        answers.append(_rows(run, np.ascontiguousarray(full))[: len(part)])
    return np.concatenate(answers)


def _rows(run: Run, batch: np.ndarray) -> np.ndarray:
    answer = run(batch)
    if answer.ndim != 2 or len(answer) != len(batch):
        raise ValueError(f"network: expected {len(batch)} rows, found shape {answer.shape}")
    return answer

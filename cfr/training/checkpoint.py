"""Checkpoints that training goes on from: written whole, read without running code from them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from protocols.errors import BadInput


class Diverged(BadInput):
    """The losses are no numbers any more."""


def write_checkpoint(
    path: Path, kind: str, digest: str, step: int, parts: Mapping[str, Any]
) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        path: The file.
        kind: Name and version of the format.
        digest: Of everything that decides the run's result.
        step: Steps done.
        parts: States of networks and optimizers by name.
    """
    state = {"format": kind, "digest": digest, "step": step, **parts}
    half = path.with_name(f".{path.name}.half")
    torch.save(state, half)
    half.replace(path)


def read_checkpoint(path: Path, kind: str, digest: str) -> dict[str, Any] | None:
    """Read a checkpoint; None where there is none.

    Args:
        path: The file.
        kind: Name and version of the format.
        digest: Of the run at hand.

    Raises:
        BadInput: It is damaged, of another kind, or of a run with another digest.
    """
    if not path.is_file():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file raises many kinds
        found = " ".join(str(error).split())[:160]
        raise BadInput(path, "", "a whole checkpoint; remove it to begin anew", found) from error
    if not isinstance(state, dict) or state.get("format") != kind:
        raise BadInput(path, "", f"a checkpoint ({kind})", type(state).__name__)
    if state["digest"] != digest:
        expected = "the options, photos and code that the run began with; another --out begins anew"
        raise BadInput(path, "", expected, "others")
    return state


def steps_done(path: Path, kind: str, digest: str) -> int:
    """Where a run goes on: the step of its checkpoint, 0 without one; errors as of reading it."""
    state = read_checkpoint(path, kind, digest)
    return 0 if state is None else int(state["step"])


def seed_of(*numbers: int) -> int:
    """A seed of its own for each combination of numbers, such as seed, step and process."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def require_finite(path: Path, step: int, losses: Mapping[str, float]) -> None:
    """Refuse to go on with losses that are no numbers.

    Raises:
        Diverged: One of them is NaN or infinite.
    """
    wrong = ", ".join(name for name, value in losses.items() if not np.isfinite(value))
    if wrong:
        expected = f"finite losses at step {step}: a lower learning rate may help"
        raise Diverged(path, "", expected, f"NaN or infinity in {wrong}")


class Sums:
    """Sums of losses between two points of a curve."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._count = 0

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Add the losses of a step."""
        for name, value in values.items():
            value = value.detach().float()  # stays on its device: a GPU need not be waited for
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._count += 1

    def means(self) -> dict[str, Tensor]:
        """The mean of each since the last call, by name in order; what was added is forgotten."""
        means = {name: self._sums[name] / self._count for name in sorted(self._sums)}
        self._sums, self._count = {}, 0
        return means


def settle_batch_norm(net: nn.Module) -> None:
    """Let batch normalisation keep the statistics that it has."""
    for layer in net.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.eval()

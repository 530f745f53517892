"""How long a training run is, what is told on the way, and where it goes on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor

from cfr.training.checkpoint import read_checkpoint, require_finite, write_checkpoint

if TYPE_CHECKING:
    from lightning.fabric import Fabric

S = TypeVar("S")

LOGGED = 50
"""Steps whose losses are averaged to one point of a curve."""
Watch = Callable[[int, Mapping[str, float]], None]
"""Told the step and the values of curves."""


@runtime_checkable
class Stateful(Protocol):
    """A network or an optimizer."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that it goes on from."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> object:
        """The inverse."""
        ...


@dataclass(frozen=True)
class Course(Generic[S]):
    """How long a run is, and when it is looked at.

    Attributes:
        schedule: Optimizer and learning rate.
        steps: Of the whole run.
        seed: Of the networks' own chance, such as dropout.
        checkpoint: The file that the run goes on from.
        digest: Of all options: a checkpoint of other ones is refused.
        every: Steps between two checkpoints.
        validate: Steps between two validations.
        workers: Processes that draw batches.
    """

    schedule: S
    steps: int
    seed: int
    checkpoint: Path
    digest: str
    every: int = 500
    validate: int = 1000
    workers: int = 1

    def logs(self, done: int) -> bool:
        """Whether losses are told after so many steps: before each checkpoint, too."""
        return done % LOGGED == 0 or self.saves(done)

    def validates(self, done: int) -> bool:
        """Whether the network is measured then."""
        return done % self.validate == 0 or done == self.steps

    def saves(self, done: int) -> bool:
        """Whether a checkpoint is written then."""
        return done % self.every == 0 or done == self.steps


def tell_validation(fabric: "Fabric", watch: Watch, step: int, found: Mapping[str, float]) -> None:
    """Tell what was measured; on the first process."""
    if fabric.is_global_zero:
        watch(step, {f"validation: {name}": value for name, value in found.items()})


def tell_losses(
    fabric: "Fabric",
    watch: Watch,
    course: Course[Any],
    step: int,
    values: Mapping[str, Tensor],
    rate: float,
    over: Literal["mean", "sum"] = "mean",
) -> None:
    """Tell the losses of the last steps over all processes; on the first one.

    Args:
        fabric: Launched.
        watch: Told.
        course: Of the run.
        step: Steps done.
        values: This process's losses, by name.
        rate: The learning rate.
        over: ``sum`` where each process has a share of the batch's loss.

    Raises:
        Diverged: They are no numbers.
    """
    stacked = torch.stack(list(values.values())).to(fabric.device)
    reduced: Any = fabric.all_reduce(stacked, reduce_op=over)
    found = dict(zip(values, reduced.tolist(), strict=True))
    require_finite(course.checkpoint, step, found)
    if fabric.is_global_zero:
        watch(step, {**found, "learning rate": rate})


def save(
    fabric: "Fabric", course: Course[Any], kind: str, parts: Mapping[str, Stateful], done: int
) -> None:
    """Write the checkpoint on the first process; the others wait.

    Args:
        fabric: Launched.
        course: Of the run.
        kind: Name and version of the format.
        parts: Networks and optimizers by name.
        done: Steps done.
    """
    if fabric.is_global_zero:
        states = {name: one.state_dict() for name, one in parts.items()}
        write_checkpoint(course.checkpoint, kind, course.digest, done, states)
    fabric.barrier()


def resume(course: Course[Any], kind: str, parts: Mapping[str, Stateful]) -> int:
    """Load the checkpoint, if there is one; how many steps were done.

    Raises:
        BadInput: It is damaged, or of a run with other options.
    """
    state = read_checkpoint(course.checkpoint, kind, course.digest)
    if state is None:
        return 0
    for name, one in parts.items():
        one.load_state_dict(state[name])
    return int(state["step"])

"""How everything is trained that tells classes of faces apart, with Lightning Fabric."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from cfr.training.checkpoint import steps_done as steps_of
from cfr.training.course import Course, Watch
from cfr.training.loop import Loop
from recognizers.training.schedule import SgdSchedule, build_optimizer, learning_rate

if TYPE_CHECKING:
    from lightning.fabric import Fabric

LOSS = "loss"
"""The term that training makes small; the others are told."""
_FORMAT = "recognizer-checkpoint-1"


class Learner(nn.Module, ABC):
    """A network with what it is trained by; its state is what a run goes on from.

    Attributes:
        layout: In which order its weights and pictures lie in memory.
    """

    layout: torch.memory_format = torch.channels_last

    @abstractmethod
    def forward(self, batch: Any) -> dict[str, Tensor]:
        """What a batch costs.

        Args:
            batch: As the run's draws give it, on the device; of several processes, this one's part.

        Returns:
            Numbers by name: ``loss``, a mean over the batch, and whatever else curves show.
        """

    def pace(self, name: str) -> float:
        """How many times the schedule's rate the weight of this name learns at."""
        return 1.0


def train(
    fabric: "Fabric",
    learner: Learner,
    draws: Dataset[Any],
    course: Course[SgdSchedule],
    validate: Callable[[int], Mapping[str, float]],
    watch: Watch,
    advance: Callable[[int], None],
) -> None:
    """Train a network, from its last checkpoint on if there is one.

    Args:
        fabric: Device, precision and processes, launched.
        learner: Changed in place; it comes back in evaluation mode.
        draws: The batches, by step: tuples of tensors, this process's part.
        course: How long.
        validate: Measures the network as it is; called in evaluation mode on every process.
        watch: Told losses and validations; on the first process.
        advance: Told the steps done.

    Raises:
        BadInput: The checkpoint is damaged, or of a run with other options; or the losses are NaN.
    """
    learner.to(memory_format=learner.layout)  # type: ignore[call-overload]
    wrapped, optimizer = fabric.setup(
        learner, build_optimizer(learner, course.schedule, learner.pace)
    )
    # The last holds the scale of losses in half precision.
    parts = {"learner": learner, "optimizer": optimizer, "precision": fabric.strategy.precision}

    def update(step: int, batch: Any) -> tuple[float, Mapping[str, Tensor]]:
        rate = learning_rate(course.schedule, step, course.steps)
        for group in optimizer.param_groups:
            group["lr"] = group["pace"] * rate
        given = fabric.to_device(batch)
        return rate, train_step(fabric, wrapped, optimizer, given, course.schedule)

    Loop(fabric, course, _FORMAT, learner, parts, draws, update).run(validate, watch, advance)


def train_step(
    fabric: "Fabric", wrapped: nn.Module, optimizer: Any, batch: Any, schedule: SgdSchedule
) -> dict[str, Tensor]:
    """One update; what the batch cost before it.

    Args:
        fabric: Device and precision.
        wrapped: The learner as ``fabric.setup`` gave it, changed in place.
        optimizer: Likewise.
        batch: On the device.
        schedule: Says how long a gradient may be.
    """
    wrapped.train()
    terms = wrapped(batch)
    optimizer.zero_grad()
    fabric.backward(terms[LOSS])
    if schedule.clip:
        # In half precision a step whose gradient overflows is passed over, and none is finite then.
        fabric.clip_gradients(
            wrapped,  # type: ignore[arg-type]
            optimizer,
            max_norm=schedule.clip,
            error_if_nonfinite=False,
        )
    optimizer.step()
    return terms


def steps_done(course: Course[SgdSchedule]) -> int:
    """Where a run goes on: the step of its checkpoint, 0 without one.

    Raises:
        BadInput: The checkpoint is damaged, or of a run with other options.
    """
    return steps_of(course.checkpoint, _FORMAT, course.digest)

"""The loop that every trainer runs, with Lightning Fabric.

What a step does depends on the seed and its number alone, so that a run that was killed ends with
the same weights as one that was not: bit by bit on a CPU with as many threads and processes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from cfr.training.checkpoint import Sums, seed_of
from cfr.training.course import (
    Course,
    Stateful,
    Watch,
    resume,
    save,
    tell_losses,
    tell_validation,
)
from cfr.training.reading_ahead import read_ahead

if TYPE_CHECKING:
    from lightning.fabric import Fabric

Update = Callable[[int, Any], tuple[float, Mapping[str, Tensor]]]
"""From a step and its batch to the learning rate and the losses, with the weights changed."""


@dataclass(frozen=True, eq=False)
class Loop:
    """What a run does at each step.

    Attributes:
        fabric: Device, precision and processes, launched.
        course: How long.
        kind: Name and version of the checkpoint's format.
        net: What is measured, in evaluation mode; it comes back in that.
        parts: What a run goes on from, by name.
        draws: The batches, by step; of several processes, this one's part.
        update: Changes the weights.
        over: ``sum`` where each process has a share of the batch's loss.
    """

    fabric: "Fabric"
    course: Course[Any]
    kind: str
    net: nn.Module
    parts: Mapping[str, Stateful]
    draws: Dataset[Any]
    update: Update
    over: Literal["mean", "sum"] = "mean"

    def run(
        self,
        validate: Callable[[int], Mapping[str, float]],
        watch: Watch,
        advance: Callable[[int], None],
    ) -> None:
        """Train, from the last checkpoint on if there is one.

        Args:
            validate: Measures the network as it is; called on every process.
            watch: Told losses and validations; on the first process.
            advance: Told the steps done.

        Raises:
            BadInput: The checkpoint is damaged, or of a run with other options; a batch cannot be
                drawn; or the losses are NaN.
        """
        fabric, course = self.fabric, self.course
        done = resume(course, self.kind, self.parts)
        advance(done)
        if done == 0:
            self._measure(validate, watch, 0)
        sums = Sums()
        batches = read_ahead(self.draws, done, course.steps, course.workers)
        for step, batch in enumerate(batches, done):
            torch.manual_seed(seed_of(course.seed, step, fabric.global_rank))
            rate, losses = self.update(step, batch)
            sums.add(losses)
            done = step + 1
            if course.logs(done):
                tell_losses(fabric, watch, course, done, sums.means(), rate, over=self.over)
            if course.validates(done):
                self._measure(validate, watch, done)
            if course.saves(done):
                save(fabric, course, self.kind, self.parts, done)
            advance(1)
        self.net.eval()

    def _measure(
        self, validate: Callable[[int], Mapping[str, float]], watch: Watch, step: int
    ) -> None:
        self.net.eval()
        tell_validation(self.fabric, watch, step, validate(step))

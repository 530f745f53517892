"""How generators are trained, with Lightning Fabric.

Fabric gives device, precision and processes; the networks are not wrapped. Eq. 7 differentiates a
gradient, which DistributedDataParallel does not follow, so gradients are added up by hand.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from cfr.gan.batch_norm import share_gradients
from cfr.gan.batches import PairBatch, PairDraws
from cfr.gan.building import Nets
from cfr.gan.objective import Objective
from cfr.gan.presets import GanSchedule
from cfr.training.checkpoint import steps_done as steps_of
from cfr.training.course import Course, Watch
from cfr.training.loop import Loop

if TYPE_CHECKING:
    from lightning.fabric import Fabric

_FORMAT = "cfr-gan-checkpoint-1"


def train(
    fabric: "Fabric",
    nets: Nets,
    objective: Objective,
    draws: PairDraws,
    course: Course[GanSchedule],
    validate: Callable[[int], Mapping[str, float]],
    watch: Watch,
    advance: Callable[[int], None],
) -> None:
    """Train both networks in turn, from the last checkpoint on if there is one.

    Args:
        fabric: Device, precision and processes, launched.
        nets: Changed in place; the generator comes back in evaluation mode.
        objective: The losses of both.
        draws: The batches.
        course: How long.
        validate: Measures the generator as it is; called in evaluation mode on every process.
        watch: Told losses and validations; on the first process.
        advance: Told the steps done.

    Raises:
        BadInput: The checkpoint is damaged, or of a run with other options; or the losses are NaN.
    """
    for net in (nets.generator, nets.discriminator):
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizers = {
        "generator": build_optimizer(nets.generator, course.schedule),
        "discriminator": build_optimizer(nets.discriminator, course.schedule),
    }
    parts = {
        "generator": nets.generator,
        "discriminator": nets.discriminator,
        **{f"optimizer of {name}": one for name, one in optimizers.items()},
    }

    def update(step: int, batch: PairBatch) -> tuple[float, Mapping[str, Tensor]]:
        rate = learning_rate(course.schedule, step, course.steps, draws.steps_of_epoch)
        for name, optimizer in optimizers.items():
            times = course.schedule.discriminator if name == "discriminator" else 1
            optimizer.param_groups[0]["lr"] = times * rate
        return rate, train_step(fabric, nets, objective, optimizers, batch.to(fabric.device))

    loop = Loop(fabric, course, _FORMAT, nets.generator, parts, draws, update, over="sum")
    loop.run(validate, watch, advance)


def train_step(
    fabric: "Fabric",
    nets: Nets,
    objective: Objective,
    optimizers: Mapping[str, torch.optim.Optimizer],
    batch: PairBatch,
) -> dict[str, Tensor]:
    """One update of the discriminator and one of the generator.

    Args:
        fabric: Device and precision.
        nets: Changed in place.
        objective: The losses of both.
        optimizers: By the networks' names.
        batch: On the device; of several processes, this one's part.

    Returns:
        The losses by name, unweighted, this process's share.
    """
    nets.generator.train()
    nets.discriminator.train()
    with fabric.autocast():
        painted = nets.generator(batch.damaged, batch.guide)
    # In full precision: a slope's sixth power spans more than half of one holds.
    judged = objective.judging(nets.discriminator, batch.photo, painted.image.float())
    if judged:
        _update(optimizers["discriminator"], nets.discriminator, *judged.values())
    with _losses_precision(fabric), _frozen(nets.discriminator):
        cost = objective(painted, batch, nets.discriminator)
    _update(optimizers["generator"], nets.generator, cost.total)
    return {**judged, **cost.terms, "total": cost.total}


def build_optimizer(net: nn.Module, schedule: GanSchedule) -> torch.optim.AdamW:
    """AdamW with the schedule's numbers."""
    return torch.optim.AdamW(
        net.parameters(),
        lr=schedule.learning_rate,
        betas=schedule.betas,
        weight_decay=schedule.weight_decay,
    )


def learning_rate(schedule: GanSchedule, step: int, steps: int, epoch: int) -> float:
    """The generator's rate of a step, from 0.

    Args:
        schedule: How it changes.
        step: From 0.
        steps: Of the run.
        epoch: Steps of an epoch.
    """
    if schedule.decay == "constant":
        return schedule.learning_rate
    if schedule.decay == "linear":
        left = (steps - step) / ((1 - schedule.full) * steps)
        return schedule.learning_rate * min(1.0, left)
    half = steps if schedule.decay == "cosine" else schedule.half_period * epoch
    high = 0.5 * (1 + float(np.cos(np.pi * step / half)))
    return schedule.least + (schedule.learning_rate - schedule.least) * high


def steps_done(course: Course[GanSchedule]) -> int:
    """Where a run goes on: the step of its checkpoint, 0 without one.

    Raises:
        BadInput: The checkpoint is damaged, or of a run with other options.
    """
    return steps_of(course.checkpoint, _FORMAT, course.digest)


def _update(optimizer: torch.optim.Optimizer, net: nn.Module, *costs: Tensor) -> None:
    optimizer.zero_grad()
    torch.stack(costs).sum().backward()
    share_gradients(net)
    optimizer.step()


def _losses_precision(fabric: "Fabric") -> AbstractContextManager[object]:
    """Where the losses are computed: a CPU's half precision is slower for their networks.

    They are recognizers for phones, of many thin convolutions.
    """
    return fabric.autocast() if fabric.device.type == "cuda" else nullcontext()


@contextmanager
def _frozen(net: nn.Module) -> Iterator[None]:
    """No gradient goes to the network's weights."""
    net.requires_grad_(requires_grad=False)
    try:
        yield
    finally:
        net.requires_grad_(requires_grad=True)

"""How all three regressors are trained, with Lightning Fabric."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from cfr.regressor.batches import Batch, Draws
from cfr.regressor.landmarks import project_landmarks
from cfr.regressor.losses import landmark_error
from cfr.regressor.objectives import Objective
from cfr.regressor.presets import Schedule
from cfr.training.checkpoint import settle_batch_norm
from cfr.training.checkpoint import steps_done as steps_of
from cfr.training.course import Course, Watch
from cfr.training.loop import Loop

if TYPE_CHECKING:
    from lightning.fabric import Fabric

    from cfr.morphable.model import MorphableModel
    from cfr.regressor.network import RNet

_FORMAT = "cfr-regressor-checkpoint-1"


def train(
    fabric: "Fabric",
    net: "RNet",
    objective: Objective,
    draws: Draws,
    course: Course[Schedule],
    validate: Callable[[int], Mapping[str, float]],
    watch: Watch,
    advance: Callable[[int], None],
) -> None:
    """Train a regressor, from its last checkpoint on if there is one.

    Args:
        fabric: Device, precision and processes, launched.
        net: Changed in place; it comes back in evaluation mode.
        objective: The losses.
        draws: The batches.
        course: How long.
        validate: Measures the network as it is; called in evaluation mode on every process.
        watch: Told losses and validations; on the first process.
        advance: Told the steps done.

    Raises:
        BadInput: The checkpoint is damaged, or of a run with other options; or the losses are NaN.
    """
    optimizer = build_optimizer(net, course.schedule)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    wrapped, optimizer = fabric.setup(net, optimizer)
    wrapped.mark_forward_method("look")
    parts = {"net": net, "optimizer": optimizer}

    def update(step: int, batch: Batch) -> tuple[float, Mapping[str, Tensor]]:
        rate = learning_rate(course.schedule, step, course.steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        to_training(net, settled=step >= course.schedule.settled * course.steps)
        cost = objective(wrapped, _on(fabric.device, batch))
        optimizer.zero_grad()
        fabric.backward(cost.total)
        optimizer.step()
        return rate, {**cost.terms, "total": cost.total}

    Loop(fabric, course, _FORMAT, net, parts, draws, update).run(validate, watch, advance)


def build_optimizer(net: "RNet", schedule: Schedule) -> torch.optim.Optimizer:
    """Adam or AdamW with the schedule's numbers."""
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    return kinds[schedule.optimizer](
        net.parameters(),
        lr=schedule.learning_rate,
        betas=schedule.betas,
        weight_decay=schedule.weight_decay,
    )


def learning_rate(schedule: Schedule, step: int, steps: int) -> float:
    """The rate of a step, from 0: by a cosine to 0 at the end, or dropped once."""
    if schedule.decay == "drop":
        late = step >= schedule.drop_at * steps
        return schedule.learning_rate * (schedule.drop if late else 1.0)
    return schedule.learning_rate * 0.5 * (1 + float(np.cos(np.pi * step / steps)))


@torch.no_grad()
def validation_error(
    net: "RNet", model: "MorphableModel", draws: Draws, batches: int, device: torch.device
) -> dict[str, float]:
    """Mean |error| of a landmark coordinate in pixels of a 224 crop, over held-out samples.

    Args:
        net: In evaluation mode.
        model: Its face model, on the device.
        draws: Of held-out samples; all processes see the same ones.
        batches: How many.
        device: Where the network is.

    Returns:
        ``photos`` and ``others`` (turned photos and renders), with and without ``, occluded``.
    """
    errors: dict[str, list[Tensor]] = {}
    for step in range(batches):
        batch = _on(device, draws[step])
        for suffix, picture in (("", batch.clean), (", occluded", batch.given)):
            found = net.layout.split(net(picture))
            points = project_landmarks(model, found, draws.frame.camera)
            points = points + points.new_tensor(net.offset)
            for kind, rows in (("photos", batch.photo), ("others", ~batch.photo)):
                for one in rows.nonzero()[:, 0].tolist():
                    of_one = points[one : one + 1], batch.points[one : one + 1]
                    error = landmark_error(*of_one, size=net.size)
                    errors.setdefault(f"{kind}{suffix}", []).append(error)
    return {name: float(torch.stack(values).mean()) for name, values in errors.items()}


def to_training(net: torch.nn.Module, *, settled: bool) -> None:
    """Set the training mode, in which batch normalisation may keep its statistics."""
    net.train()
    if settled:
        settle_batch_norm(net)


def steps_done(course: Course[Schedule]) -> int:
    """Where a run goes on: the step of its checkpoint, 0 without one.

    Raises:
        BadInput: The checkpoint is damaged, or of a run with other options.
    """
    return steps_of(course.checkpoint, _FORMAT, course.digest)


def _on(device: torch.device, batch: Batch) -> Batch:
    """A batch on a device, its pictures in the layout that convolutions like."""
    moved = Batch(*(one.to(device) for one in batch))
    like = torch.channels_last
    return moved._replace(
        given=moved.given.contiguous(memory_format=like),
        clean=moved.clean.contiguous(memory_format=like),
    )

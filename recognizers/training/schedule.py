"""Stochastic gradient descent as recognizers are trained with it, and its learning rates."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # PyTorch is imported when a run begins
    import torch
    from torch import nn


@dataclass(frozen=True)
class SgdSchedule:
    """How weights are changed, step by step.

    Attributes:
        batch: Samples a step, over all processes.
        learning_rate: Of the first step after the warm-up.
        steps: Of the run; or ``epochs``.
        epochs: How often each sample is drawn, where ``steps`` is None.
        momentum: Of SGD, without Nesterov's.
        weight_decay: Of all weights.
        decay: ``steps`` multiplies the rate by ``drop`` at each of ``drops``; ``polynomial`` lets
            it fall to 0 at the end.
        drops: Shares of the run, ascending.
        drop: Likewise.
        power: Of the polynomial.
        warmup: Steps in which the rate grows from near 0.
        clip: The longest gradient, as the norm over all weights; 0 for any.
    """

    batch: int
    learning_rate: float
    steps: int | None = None
    epochs: int | None = None
    momentum: float = 0.9
    weight_decay: float = 5e-4
    decay: Literal["steps", "polynomial"] = "steps"
    drops: tuple[float, ...] = ()
    drop: float = 0.1
    power: float = 2.0
    warmup: int = 0
    clip: float = 0.0


def learning_rate(schedule: SgdSchedule, step: int, steps: int) -> float:
    """The rate of a step, from 0, in a run of so many steps."""
    rate = schedule.learning_rate
    if step < schedule.warmup:
        return rate * (step + 1) / schedule.warmup
    if schedule.decay == "polynomial":
        left = (steps - step) / max(1, steps - schedule.warmup)
        return rate * left**schedule.power
    return rate * schedule.drop ** sum(step >= round(at * steps) for at in schedule.drops)


def same_pace(name: str) -> float:
    """Every weight learns at the schedule's rate."""
    return 1.0


def build_optimizer(
    learner: "nn.Module", schedule: SgdSchedule, pace: Callable[[str], float] = same_pace
) -> "torch.optim.SGD":
    """SGD with the schedule's numbers, for all weights that want a gradient.

    Args:
        learner: Holds them.
        schedule: The numbers.
        pace: How many times the rate a weight learns at, by its name; a group's is its ``pace``.
    """
    import torch

    groups: dict[float, list[nn.Parameter]] = {}
    for name, one in learner.named_parameters():
        if one.requires_grad:
            groups.setdefault(pace(name), []).append(one)
    return torch.optim.SGD(
        [
            {"params": weights, "pace": times, "lr": times * schedule.learning_rate}
            for times, weights in groups.items()
        ],
        lr=schedule.learning_rate,
        momentum=schedule.momentum,
        weight_decay=schedule.weight_decay,
    )

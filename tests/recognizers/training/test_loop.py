import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

from cfr.training.course import Course
from protocols.errors import BadInput
from recognizers.training.loop import Learner, steps_done, train
from recognizers.training.schedule import SgdSchedule, build_optimizer, learning_rate


class Batch(NamedTuple):
    given: Tensor
    wanted: Tensor


class Lines(Dataset[Batch]):
    """Points on one side of a plane or the other."""

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.default_rng((3, step))
        given = rng.normal(size=(8, 5)).astype(np.float32)
        return Batch(torch.from_numpy(given), torch.from_numpy((given[:, 0] > 0).astype(np.int64)))


class Classifier(Learner):
    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.first = nn.Linear(5, 16)
        self.net = nn.Sequential(self.first, nn.Dropout(0.2), nn.ReLU(), nn.Linear(16, 2))
        for one in self.parameters():
            nn.init.normal_(one, 0, 0.2, generator=generator)

    def forward(self, batch: Any) -> dict[str, Tensor]:
        logits = self.net(batch.given)
        right = (logits.argmax(1) == batch.wanted).float().mean()
        return {"loss": functional.cross_entropy(logits, batch.wanted), "right": right}


class Stop(Exception):
    pass


def run(folder: Path, steps: int, stop: int | None = None, rate: float = 0.05) -> Classifier:
    from lightning.fabric import Fabric

    fabric = Fabric(accelerator="cpu", devices=1)
    course = Course(
        schedule=SgdSchedule(batch=8, learning_rate=rate, drops=(0.5,), clip=5.0),
        steps=steps,
        seed=4,
        checkpoint=folder / "checkpoint.pt",
        digest=f"{rate}",
        every=10,
        validate=20,
        workers=0,
    )
    learner, told = Classifier(), []

    def watch(step: int, values: Mapping[str, float]) -> None:
        told.append((step, dict(values)))

    gone = 0

    def advance(count: int) -> None:
        nonlocal gone
        gone += count
        if gone == stop:
            raise Stop

    def validate(step: int) -> Mapping[str, float]:
        assert not learner.training
        return {"weight": learner.first.weight.detach().abs().sum().item()}

    train(fabric, learner, Lines(), course, validate, watch, advance)
    assert steps_done(course) == steps
    assert not learner.training
    learner.told = told  # type: ignore[assignment]
    return learner


def test_it_learns_and_tells(tmp_path: Path) -> None:
    told: Any = run(tmp_path, 200).told
    losses = {step: one for step, one in told if "loss" in one}
    assert losses[10]["loss"] == pytest.approx(math.log(2), abs=0.2)
    assert losses[200]["loss"] < 0.35
    assert losses[200]["right"] > 0.85
    assert losses[100]["learning rate"] == 0.05
    assert losses[200]["learning rate"] == pytest.approx(0.005)
    validated = [step for step, one in told if "validation: weight" in one]
    assert validated == list(range(0, 201, 20))


def test_a_run_that_stopped_ends_with_the_same_weights(tmp_path: Path) -> None:
    """In the middle between two checkpoints, dropout and momentum included."""
    (tmp_path / "whole").mkdir()
    (tmp_path / "stopped").mkdir()
    whole = run(tmp_path / "whole", 60)
    with pytest.raises(Stop):
        run(tmp_path / "stopped", 60, stop=36)
    again = run(tmp_path / "stopped", 60)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def test_another_runs_checkpoint_and_no_numbers_are_refused(tmp_path: Path) -> None:
    run(tmp_path, 10)
    with pytest.raises(BadInput, match="options, photos and code"):
        run(tmp_path, 10, rate=0.1)
    (tmp_path / "wild").mkdir()
    with pytest.raises(BadInput, match="a lower learning rate may help"):
        run(tmp_path / "wild", 200, rate=1e30)


def test_the_rate_by_steps() -> None:
    """ArcFace's schedule on CASIA-WebFace: ÷ 10 at 20,000 and 28,000 of 32,000."""
    schedule = SgdSchedule(512, 0.1, drops=(20 / 32, 28 / 32))
    rates = [learning_rate(schedule, step, 32_000) for step in (0, 19_999, 20_000, 27_999, 28_000)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001])


def test_the_rate_by_a_polynomial() -> None:
    schedule = SgdSchedule(512, 0.1, decay="polynomial", warmup=10)
    rates = [learning_rate(schedule, step, 110) for step in (0, 9, 10, 60, 109)]
    assert rates == pytest.approx([0.01, 0.1, 0.1, 0.1 * 0.5**2, 0.1 * 0.01**2])


def test_the_optimizer_is_plain_sgd_with_momentum() -> None:
    """Against the definition: v ← m·v + g + w·d, w ← w − r·v."""
    schedule = SgdSchedule(1, 0.1, momentum=0.9, weight_decay=0.01)
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 2.0)
    optimizer = build_optimizer(layer, schedule)
    weight, velocity = 2.0, 0.0
    for gradient in (1.0, -3.0, 0.5):
        optimizer.zero_grad()
        (gradient * layer.weight).sum().backward()
        optimizer.step()
        velocity = 0.9 * velocity + gradient + 0.01 * weight
        weight -= 0.1 * velocity
        assert layer.weight.item() == pytest.approx(weight)

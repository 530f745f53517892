"""The loop of CFR-GAN: it learns, goes on bit by bit, and refuses what is not its own."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from cfr.gan.batches import PairDraws
from cfr.gan.discriminator import Discriminator
from cfr.gan.generator import Generator
from cfr.gan.objective import GeneratorObjective, PerceptualNetwork
from cfr.gan.presets import PRESETS, GanLosses, GanSchedule, without
from cfr.gan.sizes import GeneratorSize
from cfr.gan.training import Nets, learning_rate, steps_done, train
from cfr.gan.validation import validation_scores
from cfr.training.checkpoint import Diverged
from cfr.training.course import Course
from protocols.errors import BadInput
from results.bench.made_up_pairs import MadeUpPairs

SCHEDULE = GanSchedule(batch=4, epochs=None, steps=6, decay="cosine", learning_rate=1e-3)
SOURCE = MadeUpPairs(80, 32)
PLAIN = GanLosses(perceptual=0.0, identity=0.0)
PUBLISHED = PRESETS["release"].augmentation
Values = list[tuple[int, dict[str, float]]]


class Stopped(Exception):
    """A run that is killed."""


def nets(seed: int = 0) -> Nets:
    torch.manual_seed(seed)
    return Nets(Generator(GeneratorSize(4, 1)), Discriminator(4, "release"))


def draws(**changes: Any) -> PairDraws:
    amounts = {"amounts": PUBLISHED, "binary": False, "batch": 4, "seed": 1}
    return PairDraws(SOURCE, 32, **{**amounts, **changes})


def course(folder: Path, **changes: Any) -> Course[GanSchedule]:
    begun = Course(SCHEDULE, 6, 1, folder / "checkpoint.pt", "digest", every=2, workers=0)
    return replace(begun, **changes)


def run(
    folder: Path,
    *,
    stop: int = -1,
    losses: GanLosses = PLAIN,
    validate: Callable[[int], Mapping[str, float]] = lambda step: {},
    told: Values | None = None,
    objective: GeneratorObjective | None = None,
    pair: Nets | None = None,
    **changes: Any,
) -> Nets:
    """Six steps with a checkpoint every two; ``stop`` ends it after so many."""
    fabric = Fabric(accelerator="cpu", devices=1)
    fabric.launch()
    folder.mkdir(exist_ok=True)
    pair, done = pair or nets(), [0]

    def advance(by: int) -> None:
        done[0] += by
        if done[0] == stop:
            raise Stopped

    def watch(step: int, values: Mapping[str, float]) -> None:
        if told is not None:
            told.append((step, dict(values)))

    what = objective or GeneratorObjective(losses)
    train(fabric, pair, what, draws(), course(folder, **changes), validate, watch, advance)
    return pair


def states(pair: Nets) -> dict[str, Tensor]:
    found = {f"g.{name}": one for name, one in pair.generator.state_dict().items()}
    return found | {f"d.{name}": one for name, one in pair.discriminator.state_dict().items()}


def same(one: Nets, other: Nets) -> bool:
    left, right = states(one), states(other)
    return all(torch.equal(left[name], right[name]) for name in left)


def test_a_run_that_was_stopped_goes_on_bit_by_bit(tmp_path: Path) -> None:
    told: dict[str, Values] = {"whole": [], "stopped": []}
    whole = run(tmp_path / "whole", told=told["whole"])
    assert not same(whole, nets())
    for stop in (3, 5):  # behind the checkpoints of steps 2 and 4
        with pytest.raises(Stopped):
            run(tmp_path / "stopped", stop=stop)
        assert steps_done(course(tmp_path / "stopped")) == stop - 1
    stopped = run(tmp_path / "stopped", pair=nets(seed=9), told=told["stopped"])
    assert same(stopped, whole)
    assert told["stopped"][-1] == told["whole"][-1]
    assert not same(run(tmp_path / "other", pair=nets(seed=9)), whole)


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(BadInput, match="the options, photos and code that the run began with"):
        run(tmp_path, digest="another")
    (tmp_path / "checkpoint.pt").write_bytes(b"nothing")
    with pytest.raises(BadInput, match="a whole checkpoint; remove it to begin anew"):
        run(tmp_path)
    torch.save({"format": "cfr-regressor-checkpoint-1"}, tmp_path / "checkpoint.pt")
    with pytest.raises(BadInput, match=r"a checkpoint \(cfr-gan-checkpoint-1\)"):
        run(tmp_path)


def test_losses_and_validations_are_told(tmp_path: Path) -> None:
    told: Values = []
    modes: list[bool] = []
    pair = nets()

    def validate(step: int) -> Mapping[str, float]:
        modes.append(pair.generator.training)
        return {"score": float(step)}

    run(tmp_path, told=told, validate=validate, pair=pair)
    assert modes == [False, False]
    assert (0, {"validation: score": 0.0}) in told
    assert told[-1] == (6, {"validation: score": 6.0})
    step, losses = told[1]
    assert step == 2
    expected = {"distance", "penalty", "adversarial", "reconstruction", "mask", "total"}
    assert set(losses) == {*expected, "learning rate"}
    parts = (PLAIN.adversarial, "adversarial"), (PLAIN.mask, "mask"), (2.4, "reconstruction")
    assert losses["total"] == pytest.approx(sum(w * losses[n] for w, n in parts), rel=1e-5)
    assert not pair.generator.training


def test_it_learns_to_paint_what_is_hidden(tmp_path: Path) -> None:
    """A hundred and sixty steps on ovals: colours of unseen ones get closer than they are given."""
    held_out = draws(amounts=without(PRESETS["mini"], ("augmentation",)).augmentation,
                     held_out=True)  # fmt: skip
    pair, scores = nets(), []

    def validate(step: int) -> Mapping[str, float]:
        found = validation_scores(pair.generator, held_out, 1, torch.device("cpu"))
        scores.append(found)
        return found

    schedule = replace(SCHEDULE, learning_rate=4e-3)
    run(tmp_path, validate=validate, pair=pair, schedule=schedule, steps=160, every=160)
    first, last = scores[0], scores[-1]
    assert last["hidden"] < 0.5 * first["hidden"]
    assert last["hidden"] < 0.7 * last["hidden, damaged"]
    assert last["mask IoU"] > 0.5 > first["mask IoU"]
    assert last["hidden, damaged"] == first["hidden, damaged"]


def test_without_a_loss_its_network_is_not_needed_and_its_term_not_there(tmp_path: Path) -> None:
    told: Values = []
    losses = without(PRESETS["mini"], ("adversarial", "perceptual", "identity", "mask")).losses
    assert isinstance(losses, GanLosses)
    pair = nets()
    before = {name: one.clone() for name, one in pair.discriminator.state_dict().items()}
    run(tmp_path, told=told, losses=losses, pair=pair)
    assert set(told[1][1]) == {"reconstruction", "total", "learning rate"}
    after = pair.discriminator.state_dict()
    assert all(torch.equal(one, after[name]) for name, one in before.items())
    for part in ("perceptual", "identity"):
        with pytest.raises(ValueError, match=f"the {part} loss counts, but there is no network"):
            GeneratorObjective(replace(PLAIN, **{part: 1.0}))


def test_networks_of_losses_get_gradients_through_and_stay_as_they_are(tmp_path: Path) -> None:
    torch.manual_seed(3)
    eye = nn.Conv2d(3, 4, 3)
    eye.requires_grad_(requires_grad=False)
    before = eye.weight.clone()
    network = PerceptualNetwork(lambda pictures: [eye(pictures)], (1.0,))
    objective = GeneratorObjective(
        GanLosses(adversarial=0.0, reconstruction=0.0, mask=0.0),
        network,
        lambda faces: eye(faces).mean((2, 3)),
    )
    told: Values = []
    moved = run(tmp_path, objective=objective, told=told)
    assert set(told[1][1]) == {"perceptual", "identity", "total", "learning rate"}
    assert torch.equal(eye.weight, before)
    ours, theirs = states(moved), states(nets())
    assert not torch.equal(ours["g.out.bias"], theirs["g.out.bias"])


def test_losses_that_are_no_numbers_stop_the_run(tmp_path: Path) -> None:
    network = PerceptualNetwork(lambda pictures: [pictures * torch.nan], (1.0,))
    with pytest.raises(
        Diverged, match=r"finite losses at step 2: .* found NaN or infinity in .*perceptual"
    ):
        run(tmp_path, objective=GeneratorObjective(replace(PLAIN, perceptual=1.0), network))


def test_the_released_rate_goes_down_and_up_and_the_cosine_once() -> None:
    schedule = GanSchedule()
    rates = np.array([learning_rate(schedule, step, 1000, 10) for step in range(151)])
    assert rates[0] == rates[100] == 2e-4
    assert rates[50] == rates[150] == pytest.approx(1e-8)
    assert rates[25] == pytest.approx(1e-4, rel=1e-3)
    # PyTorch's own scheduler, stepped past its T_max
    weight = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([weight], lr=2e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50, eta_min=1e-8)
    theirs = []
    for _ in range(151):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    np.testing.assert_allclose(rates, theirs, rtol=1e-4, atol=1e-9)
    once = [learning_rate(SCHEDULE, step, 6, 3) for step in range(7)]
    assert once == sorted(once, reverse=True)
    assert once[-1] == pytest.approx(SCHEDULE.least)
    flat = replace(SCHEDULE, decay="constant")
    assert learning_rate(flat, 5, 6, 3) == SCHEDULE.learning_rate


def test_presets_are_the_published_networks() -> None:
    for name, form in (("paper", "paper"), ("release", "release")):
        preset = PRESETS[name]  # type: ignore[index]
        assert (preset.size, preset.generator, preset.width) == (224, GeneratorSize(64, 9), 64)
        assert (preset.form, preset.binary) == (form, name == "paper")
        assert (preset.schedule.batch, preset.schedule.epochs) == (32, 80)
        assert isinstance(preset.losses, GanLosses)
        assert preset.losses.perceptual_form == {"paper": "l1", "release": "mse"}[name]

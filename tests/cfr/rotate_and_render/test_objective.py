"""The losses against hand numbers, and a short training in CFR-GAN's loop."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning.fabric import Fabric

from cfr.gan.batches import PairDraws
from cfr.gan.building import Nets, build_nets, build_objective
from cfr.gan.objective import Objective, PerceptualNetwork
from cfr.gan.presets import PRESETS, GanPreset, without
from cfr.gan.sizes import RotateSize
from cfr.gan.training import learning_rate, train
from cfr.gan.validation import validation_scores
from cfr.rotate_and_render.objective import (
    RotateObjective,
    convincing,
    feature_matching,
    hinge,
)
from cfr.training.course import Course
from protocols.errors import BadOption
from results.bench.made_up_pairs import MadeUpPairs

PRESET = PRESETS["rotate-and-render-mini"]
TINY = replace(without(PRESET, ("perceptual",)), generator=RotateSize(8, 2, 2), width=8, size=32)


def scales(*logits: list[float]) -> list[list[torch.Tensor]]:
    """Two feature maps of each scale, all 0, and its logits."""
    return [[torch.zeros(1, 2, 2, 2), torch.zeros(1, 3, 1, 1), torch.tensor(one)] for one in logits]


def test_hinge_is_the_mean_of_scales_beyond_the_margin() -> None:
    said = scales([2.0, 0.5, -1.0], [0.0])
    assert hinge(said, real=True).item() == pytest.approx(((0 + 0.5 + 2) / 3 + 1) / 2)
    assert hinge(said, real=False).item() == pytest.approx(((3 + 1.5 + 0) / 3 + 1) / 2)
    assert convincing(said).item() == pytest.approx(-(0.5 + 0) / 2)


def test_feature_matching_leaves_the_logits_out_and_takes_no_gradient_of_photos() -> None:
    painted, photo = scales([5.0], [5.0]), scales([0.0], [0.0])
    painted[0][0] = torch.full((1, 2, 2, 2), 0.5, requires_grad=True)
    painted[1][1] = torch.tensor([1.0, -2.0, 0.0]).view(1, 3, 1, 1)
    photo[0][0].requires_grad_()
    loss = feature_matching(painted, photo)
    assert loss.item() == pytest.approx((0.5 + 3 / 3) / 2)
    loss.backward()
    assert painted[0][0].grad is not None
    assert photo[0][0].grad is None


def test_a_cost_weighs_its_losses() -> None:
    torch.manual_seed(0)
    nets = build_nets(TINY)
    half = PerceptualNetwork(lambda pictures: [pictures[:, :, ::2, ::2]], (2.0,))
    objective = build_objective(PRESET, half, None)
    assert isinstance(objective, Objective)
    assert isinstance(objective, RotateObjective)
    batch = PairDraws(MadeUpPairs(80, 32), 32, TINY.augmentation, False, 4, 1)[0]
    painted = nets.generator(batch.damaged, batch.guide)
    cost = objective(painted, batch, nets.discriminator.eval())
    terms = {name: one.item() for name, one in cost.terms.items()}
    assert set(terms) == {"adversarial", "features", "perceptual"}
    apart = (painted.image - batch.photo).abs()[:, :, ::2, ::2].mean().item()
    assert terms["perceptual"] == pytest.approx(2 * apart, rel=1e-4)
    expected = terms["adversarial"] + 10 * terms["features"] + 10 * terms["perceptual"]
    assert cost.total.item() == pytest.approx(expected, rel=1e-5)
    judged = objective.judging(nets.discriminator, batch.photo, painted.image)
    alone = hinge(nets.discriminator(batch.photo), real=True)
    assert judged["hinge, photos"].item() == pytest.approx(alone.item(), rel=1e-4)
    nets.generator.zero_grad()
    torch.stack(list(judged.values())).sum().backward()
    assert all(one.grad is None for one in nets.generator.parameters())
    with pytest.raises(ValueError, match="the perceptual loss counts"):
        build_objective(PRESET, None, None)


def test_the_rate_is_full_and_then_falls_evenly_to_nothing() -> None:
    schedule = replace(PRESET.schedule, full=0.5)
    rates = [learning_rate(schedule, step, 8, 1) / 1e-4 for step in range(8)]
    assert rates == pytest.approx([1, 1, 1, 1, 1, 0.75, 0.5, 0.25])


def test_parts_that_it_has_not_cannot_be_left_out() -> None:
    for part in ("identity", "mask", "occlusion-path"):
        with pytest.raises(BadOption, match=f"--without {part}: expected a part of the preset"):
            without(PRESET, (part,))
    with pytest.raises(BadOption, match="--without features"):
        without(PRESETS["mini"], ("features",))


def run(folder: Path, nets: Nets, preset: GanPreset, objective: Objective, steps: int) -> None:
    fabric = Fabric(accelerator="cpu", devices=1)
    fabric.launch()
    draws = PairDraws(MadeUpPairs(80, 32), 32, preset.augmentation, False, 4, 1)
    path = folder / "checkpoint.pt"
    course = Course(preset.schedule, steps, 1, path, "digest", 100, workers=0)
    train(fabric, nets, objective, draws, course, lambda _: {}, lambda *_: None, lambda _: None)


def test_it_learns(tmp_path: Path) -> None:
    torch.manual_seed(0)
    nets = build_nets(TINY)
    held = PairDraws(MadeUpPairs(80, 32), 32, TINY.augmentation, False, 4, 1, held_out=True)

    @torch.no_grad()
    def error() -> float:
        painted = nets.generator.eval()(held[0].damaged, held[0].guide).image
        return (painted - held[0].photo).abs().mean().item()

    before = error()
    plain = PerceptualNetwork(lambda pictures: [pictures], (1.0,))
    faster = replace(TINY, schedule=replace(TINY.schedule, learning_rate=1e-3, discriminator=1.0))
    run(tmp_path, nets, faster, build_objective(PRESET, plain, None), 60)
    assert error() < 0.5 * before
    scores = validation_scores(nets.generator, held, 1, torch.device("cpu"))
    assert "mask IoU" not in scores
    assert scores["hidden"] < 0.8 * scores["hidden, damaged"]


def test_the_discriminator_has_a_rate_of_its_own(tmp_path: Path) -> None:
    """Adam's first step moves a weight by the rate, whatever its gradient."""
    torch.manual_seed(0)
    nets = build_nets(TINY)
    starts = [one.weight.detach().clone() for one in outs(nets)]
    run(tmp_path, nets, TINY, build_objective(TINY, None, None), 1)
    for rate, one, start in zip((1e-4, 4e-4), outs(nets), starts, strict=True):
        assert (one.weight - start).abs().median().item() == pytest.approx(rate, rel=0.01)


def outs(nets: Nets) -> list[torch.nn.Conv2d]:
    """The last convolution of each network, which has no spectral norm."""
    last = nets.discriminator.get_submodule("fine.layers.4.0")
    found = [nets.generator.get_submodule("out"), last]
    return [one for one in found if isinstance(one, torch.nn.Conv2d)]

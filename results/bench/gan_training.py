"""How long a step of training takes, against the forward and backward pass of CFR-GAN's generator.

The networks are ``mini`` and ``rotate-and-render-mini`` with random weights, the pairs made up.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from cfr.gan.batches import PairBatch, PairDraws
from cfr.gan.building import Nets, build_nets, build_objective
from cfr.gan.objective import Objective
from cfr.gan.painting import FaceGenerator
from cfr.gan.presets import PRESETS, GanPreset, without
from cfr.gan.training import build_optimizer, train_step
from cfr.pairs.folder import PairFolder
from protocols.errors import DatasetUnavailable
from results.bench.made_up_pairs import MadeUpPairs, write_pairs
from results.bench.timing import Timing, time_pairs
from results.training.gan_networks import load_identity, load_perceptual
from results.training.launching import launch

if TYPE_CHECKING:
    from lightning.fabric import Fabric

_STEP = "generator, forward and backward"
_SIZE = 224  # of pairs on disk


def time_gan_training(repeats: int) -> Iterator[Timing]:
    """A step with all losses, and without those that look through another network; a batch drawn.

    Args:
        repeats: Timed pairs.
    """
    fabric = launch("auto", 1, "32-true", 0)
    preset, device = PRESETS["mini"], fabric.device
    with tempfile.TemporaryDirectory() as folder:
        pairs = Path(folder) / "pairs"
        write_pairs(pairs, MadeUpPairs(4 * preset.schedule.batch, _SIZE))
        source = PairFolder(pairs)
        draws = PairDraws(
            source, preset.size, preset.augmentation, preset.binary, preset.schedule.batch, 0
        )
        batch = draws[0].to(device)
        nets, optimizers = _ready(preset, device)
        alone = partial(_both_ways, nets.generator, batch)
        for name, objective in _objectives(preset, device).items():
            step = partial(train_step, fabric, nets, objective, optimizers, batch)
            timing = time_pairs(name, step, _STEP, alone, repeats)
            rate = preset.schedule.batch / timing.seconds
            yield replace(timing, note=f"{rate:.1f} pairs of {preset.size} pixels a second")
        yield from _baseline(fabric, batch, alone, repeats)
        named = f"draw a batch of {preset.schedule.batch}, pairs of {_SIZE} pixels on disk"
        yield time_pairs(named, _each(draws), _STEP, alone, repeats)


def _baseline(
    fabric: "Fabric", batch: PairBatch, alone: Callable[[], object], repeats: int
) -> Iterator[Timing]:
    """A step of Rotate-and-Render's small preset, if MobileFaceNet is at hand."""
    preset = PRESETS["rotate-and-render-mini"]
    try:
        perceptual = load_perceptual("mobilefacenet", fabric.device)[0]
    except DatasetUnavailable:
        return
    nets, optimizers = _ready(preset, fabric.device)
    objective = build_objective(preset, perceptual, None)
    step = partial(train_step, fabric, nets, objective, optimizers, batch)
    name = f"a step of {preset.schedule.batch} of rotate-and-render"
    yield time_pairs(name, step, _STEP, alone, repeats)


def _ready(
    preset: GanPreset, device: torch.device
) -> tuple[Nets, dict[str, torch.optim.Optimizer]]:
    """Networks with random weights, and their optimisers."""
    torch.manual_seed(0)
    built = build_nets(preset)
    nets = Nets(built.generator.to(device), built.discriminator.to(device))
    for net in (nets.generator, nets.discriminator):
        net.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return nets, {name: build_optimizer(net, preset.schedule) for name, net in vars(nets).items()}


def _objectives(preset: GanPreset, device: torch.device) -> dict[str, Objective]:
    """All losses, if MobileFaceNet is at hand; and those that need no network of others."""
    plain = build_objective(without(preset, ("perceptual", "identity")), None, None)
    batch = preset.schedule.batch
    found = {f"a step of {batch} without perceptual and identity loss": plain}
    try:
        perceptual = load_perceptual("mobilefacenet", device)[0]
        embed = load_identity(None, device)[0]
    except DatasetUnavailable:
        return found
    whole = build_objective(preset, perceptual, embed)
    return {f"a step of {batch} with all losses": whole, **found}


def _each(draws: PairDraws) -> Callable[[], object]:
    """Draws the next batch at each call."""
    step = iter(range(1 << 30))
    return lambda: draws[next(step)]


def _both_ways(net: FaceGenerator, batch: PairBatch) -> None:
    net.zero_grad()
    painted = net(batch.damaged, batch.guide)
    (painted.image.square().mean() + painted.mask.mean()).backward()

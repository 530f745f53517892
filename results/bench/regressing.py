"""How long the regressor takes, at work and in training, against its bare network.

The network is ``mini`` with random weights, 112 pixels a side; the samples are made-up people.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cfr.align import Alignment
from cfr.fit import fit_points
from cfr.morphable.sources import load_model
from cfr.regressor import mini
from cfr.regressor.batches import Batch, Draws
from cfr.regressor.landmarks import points_in_crops, points_in_photos
from cfr.regressor.network import MINI, MINI_SIZE, RNet, build
from cfr.regressor.objectives import FaceObjective, StudentObjective
from cfr.regressor.preparing import Preparing, prepare_renders
from cfr.regressor.presets import Mix
from cfr.regressor.samples import Frame, SampleFiles, save_samples
from results.bench.timing import Timing, time_pairs

_AT_ONCE = 32
_BATCH = 64
_BARE, _STEP = "network alone", "network, forward and backward"


def time_regressor(repeats: int) -> Iterator[Timing]:
    """Faces a second at work; a training step and what it consists of.

    Args:
        repeats: Timed pairs.
    """
    model = load_model("builtin")
    torch.manual_seed(0)
    net = build(MINI, model.layout(), size=MINI_SIZE).eval()
    rng = np.random.default_rng(0)
    crops = list(rng.integers(0, 256, (_AT_ONCE, MINI_SIZE, MINI_SIZE, 3), np.uint8))
    bare = partial(_look, net, torch.rand(_AT_ONCE, 3, MINI_SIZE, MINI_SIZE))
    alone = partial(_look, net, torch.rand(1, 3, MINI_SIZE, MINI_SIZE))
    one = time_pairs(
        "68 points of one crop",
        partial(points_in_crops, net, model, crops[:1]),
        _BARE,
        alone,
        repeats,
    )
    yield one
    whole = time_pairs(
        f"68 points of a crop, {_AT_ONCE} at once",
        partial(points_in_crops, net, model, crops),
        f"{_BARE}, {_AT_ONCE} at once",
        bare,
        repeats,
    )
    per_face = whole.seconds / _AT_ONCE
    yield replace(
        whole, note=f"{1000 * per_face:.2f} ms a face, {1 / per_face:,.0f} faces a second"
    )
    photos = list(rng.integers(0, 256, (_AT_ONCE, 450, 450, 3), np.uint8))
    placed = [Alignment(np.array([[1.0, 0, -110], [0, 1.0, -110]]), 224)] * _AT_ONCE
    from_photos = partial(points_in_photos, net, model, photos, placed)
    points = torch.rand(_AT_ONCE, 68, 2) * 100
    fitted = partial(fit_points, model, points)
    name = f"68 points of a photo of 450², {_AT_ONCE} at once"
    yield time_pairs(name, from_photos, "fit_points to known points", fitted, repeats)
    yield from _training(net, repeats)


def _training(net: RNet, repeats: int) -> Iterator[Timing]:
    model, frame = load_model("builtin"), Frame(MINI_SIZE, MINI_SIZE + 32)
    settings = Preparing(masks=1.0)
    people = prepare_renders(model, settings, frame, seed=0, first=0, count=2 * _BATCH)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "samples.safetensors"
        save_samples(path, people, model.digest)
        files = SampleFiles([path], model.digest, frame.wide)
        mix = Mix(photo=0.0, render=1.0)
        clean, occluded = (
            Draws(files, model, frame, mix, preset.augmentation, _BATCH, 0)
            for preset in (mini.BASELINE, mini.STAGE1)
        )
        batch = clean[0]
        some = batch._replace(photo=torch.arange(_BATCH) < mini.BASELINE.mix.photo * _BATCH)
        net.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        step = partial(_both_ways, net, batch.given.contiguous(memory_format=torch.channels_last))
        known = FaceObjective(net, model, mini.BASELINE)
        student = StudentObjective(net, model, mini.STAGE2)
        cases = {
            f"draw a batch of {_BATCH}, baseline": partial(clean.__getitem__, 1),
            f"draw a batch of {_BATCH}, stage 1": partial(occluded.__getitem__, 1),
            "losses and their gradient, baseline": partial(_cost, known, net, batch),
            "the same with a photo rendered": partial(_cost, known, net, some),
            "losses and their gradient, stage 2": partial(_cost, student, net, batch),
        }
        for subject, run in cases.items():
            yield time_pairs(subject, run, _STEP, step, repeats)


def _look(net: RNet, picture: Tensor) -> object:
    with torch.no_grad():
        return net(picture)


def _both_ways(net: RNet, picture: Tensor) -> None:
    net.zero_grad()
    net(picture).square().sum().backward()


def _cost(objective: FaceObjective | StudentObjective, net: RNet, batch: Batch) -> None:
    net.zero_grad()
    objective(net, batch).total.backward()

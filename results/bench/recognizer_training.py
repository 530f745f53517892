"""How long a step of a recognizer's training takes, and whether batches come as fast.

The networks are iresnet18 as published and ``mini``, with random weights; the people are made up,
JPEG crops of 112 pixels in RecordIO.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from cfr.training.reading_ahead import read_ahead
from recognizers.training.arcface import ArcFaceLearner, scaled
from recognizers.training.drawing import LabelledBatch, LabelledDraws
from recognizers.training.loop import train_step
from recognizers.training.presets import PRESETS, RecognizerPreset
from recognizers.training.schedule import build_optimizer
from results.bench.made_up_people import MadeUpPeople, write_people
from results.bench.timing import Timing, time_pairs
from results.training.launching import launch
from results.training.recognizer_data import Crop, load_labelled

if TYPE_CHECKING:
    from lightning.fabric import Fabric

_PEOPLE = MadeUpPeople(people=64, photos=16)
_CASIA = 10_572  # identities, whose centres the head has
_ON_CPU = 16  # photos of a step of the published network, which a CPU has to wait for
_ALONE = "network, forward and backward"


def time_recognizer_training(repeats: int) -> Iterator[Timing]:
    """A step of each preset against its bare network, and batches drawn against the step.

    Args:
        repeats: Timed pairs.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_people(Path(folder) / "faces", _PEOPLE)
        fabric = launch("auto", 1, "32-true", 0)
        if fabric.device.type == "cuda":
            fabric = launch("cuda", 1, "bf16-mixed", 0)
        for name in ("mini", "paper"):
            preset = PRESETS[name]
            if name == "paper" and fabric.device.type == "cpu":
                preset = replace(preset, schedule=replace(preset.schedule, batch=_ON_CPU))
            yield from _timings(name, preset, str(Path(folder) / "faces"), fabric, repeats)


def _timings(
    name: str, preset: RecognizerPreset, data: str, fabric: "Fabric", repeats: int
) -> Iterator[Timing]:
    faces, count = load_labelled(data, "records", 0), preset.schedule.batch
    crop = Crop(preset.network.size, preset.flip)
    draws = LabelledDraws(faces.faces.photos, faces.rows, faces.labels, faces.where, crop, count, 0)
    step, alone = _step(preset, fabric, fabric.to_device(draws[0]))
    network = f"{preset.network.architecture} of width {preset.network.width}"
    precision = "bf16" if fabric.device.type == "cuda" else "float32"
    timing = time_pairs(f"{name}: a step of {count}", step, _ALONE, alone, repeats)
    told = f"{count / timing.seconds:.0f} photos/s: {network}, {preset.network.size}², {precision}"
    yield replace(timing, note=f"{told}, {fabric.device.type}")
    own = 1000 * processor_seconds(draws, repeats) / count
    for workers in sorted({1, os.cpu_count() or 1}):
        seconds = seconds_of_a_batch(draws, workers, repeats)
        yield Timing(
            subject=f"{name}: a batch of {count} drawn, {workers} processes",
            reference=f"a step of {count}",
            seconds=seconds,
            reference_seconds=timing.seconds,
            ratio=seconds / timing.seconds,
            repeats=repeats,
            note=f"{count / seconds:.0f} photos/s from RecordIO, {own:.2f} ms of a core each",
        )


def seconds_of_a_batch(draws: LabelledDraws, workers: int, repeats: int) -> float:
    """How long a batch takes when nothing but batches is waited for; the median of ``repeats``.

    Args:
        draws: The batches.
        workers: Processes.
        repeats: So often a few batches for each process are timed.
    """
    started = 5 * workers  # what is read ahead while processes start does not count
    each = 2 * workers
    batches = iter(read_ahead(draws, 0, started + repeats * each + 5 * workers, workers))
    list(islice(batches, started))
    found = []
    for _ in range(repeats):
        begun = time.perf_counter()
        list(islice(batches, each))
        found.append((time.perf_counter() - begun) / each)
    list(batches)  # so that the processes end
    return statistics.median(found)


def processor_seconds(draws: LabelledDraws, repeats: int) -> float:
    """How long a core works on a batch, whatever else it has to do; the least of ``repeats``."""
    draws[0]
    found = []
    for step in range(1, repeats + 1):
        begun = time.process_time()
        draws[step]
        found.append(time.process_time() - begun)
    return min(found)


def _step(
    preset: RecognizerPreset, fabric: "Fabric", batch: LabelledBatch
) -> tuple[Callable[[], object], Callable[[], object]]:
    """A step of training, and the network's own part of it; both wait until a GPU is done."""
    import torch

    learner = ArcFaceLearner(preset, _CASIA, 0)
    learner.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = build_optimizer(learner, preset.schedule)
    wrapped, optimizer = fabric.setup(learner, optimizer)
    images = scaled(batch.images).contiguous(memory_format=torch.channels_last)

    def waited(do: Callable[[], object]) -> None:
        do()
        if fabric.device.type == "cuda":
            torch.cuda.synchronize()

    def both_ways() -> None:
        learner.zero_grad()
        with fabric.autocast():
            answers = learner.network(images)
        answers.float().square().mean().backward()

    step = partial(train_step, fabric, wrapped, optimizer, batch, preset.schedule)
    return partial(waited, step), partial(waited, both_ways)

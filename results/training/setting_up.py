"""A training run made ready: photos prepared, network and objective built, everything digested."""

import hashlib
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from cfr.regressor.batches import Draws
from cfr.regressor.network import RNet
from cfr.regressor.objectives import FaceObjective, StudentObjective
from cfr.regressor.presets import Augmentation, FacePreset, Schedule
from cfr.regressor.samples import SampleFiles
from cfr.training.course import Course
from protocols.roots import artifacts_folder
from protocols.training_photos import load_training_photos
from protocols.types import InputFile
from results.cache.canonical import canonical
from results.environment import current_environment
from results.export.mapping import Workers
from results.export.work import Show
from results.record import Environment
from results.training.options import TrainRegressor, frame_of
from results.training.sample_files import (
    PhotoToUse,
    PreparedSamples,
    SampleOrder,
    prepare_samples,
)
from results.training.starting import first_network, load_embed

if TYPE_CHECKING:
    from lightning.fabric import Fabric

# Held-out samples are looked at as they are and with the paper's hands.
_LOOKED_AT = Augmentation(occluded=1.0, shift=5.0, scale=0.04, tilt=5.0)


@dataclass(frozen=True, eq=False)
class Run:
    """A run that is ready to go.

    Attributes:
        config: The options.
        folder: Where it leaves what it makes.
        started: What the network started from, in words.
        net: The network, on its device.
        model: The face model, likewise.
        objective: The losses.
        draws: The batches.
        held_out: Batches for validation, as they are and with hands.
        course: How long.
        photos: What photos were taken, in words.
        prepared: The samples.
        environment: Commit, device and versions, as they were at the start.
    """

    config: TrainRegressor
    folder: Path
    started: str
    net: RNet
    model: MorphableModel
    objective: FaceObjective | StudentObjective
    draws: Draws
    held_out: Draws
    course: Course[Schedule]
    photos: str
    prepared: PreparedSamples
    environment: Environment


def make_ready(config: TrainRegressor, folder: Path, fabric: "Fabric", show: Show) -> Run:
    """Prepare photos, build the network and what it is trained with.

    Args:
        config: The options.
        folder: Of the run.
        fabric: Launched.
        show: Progress.

    Raises:
        DatasetUnavailable: Photos, the face model, or weights to start from are absent.
        BadInput: One of them is broken.
        BadOption: A backbone or kind of photos that is not there.
    """
    environment = current_environment(device=fabric.device.type)
    model = load_model(config.model)
    net, started = first_network(config, model)
    frame = frame_of(net.size)
    rule, digest, photos = _photos(config)
    order = SampleOrder(
        config.model, config.landmarks, config.preparing, frame, config.people, config.seed
    )
    prepared = _prepare(config, order, photos, digest, fabric, show)
    files = SampleFiles(prepared.files, model.digest, frame.wide)
    preset = config.numbers
    rank, ranks = fabric.global_rank, fabric.world_size
    batch, seed = preset.schedule.batch, config.seed
    draws = Draws(
        files, model, frame, preset.mix, preset.augmentation, batch, seed, rank=rank, ranks=ranks
    )
    look = replace(_LOOKED_AT, turned=preset.augmentation.turned)
    held_out = Draws(files, model, frame, preset.mix, look, batch, seed, held_out=True)
    on_device = load_model(config.model).to(fabric.device)
    net.to(fabric.device)
    if isinstance(preset, FacePreset):
        embed = load_embed(config.recognizer, fabric.device) if config.recognizer else None
        objective = FaceObjective(net, on_device, preset, embed)
    else:
        objective = StudentObjective(net, on_device, preset)
    steps = preset.schedule.steps or draws.steps_of_epochs(preset.schedule.epochs or 1)
    course = Course(
        schedule=preset.schedule,
        steps=steps,
        seed=seed,
        checkpoint=folder / "checkpoint.pt",
        digest=_digest(config, preset, prepared, started, net),
        every=config.checkpoint_every,
        validate=config.validate_every,
        workers=config.workers,
    )
    return Run(
        config=config,
        folder=folder,
        started=started,
        net=net,
        model=on_device,
        objective=objective,
        draws=draws,
        held_out=held_out,
        course=course,
        photos=rule,
        prepared=prepared,
        environment=environment,
    )


def _photos(config: TrainRegressor) -> tuple[str, str, list[PhotoToUse]]:
    """What was taken in words, its digest, and the photos of all sources in a row."""
    rules, content, photos = [], hashlib.sha256(), []
    for one in config.photos:
        kind, _, folder = one.partition("=")
        found = load_training_photos(kind, Path(folder).expanduser(), config.list)
        rules.append(f"{kind}: {found.rule}")
        content.update(found.digest.encode())
        photos += [PhotoToUse(each.path, each.points, each.masked) for each in found.photos]
    return "; ".join(rules) or "no photos", content.hexdigest(), photos


def _prepare(
    config: TrainRegressor,
    order: SampleOrder,
    photos: list[PhotoToUse],
    digest: str,
    fabric: "Fabric",
    show: Show,
) -> PreparedSamples:
    """The first process prepares, the others find it done."""
    folder = config.samples or artifacts_folder() / "samples"
    ask = partial(prepare_samples, folder, order, photos, digest, Workers(config.jobs), show)
    if fabric.is_global_zero:
        ask()
    fabric.barrier()
    return ask()


def _digest(
    config: TrainRegressor,
    preset: Any,
    prepared: PreparedSamples,
    started: str,
    net: RNet,
) -> str:
    """Of everything that decides the run's result, but not where it lies or how it is watched."""
    recognizer = InputFile.of(config.recognizer).sha256 if config.recognizer else ""
    what = {
        "stage": config.stage,
        "preset": asdict(preset),
        "samples": prepared.folder.name,
        "start": started,
        "backbone": net.backbone,
        "size": net.size,
        "recognizer": recognizer,
        "seed": config.seed,
        "precision": config.precision,
    }
    return hashlib.sha256(canonical(what).encode()).hexdigest()

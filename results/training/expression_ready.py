"""A training run of an expression classifier made ready: photos, network, loss, digest."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Int64

from cfr.training.course import Course
from protocols import rafdb
from protocols.types import ExpressionProtocol
from recognizers.training.drawing import LabelledDraws
from recognizers.training.expression import ExpressionLearner, ExpressionPreset, class_weights
from recognizers.training.schedule import SgdSchedule
from recognizers.vgg import ExpressionNet
from results.cache.canonical import canonical
from results.environment import current_environment
from results.export.work import Show
from results.record import Environment
from results.training.expression_options import TrainExpression
from results.training.expression_photos import TRAIN, FaceChange, look_at
from results.training.expression_weights import start

if TYPE_CHECKING:
    from lightning.fabric import Fabric


@dataclass(frozen=True, eq=False)
class Faces:
    """The photos of all runs.

    Attributes:
        protocol: Their labels, and subsets.
        digest: Of everything about them.
    """

    protocol: ExpressionProtocol
    digest: str

    @property
    def labels(self) -> Int64[np.ndarray, " n"]:
        """Of the photos to train on."""
        return self.protocol.labels[self.protocol.subsets[TRAIN]]


@dataclass(frozen=True, eq=False)
class ExpressionRun:
    """A run that is ready to go.

    Attributes:
        config: The options.
        preset: Their numbers.
        seed: Of this run.
        folder: Where it leaves what it makes.
        faces: The photos.
        learner: The network and its loss, on the CPU.
        started: What the network started from, in words.
        draws: The batches.
        course: How long.
        environment: Commit, device and versions, as they were at the start.
    """

    config: TrainExpression
    preset: ExpressionPreset
    seed: int
    folder: Path
    faces: Faces
    learner: ExpressionLearner
    started: str
    draws: LabelledDraws
    course: Course[SgdSchedule]
    environment: Environment


def load_faces(config: TrainExpression, show: Show) -> Faces:
    """Read the lists and look at all photos.

    Raises:
        DatasetUnavailable: A list or a photo is absent.
        BadInput: A list or a photo is damaged, or a class has no photo to train on.
    """
    protocol = rafdb.load(config.data.expanduser(), lists=config.lists)
    return Faces(protocol, look_at(protocol, show))


def make_ready(
    config: TrainExpression, seed: int, folder: Path, faces: Faces, fabric: "Fabric"
) -> ExpressionRun:
    """Build a network and what it is trained with.

    Args:
        config: The options.
        seed: Of this run.
        folder: Of this run.
        faces: Of all runs.
        fabric: Launched.

    Raises:
        DatasetUnavailable: The weights to start from are absent.
        BadInput: They are damaged, or another network's.
        BadOption: The processes cannot share the batch.
    """
    environment = current_environment(device=fabric.device.type)
    preset, protocol = config.numbers, faces.protocol
    torch.manual_seed(seed)  # the same on every process
    net = ExpressionNet(preset.size, len(protocol.classes))
    started, imagenet = start(net, config.start, protocol.classes)
    weights = class_weights(faces.labels, len(protocol.classes)) if config.weighted else None
    learner = ExpressionLearner(net, weights, preset.started if imagenet else 1.0)
    rows = protocol.subsets[TRAIN].astype(np.int64)
    draws = LabelledDraws(
        protocol.samples.photos,
        protocol.samples.photo[rows].astype(np.int64),
        faces.labels,
        protocol.inputs[0].path,
        FaceChange(preset.side, preset.amounts),
        preset.schedule.batch,
        seed,
        rank=fabric.global_rank,
        ranks=fabric.world_size,
    )
    course = Course(
        schedule=preset.schedule,
        steps=preset.schedule.steps or (preset.schedule.epochs or 1) * draws.steps_of_epoch,
        seed=seed,
        checkpoint=folder / "checkpoint.pt",
        digest=_digest(config, preset, faces, started, seed),
        every=config.checkpoint_every,
        validate=config.validate_every,
        workers=config.workers,
    )
    return ExpressionRun(
        config=config,
        preset=preset,
        seed=seed,
        folder=folder,
        faces=faces,
        learner=learner,
        started=started,
        draws=draws,
        course=course,
        environment=environment,
    )


def _digest(
    config: TrainExpression, preset: ExpressionPreset, faces: Faces, started: str, seed: int
) -> str:
    """Of everything that decides the run's result, but not where it lies or how it is watched."""
    what = {
        "preset": asdict(preset),
        "weighted": config.weighted,
        "faces": faces.digest,
        "start": started,
        "seed": seed,
        "precision": config.precision,
    }
    return hashlib.sha256(canonical(what).encode()).hexdigest()

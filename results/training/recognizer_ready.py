"""A recognizer's training run made ready: faces found, network built, everything digested."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cfr.training.course import Course
from recognizers.training.arcface import ArcFaceLearner
from recognizers.training.drawing import LabelledDraws
from recognizers.training.presets import RecognizerPreset
from recognizers.training.schedule import SgdSchedule
from results.cache.canonical import canonical
from results.environment import current_environment
from results.export.work import Show
from results.record import Environment
from results.training.recognizer_data import (
    Crop,
    LabelledFaces,
    held_out_protocol,
    load_labelled,
)
from results.training.recognizer_options import TrainRecognizer
from results.training.recognizer_validation import (
    Judging,
    judging_of_crops,
    judging_of_protocol,
)

if TYPE_CHECKING:
    from lightning.fabric import Fabric


@dataclass(frozen=True, eq=False)
class RecognizerRun:
    """A run that is ready to go.

    Attributes:
        config: The options.
        preset: Their numbers.
        folder: Where it leaves what it makes.
        data: The faces.
        learner: Network and head.
        draws: The batches.
        judgings: What it is validated with; none but on the first process.
        course: How long.
        resized: The side of the photos, where the network sees them in another size.
        environment: Commit, device and versions, as they were at the start.
    """

    config: TrainRecognizer
    preset: RecognizerPreset
    folder: Path
    data: LabelledFaces
    learner: ArcFaceLearner
    draws: LabelledDraws
    judgings: Sequence[Judging]
    course: Course[SgdSchedule]
    resized: int | None
    environment: Environment


def make_ready(
    config: TrainRecognizer, folder: Path, fabric: "Fabric", show: Show
) -> RecognizerRun:
    """Find the faces, build the network, cut the faces that it is validated with.

    Args:
        config: The options.
        folder: Of the run.
        fabric: Launched.
        show: Progress.

    Raises:
        DatasetUnavailable: Faces, or a protocol to validate on, are absent.
        BadInput: One of them is broken.
        BadOption: There is no such network, or the batch cannot be shared by the processes.
    """
    environment = current_environment(device=fabric.device.type)
    preset = config.numbers
    data = load_labelled(config.data, config.layout, preset.hold_out)
    draws = LabelledDraws(
        photos=data.faces.photos,
        rows=data.rows,
        labels=data.labels,
        where=data.where,
        change=Crop(preset.network.size, preset.flip),
        batch=preset.schedule.batch,
        seed=config.seed,
        balanced=preset.balanced,
        rank=fabric.global_rank,
        ranks=fabric.world_size,
    )
    learner = ArcFaceLearner(preset, data.classes, config.seed)
    steps = preset.schedule.steps or (preset.schedule.epochs or 1) * draws.steps_of_epoch
    course = Course(
        schedule=preset.schedule,
        steps=steps,
        seed=config.seed,
        checkpoint=folder / "checkpoint.pt",
        digest=_digest(config, preset, data),
        every=config.checkpoint_every,
        validate=config.validate_every,
        workers=config.workers,
    )
    side = data.faces.photos.read(int(data.rows[0])).shape[0]
    return RecognizerRun(
        config=config,
        preset=preset,
        folder=folder,
        data=data,
        learner=learner,
        draws=draws,
        judgings=_judgings(config, preset, data, fabric, show),
        course=course,
        resized=None if side == preset.network.size else side,
        environment=environment,
    )


def _judgings(
    config: TrainRecognizer,
    preset: RecognizerPreset,
    data: LabelledFaces,
    fabric: "Fabric",
    show: Show,
) -> list[Judging]:
    """Faces to validate with: of held-out people, and of protocols; on the first process."""
    if not fabric.is_global_zero:
        return []
    size, found = preset.network.size, []
    if preset.hold_out:
        found.append(judging_of_crops(held_out_protocol(data, config.seed), size))
    for name in dict.fromkeys(config.validate_on):
        found.append(judging_of_protocol(name, config.landmarks, size, config.device, show))
    return found


def _digest(config: TrainRecognizer, preset: RecognizerPreset, data: LabelledFaces) -> str:
    """Of everything that decides the run's result, but not where it lies or how it is watched.

    The number of processes is not in it: with as large a batch in all, a run may go on with another
    one, and ends close to where it would have.
    """
    what = {
        "preset": asdict(preset),
        "data": data.digest,
        "seed": config.seed,
        "precision": config.precision,
    }
    return hashlib.sha256(canonical(what).encode()).hexdigest()

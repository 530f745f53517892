"""A training run of a recognizer: labelled faces to an ONNX file, weights, curves and a card."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from protocols.errors import BadOption
from protocols.roots import artifacts_folder
from recognizers.training.loop import steps_done, train
from results.console import bars_of
from results.export.ground import torch_device
from results.export.work import Show
from results.systems import Draws
from results.tracking import TrackedRun
from results.training.card import Card, about_command, draw_curves, last_validation
from results.training.curves import Curves
from results.training.launching import folder_of_its_own, launch
from results.training.recognizer_files import RecognizerFiles, save_recognizer
from results.training.recognizer_options import TrainRecognizer
from results.training.recognizer_ready import RecognizerRun, make_ready
from results.training.recognizer_validation import curves_of, intervals_of
from results.training.watching import finish, watch_run

if TYPE_CHECKING:
    from lightning.fabric import Fabric

_MEASURED = (
    "On people that were not trained on, in percent: accuracy over folds with the threshold of the "
    "other folds, area under the curve, equal error rate, true accept rate at a false accept rate; "
    "of the sum of a crop's and its mirror image's embeddings."
)


@dataclass(frozen=True)
class TrainedRecognizer:
    """What a run left.

    Attributes:
        recognizer: The ONNX file.
        weights: PyTorch's.
        card: The card for people.
        warnings: What a user has to know.
    """

    recognizer: Path
    weights: Path
    card: Path
    warnings: tuple[str, ...]


def train_recognizer(
    config: TrainRecognizer, console: Console, show: Show | None = None
) -> TrainedRecognizer:
    """Make ready, train, save.

    Args:
        config: The options.
        console: Decides whether there are bars.
        show: Somebody's bars, in place of new ones.

    Raises:
        DatasetUnavailable: Faces, or a protocol to validate on, are absent.
        BadInput: One of them is broken; or the folder holds a run with other options.
        BadOption: A device or network that is not there.
    """
    if config.precision == "16-mixed" and torch_device(config.device) == "cpu":
        raise BadOption("--precision 16-mixed without CUDA", "bf16-mixed on a CPU")
    fabric = launch(config.device, config.devices, config.precision, config.threads)
    folder = config.out or artifacts_folder() / "recognizer" / config.called
    quiet = console.quiet or not fabric.is_global_zero
    with folder_of_its_own(folder, fabric), bars_of(show, quiet=quiet) as bars:
        return _train(config, folder, fabric, bars)


def _train(
    config: TrainRecognizer, folder: Path, fabric: "Fabric", show: Show
) -> TrainedRecognizer:
    begun = time.perf_counter()
    run = make_ready(config, folder, fabric, show)
    done = steps_done(run.course)
    told = {"steps": run.course.steps, "faces": run.data.words[:400]}
    tracked, curves = watch_run(
        folder, "train-recognizer", config.called, config, told, fabric, done
    )
    validate = partial(_validate, run, fabric)
    try:
        with show(f"training {config.called}", run.course.steps) as advance:
            train(fabric, run.learner, run.draws, run.course, validate, curves, advance)
    except BaseException:
        if tracked is not None:
            tracked.end("FAILED")
        raise
    if not fabric.is_global_zero:
        return TrainedRecognizer(folder, folder, folder, ())
    return _leave(run, fabric, curves, tracked, time.perf_counter() - begun)


def _validate(run: RecognizerRun, fabric: "Fabric", step: int) -> Mapping[str, float]:
    """Measured on the first process; the others wait."""
    found = dict(curves_of(run.learner.network, run.judgings, fabric.device))
    fabric.barrier()
    return found


def _leave(
    run: RecognizerRun,
    fabric: "Fabric",
    curves: Curves,
    tracked: TrackedRun | None,
    seconds: float,
) -> TrainedRecognizer:
    """The recognizer, curves and card; all of them logged."""
    name = f"recognizer-{run.config.called}"
    files = RecognizerFiles.within(run.folder, name)
    card, picture = run.folder / f"{name}.md", run.folder / f"{name}-curves.png"
    points = curves.table()
    draws = Draws(1000, run.config.seed)
    sure = intervals_of(run.learner.network, run.judgings, fabric.device, draws)
    about = {**about_recognizer(run, seconds), **sure}
    save_recognizer(files, run.learner.network, run.preset.network, about)
    draw_curves(points, f"{run.config.called}, {run.course.steps:,} steps").savefig(picture)
    told = Card(
        title=f"The recognizer `{run.config.called}`",
        about=about,
        measured=_MEASURED,
        heading=("measured", "%"),
        validation=last_validation(points),
        left_out=_notes(run),
        pictures={"Losses and validation by step": picture.name},
    )
    card.write_text(told.text(), encoding="utf-8")
    kept = (*files.all, card, picture, curves.path)
    warnings = (*_notes(run), *finish(tracked, kept))
    return TrainedRecognizer(files.onnx, files.weights, card, warnings)


def about_recognizer(run: RecognizerRun, seconds: float) -> dict[str, str]:
    """Label → text, in order, for a run's card and for its weights' file.

    Args:
        run: The run.
        seconds: How long it took since it was last started.
    """
    preset = run.preset
    size, schedule = preset.network, preset.schedule
    count = sum(one.numel() for one in run.learner.network.parameters())
    width = "" if ":" in size.architecture else f" of width {size.width}"
    drops = ", ".join(f"{round(at * run.course.steps):,}" for at in schedule.drops)
    return {
        "preset": run.config.preset,
        "network": f"{size.architecture}{width}, crops of {size.size} pixels, {count:,} "
        f"parameters, {size.dimension} numbers an embedding",
        "head": f"ArcFace, s = {preset.scale:g}, m = {preset.margin:g}; "
        f"{preset.share:g} of the centres a step",
        "faces": run.data.words,
        "photos are": f"mirrored with chance {preset.flip:g}, otherwise changed with chance "
        f"{preset.augmented:g} a kind; {'each identity' if preset.balanced else 'each photo'} is "
        "drawn as often as any other",
        "steps": f"{run.course.steps:,} of {schedule.batch} photos",
        "optimizer": f"SGD, rate {schedule.learning_rate:g}, times {schedule.drop:g} at steps "
        f"{drops}; warm-up {schedule.warmup}; momentum {schedule.momentum:g}; weight decay "
        f"{schedule.weight_decay:g}; {run.config.precision}",
        **about_command(run.environment, run.config.seed, seconds),
    }


def _notes(run: RecognizerRun) -> tuple[str, ...]:
    """Sentences: what a user has to know of the photos."""
    if run.resized is None:
        return ()
    size = run.preset.network.size
    return (
        f"photos of {run.resized} pixels a side were resized to {size}: they are taken for aligned "
        "crops, as ArcFace has them",
    )

"""A training run of the regressor: photos to samples, samples to weights, and a card."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from rich.console import Console

from cfr.regressor.training import steps_done, train, validation_error
from cfr.regressor.weights import save
from protocols.roots import artifacts_folder
from results.console import progress_bars
from results.figures.overlays import draw_overlays
from results.tracking import TrackedRun
from results.training.card import Card, about_command, draw_curves, last_validation
from results.training.curves import Curves
from results.training.launching import folder_of_its_own, launch
from results.training.options import TrainRegressor
from results.training.setting_up import Run, make_ready
from results.training.watching import finish, watch_run

if TYPE_CHECKING:
    from lightning.fabric import Fabric

_VALIDATION_BATCHES, _SHOWN = 4, 8


@dataclass(frozen=True)
class Trained:
    """What a run left.

    Attributes:
        weights: The network's file.
        card: Its card.
        warnings: What a user has to know.
    """

    weights: Path
    card: Path
    warnings: tuple[str, ...]


def train_regressor(config: TrainRegressor, console: Console) -> Trained:
    """Prepare, train, save.

    Raises:
        DatasetUnavailable: Photos, the face model, or weights to start from are absent.
        BadInput: One of them is broken; or the folder holds a run with other options.
        BadOption: A device, backbone or kind of photos that is not there.
    """
    fabric = launch(config.device, config.devices, config.precision, config.threads)
    folder = config.out or artifacts_folder() / "regressor" / config.stage
    with folder_of_its_own(folder, fabric):
        return _train(config, folder, fabric)


def _train(config: TrainRegressor, folder: Path, fabric: "Fabric") -> Trained:
    begun = time.perf_counter()
    with progress_bars(Console(stderr=True)) as show:
        run = make_ready(config, folder, fabric, show)
        done = steps_done(run.course)
        told = {"steps": run.course.steps, "photos": run.photos[:400]}
        tracked, curves = watch_run(
            folder, "train-regressor", config.stage, config, told, fabric, done
        )
        validate = partial(_validate, run, fabric, tracked)
        try:
            with show(f"training {config.stage}", run.course.steps) as advance:
                train(
                    fabric, run.net, run.objective, run.draws, run.course, validate, curves, advance
                )
        except BaseException:
            if tracked is not None:
                tracked.end("FAILED")
            raise
    if not fabric.is_global_zero:
        return Trained(folder, folder, ())
    return _leave(run, curves, tracked, time.perf_counter() - begun)


def _validate(
    run: Run, fabric: "Fabric", tracked: TrackedRun | None, step: int
) -> Mapping[str, float]:
    """Errors on held-out samples; pictures of some of them."""
    errors = validation_error(run.net, run.model, run.held_out, _VALIDATION_BATCHES, fabric.device)
    if fabric.is_global_zero and tracked is not None:
        batch = run.held_out[0]
        chosen = torch.linspace(0, len(batch.given) - 1, min(_SHOWN, len(batch.given))).long()
        given, clean = (one[chosen].to(fabric.device) for one in (batch.given, batch.clean))
        title = f"{run.config.stage}, step {step:,}: held-out samples"
        path = run.folder / f"overlays-{step:07d}.png"
        draw_overlays(run.net, run.model, given, clean, title).savefig(path)
        tracked.keep(path)
    return errors


def _leave(run: Run, curves: Curves, tracked: TrackedRun | None, seconds: float) -> Trained:
    """Weights, curves and card; all of them logged."""
    name = f"regressor-{run.config.stage}"
    weights, card = run.folder / f"{name}.safetensors", run.folder / f"{name}.md"
    picture = run.folder / f"{name}-curves.png"
    points = curves.table()
    about = about_run(run, seconds)
    save(weights, run.net, about)
    draw_curves(points, f"{run.config.stage}, {run.course.steps:,} steps").savefig(picture)
    told = Card(
        title=f"The regressor `{run.config.stage}`",
        about=about,
        measured="Mean |error| of a landmark's coordinate on held-out samples, pixels of 224:",
        heading=("samples", "error"),
        validation=last_validation(points),
        left_out=left_out(run),
        pictures={"Losses and validation by step": picture.name},
    )
    card.write_text(told.text(), encoding="utf-8")
    kept = (weights, card, picture, curves.path)
    warnings = (*left_out(run), *finish(tracked, kept))
    return Trained(weights, card, warnings)


def about_run(run: Run, seconds: float) -> dict[str, str]:
    """Label → text, in order, for a run's card and for its weights' file.

    Args:
        run: The run.
        seconds: How long it took since it was last started.
    """
    config, kinds = run.config, run.draws.counts
    return {
        "stage": config.stage,
        "preset": config.preset,
        "network": f"{run.net.backbone}, crops of {run.net.size} pixels, "
        f"{sum(one.numel() for one in run.net.parameters()):,} parameters",
        "face model": f"{run.model.name} {run.model.digest[:16]}",
        "started from": run.started,
        "photos": run.photos,
        "samples": f"{run.prepared.samples:,}, of which every twentieth photo's and person's are "
        f"for validation; a batch has {', '.join(f'{n} {kind}s' for kind, n in kinds.items())}",
        "points": f"estimated by {config.landmarks}, where a photo had none",
        "steps": f"{run.course.steps:,}",
        **about_command(run.environment, config.seed, seconds),
    }


def left_out(run: Run) -> tuple[str, ...]:
    """Sentences: losses that were left out, and photos that could not be used."""
    photos = run.prepared.left_out
    if not photos:
        return run.objective.left_out
    path, why = next(iter(photos.items()))
    told = f"{len(photos):,} photos could not be used, such as {Path(path).name}: {why}"
    return (*run.objective.left_out, told)

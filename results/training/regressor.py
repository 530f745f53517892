"""A training run of the regressor: photos to samples, samples to weights, and a card."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console

from cfr.regressor.training import steps_done, train, validation_error
from cfr.regressor.weights import save
from results.console import progress_bars
from results.figures.overlays import draw_overlays
from results.publish import artifacts_folder
from results.tracking import TrackedRun
from results.training.card import Card, about_run, draw_curves, left_out
from results.training.curves import Curves, remember
from results.training.options import TrainRegressor
from results.training.setting_up import Run, launch, make_ready

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
    fabric = launch(config)
    begun = time.perf_counter()
    folder = config.out or artifacts_folder() / "regressor" / config.stage
    folder.mkdir(parents=True, exist_ok=True)
    with progress_bars(Console(stderr=True)) as show:
        run = make_ready(config, folder, fabric, show)
        done = steps_done(run.course)
        tracked, curves = _watched(run, fabric, done)
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


def _watched(run: Run, fabric: "Fabric", done: int) -> tuple[TrackedRun | None, Curves]:
    """Curves go on where the checkpoint is; the run's MLflow id is kept beside it."""
    path = run.folder / "curves.csv"
    if not fabric.is_global_zero:
        return None, Curves(run.folder / f".curves-{fabric.global_rank}.csv", 0, None)
    note = run.folder / "tracked.json"
    known = _remembered(note) if done else ""
    params = {**_plain(run.config), "steps": run.course.steps, "photos": run.photos[:400]}
    tracked = TrackedRun("train-regressor", run.config.stage, params, artifacts_folder(), known)
    remember(note, {"mlflow": tracked.id or known, "options": _plain(run.config)})
    return tracked, Curves(path, done, tracked)


def _remembered(note: Path) -> str:
    try:
        return str(json.loads(note.read_text(encoding="utf-8"))["mlflow"])
    except (OSError, ValueError, KeyError):
        return ""


def _plain(config: TrainRegressor) -> dict[str, Any]:
    found = {}
    for name, value in asdict(config).items():
        plain = value if isinstance(value, int | float | str | bool | None) else str(value)
        found[name] = list(value) if isinstance(value, tuple) else plain
    return found


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
    start = "validation: "
    found = {  # the last of each name stays
        name.removeprefix(start): value
        for name, value in zip(points["name"], points["value"], strict=True)
        if name.startswith(start)
    }
    about = about_run(run, seconds)
    save(weights, run.net, about)
    draw_curves(points, f"{run.config.stage}, {run.course.steps:,} steps").savefig(picture)
    told = Card(f"The regressor `{run.config.stage}`", about, found, left_out(run))
    card.write_text(told.text(picture.name), encoding="utf-8")
    refused = ""
    if tracked is not None:
        for path in (weights, card, picture, curves.path):
            tracked.keep(path)
        tracked.end()
        refused = tracked.refused
    warnings = (*left_out(run), *([refused] if refused else []))
    return Trained(weights, card, warnings)

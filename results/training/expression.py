"""Training runs of an expression classifier: photos to an ONNX file, measured, and a card."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from eval.classification import class_report
from recognizers.training.expression import answers_of
from recognizers.training.loop import steps_done, train
from results.console import bars_of
from results.export.work import Show
from results.publish import artifacts_folder
from results.training.expression_files import Left, leave
from results.training.expression_options import TrainExpression
from results.training.expression_photos import TEST, faces_of
from results.training.expression_ready import ExpressionRun, Faces, load_faces, make_ready
from results.training.expression_report import summary
from results.training.launching import folder_of_its_own, launch
from results.training.watching import watch_run

if TYPE_CHECKING:
    from lightning.fabric import Fabric

_LOOKED_AT = 64  # photos of a batch of validation


@dataclass(frozen=True)
class TrainedExpression:
    """What runs left.

    Attributes:
        runs: By seed; empty on processes that are not the first.
        summary: The table over seeds; None with one of them.
        warnings: What a user has to know.
    """

    runs: Mapping[int, Left]
    summary: Path | None
    warnings: tuple[str, ...]


def train_expression(
    config: TrainExpression, console: Console, show: Show | None = None
) -> TrainedExpression:
    """For each seed, make ready, train, export, measure.

    Args:
        config: The options.
        console: Decides whether there are bars.
        show: Somebody's bars, in place of new ones.

    Raises:
        DatasetUnavailable: The data or the weights to start from are absent.
        BadInput: They are broken, or a class has no photo; or the folder holds a run with other
            options.
        BadOption: A device that is not there, or a batch that the processes cannot share.
    """
    fabric = launch(config.device, config.devices, config.precision, config.threads)
    runs: dict[int, Left] = {}
    quiet = console.quiet or not fabric.is_global_zero
    with bars_of(show, quiet=quiet) as bars:
        faces = load_faces(config, bars)
        for seed in config.seeds:
            folder = _folder(config) / f"seed-{seed}"
            with folder_of_its_own(folder, fabric):
                left = _train(config, seed, folder, faces, fabric, bars)
            if left is not None:
                runs[seed] = left
    table = None
    if len(runs) > 1:
        table = _folder(config) / f"{config.called}-seeds.md"
        reports = {seed: left.reports for seed, left in runs.items()}
        table.write_text(summary(reports), encoding="utf-8")
    warnings = dict.fromkeys(one for left in runs.values() for one in left.warnings)
    return TrainedExpression(runs, table, tuple(warnings))


def _train(
    config: TrainExpression, seed: int, folder: Path, faces: Faces, fabric: "Fabric", show: Show
) -> Left | None:
    """One run; what it left, on the first process."""
    begun = time.perf_counter()
    run = make_ready(config, seed, folder, faces, fabric)
    done, named = steps_done(run.course), f"{config.called}, seed {seed}"
    told = {"steps": run.course.steps, "started from": run.started, "seed": seed}
    tracked, curves = watch_run(folder, "train-expression", named, config, told, fabric, done)
    try:
        with show(f"training {named}", run.course.steps) as advance:
            validate = partial(_validate, run, fabric)
            train(fabric, run.learner, run.draws, run.course, validate, curves, advance)
        if not fabric.is_global_zero:
            return None
        return leave(run, curves, tracked, time.perf_counter() - begun, show)
    except BaseException:
        if tracked is not None:
            tracked.end("FAILED")
        raise


def _folder(config: TrainExpression) -> Path:
    """Of all runs."""
    return config.out or artifacts_folder() / "expression" / config.called


def _validate(run: ExpressionRun, fabric: "Fabric", step: int) -> Mapping[str, float]:
    """Accuracy and mean recall on all test photos, in percent."""
    protocol, net = run.faces.protocol, run.learner.net
    rows = protocol.subsets[TEST].astype(np.int64)
    answers = [
        answers_of(net, faces_of(protocol, part, run.preset.side), fabric.device)
        for part in np.array_split(rows, -(-len(rows) // _LOOKED_AT))
    ]
    report = class_report(protocol.labels[rows], np.concatenate(answers), len(protocol.classes))
    return {"accuracy": 100 * report.accuracy, "mean recall": 100 * report.mean_recall}

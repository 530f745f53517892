"""What a training run of an expression classifier leaves: weights, ONNX, pictures, a card."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recognizers.onnx_about import write_about
from recognizers.onnx_export import export_onnx
from results.export.locating import ALIGNED, Setup
from results.export.mapping import Workers
from results.export.work import Show
from results.figures.confusion import draw_confusion
from results.publish import artifacts_folder
from results.tracking import TrackedRun, metric_name
from results.training.card import Card, about_command, draw_curves
from results.training.curves import Curves
from results.training.expression_photos import INPUT
from results.training.expression_ready import ExpressionRun
from results.training.expression_report import HEADING, MEASURED, Reports, measure, rows_of
from results.training.expression_weights import SavedExpressions, save_expressions
from results.training.watching import finish


@dataclass(frozen=True)
class Left:
    """What a run left.

    Attributes:
        onnx: The exported network; its card ``.toml`` lies beside it.
        weights: The same in half precision, to start from.
        card: For people.
        reports: What was measured, by subset.
        rows: The same in words.
        warnings: What a user has to know.
    """

    onnx: Path
    weights: Path
    card: Path
    reports: Reports
    rows: Mapping[str, str]
    warnings: tuple[str, ...]


def leave(
    run: ExpressionRun,
    curves: Curves,
    tracked: TrackedRun | None,
    seconds: float,
    show: Show,
) -> Left:
    """Export the network, measure the file, write everything; all of it is logged."""
    protocol, name = run.faces.protocol, run.config.called
    onnx, weights, card = (run.folder / f"{name}.{one}" for one in ("onnx", "safetensors", "md"))
    curve, confusion = (run.folder / f"{name}-{one}.png" for one in ("curves", "confusion"))
    about, net = about_run(run, seconds), run.learner.net
    save_expressions(weights, SavedExpressions(net, run.preset.side, protocol.classes, about))
    export_onnx(net, (run.preset.side, run.preset.side), onnx)
    write_about(onnx, about)
    onnx.with_suffix(".toml").write_text(INPUT, encoding="utf-8")
    reports = measure(onnx, protocol, _setup(run), show)
    rows = rows_of(reports, protocol.classes)
    title = f"{name}, seed {run.seed}"
    matrices = [(subset, one.confusion) for subset, one in reports.items()]
    draw_confusion(title, protocol.classes, matrices).savefig(confusion)
    draw_curves(curves.table(), f"{title}, {run.course.steps:,} steps").savefig(curve)
    told = Card(
        title=f"The expression classifier `{name}`",
        about=about,
        measured=MEASURED,
        heading=HEADING,
        validation=rows,
        left_out=(),
        pictures={
            "Confusion on the test photos": confusion.name,
            "Loss and validation by step": curve.name,
        },
    )
    card.write_text(told.text(), encoding="utf-8")
    if tracked is not None:
        final = {
            metric_name(f"measured: {one}"): 100 * found.accuracy for one, found in reports.items()
        }
        tracked.log(final, run.course.steps)
    warnings = finish(
        tracked, (onnx, onnx.with_suffix(".toml"), card, confusion, curve, curves.path)
    )
    return Left(onnx, weights, card, reports, rows, warnings)


def about_run(run: ExpressionRun, seconds: float) -> dict[str, str]:
    """Label → text, in order, for a run's card and its files.

    Args:
        run: The run.
        seconds: How long it took since it was last started.
    """
    preset, schedule, faces = run.preset, run.preset.schedule, run.faces
    labels = np.bincount(faces.labels, minlength=len(faces.protocol.classes)).tolist()
    counted = zip(faces.protocol.classes, labels, strict=True)
    count = sum(one.numel() for one in run.learner.net.parameters())
    own = {"preset": run.config.preset}
    if run.config.preset == "paper":
        own["schedule"] = "a guess: how the paper trained its classifier is unknown"
    return {
        **own,
        "network": f"{preset.size.words}, {preset.side} pixels, {count:,} parameters",
        "started from": run.started,
        "photos": f"{len(faces.labels):,} of {faces.protocol.name} (counts: "
        f"{faces.protocol.counted}; digest {faces.digest[:16]}): "
        f"{', '.join(f'{name} {one:,}' for name, one in counted)}",
        "loss": f"cross entropy{', every class counts alike' if run.config.weighted else ''}",
        "changed": preset.amounts.words,
        "steps": f"{run.course.steps:,} of {schedule.batch} photos, {run.draws.steps_of_epoch:,} "
        f"an epoch",
        "learning rate": f"{schedule.learning_rate:g} with momentum {schedule.momentum:g}, weight "
        f"decay {schedule.weight_decay:g}; {run.learner.pace('net.backbone.'):g} times that in "
        f"VGG16's layers",
        **about_command(run.environment, run.seed, seconds),
    }


def _setup(run: ExpressionRun) -> Setup:
    return Setup(
        landmarks=ALIGNED,
        landmarks_root=None,
        several="centre",
        device=run.config.device,
        workers=Workers(run.config.jobs),
        cache=run.config.cache or artifacts_folder() / "cache",
    )

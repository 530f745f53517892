"""A training run of a generator: pairs to weights, pictures on the way, and a card."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from rich.console import Console

from cfr.gan.batches import PairBatch
from cfr.gan.training import steps_done, train
from cfr.gan.validation import validation_scores
from cfr.gan.weights import save_generator
from cfr.pairs.about import RENDERS
from cfr.pairs.folder import PairFolder
from protocols.images import read_image, save_image
from results.console import progress_bars
from results.figures.restorations import draw_progress, draw_restorations, row_of_faces
from results.publish import artifacts_folder
from results.tracking import TrackedRun
from results.training.card import Card, about_command, draw_curves, last_validation
from results.training.curves import Curves
from results.training.gan_options import TrainGan
from results.training.gan_ready import GanRun, make_ready
from results.training.launching import folder_of_its_own, launch
from results.training.watching import finish, watch_run

if TYPE_CHECKING:
    from lightning.fabric import Fabric

_VALIDATION_BATCHES = 8
_MEASURED = (
    "On pairs of photos that were not trained on: mean |error| of a colour in levels of 255, where "
    "something had to be repaired and on the whole face, beside that of the damaged render itself; "
    "intersection over union of the masks; mean cosine of the recognizer's embeddings."
)


@dataclass(frozen=True)
class TrainedGan:
    """What a run left.

    Attributes:
        weights: The generator's file.
        card: Its card.
        progress: Held-out photos restored at the start, half way and at the end.
        warnings: What a user has to know.
    """

    weights: Path
    card: Path
    progress: Path
    warnings: tuple[str, ...]


def train_gan(config: TrainGan, console: Console) -> TrainedGan:
    """Make ready, train, save.

    Raises:
        DatasetUnavailable: Weights that a loss looks through are absent.
        BadInput: Pairs or weights are broken; or the folder holds a run with other options.
        BadOption: A device that is not there, or too few pairs.
    """
    fabric = launch(config.device, config.devices, config.precision, config.threads)
    folder = config.out or artifacts_folder() / "gan" / config.called
    with folder_of_its_own(folder, fabric):
        return _train(config, folder, fabric)


def _train(config: TrainGan, folder: Path, fabric: "Fabric") -> TrainedGan:
    begun = time.perf_counter()
    run = make_ready(config, folder, fabric)
    done = steps_done(run.course)
    told = {"steps": run.course.steps, "networks": str(run.networks)}
    tracked, curves = watch_run(folder, "train-gan", config.called, config, told, fabric, done)
    validate = partial(_validate, run, fabric, tracked)
    with progress_bars(Console(stderr=True, quiet=not fabric.is_global_zero)) as show:
        try:
            with show(f"training {config.called}", run.course.steps) as advance:
                train(
                    *(fabric, run.nets, run.objective, run.draws, run.course),
                    *(validate, curves, advance),
                )
        except BaseException:
            if tracked is not None:
                tracked.end("FAILED")
            raise
    if not fabric.is_global_zero:
        return TrainedGan(folder, folder, folder, ())
    return _leave(run, curves, tracked, time.perf_counter() - begun)


def _validate(
    run: GanRun, fabric: "Fabric", tracked: TrackedRun | None, step: int
) -> Mapping[str, float]:
    """Scores on held-out pairs; pictures of some of them."""
    net = run.nets.generator
    scores = validation_scores(net, run.held_out, _VALIDATION_BATCHES, fabric.device, run.embed)
    if fabric.is_global_zero:
        batch = run.held_out[0].to(fabric.device)
        with torch.no_grad():
            painted = net(batch.damaged, batch.guide)
        title = f"{run.config.called}, step {step:,}: photos that were not trained on"
        path = run.folder / f"grid-{step:07d}.png"
        draw_restorations(batch, painted, title).savefig(path)
        save_image(_faces(run.folder, step), row_of_faces(painted.image))
        if tracked is not None:
            tracked.keep(path)
    return scores


def _faces(folder: Path, step: int) -> Path:
    """Where a validation's painted faces are kept."""
    return folder / f"painted-{step:07d}.png"


def _leave(run: GanRun, curves: Curves, tracked: TrackedRun | None, seconds: float) -> TrainedGan:
    """Weights, curves, progress and card; all of them logged."""
    name = f"gan-{run.config.called}"
    weights, card = run.folder / f"{name}.safetensors", run.folder / f"{name}.md"
    picture, progress = (run.folder / f"{name}-{one}.png" for one in ("curves", "progress"))
    listed = run.folder / f"{name}-photos.sha256"
    photos = photos_of(run.pairs)
    points, about = curves.table(), about_gan(run, photos, seconds)
    save_generator(weights, run.nets.generator, about, side=run.preset.size)
    draw_curves(points, f"{run.config.called}, {run.course.steps:,} steps").savefig(picture)
    _draw_progress(run, progress)
    told = Card(
        title=f"The generator `{run.config.called}`",
        about=about,
        measured=_MEASURED,
        heading=("measured", "value"),
        validation=last_validation(points),
        left_out=_left_out(run),
        pictures={"Losses and validation by step": picture.name},
    )
    listed.write_text(photos, encoding="utf-8")
    card.write_text(told.text(), encoding="utf-8")
    kept = (weights, card, listed, picture, progress, curves.path)
    warnings = (*_left_out(run), *finish(tracked, kept))
    return TrainedGan(weights, card, progress, warnings)


def _draw_progress(run: GanRun, path: Path) -> None:
    """The faces of three validations beside what they were made from."""
    validated = run.course.validate
    steps = sorted({0, *range(validated, run.course.steps, validated), run.course.steps})
    half = min(steps, key=lambda step: abs(step - run.course.steps / 2))
    shown = {
        step: read_image(file)
        for step in sorted({0, half, run.course.steps})
        if (file := _faces(run.folder, step)).is_file()
    }
    batch: PairBatch = run.held_out[0]
    title = f"{run.config.called}: photos that were not trained on"
    draw_progress(batch, shown, title).savefig(path)


def about_gan(run: GanRun, photos: str, seconds: float) -> dict[str, str]:
    """Label → text, in order, for a run's card and for its weights' file.

    Args:
        run: The run.
        photos: The list of its photos (:func:`photos_of`).
        seconds: How long it took since it was last started.
    """
    generator, preset = run.nets.generator, run.preset
    counts = [sum(one.numel() for one in net.parameters()) for net in vars(run.nets).values()]
    return {
        "preset": run.config.preset,
        "without": ", ".join(run.config.without) or "nothing",
        "generator": f"width {generator.size.width}, {generator.size.blocks} blocks, "
        f"{preset.size} pixels, {counts[0]:,} parameters",
        "discriminator": f"{preset.form}, {counts[1]:,} parameters",
        "losses": ", ".join(f"{name} {one:g}" for name, one in preset.losses.terms().items()),
        **run.networks,
        "pairs": f"{'; '.join(map(_about_pairs, run.pairs))}"
        f"{'; made anew each time' if run.config.live else ''}; every twentieth photo's are for "
        "validation",
        "photos": f"{run.pairs[0].about.settings.rule} (sha256 of the list that lies beside the "
        f"weights: {hashlib.sha256(photos.encode()).hexdigest()})",
        "steps": f"{run.course.steps:,} of {preset.schedule.batch} pairs",
        **about_command(run.environment, run.config.seed, seconds),
    }


def _about_pairs(pairs: PairFolder) -> str:
    """What a folder holds, in words."""
    settings = pairs.about.settings
    added = "".join(f", with {name} ({one})" for name, one in settings.added.items())
    swap = "" if settings.swap else ", without swap"
    return f"{len(pairs):,}, {settings.preset}{swap}{added} (digest {pairs.digest[:16]})"


def photos_of(folders: Sequence[PairFolder]) -> str:
    """The photos that pairs were made of: a line each with sha256 and name, sorted by name.

    Made-up people are no photos.
    """
    found = {
        (record.photo, record.photo_sha256)
        for pairs in folders
        for record in pairs.records()
        if not record.photo.startswith(f"{RENDERS}/")
    }
    return "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(found))


def _left_out(run: GanRun) -> tuple[str, ...]:
    """Sentences: losses that were left out."""
    without = [name for name, weight in run.preset.losses.terms().items() if not weight]
    return (f"without the losses {', '.join(without)}",) if without else ()

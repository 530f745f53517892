"""What a trained network leaves behind for people: its card and its curves."""

import shlex
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from results.figures.style import line_style, plain
from results.training.setting_up import Run

USE = (
    "For research only. It was trained on photos of people who never agreed to it; what it sees in "
    "a face is a guess, and nothing about a person may be decided by it. Photos of the press "
    "over-represent some groups, and so does every average over them."
)


@dataclass(frozen=True)
class Card:
    """What a reader of a model card wants to know.

    Attributes:
        title: What it is.
        about: Label → text, in order: data, command, seed, ….
        validation: Name → value at the end of training.
        left_out: Sentences: losses that were left out, photos that could not be used.
    """

    title: str
    about: Mapping[str, str]
    validation: Mapping[str, float]
    left_out: Sequence[str]

    def text(self, curves: str) -> str:
        """The card as Markdown; ``curves`` is the picture's file name."""
        lines = [f"# {self.title}", "", "| | |", "|---|---|"]
        lines += [f"| {label} | {value} |" for label, value in self.about.items()]
        lines += ["", "Mean |error| of a landmark's coordinate on held-out samples, pixels of 224:"]
        lines += ["", "| samples | error |", "|---|---|"]
        lines += [f"| {name} | {value:.3f} |" for name, value in self.validation.items()]
        if self.left_out:
            lines += ["", *(f"- {one}" for one in self.left_out)]
        lines += ["", f"![Losses and validation by step]({curves})", ""]
        lines += textwrap.wrap(USE, 120)
        return "\n".join(lines) + "\n"


def draw_curves(points: pd.DataFrame, title: str) -> Figure:
    """Every curve of a run in a small picture of its own, validation together in the first one.

    Args:
        points: Columns step, name, value.
        title: Over everything.
    """
    names = list(dict.fromkeys(points["name"]))
    together = [name for name in names if name.startswith("validation: ")]
    panels = [*([together] if together else []), *([n] for n in names if n not in together)]
    columns = 4
    rows = max(1, -(-len(panels) // columns))
    figure = Figure(figsize=(3.2 * columns, 2.2 * rows + 0.5), layout="constrained", dpi=90)
    for axis in (axes := figure.subplots(rows, columns, squeeze=False)).flat[len(panels) :]:
        axis.set_axis_off()
    for axis, panel in zip(axes.flat, panels, strict=False):
        for index, name in enumerate(panel):
            of_name = points[points["name"] == name]
            label = name.removeprefix("validation: ")
            axis.plot(of_name["step"], of_name["value"], lw=1, label=label, **line_style(index))
        shown = points[points["name"].isin(panel)]["value"].tolist()
        axis.set_yscale("log" if min(shown) > 0 else "linear")
        axis.tick_params(labelsize="x-small")
        if len(panel) > 1:
            axis.set_title("validation", fontsize="small")
            axis.legend(fontsize="xx-small", frameon=False)
        else:
            axis.set_title(plain(panel[0]), fontsize="small")
    figure.suptitle(plain(title), fontsize="medium")
    figure.supxlabel("step", fontsize="small")
    return figure


def about_run(run: Run, seconds: float) -> dict[str, str]:
    """Label → text, in order, for a run's card and for its weights' file.

    Args:
        run: The run.
        seconds: How long it took since it was last started.
    """
    environment, config = run.environment, run.config
    kinds = run.draws.counts
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
        "seed": str(config.seed),
        "command": f"python {shlex.join(_words())}",
        "time": f"{seconds / 60:.0f} minutes of the last start, {environment.device}",
        "commit": f"{environment.git_commit or 'unknown'}"
        f"{' with changes' if environment.git_dirty else ''}",
        "versions": ", ".join(
            f"{name} {version}" for name, version in environment.versions.items()
        ),
        "use": "research only",
    }


def _words() -> list[str]:
    """The command as typed, without the folder that it was called from."""
    command = Path(sys.argv[0])
    return [command.name if command.is_absolute() else str(command), *sys.argv[1:]]


def left_out(run: Run) -> tuple[str, ...]:
    """Sentences: losses that were left out, and photos that could not be used."""
    photos = run.prepared.left_out
    if not photos:
        return run.objective.left_out
    path, why = next(iter(photos.items()))
    told = f"{len(photos):,} photos could not be used, such as {Path(path).name}: {why}"
    return (*run.objective.left_out, told)

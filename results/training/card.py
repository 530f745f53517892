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
from results.record import Environment

USE = (
    "For research only. It was trained on photos of people who never agreed to it, or on made-up "
    "people whose looks were learned from such photos; what it sees in a face is a guess, and "
    "nothing about a person may be decided by it. Photos of the press over-represent some groups, "
    "and so does every average over them."
)
VALIDATION = "validation: "
"""What the names of its curves begin with."""
_SPAN = 20  # what a curve's largest value is of its least until its axis is logarithmic


@dataclass(frozen=True)
class Card:
    """What a reader of a model card wants to know.

    Attributes:
        title: What it is.
        about: Label → text, in order: data, command, seed, ….
        measured: What the values of the validation are, a sentence.
        heading: Of their table: what was measured, and the value.
        validation: Name → value at the end of training, or what was measured, in words.
        left_out: Sentences: losses that were left out, photos that could not be used.
        pictures: Alternative text → file name.
    """

    title: str
    about: Mapping[str, str]
    measured: str
    heading: tuple[str, str]
    validation: Mapping[str, float | str]
    left_out: Sequence[str]
    pictures: Mapping[str, str]

    def text(self) -> str:
        """The card as Markdown."""
        lines = [f"# {self.title}", "", "| | |", "|---|---|"]
        lines += [f"| {label} | {value} |" for label, value in self.about.items()]
        lines += ["", self.measured, "", f"| {' | '.join(self.heading)} |", "|---|---|"]
        for name, value in self.validation.items():
            lines.append(f"| {name} | {value if isinstance(value, str) else f'{value:.3f}'} |")
        if self.left_out:
            lines += ["", *(f"- {one}" for one in self.left_out)]
        for words, file in self.pictures.items():
            lines += ["", f"![{words}]({file})"]
        lines += ["", *textwrap.wrap(USE, 120)]
        return "\n".join(lines) + "\n"


def last_validation(points: pd.DataFrame) -> dict[str, float]:
    """The last value of each curve of the validation, by name."""
    return {
        name.removeprefix(VALIDATION): value
        for name, value in zip(points["name"], points["value"], strict=True)
        if name.startswith(VALIDATION)
    }


def draw_curves(points: pd.DataFrame, title: str) -> Figure:
    """Every curve of a run in a small picture of its own.

    Curves of the validation that differ in what stands behind a comma, such as ``photos`` and
    ``photos, occluded``, share one; they come first.

    Args:
        points: Columns step, name, value.
        title: Over everything.
    """
    panels: dict[str, list[str]] = {}
    for name in sorted(dict.fromkeys(points["name"]), key=lambda one: VALIDATION not in one):
        validated = name.startswith(VALIDATION)
        panels.setdefault(name.partition(", ")[0] if validated else name, []).append(name)
    columns = 4
    rows = max(1, -(-len(panels) // columns))
    figure = Figure(figsize=(3.2 * columns, 2.2 * rows + 0.5), layout="constrained", dpi=90)
    for axis in (axes := figure.subplots(rows, columns, squeeze=False)).flat[len(panels) :]:
        axis.set_axis_off()
    for axis, (title_of_panel, names) in zip(axes.flat, panels.items(), strict=False):
        for index, name in enumerate(names):
            of_name = points[points["name"] == name]
            label = name.removeprefix(VALIDATION)
            axis.plot(of_name["step"], of_name["value"], lw=1, label=label, **line_style(index))
        shown = points[points["name"].isin(names)]["value"].tolist()
        axis.set_yscale("log" if 0 < _SPAN * min(shown) < max(shown) else "linear")
        axis.tick_params(labelsize="x-small", which="both")
        axis.set_title(plain(title_of_panel), fontsize="small")
        if len(names) > 1:
            axis.legend(fontsize="xx-small", frameon=False)
    figure.suptitle(plain(title), fontsize="medium")
    figure.supxlabel("step", fontsize="small")
    return figure


def about_command(environment: Environment, seed: int, seconds: float) -> dict[str, str]:
    """Label → text, in order, of how a network came about: seed, command, time, commit, versions.

    Args:
        environment: As it was at the start.
        seed: Of everything drawn.
        seconds: How long the run took since it was last started.
    """
    return {
        "seed": str(seed),
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

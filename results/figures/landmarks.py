"""Landmarks drawn on photos, a photo a row and a method a column: the layout of Fig. 8."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from results.figures.style import plain, shortened

_INCHES = 2.2
_AROUND = 1.7  # how much larger the window is than the labelled points' box
_DOT, _EDGE = "#39FF14", "#000000"


@dataclass(frozen=True, eq=False)
class LandmarkRow:
    """One photo of the figure.

    Attributes:
        name: Its file's name.
        photo: RGB, as the methods saw it.
        truth: ``(68, 2)`` labelled points, in pixels.
        points: Column → ``(68, 2)``, in pixels.
    """

    name: str
    photo: UInt8[np.ndarray, "h w 3"]
    truth: Float64[np.ndarray, "68 2"]
    points: Mapping[str, Float64[np.ndarray, "68 2"]]


def evenly_chosen(rows: Int64[np.ndarray, " n"], count: int) -> list[int]:
    """So many of the rows, spread evenly over their order: the middles of equal parts.

    Args:
        rows: In the data set's order.
        count: How many; all of them if there are fewer.
    """
    count = min(count, len(rows))
    return [int(rows[len(rows) * (2 * part + 1) // (2 * count)]) for part in range(count)]


def draw_landmarks(title: str, rows: Sequence[LandmarkRow], caption: str) -> Figure:
    """Draw each photo plain, with the labelled points, and with each method's.

    Args:
        title: Over everything.
        rows: The photos, with the same columns.
        caption: Below everything: by which rule the photos were chosen.
    """
    columns = ["photo", "ground truth", *rows[0].points]
    width = max(_INCHES * len(columns), 6.0)
    lines = textwrap.wrap(plain(caption), int(width * 13))
    height = _INCHES * len(rows) + 0.8 + 0.16 * len(lines)
    figure = Figure(figsize=(width, height), layout="constrained", dpi=150)
    axes = figure.subplots(len(rows), len(columns), squeeze=False)
    for one, line in zip(rows, axes, strict=True):
        drawn: list[np.ndarray | None] = [None, one.truth, *one.points.values()]
        for axis, points in zip(line, drawn, strict=True):
            _draw(axis, one, points)
        line[0].set_ylabel(shortened(one.name, 20), fontsize="x-small")
    for axis, column in zip(axes[0], columns, strict=True):
        axis.set_title(plain(shortened(column, 24)), fontsize="small")
    figure.suptitle(plain(title), fontsize="medium")
    figure.supxlabel("\n".join(lines), fontsize="x-small")
    return figure


def _draw(axis: Axes, row: LandmarkRow, points: np.ndarray | None) -> None:
    """A window of the photo, with points or without."""
    axis.imshow(row.photo)
    if points is not None:
        axis.scatter(*points.T, s=4, c=_DOT, edgecolors=_EDGE, linewidths=0.25)
    low, high = row.truth.min(0), row.truth.max(0)
    middle, half = (low + high) / 2, _AROUND * (high - low).max() / 2
    axis.set(
        xlim=(middle[0] - half, middle[0] + half),
        ylim=(middle[1] + half, middle[1] - half),
        xticks=[],
        yticks=[],
    )

"""Panels in rows and columns, of one size each, with a caption below."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import UInt8
from matplotlib.figure import Figure

from results.figures.style import plain

_SIDE, _GAP = 1.5, 0.05  # inches
_NAMES, _EDGE = 1.15, 0.08  # left of the rows, around everything
_LINE, _SMALL = 0.15, 0.115  # a line of headings, one of the caption
_DPI = 150
_ACROSS, _BESIDE = 22, 15  # letters of a line above a panel, and left of one
_IN_AN_INCH = 20  # letters of the caption


@dataclass(frozen=True, eq=False)
class Row:
    """A photo, and what was made of it.

    Attributes:
        name: Left of it.
        pictures: Column → picture, RGB, square; a column that is missing leaves its place empty.
        notes: Column → a word in the panel's corner.
    """

    name: str
    pictures: Mapping[str, UInt8[np.ndarray, "_ _ 3"]]
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Part:
    """Rows with the same columns.

    Attributes:
        title: Above them; empty for none.
        rows: At least one.
    """

    title: str
    rows: Sequence[Row]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of the rows, in their order."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.pictures))


def draw_grid(title: str, parts: Sequence[Part], caption: str) -> Figure:
    """Draw parts below each other; every panel of the figure has the same size.

    Args:
        title: Over everything.
        parts: At least one.
        caption: Below everything, wrapped.
    """
    across = max(len(part.columns) for part in parts)
    width = _NAMES + across * (_SIDE + _GAP) + _EDGE
    most = int((width - 2 * _EDGE) * _IN_AN_INCH)
    lines = textwrap.wrap(caption, most, break_on_hyphens=False)
    titles = textwrap.wrap(title, int(width * 11))
    top = _EDGE + 0.2 * len(titles) + 0.06
    height = top + sum(map(_height, parts)) + _SMALL * len(lines) + 3 * _EDGE
    figure = Figure(figsize=(width, height), dpi=_DPI)
    _write(figure, "\n".join(titles), (width / 2, _EDGE), size=11.0, align="center")
    for part in parts:
        _draw(figure, part, top)
        top += _height(part)
    _write(figure, "\n".join(lines), (_EDGE, top + _EDGE), size=6.5, align="left")
    return figure


def _headings(part: Part) -> list[str]:
    return [textwrap.fill(name, _ACROSS, break_on_hyphens=False) for name in part.columns]


def _above(part: Part) -> float:
    """Inches that titles and headings take."""
    lines = max(one.count("\n") + 1 for one in _headings(part))
    return (0.24 if part.title else 0.0) + _LINE * lines + 0.06


def _height(part: Part) -> float:
    return _above(part) + len(part.rows) * (_SIDE + _GAP)


def _draw(figure: Figure, part: Part, top: float) -> None:
    """Draw a part whose upper edge lies so many inches below the figure's."""
    width, height = figure.get_size_inches()
    if part.title:
        _write(figure, part.title, (_EDGE, top + 0.04), size=9.0, align="left")
    first = top + _above(part)
    for at, heading in enumerate(_headings(part)):
        middle = _NAMES + at * (_SIDE + _GAP) + _SIDE / 2
        lines = heading.count("\n") + 1
        _write(figure, heading, (middle, first - _LINE * lines - 0.03), size=8.0, align="center")
    for down, row in enumerate(part.rows):
        upper = first + down * (_SIDE + _GAP)
        name = textwrap.fill(row.name, _BESIDE)
        away = upper + (_SIDE - _LINE * (name.count("\n") + 1)) / 2
        _write(figure, name, (_EDGE, away), size=7.5, align="left")
        for at, column in enumerate(part.columns):
            if column not in row.pictures:
                continue
            left, lower = _NAMES + at * (_SIDE + _GAP), height - upper - _SIDE
            place = (left / width, lower / height, _SIDE / width, _SIDE / height)
            axis = figure.add_axes(place, label=f"{part.title}/{down}/{column}")
            axis.imshow(row.pictures[column])
            axis.set_axis_off()
            if column in row.notes:
                box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.2}
                at_corner = {"transform": axis.transAxes, "fontsize": 6.5, "bbox": box}
                axis.text(0.03, 0.04, plain(row.notes[column]), **at_corner)


def _write(
    figure: Figure, text: str, place: tuple[float, float], *, size: float, align: str
) -> None:
    """Write text whose upper edge lies at a place, in inches from the figure's upper left."""
    width, height = figure.get_size_inches()
    x, y = place[0] / width, 1 - place[1] / height
    figure.text(x, y, plain(text), fontsize=size, ha=align, va="top", linespacing=1.15)


def dotted(
    picture: UInt8[np.ndarray, "h w 3"], points: np.ndarray, radius: float = 1.6
) -> UInt8[np.ndarray, "h w 3"]:
    """A picture with points on it, green with a dark edge; those outside are left out.

    Args:
        picture: RGB.
        points: ``(n, 2)`` in its pixels.
        radius: Pixels of a picture of 224.
    """
    drawn, scale = picture.copy(), 16
    size = radius * len(picture) / 224
    for edge, colour in ((1.5, (0, 0, 0)), (1.0, (57, 255, 20))):
        for x, y in np.round(points * scale).astype(int).tolist():
            if 0 <= x < picture.shape[1] * scale and 0 <= y < picture.shape[0] * scale:
                cv2.circle(drawn, (x, y), round(size * edge * scale), colour, -1, cv2.LINE_AA, 4)
    return drawn

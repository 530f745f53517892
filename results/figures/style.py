"""What the figures have in common: colours with line styles, names that fit, legends below."""

import textwrap
from collections.abc import Iterable
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Distinct in print without colour as well (Okabe and Ito's palette, with line styles).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000")
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
_LEGEND_LINE = 0.19  # inches


def line_style(index: int) -> dict[str, Any]:
    """Colour and line style of the curve with this number; the first 25 all differ."""
    rounds, place = divmod(index, len(COLOURS))
    return {"color": COLOURS[place], "linestyle": STYLES[(place + rounds) % len(STYLES)]}


def shortened(text: str, most: int) -> str:
    """The text on one line of at most so many characters; what is too much goes in the middle."""
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    start = most // 2
    return f"{text[:start]}…{text[len(text) - (most - 1 - start) :]}"


def plain(text: str) -> str:
    """The text as matplotlib shows it letter by letter: ``$`` would start a formula."""
    return text.replace("$", r"\$")


def set_title(axes: Axes, title: str) -> None:
    """A title above the axes, on as many lines as it needs."""
    axes.set_title(textwrap.fill(plain(title), 72), fontsize="medium")


def legend_below(figure: Figure, handles: Iterable[Artist], labels: Iterable[str]) -> None:
    """A legend under the axes, a line for each; the figure grows by its height."""
    handles, labels = list(handles), [plain(label) for label in labels]
    width, height = figure.get_size_inches()
    lines = sum(label.count("\n") + 1 for label in labels)
    figure.set_size_inches(width, height + 0.1 + _LEGEND_LINE * lines)
    figure.legend(
        handles, labels, loc="outside lower center", fontsize="small", handlelength=4, frameon=False
    )

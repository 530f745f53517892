"""Confusion matrices: how often each class is taken for each."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from results.figures.style import plain, set_title

_WIDE, _HIGH = 4.6, 4.4  # inches of a matrix of seven classes
_DARK = 0.5


def draw_confusion(
    title: str, classes: Sequence[str], parts: Sequence[tuple[str, Int64[np.ndarray, "c c"]]]
) -> Figure:
    """Draw matrices side by side; a square's shade is its share of the row, its number the count.

    Args:
        title: Over everything.
        classes: Their names, in order.
        parts: For each matrix its name, and counts: a row is the true class, a column the answer.

    Raises:
        ValueError: There is no matrix, or one of another size.
    """
    if not parts or any(counts.shape != (len(classes),) * 2 for _, counts in parts):
        raise ValueError(f"expected matrices of {len(classes)} classes, found {len(parts)} of them")
    figure = Figure(figsize=(_WIDE * len(parts), _HIGH), layout="constrained", dpi=100)
    for axes, (name, counts) in zip(
        figure.subplots(1, len(parts), squeeze=False)[0], parts, strict=True
    ):
        _draw(axes, classes, counts)
        right, whole = int(counts.trace()), int(counts.sum())
        set_title(axes, f"{name}: {right:,} of {whole:,} right")
    figure.suptitle(plain(title), fontsize="medium")
    return figure


def _draw(axes: Axes, classes: Sequence[str], counts: Int64[np.ndarray, "c c"]) -> None:
    sizes = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(sizes, 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share > _DARK else "black"
        text = f"{counts[row, column]:,}"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize="small")
    places = range(len(classes))
    axes.set_xticks(places, [plain(one) for one in classes], rotation=45, ha="right")
    axes.set_yticks(places, [plain(one) for one in classes])
    axes.set(xlabel="answer", ylabel="truth")

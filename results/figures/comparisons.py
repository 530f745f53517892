"""Photos in rows, what was made of them in columns; each row has its photo's name."""

from collections.abc import Mapping, Sequence

from jaxtyping import UInt8
from matplotlib.figure import Figure
from numpy import ndarray

from results.figures.style import plain, shortened

_INCHES, _NAME = 1.7, 22


def draw_comparisons(rows: Sequence[Mapping[str, UInt8[ndarray, "s s 3"]]]) -> Figure:
    """Draw rows whose first picture is called by the photo's name, the others by their column.

    A row that lacks a column leaves its place empty.

    Args:
        rows: Name → picture, RGB.
    """
    columns = list(dict.fromkeys(name for row in rows for name in list(row)[1:]))
    figure = Figure(
        figsize=(_INCHES * (len(columns) + 1), (_INCHES + 0.05) * len(rows) + 0.4),
        layout="constrained",
        dpi=100,
    )
    axes = figure.subplots(len(rows), len(columns) + 1, squeeze=False)
    for place, row in enumerate(rows):
        name, *_ = row
        pictures = [row[name], *(row.get(column) for column in columns)]
        for axis, picture in zip(axes[place], pictures, strict=True):
            axis.set_xticks([])
            axis.set_yticks([])
            axis.set_frame_on(False)
            if picture is not None:
                axis.imshow(picture, interpolation="nearest")
        axes[place, 0].set_ylabel(plain(shortened(name, _NAME)), fontsize="small")
    for axis, title in zip(axes[0], ("photo", *columns), strict=True):
        axis.set_title(plain(shortened(title, _NAME)), fontsize="small")
    return figure

"""Pictures side by side, each with its name."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import UInt8
from matplotlib.figure import Figure


def draw_sheet(rows: Sequence[Mapping[str, UInt8[np.ndarray, "h w 3"]]], title: str = "") -> Figure:
    """Draw rows of pictures; the names stand over the first row.

    Args:
        rows: Name → picture, RGB.
        title: Over everything.
    """
    columns = max(len(row) for row in rows)
    side = max(len(picture) for row in rows for picture in row.values()) / 100
    figure = Figure(figsize=(side * columns, side * len(rows) + 0.3), layout="constrained", dpi=100)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for index, row in enumerate(rows):
        for axis, (name, picture) in zip(axes[index], row.items(), strict=False):
            axis.imshow(picture, interpolation="nearest")
            if index == 0:
                axis.set_title(name, fontsize="small")
    if title:
        figure.suptitle(title, fontsize="small")
    return figure

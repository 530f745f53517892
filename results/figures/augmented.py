"""Pictures beside their versions."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from matplotlib.figure import Figure

_SIDE = 1.3  # inches


class Shown(NamedTuple):
    """A picture, RGB, and what stands above it."""

    title: str
    picture: UInt8[np.ndarray, "_ _ 3"]


def draw_versions(pictures: Sequence[Sequence[Shown]], columns: int = 4) -> Figure:
    """Draw each picture and its versions side by side, several pictures a row.

    Args:
        pictures: For each its versions, itself first; as many of each.
        columns: Pictures of a row.
    """
    wide = max(len(one) for one in pictures)
    across = min(columns if wide <= 3 else 1, len(pictures))
    rows = -(-len(pictures) // across)
    size = (_SIDE * wide * across, (_SIDE + 0.25) * rows)
    figure = Figure(figsize=size, layout="constrained", dpi=120)
    axes = figure.subplots(rows, across * wide, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for place, one in enumerate(pictures):
        row, column = divmod(place, across)
        for at, shown in enumerate(one):
            axis = axes[row, column * wide + at]
            axis.imshow(shown.picture, interpolation="nearest")
            axis.set_title(shown.title, fontsize="x-small")
    return figure

"""Cumulative error curves: the share of images that are landmarked at least this well."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float64
from matplotlib.figure import Figure

from eval.nme import cumulative_error
from results.figures.style import line_style


def draw_cumulative(
    title: str, curves: Mapping[str, Float64[np.ndarray, " _"]], limit: float = 10.0
) -> Figure:
    """Draw one curve for each set of errors.

    Args:
        title: What the curves belong to.
        curves: Per-image errors in percent, by the name in the legend.
        limit: Where the axis ends, in percent; the legend says how many images lie beyond.
    """
    figure = Figure(figsize=(6.4, 4.4), layout="constrained", dpi=150)
    axes = figure.subplots()
    thresholds = np.linspace(0.0, limit, 501)
    for index, (name, errors) in enumerate(curves.items()):
        beyond = float((errors > limit).mean())
        axes.plot(
            thresholds,
            100 * cumulative_error(errors, thresholds),
            label=f"{name}: n={len(errors)}, {100 * beyond:.1f} % beyond {limit:g} %",
            **line_style(index),
        )
    axes.set(
        title=title,
        xlabel="normalised mean error of an image, %",
        ylabel="images with at most this error, %",
        xlim=(0, limit),
        ylim=(0, 100),
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize="small", framealpha=0.9)
    return figure

"""Cumulative match characteristics (CMC): who is found among the first ranks."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from results.figures.style import legend_below, line_style, set_title, shortened

_LINEAR = 20
_NAME = 60


def draw_cmc(title: str, systems: Mapping[str, Float64[np.ndarray, " _"]]) -> Figure:
    """Draw the rate of identification over the rank; one curve a system.

    Args:
        title: What was searched.
        systems: By the name in the legend, the rank-k rates for k = 1, 2, …, in 0 … 1, as
            ``eval.identification.cmc`` gives them. The axis is logarithmic if any has more than 20.

    Raises:
        ValueError: There is no system; rates are none, outside 0 … 1, or fall.
    """
    _check(systems)
    figure = Figure(figsize=(6.4, 4.4), layout="constrained", dpi=150)
    axes = figure.subplots()
    most = max(map(len, systems.values()))
    marker = "o" if most <= _LINEAR else ""
    for index, rates in enumerate(systems.values()):
        ranks = np.arange(1, len(rates) + 1)
        axes.plot(ranks, 100 * rates, marker=marker, markersize=4, **line_style(index))
    axes.set(xlabel="rank", ylabel="probes found up to this rank, %")
    _rank_axis(axes, most)
    lowest = min(99.0, *(100 * float(rates[0]) for rates in systems.values()))
    margin = 0.04 * (100 - lowest)
    axes.set_ylim(lowest - margin, 100 + margin)
    axes.grid(alpha=0.3)
    set_title(axes, title)
    labels = [
        f"{shortened(name, _NAME)}: {100 * rates[0]:.2f} % at rank 1"
        for name, rates in systems.items()
    ]
    legend_below(figure, axes.lines, labels)
    return figure


def _check(systems: Mapping[str, np.ndarray]) -> None:
    if not systems:
        raise ValueError("there is no system to draw")
    for name, rates in systems.items():
        if not len(rates):
            raise ValueError(f"{name}: it has no rates")
        if not ((rates >= 0) & (rates <= 1)).all():
            worst = int(np.argmin((rates >= 0) & (rates <= 1)))
            raise ValueError(
                f"{name}: the rate at rank {worst + 1} is {rates[worst]}, not in 0 … 1"
            )
        if (np.diff(rates) < 0).any():
            raise ValueError(
                f"{name}: rates fall from rank {int(np.argmax(np.diff(rates) < 0)) + 1}"
            )


def _rank_axis(axes: Axes, most: int) -> None:
    """Whole ranks, on a logarithmic axis if there are many."""
    from matplotlib.ticker import NullLocator

    if most <= _LINEAR:
        ticks, limits = _every(most), (0.5, most + 0.5)
    else:
        steps = (1, 2, 5) if most <= 1000 else (1,)
        ticks = [step * 10**power for power in range(len(str(most))) for step in steps]
        axes.set_xscale("log")
        limits = (1, most)
    ticks = [tick for tick in ticks if tick <= most]
    axes.set_xlim(limits)
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


def _every(most: int) -> list[int]:
    return list(range(1, most + 1)) if most <= 10 else [1, 5, 10, 15, 20]

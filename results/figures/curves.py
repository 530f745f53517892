"""Verification curves of several systems: ROC, and detection error trade-off (DET).

Both show at each FAR the largest TAR of all thresholds that stay within it (the rule
``conservative`` of ``eval.curve``), computed from all scores, at as many FARs as the picture has
pixels. Several splits give one curve: the mean of the splits' TARs at each FAR, with a band of one
standard deviation (of the population of splits) to both sides.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eval.curve import allowed
from eval.roc import FEWEST, equal_error_rate, why_not
from eval.tail import check_scores
from results.figures.style import legend_below, line_style, set_title, shortened

Split = tuple[Float32[np.ndarray, " _"], Bool[np.ndarray, " _"]]
"""Similarities (−∞ for a failure to enrol), and which pairs are of one person."""

_FINEST = 6
_PER_DECADE = 200
_PER_DEVIATE = 200
_NAME = 60
# Where an axis of a DET may have a tick or end, in percent.
_TICKS = np.array(
    [1e-4, 1e-3, 0.01, 0.1, 0.5, 1, 2, 5, 10, 20, 40, 60, 80, 90, 95, 98, 99, 99.5, 99.9, 99.99]
)


def draw_roc(title: str, systems: Mapping[str, Sequence[Split]]) -> Figure:
    """Draw TAR over FAR, the FAR on a logarithmic axis; one curve a system.

    A curve starts at the decade below one false accept of the split with the fewest impostors, and
    at 10⁻⁶ at the earliest.

    Args:
        title: What the scores belong to.
        systems: Splits by the name in the legend: scores, and which pairs are genuine.

    Raises:
        ValueError: There is no system, or one without a split; a split lacks genuine or impostor
            pairs or has another number of scores than of marks; a score is NaN or +∞.
    """
    from matplotlib.ticker import NullFormatter

    _check(systems)
    curves = [_curve(splits, _decades(_first_decade(splits))) for splits in systems.values()]
    lowest = min(99.0, *(100 * float((curve.tar - curve.std).min()) for curve in curves))
    step = next(step for step in (1, 2, 5, 10) if 100 - lowest <= 10 * step or step == 10)
    bottom = step * math.floor(max(lowest, 0.0) / step)
    margin = 0.02 * (100 - bottom)
    figure, axes = _figure(title, curves, "")
    for index, curve in enumerate(curves):
        rates = (100 * curve.tar, 100 * (curve.tar - curve.std), 100 * (curve.tar + curve.std))
        _draw(axes, index, curve, curve.fars, *(rate.clip(0, 100) for rate in rates))
    axes.set(
        xscale="log",
        xlim=(min(curve.fars[0] for curve in curves), 1),
        ylim=(bottom - margin, 100 + margin),
        ylabel="true accept rate, %",
    )
    axes.xaxis.set_minor_formatter(NullFormatter())
    labels = [f"{_named(name, splits)}, {_sizes(splits)}" for name, splits in systems.items()]
    legend_below(figure, _samples(len(labels)), labels)
    return figure


def draw_det(title: str, systems: Mapping[str, Sequence[Split]]) -> Figure:
    """Draw false reject rate over FAR, both on axes of normal deviates; one curve a system.

    On such axes two normal distributions of scores give a straight line (Martin et al., "The DET
    curve in assessment of detection task performance", Eurospeech 1997). The legend has the equal
    error rate of each system, the mean over its splits if there are several. Where no genuine pair
    is rejected, a curve is drawn at a tick of its own, 0, below the others.

    Args:
        title: What the scores belong to.
        systems: Splits by the name in the legend: scores, and which pairs are genuine.

    Raises:
        ValueError: As :func:`draw_roc`.
    """
    from matplotlib.lines import Line2D
    from scipy.stats import norm

    _check(systems)
    curves = [_curve(splits, _deviates(_first_decade(splits))) for splits in systems.values()]
    errors = [
        np.array([equal_error_rate(*split).rate for split in splits]) for splits in systems.values()
    ]
    figure, axes = _figure(title, curves, ", %")
    axes.set_ylabel("false reject rate, %")
    ends = _det_axes(axes, curves, [float(rates.mean()) for rates in errors])
    for index, curve in enumerate(curves):
        rates = (1 - curve.tar, 1 - curve.tar - curve.std, 1 - curve.tar + curve.std)
        places = [norm.ppf(rate.clip(0, 1)).clip(*ends) for rate in rates]
        _draw(axes, index, curve, norm.ppf(curve.fars), *places)
    diagonal = Line2D([-9, 9], [-9, 9], color="0.6", linewidth=0.8, zorder=1)
    axes.add_line(diagonal)
    labels = [
        f"{_named(name, splits)}: {_error(rates)}, {_sizes(splits)}"
        for (name, splits), rates in zip(systems.items(), errors, strict=True)
    ]
    legend_below(figure, [*_samples(len(labels)), diagonal], [*labels, "equal rates (EER)"])
    return figure


@dataclass(frozen=True, eq=False)
class _Curve:
    """Mean and spread of the splits' TARs at each FAR.

    ``dot`` is the place from which on the tables have a TAR too; None if that is all, or nowhere.
    """

    fars: np.ndarray
    tar: np.ndarray
    std: np.ndarray
    splits: int
    dot: int | None


def _figure(title: str, curves: Sequence[_Curve], unit: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6.4, 4.4), layout="constrained", dpi=150)
    axes = figure.subplots()
    axes.grid(alpha=0.3)
    set_title(axes, title)
    dots = any(curve.dot is not None for curve in curves)
    note = f" (left of a dot: fewer than {FEWEST} false accepts)" if dots else ""
    axes.set_xlabel(f"false accept rate{unit}{note}")
    return figure, axes


def _check(systems: Mapping[str, Sequence[Split]]) -> None:
    if not systems:
        raise ValueError("there is no system to draw")
    for name, splits in systems.items():
        if not splits:
            raise ValueError(f"{name}: it has no scores")
        for number, (scores, genuine) in enumerate(splits, 1):
            try:
                _check_split(scores, genuine)
            except ValueError as error:
                raise ValueError(f"{name}, split {number} of {len(splits)}: {error}") from error


def _check_split(scores: np.ndarray, genuine: np.ndarray) -> None:
    if len(scores) != len(genuine):
        raise ValueError(f"{len(scores):,} scores for {len(genuine):,} pairs")
    check_scores(scores, genuine)
    matched = int(np.count_nonzero(genuine))
    if not 0 < matched < len(genuine):
        others = len(genuine) - matched
        raise ValueError(f"needs genuine and impostor pairs, got {matched} and {others}")


def _impostors(split: Split) -> int:
    return len(split[1]) - int(np.count_nonzero(split[1]))


def _first_decade(splits: Sequence[Split]) -> int:
    """d, where 10⁻ᵈ is the FAR that a curve starts at."""
    fewest = min(map(_impostors, splits))
    return min(len(str(fewest - 1)) if fewest > 1 else 1, _FINEST)


def _decades(first: int) -> np.ndarray:
    """FARs from 10⁻ᵈ to 1, even on a logarithmic axis; the decades themselves are exact."""
    fars = 10.0 ** (np.arange(-first * _PER_DECADE, 1) / _PER_DECADE)
    fars[::_PER_DECADE] = [float(f"1e-{decade}") for decade in range(first, -1, -1)]
    return fars


def _deviates(first: int) -> np.ndarray:
    """FARs from 10⁻ᵈ to nearly 1, even on an axis of normal deviates, and the ticks among them."""
    from scipy.stats import norm

    start, end = norm.ppf([float(f"1e-{first}"), _TICKS[-1] / 100])
    even = norm.cdf(np.linspace(start, end, int(_PER_DEVIATE * (end - start))))
    ticks = [float(f"{tick}e-2") for tick in _TICKS]
    return np.unique([far for far in (*even, *ticks) if far >= float(f"1e-{first}")])


def _curve(splits: Sequence[Split], fars: np.ndarray) -> _Curve:
    tars = np.array([_tars(*split, fars) for split in splits])
    fewest = min(map(_impostors, splits))
    dot = next((place for place, far in enumerate(fars) if not why_not(far, 1, fewest)), None)
    return _Curve(fars, tars.mean(axis=0), tars.std(axis=0), len(splits), dot or None)


def _tars(scores: np.ndarray, genuine: np.ndarray, fars: np.ndarray) -> np.ndarray:
    """The largest TAR of all thresholds whose FAR is at most each of ``fars``."""
    matches, others = scores[genuine], scores[~genuine]
    matches.sort()
    others.sort()
    most = np.array([allowed(float(far), len(others)) for far in fars])
    # The threshold stays above the highest impostor who is one too many, if there is one.
    refused = np.where(most < len(others), others[np.maximum(len(others) - 1 - most, 0)], -np.inf)
    return 1 - np.searchsorted(matches, refused.astype(scores.dtype), side="right") / len(matches)


def _draw(
    axes: Axes,
    index: int,
    curve: _Curve,
    x: np.ndarray,
    y: np.ndarray,
    below: np.ndarray,
    above: np.ndarray,
) -> None:
    """A curve of steps, its dot, and the band of its splits."""
    style, dots = line_style(index), [] if curve.dot is None else [curve.dot]
    axes.plot(x, y, drawstyle="steps-post", marker="o", markersize=4, markevery=dots, **style)
    if curve.splits > 1:
        axes.fill_between(
            x, below, above, step="post", alpha=0.2, color=style["color"], linewidth=0
        )


def _samples(count: int) -> list[Artist]:
    """Lines for the legend, without the dots."""
    from matplotlib.lines import Line2D

    return [Line2D([], [], **line_style(index)) for index in range(count)]


def _named(name: str, splits: Sequence[Split]) -> str:
    name = shortened(name, _NAME)
    return f"{name}, {len(splits)} splits" if len(splits) > 1 else name


def _sizes(splits: Sequence[Split]) -> str:
    return f"n = {sum(len(scores) for scores, _ in splits):,}"


def _error(rates: np.ndarray) -> str:
    spread = f" ± {100 * rates.std():.2f}" if len(rates) > 1 else ""
    return f"EER {100 * rates.mean():.2f}{spread} %"


def _det_axes(axes: Axes, curves: Sequence[_Curve], errors: Sequence[float]) -> tuple[float, float]:
    """Axes that hold the curves; between which places FRRs are drawn."""
    from scipy.stats import norm

    first = min(float(curve.fars[0]) for curve in curves)
    _, end = _deviate_axis(axes, "x", first, max(map(_last, curves, errors)))
    shown = np.concatenate([1 - curve.tar[norm.ppf(curve.fars) <= end] for curve in curves])
    zero = bool((shown == 0).any())
    lowest = float(shown.min(where=shown > 0, initial=0.01 if zero else 1.0))
    return _deviate_axis(axes, "y", lowest, max(float(shown.max()), 0.05, 3 * first), zero=zero)


def _last(curve: _Curve, error: float) -> float:
    """The FAR where the FRR is as low as it gets, but not far beyond the equal error rate."""
    reached = float(curve.fars[np.argmax(curve.tar)])
    return min(max(reached, error, 0.05, 3 * float(curve.fars[0])), max(0.4, error))


def _deviate_axis(
    axes: Axes, which: str, low: float, high: float, *, zero: bool = False
) -> tuple[float, float]:
    """Ticks in percent, from the one below ``low`` to the one above ``high``; where they end.

    A rate of zero is infinitely far away: it gets a place of its own at the lower end.
    """
    from scipy.stats import norm

    first = max(int(np.searchsorted(_TICKS, 100 * low * (1 + 1e-9), side="right")) - 1, 0)
    last = min(int(np.searchsorted(_TICKS, 100 * high * (1 - 1e-9))), len(_TICKS) - 1)
    ticks = _TICKS[min(first, last - 1) : last + 1]
    places, names = list(norm.ppf(ticks / 100)), [f"{tick:.10g}" for tick in ticks]
    start = places[0]
    if zero:
        gap = 0.06 * (places[-1] - places[0])
        places, names, start = [places[0] - gap, *places], ["0", *names], places[0] - 1.3 * gap
    axes.set(**{f"{which}lim": (start, places[-1])})
    getattr(axes, f"set_{which}ticks")(places, names)
    return float(places[0]), float(places[-1])

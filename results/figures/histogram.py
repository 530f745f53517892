"""Genuine and impostor scores of one system as densities, with the threshold between them."""

import numpy as np
from jaxtyping import Bool, Float32
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eval.roc import equal_error_rate
from eval.tail import check_scores
from results.figures.style import COLOURS, legend_below, set_title

_FEWEST, _MOST = 20, 200


def draw_histogram(
    title: str, scores: Float32[np.ndarray, " _"], genuine: Bool[np.ndarray, " _"]
) -> Figure:
    """Draw both kinds of scores as densities: each has an area of 1, however many there are.

    The bins are as wide as the narrower of the two rules of Freedman and Diaconis (1981), between
    20 and 200 over all scores. Pairs that failed to enrol are counted in the legend, and not drawn.
    The line is the threshold of the equal error rate (failures count as rejected). Where there are
    scores of one kind only, they are drawn without it.

    Args:
        title: The system, and what was scored.
        scores: Similarities; −∞ for a failure to enrol.
        genuine: Which pairs are of one person.

    Raises:
        ValueError: There is no finite score, a score is NaN or +∞, or there are more or fewer
            scores than marks.
    """
    if len(scores) != len(genuine):
        raise ValueError(f"{len(scores):,} scores for {len(genuine):,} pairs")
    check_scores(scores, genuine)
    kinds = {"genuine": scores[genuine], "impostor": scores[~genuine]}
    finite = {kind: values[values > -np.inf] for kind, values in kinds.items()}
    if not any(map(len, finite.values())):
        raise ValueError(f"none of {len(scores):,} pairs has a score to draw")
    figure = Figure(figsize=(6.4, 4.4), layout="constrained", dpi=150)
    axes = figure.subplots()
    edges = _edges(list(finite.values()))
    handles: list[Artist] = []
    labels: list[str] = []
    looks = ((COLOURS[0], "-", "////"), (COLOURS[1], "--", ""))
    for look, (kind, values) in zip(looks, finite.items(), strict=True):
        labels.append(_label(kind, len(kinds[kind]), len(values)))
        handles.append(_draw(axes, values, edges, look))
    if all(map(len, finite.values())):
        rate, threshold = equal_error_rate(scores, genuine)
        if np.isfinite(threshold):
            handles.append(axes.axvline(threshold, color="black", linestyle="-."))
            labels.append(f"threshold {threshold:.4g} of the equal error rate, {100 * rate:.2f} %")
    axes.set(xlabel="similarity", ylabel="density of the pairs of a kind", ylim=(0, None))
    axes.margins(x=0.02)
    axes.grid(alpha=0.3)
    set_title(axes, title)
    legend_below(figure, handles, labels)
    return figure


def _edges(kinds: list[np.ndarray]) -> np.ndarray:
    """Bins for both kinds, in double precision."""
    kinds = [values for values in kinds if len(values)]
    low = min(float(values.min()) for values in kinds)
    high = max(float(values.max()) for values in kinds)
    if high - low < 1e-6 * max(abs(low), abs(high), 1e-30):  # one value: a bin around it
        half = 0.5 * max(abs(low), 1e-3) / _FEWEST
        return np.array([low - half, high + half])
    widths = []
    for values in kinds:
        lower, upper = np.percentile(values, (25, 75))
        widths.append(2 * float(upper - lower) / len(values) ** (1 / 3))
    narrow = min((width for width in widths if width > 0), default=high - low)
    count = int(np.clip(np.ceil((high - low) / narrow), _FEWEST, _MOST))
    return np.linspace(low, high, count + 1)


def _draw(axes: Axes, values: np.ndarray, edges: np.ndarray, look: tuple[str, str, str]) -> Artist:
    """The density as a filled outline; without a value, nothing but its entry in the legend."""
    colour, style, hatch = look
    counts, _ = np.histogram(values, edges)
    heights = counts / (max(len(values), 1) * np.diff(edges))
    patch = axes.stairs(
        heights, edges, fill=True, facecolor=f"{colour}33", edgecolor=colour, hatch=hatch
    )
    patch.set(linestyle=style, linewidth=1.2)
    return patch


def _label(kind: str, count: int, drawn: int) -> str:
    failed = f", {count - drawn:,} of them failed to enrol (not drawn)" if drawn < count else ""
    return f"{kind} pairs, n = {count:,}{failed}"

from io import BytesIO

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from eval.roc import equal_error_rate
from results.figures.histogram import draw_histogram


def made_up(genuine: int, impostors: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(genuine)
    marks = rng.permutation(np.arange(genuine + impostors) < genuine)
    return rng.normal(np.where(marks, 0.5, 0.1), 0.1).astype(np.float32), marks


def densities(figure: Figure) -> list[tuple[np.ndarray, np.ndarray]]:
    """Heights and edges of the genuine and of the impostor scores."""
    patches = [one for one in figure.axes[0].patches if isinstance(one, StepPatch)]
    assert len(patches) == 2
    return [(np.asarray(one.get_data()[0]), one.get_data()[1]) for one in patches]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_each_kind_is_a_density_of_all_its_scores() -> None:
    scores, marks = made_up(300, 90_000)
    found = densities(draw_histogram("x", scores, marks))
    for (heights, edges), kind in zip(found, (marks, ~marks), strict=True):
        assert (heights * np.diff(edges)).sum() == pytest.approx(1)
        own = scores[kind].astype(np.float64)
        for place in (len(heights) // 3, len(heights) // 2, len(heights) - 1):
            above, below = own >= edges[place], own < edges[place + 1]
            if place == len(heights) - 1:
                below = own <= edges[-1]
            share = (above & below).mean()
            assert heights[place] * (edges[place + 1] - edges[place]) == pytest.approx(share)
    assert np.array_equal(found[0][1], found[1][1])
    assert found[0][1][0] == scores.min()
    assert found[0][1][-1] == scores.max()


@pytest.mark.parametrize(("impostors", "bins"), [(40, 20), (2_000, None), (2_000_000, 200)])
def test_bins_follow_freedman_and_diaconis_within_limits(impostors: int, bins: int | None) -> None:
    scores, marks = made_up(impostors // 20, impostors)
    (_, edges), _ = densities(draw_histogram("x", scores, marks))
    width = min(
        2 * np.subtract(*np.percentile(own, (75, 25))) / len(own) ** (1 / 3)
        for own in (scores[marks], scores[~marks])
    )
    expected = bins or int(np.ceil((scores.max() - scores.min()) / width))
    assert 20 <= expected <= 200
    assert len(edges) - 1 == expected


def test_the_line_is_the_threshold_of_the_equal_error_rate() -> None:
    scores, marks = made_up(300, 500)
    figure = draw_histogram("x", scores, marks)
    (line,) = figure.axes[0].lines
    threshold = np.asarray(line.get_xdata())[0]
    accepted = [(scores[kind] >= threshold).mean() for kind in (~marks, marks)]
    assert abs(accepted[0] - (1 - accepted[1])) < 1 / 300
    rate = 100 * equal_error_rate(scores, marks).rate
    assert legend(figure) == [
        "genuine pairs, n = 300",
        "impostor pairs, n = 500",
        f"threshold {threshold:.4g} of the equal error rate, {rate:.2f} %",
    ]


def test_failures_are_counted_and_not_drawn() -> None:
    scores, marks = made_up(300, 1500)
    scores[np.flatnonzero(marks)[:12]] = -np.inf
    scores[np.flatnonzero(~marks)[:1234]] = -np.inf
    figure = draw_histogram("x", scores, marks)
    assert legend(figure)[:2] == [
        "genuine pairs, n = 300, 12 of them failed to enrol (not drawn)",
        "impostor pairs, n = 1,500, 1,234 of them failed to enrol (not drawn)",
    ]
    for heights, edges in densities(figure):
        assert (heights * np.diff(edges)).sum() == pytest.approx(1)
    figure.savefig(BytesIO())


def test_one_kind_alone_is_drawn_without_the_line() -> None:
    scores, _ = made_up(300, 500)
    figure = draw_histogram("x", scores, np.zeros(800, bool))
    genuine, impostors = densities(figure)
    assert not genuine[0].any()
    assert (impostors[0] * np.diff(impostors[1])).sum() == pytest.approx(1)
    assert legend(figure) == ["genuine pairs, n = 0", "impostor pairs, n = 800"]
    assert not figure.axes[0].lines
    scores[:20] = -np.inf
    all_failed = draw_histogram("x", scores, np.arange(800) < 20)
    assert not all_failed.axes[0].lines
    all_failed.savefig(BytesIO())


@pytest.mark.parametrize("value", [0.0, -0.25, 1.0, 1e4])
def test_equal_scores_are_one_bar(value: float) -> None:
    figure = draw_histogram("x", np.full(9, value, np.float32), np.arange(9) < 4)
    for heights, edges in densities(figure):
        assert (heights * np.diff(edges)).sum() == pytest.approx(1)
        assert edges[0] < value < edges[-1]
    figure.savefig(BytesIO())


def test_the_kinds_differ_without_colour() -> None:
    first, second = draw_histogram("x", *made_up(30, 50)).axes[0].patches
    assert first.get_linestyle() != second.get_linestyle()
    assert first.get_hatch() != second.get_hatch()


def test_what_cannot_be_drawn_is_refused() -> None:
    scores, marks = made_up(3, 5)
    with pytest.raises(ValueError, match="7 scores for 8 pairs"):
        draw_histogram("x", scores[:7], marks)
    with pytest.raises(ValueError, match="none of 8 pairs has a score"):
        draw_histogram("x", np.full(8, -np.inf, np.float32), marks)
    with pytest.raises(ValueError, match="none of 0 pairs"):
        draw_histogram("x", scores[:0], marks[:0])
    scores[5] = np.inf
    with pytest.raises(ValueError, match="pair 5: its score is inf"):
        draw_histogram("x", scores, marks)

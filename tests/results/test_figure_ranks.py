from io import BytesIO

import numpy as np
import pytest

from eval.identification import Search, cmc
from results.figures.ranks import draw_cmc


def rising(most: int) -> np.ndarray:
    return 1 - 0.3 / np.arange(1.0, most + 1)


def test_each_rank_has_the_share_of_probes_found() -> None:
    rng = np.random.default_rng(1)
    rank, mated = rng.integers(1, 9, 200), rng.uniform(size=200) < 0.8
    rank[~mated] = 0
    mate = np.where(mated, 0.5, -np.inf).astype(np.float32)
    mate[3] = -np.inf
    search = Search(mate, rank, np.full(200, 0.4, np.float32), mated)
    figure = draw_cmc("x", {"a": cmc(search, 6), "b": rising(4)})
    first, second = figure.axes[0].lines
    expected = []
    for k in range(1, 7):
        found = sum(
            bool(m) and r <= k and s > -9 for m, r, s in zip(mated, rank, mate, strict=True)
        )
        expected.append(100 * found / mated.sum())
    assert np.asarray(first.get_ydata()) == pytest.approx(expected)
    assert list(np.asarray(first.get_xdata())) == [1, 2, 3, 4, 5, 6]
    assert list(np.asarray(second.get_xdata())) == [1, 2, 3, 4]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [f"a: {expected[0]:.2f} % at rank 1", "b: 70.00 % at rank 1"]
    assert first.get_linestyle() != second.get_linestyle()
    figure.savefig(BytesIO())


@pytest.mark.parametrize(
    ("most", "scale", "ticks"),
    [
        (1, "linear", ["1"]),
        (5, "linear", ["1", "2", "3", "4", "5"]),
        (20, "linear", ["1", "5", "10", "15", "20"]),
        (21, "log", ["1", "2", "5", "10", "20"]),
        (1000, "log", ["1", "2", "5", "10", "20", "50", "100", "200", "500", "1,000"]),
        (3531, "log", ["1", "10", "100", "1,000"]),
    ],
)
def test_many_ranks_are_on_a_logarithmic_axis(most: int, scale: str, ticks: list[str]) -> None:
    axes = draw_cmc("x", {"a": rising(most), "b": rising(1)}).axes[0]
    assert axes.get_xscale() == scale
    assert [text.get_text() for text in axes.get_xticklabels()] == ticks
    assert [int(name.replace(",", "")) for name in ticks] == list(axes.get_xticks())
    low, high = axes.get_xlim()
    assert low <= 1
    assert high >= most


@pytest.mark.parametrize("rates", [np.ones(3), np.zeros(3), rising(30)])
def test_the_whole_curve_is_inside(rates: np.ndarray) -> None:
    axes = draw_cmc("x", {"a": rates}).axes[0]
    low, high = axes.get_ylim()
    assert low < 100 * rates[0]
    assert high > 100


def test_what_is_no_cmc_is_refused() -> None:
    with pytest.raises(ValueError, match="no system"):
        draw_cmc("x", {})
    with pytest.raises(ValueError, match="b: it has no rates"):
        draw_cmc("x", {"a": rising(2), "b": np.empty(0)})
    with pytest.raises(ValueError, match="a: the rate at rank 2 is nan"):
        draw_cmc("x", {"a": np.array([0.5, np.nan, 0.7])})
    with pytest.raises(ValueError, match="a: the rate at rank 3 is 70"):
        draw_cmc("x", {"a": np.array([0.5, 0.6, 70.0])})
    with pytest.raises(ValueError, match="a: rates fall from rank 2"):
        draw_cmc("x", {"a": np.array([0.5, 0.6, 0.55])})

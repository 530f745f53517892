from io import BytesIO

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.stats import norm
from sklearn.metrics import roc_curve

from results.figures.cumulative import draw_cumulative
from results.figures.curves import draw_det, draw_roc

Split = tuple[np.ndarray, np.ndarray]


def made_up(seed: int, genuine: int, impostors: int, failed: int = 0) -> Split:
    """Two overlapping bells; every other failure is a genuine pair's."""
    rng = np.random.default_rng(seed)
    marks = rng.permutation(np.arange(genuine + impostors) < genuine)
    scores = rng.normal(0.3 * marks, 0.12).astype(np.float32)
    for kind in (marks, ~marks):
        scores[np.flatnonzero(kind)[:failed]] = -np.inf
    return scores, marks


def reference(split: Split, far: float) -> float:
    """The largest TAR of scikit-learn's points that accept nobody at −∞ and stay within the FAR."""
    scores, marks = split
    fars, tars, thresholds = roc_curve(
        marks, np.maximum(scores, np.float32(-9)), drop_intermediate=False
    )
    return tars[(thresholds > -9) & (fars <= far)].max()


def crossing(split: Split) -> float:
    """Where scikit-learn's polyline has as many false rejects as false accepts."""
    fars, tars, _ = roc_curve(split[1], split[0], drop_intermediate=False)
    return float(np.interp(0, fars - (1 - tars), fars))


def curve(figure: Figure, number: int = 0) -> tuple[np.ndarray, np.ndarray]:
    line = figure.axes[0].lines[number]
    assert line.get_drawstyle() == "steps-post"
    return np.asarray(line.get_xdata()), np.asarray(line.get_ydata())


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_roc_has_scikit_learns_rates_at_every_far_drawn() -> None:
    splits = {"first": made_up(1, 700, 3000), "second": made_up(2, 90, 450, failed=7)}
    figure = draw_roc("made up", {name: [split] for name, split in splits.items()})
    for number, split in enumerate(splits.values()):
        fars, tars = curve(figure, number)
        for place in range(0, len(fars), 29):
            assert tars[place] == pytest.approx(100 * reference(split, fars[place]))
    assert curve(figure, 1)[1][-1] == pytest.approx(100 * 83 / 90)  # at a FAR of 1 seven still fail
    assert legend(figure) == ["first, n = 3,700", "second, n = 540"]
    assert figure.axes[0].get_title() == "made up"


@pytest.mark.parametrize(
    ("impostors", "start"), [(1, 1e-1), (9, 1e-1), (10, 1e-1), (11, 1e-2), (9979, 1e-4)]
)
def test_roc_starts_at_the_decade_below_one_impostor_and_holds_every_decade(
    impostors: int, start: float
) -> None:
    figure = draw_roc("x", {"a": [made_up(3, 20, impostors)]})
    fars, _ = curve(figure)
    assert fars[0] == start == figure.axes[0].get_xlim()[0]
    assert fars[-1] == 1.0 == figure.axes[0].get_xlim()[1]
    decades = [float(f"1e-{power}") for power in range(7)]
    assert set(decades) & set(fars) == {far for far in decades if far >= start}
    assert figure.axes[0].get_xscale() == "log"


def test_many_pairs_are_a_short_curve_and_a_small_picture() -> None:
    split = made_up(4, 4_000, 1_300_000)
    figure = draw_roc("x", {"a": [split]})
    fars, tars = curve(figure)
    assert fars[0] == 1e-6
    assert len(fars) < 1500
    others = np.sort(split[0][~split[1]])[::-1]
    matches = split[0][split[1]]
    for far in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1):
        accepted = (matches > others[int(round(far * 1_300_000, 6))]).mean()
        assert tars[fars == far] == pytest.approx(100 * accepted)
    file = BytesIO()
    figure.savefig(file, format="png")
    assert len(file.getvalue()) < 200_000


def test_splits_give_their_mean_and_a_band_of_one_deviation() -> None:
    splits = [made_up(seed, 60 + seed, 900 + 50 * seed, failed=seed) for seed in range(4)]
    figure = draw_roc("x", {"a": splits})
    fars, tars = curve(figure)
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    for place in range(3, len(fars), 53):
        own = np.array([reference(split, fars[place]) for split in splits])
        assert tars[place] == pytest.approx(100 * own.mean())
        across = np.asarray(band)[np.isclose(np.asarray(band)[:, 0], fars[place], rtol=1e-9), 1]
        for side in (own.mean() - own.std(), own.mean() + own.std()):
            assert np.abs(across - min(100 * side, 100)).min() < 1e-6
    assert legend(figure) == ["a, 4 splits, n = 4,146"]
    assert fars[0] == 1e-3  # the smallest split has 900 impostors
    assert not draw_roc("x", {"a": splits[:1]}).axes[0].collections


def test_a_dot_says_from_where_the_tables_have_a_value() -> None:
    figure = draw_roc("x", {"a": [made_up(1, 50, 9979)]})
    dots = figure.axes[0].lines[0].get_markevery()
    assert isinstance(dots, list)
    (place,) = dots
    fars, _ = curve(figure)
    assert round(fars[place] * 9979) == 10
    assert round(fars[place - 1] * 9979) == 9
    assert "fewer than 10 false accepts" in figure.axes[0].get_xlabel()
    without = draw_roc("x", {"a": [made_up(1, 50, 8)]})
    assert without.axes[0].lines[0].get_markevery() == []
    assert without.axes[0].get_xlabel() == "false accept rate"


def test_det_is_drawn_where_the_normal_deviates_of_the_rates_are() -> None:
    split = made_up(5, 800, 2500, failed=5)
    figure = draw_det("x", {"a": [split]})
    x, y = curve(figure)
    inside = np.flatnonzero(x <= figure.axes[0].get_xlim()[1])
    assert len(inside) > 500
    for place in inside[::29]:
        frr = 1 - reference(split, float(norm.cdf(x[place])) * (1 + 1e-9))
        assert norm.cdf(y[place]) == pytest.approx(frr, abs=1e-9)
    axes = figure.axes[0]
    for axis in (axes.xaxis, axes.yaxis):
        ticks = {
            text.get_text(): at
            for text, at in zip(axis.get_ticklabels(), axis.get_ticklocs(), strict=True)
        }
        assert {"1", "5", "20"} <= set(ticks)
        for name, at in ticks.items():
            assert at == pytest.approx(norm.ppf(float(name) / 100))
    assert axes.get_xlim()[0] == pytest.approx(norm.ppf(1e-4))


def test_det_tells_the_equal_error_rate_and_draws_its_line() -> None:
    splits = [made_up(seed, 500, 700) for seed in (6, 7)]
    figure = draw_det("x", {"one": splits[:1], "two": splits})
    rates = [100 * crossing(split) for split in splits]
    assert legend(figure) == [
        f"one: EER {rates[0]:.2f} %, n = 1,200",
        f"two, 2 splits: EER {np.mean(rates):.2f} ± {np.std(rates):.2f} %, n = 2,400",
        "equal rates (EER)",
    ]
    diagonal = figure.axes[0].lines[-1]
    assert np.array_equal(diagonal.get_xdata(), diagonal.get_ydata())
    equal = norm.ppf(rates[0] / 100)
    for low, high in (figure.axes[0].get_xlim(), figure.axes[0].get_ylim()):
        assert low < equal < high


def test_det_of_splits_has_the_mean_rate_and_its_deviation() -> None:
    splits = [made_up(seed, 300, 900) for seed in range(5)]
    figure = draw_det("x", {"a": splits})
    x, y = curve(figure)
    band = np.asarray(figure.axes[0].collections[0].get_paths()[0].vertices)
    place = int(np.argmin(np.abs(x - norm.ppf(0.05))))
    own = np.array([1 - reference(split, 0.05) for split in splits])
    assert norm.cdf(y[place]) == pytest.approx(own.mean())
    across = norm.cdf(band[np.isclose(band[:, 0], x[place], rtol=1e-12), 1])
    for side in (own.mean() - own.std(), own.mean() + own.std()):
        assert np.abs(across - side).min() < 1e-9


def test_det_of_a_system_without_errors_lies_on_a_tick_for_zero() -> None:
    marks = np.arange(300) < 100
    scores = np.where(marks, 0.8, 0.1).astype(np.float32)
    figure = draw_det("x", {"a": [(scores, marks)]})
    axes = figure.axes[0]
    _, y = curve(figure)
    assert len(set(y)) == 1
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names[0] == "0"
    assert y[0] == axes.get_yticks()[0] < axes.get_yticks()[1]
    assert axes.get_ylim()[0] < y[0]
    assert legend(figure)[0] == "a: EER 0.00 %, n = 300"


def test_det_has_no_tick_for_zero_where_failures_keep_every_curve_above_it() -> None:
    figure = draw_det("x", {"a": [made_up(1, 100, 400, failed=3)]})
    assert "0" not in [text.get_text() for text in figure.axes[0].get_yticklabels()]


@pytest.mark.parametrize("draw", [draw_roc, draw_det])
def test_curves_differ_without_colour_too(draw) -> None:
    systems = {f"system {number}": [made_up(number, 40, 60)] for number in range(12)}
    lines = draw("x", systems).axes[0].lines[:12]
    assert len({line.get_linestyle() + str(line._dash_pattern) for line in lines[:5]}) == 5
    looks = {(str(line.get_color()), str(line._dash_pattern)) for line in lines}
    assert len(looks) == 12


def test_names_are_shown_letter_by_letter_and_fit() -> None:
    name = "_folder/" + 12 * "abcdefgh/" + "iresnet$100$.pth"
    figure = draw_roc("a $title$ " + 8 * "of many words ", {name: [made_up(1, 20, 30)]})
    figure.savefig(BytesIO())
    (label,) = figure.legends[0].get_texts()
    assert label.get_text().startswith("_folder/abcdefgh/")
    assert r"…" in label.get_text()
    assert r"iresnet\$100\$.pth, n = 50" in label.get_text()
    box, whole = label.get_window_extent(), figure.bbox
    assert box.x0 >= 0
    assert box.x1 <= whole.x1
    assert figure.axes[0].get_title().startswith(r"a \$title\$ of")
    title = figure.axes[0].title.get_window_extent()
    assert title.x0 >= 0
    assert title.x1 <= whole.x1
    assert title.y1 <= whole.y1


@pytest.mark.parametrize("draw", [draw_roc, draw_det])
def test_what_cannot_be_drawn_is_refused_with_its_place(draw) -> None:
    scores, marks = made_up(1, 20, 30)
    good = (scores, marks)
    with pytest.raises(ValueError, match="no system"):
        draw("x", {})
    with pytest.raises(ValueError, match="b: it has no scores"):
        draw("x", {"a": [good], "b": []})
    with pytest.raises(ValueError, match="a, split 2 of 2: 49 scores for 50 pairs"):
        draw("x", {"a": [good, (scores[1:], marks)]})
    for of_one_kind in (np.ones(50, bool), np.zeros(50, bool)):
        with pytest.raises(ValueError, match="a, split 1 of 1: needs genuine and impostor pairs"):
            draw("x", {"a": [(scores, of_one_kind)]})
    with pytest.raises(ValueError, match="a, split 1 of 1: pair 3: its score is nan"):
        draw("x", {"a": [(np.where(np.arange(50) == 3, np.float32(np.nan), scores), marks)]})


def test_all_failed_is_a_curve_at_zero() -> None:
    scores, marks = made_up(1, 20, 30)
    scores[:] = -np.inf
    assert not curve(draw_roc("x", {"a": [(scores, marks)]}))[1].any()
    draw_det("x", {"a": [(scores, marks)]}).savefig(BytesIO())


def test_cumulative_curves_keep_their_look() -> None:
    axes = draw_cumulative("x", {str(number): np.ones(3) for number in range(5)}).axes[0]
    assert [line.get_color() for line in axes.lines] == [
        "#0072B2",
        "#D55E00",
        "#009E73",
        "#CC79A7",
        "#000000",
    ]

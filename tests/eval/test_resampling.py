"""The bootstrap against resamples that are written out pair by pair, and its coverage."""

import itertools
from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from eval.bootstrap import sample
from eval.folds import FoldScores, Thresholds, fold_accuracy
from eval.identification import Search, dir_at_far
from eval.intervals import Interval
from eval.resampling import (
    Difference,
    Units,
    curve_intervals,
    dir_differences,
    dir_intervals,
    fold_accuracy_difference,
    fold_accuracy_interval,
    paired_difference,
    rank_difference,
    rank_interval,
    rate_difference,
    rate_interval,
    verification_intervals,
)
from eval.roc import RULES, Rule, equal_error_rate, tar_at_far
from eval.units import Draws, Totals
from eval.weighted import WeightedCurve

RESAMPLES = 40
FARS = (0.1, 0.3)
Pairs = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def world(seed: int, people: int = 14, templates: int = 40) -> tuple[Pairs, Units]:
    """Second and first scores, labels and people (numbered with gaps) of all pairs of templates."""
    rng = np.random.default_rng(seed)
    whose = np.sort(
        np.concatenate([np.arange(people), rng.integers(0, people, templates - people)])
    )
    subjects = (whose * 7 + 3).astype(np.int64)
    left, right = np.array(list(itertools.combinations(range(templates), 2))).T
    # A part of the pairs, so that their numbers differ from person to person, in any order.
    kept = rng.permutation(len(left))[: len(left) * 2 // 3]
    left, right = left[kept].astype(np.int32), right[kept].astype(np.int32)
    genuine = subjects[left] == subjects[right]
    first = np.round(rng.normal(0, 0.5, len(left)) + genuine, 1)
    second = first + rng.normal(0, 0.2, len(left))
    first[rng.uniform(size=len(left)) < 0.05] = -np.inf
    # A person without any pair, whom no draw may know.
    subjects = np.append(subjects, 1)
    return (first, second, genuine, subjects), Units(left, right, subjects)


def drawn(rng: np.random.Generator, names: list[int]) -> dict[int, int]:
    """How often each name comes up in as many draws as there are names."""
    picks = rng.integers(0, len(names), len(names)).tolist()
    return {name: picks.count(place) for place, name in enumerate(names)}


def written_out(units: Units, times: dict[int, int]) -> np.ndarray:
    """The pairs of a resample: one for every two copies of two people, or copy of one person."""
    rows = []
    for pair, (left, right) in enumerate(zip(units.left, units.right, strict=True)):
        a, b = int(units.unit[left]), int(units.unit[right])
        copies = range(times[a]) if a == b else itertools.product(range(times[a]), range(times[b]))
        rows += [pair for _ in copies]
    return np.array(rows, dtype=np.int64)


def names_of(units: Units) -> list[int]:
    return sorted({int(units.unit[row]) for row in (*units.left, *units.right)})


@pytest.mark.parametrize("rule", RULES)
def test_tars_equal_resamples_written_out(rule: Rule) -> None:
    (first, second, genuine, _), units = world(0)
    rng, names = np.random.default_rng(5), names_of(units)
    expected = []
    for _ in range(RESAMPLES):
        rows = written_out(units, drawn(rng, names))
        both = [tar_at_far(one[rows], genuine[rows], FARS, rule) for one in (first, second)]
        expected.append([[point.tar for point in points] for points in both])
    plain = np.array(expected, dtype=np.float64)

    how = {"resamples": RESAMPLES, "level": 0.9}
    found = verification_intervals(
        first, genuine, units, FARS, rule, rng=np.random.default_rng(5), **how
    )
    differences = paired_difference(
        first, second, genuine, units, FARS, rule, rng=np.random.default_rng(5), **how
    )
    points = [tar_at_far(one, genuine, FARS, rule) for one in (first, second)]
    for place in range(len(FARS)):
        quantiles = [np.quantile(plain[:, i, place], (0.05, 0.95)) for i in (0, 1)]
        assert found[place] == pytest.approx(quantiles[0].tolist(), abs=1e-12)
        one = differences[place]
        assert one is not None
        assert one.first == found[place]
        assert one.second == pytest.approx(quantiles[1].tolist(), abs=1e-12)
        gaps = np.quantile(plain[:, 1, place] - plain[:, 0, place], (0.05, 0.95))
        assert one.interval == pytest.approx(gaps.tolist(), abs=1e-12)
        tars = [points[i][place].tar or 0.0 for i in (0, 1)]
        assert one.difference == pytest.approx(tars[1] - tars[0])


def test_curves_equal_resamples_written_out() -> None:
    (first, _, genuine, _), units = world(1)
    rng, names = np.random.default_rng(6), names_of(units)
    eers, areas = [], []
    for _ in range(RESAMPLES):
        rows = written_out(units, drawn(rng, names))
        eers.append(equal_error_rate(first[rows], genuine[rows]).rate)
        areas.append(roc_auc_score(genuine[rows], np.maximum(first[rows], -1e9)))
    expected: dict[Literal["eer", "auc"], list[float]] = {"eer": eers, "auc": areas}
    both = tuple(expected)
    for asked in (both, both[::-1], both[:1], both[1:]):
        rng = np.random.default_rng(6)
        found = curve_intervals(first, genuine, units, asked, resamples=RESAMPLES, rng=rng)
        for statistic, interval in zip(asked, found, strict=True):
            quantiles = np.quantile(expected[statistic], (0.025, 0.975))
            assert interval == pytest.approx(quantiles.tolist(), abs=1e-12)


@pytest.mark.parametrize("thresholds", ["grid", "exact"])
def test_folds_equal_resamples_written_out(thresholds: Thresholds) -> None:
    """People are drawn in each fold by itself; one who is in two folds is drawn twice."""
    (first, second, genuine, _), units = world(2)
    first, second = (np.where(np.isinf(one), one, np.tanh(one)) for one in (first, second))
    fold = (np.arange(len(first)) % 3).astype(np.int32)
    rng = np.random.default_rng(7)
    expected = []
    while len(expected) < RESAMPLES:
        rows = []
        for part in range(3):
            inside = np.flatnonzero(fold == part)
            only = Units(units.left[inside], units.right[inside], units.unit)
            rows.append(inside[written_out(only, drawn(rng, names_of(only)))])
        times = np.bincount(np.concatenate(rows), minlength=len(fold))
        if len({(fold[row], genuine[row]) for row in np.concatenate(rows)}) < 6:
            continue  # a fold without genuine or without impostor pairs is drawn again
        expected.append(
            [
                FoldScores(one, genuine, fold, thresholds).measure(times)[0].mean()
                for one in (first, second)
            ]
        )
    plain = np.array(expected)

    how = {"resamples": RESAMPLES}
    one = fold_accuracy_interval(
        first, genuine, fold, units, thresholds, rng=np.random.default_rng(7), **how
    )
    both = fold_accuracy_difference(
        first, second, genuine, fold, units, thresholds, rng=np.random.default_rng(7), **how
    )
    assert one == pytest.approx(np.quantile(plain[:, 0], (0.025, 0.975)).tolist())
    assert both is not None
    assert both.first == one
    gaps = np.quantile(plain[:, 1] - plain[:, 0], (0.025, 0.975))
    assert both.interval == pytest.approx(gaps.tolist(), abs=1e-12)
    means = [fold_accuracy(s, genuine, fold, thresholds).mean for s in (first, second)]
    assert both.difference == pytest.approx(means[1] - means[0])


def searches(seed: int) -> tuple[Search, Search, np.ndarray]:
    """Two systems' searches of the same 120 probes, and the probes' people."""
    rng = np.random.default_rng(seed)
    people = rng.integers(0, 20, 120)
    mated = people < 8
    made = []
    for _ in range(2):
        mate = np.where(mated, rng.normal(1, 0.5, 120), -np.inf).astype(np.float32)
        rank = np.where(mated, rng.integers(1, 4, 120), 0)
        made.append(Search(mate, rank, rng.normal(0, 0.5, 120).astype(np.float32), mated))
    return made[0], made[1], people


def test_searches_equal_resamples_written_out() -> None:
    """People in the gallery and others are drawn apart; ranks are of the former only."""
    first, second, people = searches(3)

    def resampled(rng: np.random.Generator, *groups: list[int]) -> np.ndarray:
        times = [drawn(rng, names) for names in groups]
        together = {name: count for one in times for name, count in one.items()}
        return np.repeat(np.arange(120), [together.get(int(who), 0) for who in people])

    inside, outside = (sorted(set(people[m].tolist())) for m in (~first.mated, first.mated))
    rng, ranks, points = np.random.default_rng(8), [], []
    for _ in range(RESAMPLES):
        rows = resampled(rng, outside)
        ranks.append([np.mean(one.rank[rows] <= 2) for one in (first, second)])
    rng = np.random.default_rng(8)
    for _ in range(RESAMPLES):
        rows = resampled(rng, inside, outside)
        points.append([_dir(one, rows) for one in (first, second)])

    how = {"resamples": RESAMPLES}
    rank = rank_interval(first, 2, people, rng=np.random.default_rng(8), **how)
    ranks_apart = rank_difference(first, second, 2, people, rng=np.random.default_rng(8), **how)
    how["rank"] = 2
    (one,) = dir_intervals(
        first, (0.3,), "conservative", people, rng=np.random.default_rng(8), **how
    )
    (apart,) = dir_differences(
        first, second, (0.3,), "conservative", people, rng=np.random.default_rng(8), **how
    )
    assert apart is not None
    for interval, difference, values in (
        (rank, ranks_apart, np.array(ranks)),
        (one, apart, np.array(points)),
    ):
        assert interval == pytest.approx(np.quantile(values[:, 0], (0.025, 0.975)).tolist())
        gaps = np.quantile(values[:, 1] - values[:, 0], (0.025, 0.975))
        assert difference is not None
        assert difference.interval == pytest.approx(gaps.tolist(), abs=1e-12)
        assert difference.first == interval
    whole = [dir_at_far(s, (0.3,), "conservative", 2)[0].tar or 0.0 for s in (first, second)]
    assert apart.difference == pytest.approx(whole[1] - whole[0])


def _dir(search: Search, rows: np.ndarray) -> float:
    """DIR at a FAR of 0.3, conservative, of these probes, by counting."""
    alarms = np.sort(search.impostor[rows][~search.mated[rows]])[::-1]
    allowed = int(0.3 * len(alarms) + 1e-9)
    mated = rows[search.mated[rows]]
    hits = (search.mate[mated] > alarms[allowed]) & (search.rank[mated] <= 2)
    return float(hits.mean())


def test_a_rate_is_the_mean_of_drawn_pictures() -> None:
    rng = np.random.default_rng(9)
    people = rng.integers(0, 9, 60)
    first, second = (rng.uniform(size=(2, 60)) < [[0.6], [0.8]]).astype(np.float64)
    names, again, expected = sorted(set(people.tolist())), np.random.default_rng(10), []
    for _ in range(RESAMPLES):
        times = drawn(again, names)
        rows = np.repeat(np.arange(60), [times[int(who)] for who in people])
        expected.append([first[rows].mean(), second[rows].mean()])
    plain = np.array(expected)
    how = {"resamples": RESAMPLES}
    one = rate_interval(first, people, rng=np.random.default_rng(10), **how)
    both = rate_difference(first, second, people, rng=np.random.default_rng(10), **how)
    assert one == pytest.approx(np.quantile(plain[:, 0], (0.025, 0.975)).tolist())
    assert both is not None
    gaps = np.quantile(plain[:, 1] - plain[:, 0], (0.025, 0.975))
    assert both.interval == pytest.approx(gaps.tolist(), abs=1e-12)
    assert both.difference == pytest.approx(second.mean() - first.mean())


def test_a_curve_that_ends_too_early_is_prolonged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a curve ends is a matter of memory only."""
    (first, _, genuine, _), units = world(4, people=12, templates=90)

    def intervals() -> object:
        return verification_intervals(
            first, genuine, units, (0.05,), "nearest", resamples=30, rng=np.random.default_rng(0)
        )

    expected = intervals()
    prolonged = 0
    prolong = WeightedCurve.prolong

    def counted(self: WeightedCurve) -> None:
        nonlocal prolonged
        prolonged += 1
        prolong(self)

    monkeypatch.setattr(WeightedCurve, "prolong", counted)
    monkeypatch.setattr("eval.weighted._MARGIN", 0.1)
    assert intervals() == expected
    assert prolonged


def test_totals_are_the_sums_over_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where both sides of an impostor pair are one unit, and over several blocks."""
    monkeypatch.setattr("eval.units._BLOCK", 100)
    (_, _, genuine, _), units = world(11)
    for whose in (units, Units.each(len(units)), Units(units.left, units.right, units.unit // 30)):
        draws = Draws(whose)
        weights = draws.weights(np.random.default_rng(1))
        assert weights[:-1].sum() == draws.count == len(names_of(whose))
        times = dict(zip(names_of(whose), weights.tolist(), strict=False))
        rows = written_out(whose, times)
        assert Totals(draws, genuine).impostors(weights) == np.sum(~genuine[rows])


def test_the_same_seed_gives_the_same_numbers() -> None:
    (first, _, genuine, _), units = world(12)
    once, again, other = (
        verification_intervals(
            first, genuine, units, FARS, "nearest", resamples=20, rng=np.random.default_rng(seed)
        )
        for seed in (1, 1, 2)
    )
    assert once == again != other


def test_one_unit_says_nothing_about_others() -> None:
    (first, second, genuine, _), units = world(13)
    alone = Units(units.left, units.right, np.zeros(len(units.unit), np.int64))
    how = {"resamples": 5, "rng": np.random.default_rng(0)}
    assert verification_intervals(first, genuine, alone, (0.2,), "nearest", **how) == (None,)
    assert paired_difference(first, second, genuine, alone, (0.2,), "nearest", **how) == (None,)
    assert curve_intervals(first, genuine, alone, ("auc", "eer"), **how) == (None, None)
    values, whose = (np.array([1.0, 0.0]), np.array([0.0, 1.0])), np.array([4, 4])
    assert rate_interval(values[0], whose, **how) is None
    assert rate_difference(*values, whose, **how) is None


def by_folds(
    genuine: np.ndarray, fold: np.ndarray, units: Units
) -> tuple[Interval | None, Difference | None]:
    """What is said of two systems, the second better."""
    rng = np.random.default_rng(3)
    second = np.where(genuine, 0.9, 0.1) + rng.uniform(0, 0.05, len(genuine))
    first = np.where(np.arange(len(genuine)) % 20 == 0, 1 - second, second)
    same = (genuine, fold.astype(np.int32), units, "exact")
    how = {"resamples": 30, "rng": rng}
    return (
        fold_accuracy_interval(first, *same, **how),
        fold_accuracy_difference(first, second, *same, **how),
    )


def test_folds_of_one_unit_have_no_interval() -> None:
    """Leaving one pair out, without subjects: every draw would be the data."""
    fold = np.arange(40)
    assert by_folds(fold % 2 == 0, fold, Units.each(40)) == (None, None)
    assert None not in by_folds(fold % 2 == 0, np.minimum(fold // 13, 2), Units.each(40))
    # One such fold among others is enough: it would pass for certain.
    assert by_folds(fold % 2 == 0, np.append(fold[:-1] % 3, 3), Units.each(40)) == (None, None)


@pytest.mark.parametrize("folds", [2, 3, 30])
def test_folds_of_one_impostor_pair_have_no_interval(folds: int) -> None:
    """Only the draw that takes both people has the pair; with many folds hardly any draw does."""
    people = np.arange(2 * folds)
    units = Units(people[::2].astype(np.int32), people[1::2].astype(np.int32), people)
    assert by_folds(np.zeros(folds, bool), np.arange(folds), units) == (None, None)


@pytest.mark.parametrize(("known", "unknown"), [(1, 1), (1, 9), (9, 1)])
def test_a_search_of_one_known_or_one_unknown_person_has_no_interval(
    known: int, unknown: int
) -> None:
    rng = np.random.default_rng(1)
    people = np.repeat(np.arange(known + unknown), 20)
    mated = people < known
    mate = np.where(mated, rng.normal(0.5, 0.5, len(people)), -np.inf).astype(np.float32)
    impostor = rng.normal(0, 0.3, len(people)).astype(np.float32)
    one = Search(mate, mated.astype(np.int64), impostor, mated)
    other = Search(mate + np.float32(0.2), mated.astype(np.int64), impostor, mated)
    how = {"resamples": 30, "rng": rng}
    assert dir_at_far(one, (0.6,), "nearest")[0].tar is not None
    assert dir_intervals(one, (0.6,), "nearest", people, **how) == (None,)
    assert dir_differences(one, other, (0.6,), "nearest", people, **how) == (None,)
    assert (rank_interval(one, 1, people, **how) is None) == (known == 1)
    assert (rank_difference(one, other, 1, people, **how) is None) == (known == 1)


def test_a_far_without_a_tar_has_no_interval() -> None:
    (first, second, genuine, _), units = world(14)
    how = {"resamples": 5, "rng": np.random.default_rng(0)}
    fars = (1e-4, 0.3, 2e-4, 0.3)
    found = verification_intervals(first, genuine, units, fars, "nearest", **how)
    assert [one is None for one in found] == [True, False, True, False]
    assert found[1] == found[3]
    apart = paired_difference(first, second, genuine, units, fars, "nearest", **how)
    assert [one is None for one in apart] == [True, False, True, False]
    assert verification_intervals(first, genuine, units, (1e-4,), "nearest", **how) == (None,)
    none = dir_intervals(searches(0)[0], (0.01,), "nearest", searches(0)[2], **how)
    assert none == (None,)


def test_what_cannot_be_resampled_is_refused() -> None:
    first, _, genuine, _ = world(15)[0]
    how = {"resamples": 5, "rng": np.random.default_rng(0)}
    with pytest.raises(ValueError, match=r"the units are of 3 pairs, the scores of \d+"):
        verification_intervals(first, genuine, Units.each(3), FARS, "nearest", **how)
    with pytest.raises(ValueError, match="row 1: its unit is -1"):
        Units.of(np.array([0, -1]))
    with pytest.raises(ValueError, match="points outside the 2 rows"):
        Units(np.array([2], np.int32), np.array([0], np.int32), np.array([5, 6]))
    with pytest.raises(ValueError, match="at least one resample"):
        rate_interval(np.ones(3), np.arange(3), resamples=0, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"values in 0 … 1, and at least one"):
        rate_interval(np.array([0.5, 1.5]), np.arange(2), **how)
    first_search, _, people = searches(1)
    other = Search(first_search.mate, first_search.rank, first_search.impostor, ~first_search.mated)
    for compare in (
        lambda: rank_difference(first_search, other, 1, people, **how),
        lambda: dir_differences(first_search, other, (0.3,), "nearest", people, **how),
    ):
        with pytest.raises(ValueError, match="not of the same probes"):
            compare()


@pytest.mark.parametrize("people", [2, 3])
def test_a_class_that_vanishes_is_no_resample(people: int) -> None:
    """One person has the genuine pair, and impostor pairs with the others.

    Draws that lack a class are drawn again. With two people that leaves the data alone.
    """
    scores = np.concatenate([[0.8], np.linspace(0, 1, 20)])
    genuine = np.arange(21) == 0
    left = np.zeros(21, np.int32)
    right = np.where(genuine, 1, 2 + np.arange(21) % (people - 1)).astype(np.int32)
    units = Units(left, right, np.array([3, 3, 5, 7][: people + 1]))
    (found,) = verification_intervals(
        scores, genuine, units, (0.5,), "conservative", resamples=30, rng=np.random.default_rng(0)
    )
    assert found == (None if people == 2 else (1, 1))


def test_a_class_that_vanishes_in_most_resamples_leaves_no_interval() -> None:
    tries = []

    def measure(weights: np.ndarray) -> np.ndarray | None:
        tries.append(weights)
        return np.ones((1, 1)) if len(tries) % 102 == 0 else None

    draws = Draws(Units.of(np.arange(5)))
    assert sample(draws, measure, 3, np.random.default_rng(0)) is None
    assert len(tries) == 101
    tries[:] = [tries[0]]  # one miss less in a row
    found = sample(draws, measure, 3, np.random.default_rng(0))
    assert found is None
    assert len(tries) == 102 + 101


def test_a_stratum_of_one_unit_is_not_even_drawn() -> None:
    def measure(weights: np.ndarray) -> np.ndarray:
        raise AssertionError(weights)

    units = Units.of(np.arange(5)).within(np.array([0, 0, 1, 1, 2], np.int32))
    assert sample(Draws(units), measure, 3, np.random.default_rng(0)) is None


def folded_world(rng: np.random.Generator, folds: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Scores and labels: six people a fold, each with a genuine pair and an impostor pair with all.

    They are so alike that nearly everybody is rejected: the accuracy is the share of impostors.
    """
    genuine = np.tile(np.eye(6, dtype=bool).ravel(), folds)
    scores = rng.normal(0, 0.1, len(genuine)) + 0.1 * genuine
    return np.clip(scores, -1, 1), genuine


def folded_coverage(worlds: int, level: float = 0.95) -> tuple[float, float]:
    """How often the interval holds the expected accuracy, and how often the printed one."""
    rng = np.random.default_rng(21)
    left, right = (one.astype(np.int32) for one in np.divmod(np.arange(360), 6))
    right += left // 6 * 6
    units, fold = Units(left, right, np.arange(60)), (left // 6).astype(np.int32)
    drawn = (folded_world(rng) for _ in range(500))
    truth = float(np.mean([fold_accuracy(*one, fold, "grid").mean for one in drawn]))
    hits, own = 0, 0
    for _ in range(worlds):
        scores, genuine = folded_world(rng)
        how = {"resamples": 200, "rng": rng, "level": level}
        found = fold_accuracy_interval(scores, genuine, fold, units, "grid", **how)
        assert found is not None
        hits += not found.excludes(truth)
        own += not found.excludes(fold_accuracy(scores, genuine, fold, "grid").mean)
    return hits / worlds, own / worlds


def test_intervals_over_folds_hold_their_own_estimate() -> None:
    covered, own = folded_coverage(30)
    assert own == 1
    assert covered >= 0.9


@pytest.mark.slow
def test_coverage_over_folds_is_what_it_says() -> None:
    """Four standard errors of 500 worlds are 0.039; above the level it is cautious, not wrong."""
    covered, own = folded_coverage(500)
    assert own == 1
    assert covered >= 0.95 - 0.039


def coverage(
    worlds: int, whose: Callable[[Units], Units], *, people: int = 40, each: int = 8
) -> float:
    """How often an interval of TAR at a FAR of 0.1 holds the truth of a known population.

    Every person has a genuine offset and an impostor offset, and every pair its own noise: all
    normal, so that the truth is a formula.
    """
    rng = np.random.default_rng(20)
    left, right = np.array(list(itertools.combinations(range(people), 2)), dtype=np.int32).T
    same = np.repeat(np.arange(people, dtype=np.int32), each)
    units = whose(
        Units(
            np.concatenate([same, left]),
            np.concatenate([same, right]),
            np.arange(people, dtype=np.int64),
        )
    )
    genuine = np.arange(len(units)) < len(same)
    spread = np.sqrt(1 + 0.3**2), np.sqrt(2 * 0.5**2 + 0.5**2)
    truth = float(norm.sf((norm.isf(0.1) * spread[1] - 1.5) / spread[0]))
    hits = 0
    for _ in range(worlds):
        match = 1.5 + rng.normal(0, 1, people)[same] + rng.normal(0, 0.3, len(same))
        offset = rng.normal(0, 0.5, people)
        other = offset[left] + offset[right] + rng.normal(0, 0.5, len(left))
        (found,) = verification_intervals(
            np.concatenate([match, other]),
            genuine,
            units,
            (0.1,),
            "interpolated",
            resamples=150,
            rng=rng,
            level=0.9,
        )
        assert found is not None
        hits += not found.excludes(truth)
    return hits / worlds


def test_people_cover_where_pairs_do_not() -> None:
    """At a level of 0.9, of 40 worlds."""
    assert coverage(40, lambda units: units) >= 0.8
    assert coverage(40, lambda units: Units.each(len(units))) <= 0.65


@pytest.mark.slow
def test_coverage_is_what_it_says() -> None:
    """Four standard errors of 500 worlds about the level are ± 0.054."""
    assert 0.846 <= coverage(500, lambda units: units) <= 0.97
    assert coverage(500, lambda units: Units.each(len(units))) <= 0.6

"""Rank-k and DIR@FAR against loops over a whole table of scores."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.identification import Search, cmc, dir_at_far, rank_rate
from eval.roc import RULES


def searched(
    table: np.ndarray, people: list[int], gallery: list[int]
) -> tuple[Search, list[list[tuple[float, bool]]]]:
    """A search, and each probe's gallery in order: the score, and whether it is the own person."""
    mate, rank, impostor, mated, orders = [], [], [], [], []
    for scores, person in zip(table.tolist(), people, strict=True):
        own = [s for s, other in zip(scores, gallery, strict=True) if other == person]
        others = [s for s, other in zip(scores, gallery, strict=True) if other != person]
        mate.append(max(own, default=-math.inf))
        impostor.append(max(others, default=-math.inf))
        mated.append(person in gallery)
        rank.append(1 + sum(s >= mate[-1] for s in others) if mated[-1] else 0)
        rows = [(s, other == person) for s, other in zip(scores, gallery, strict=True)]
        orders.append(sorted(rows, key=lambda row: (-row[0], row[1])))  # others first at ties
    narrow = (np.array(one, np.float32) for one in (mate, impostor))
    low, high = narrow
    return Search(low, np.array(rank), high, np.array(mated)), orders


@st.composite
def tables(draw: st.DrawFn) -> tuple[np.ndarray, list[int], list[int]]:
    """Galleries with several templates a person, ties, and failures on both sides."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    probes, entries = draw(st.integers(1, 60)), draw(st.integers(1, 12))
    gallery, people = rng.integers(0, 8, entries), rng.integers(0, 12, probes)
    table = rng.normal(size=(probes, entries)) + (people[:, None] == gallery)
    table = np.round(table * 4) / 4
    table[rng.uniform(size=probes) < draw(st.sampled_from([0.0, 0.2]))] = -np.inf
    table[:, rng.uniform(size=entries) < draw(st.sampled_from([0.0, 0.3]))] = -np.inf
    return table, people.tolist(), gallery.tolist()


@settings(max_examples=150, deadline=None)
@given(tables(), st.integers(1, 6))
def test_rank_rates_equal_the_loops(
    data: tuple[np.ndarray, list[int], list[int]], most: int
) -> None:
    table, people, gallery = data
    search, orders = searched(table, people, gallery)
    mated = [order for order in orders if any(own for _, own in order)]
    if not mated:
        with pytest.raises(ValueError, match="needs mated probes"):
            rank_rate(search, most)
        return
    for k, rate in enumerate(cmc(search, most), start=1):
        hits = sum(any(own and s > -math.inf for s, own in order[:k]) for order in mated)
        assert rate == pytest.approx(hits / len(mated))
        assert rank_rate(search, k) == rate


@settings(max_examples=100, deadline=None)
@given(tables(), st.integers(1, 3))
def test_dir_equals_the_loops(data: tuple[np.ndarray, list[int], list[int]], rank: int) -> None:
    """Each found threshold, applied to every probe by hand, gives the rates that are reported."""
    table, people, gallery = data
    search, orders = searched(table, people, gallery)
    mated = [order for order in orders if any(own for _, own in order)]
    others = [order for order in orders if not any(own for _, own in order)]

    def rates(threshold: float) -> tuple[float, float]:
        alarms = sum(order[0][0] >= threshold for order in others)
        hits = sum(
            any(own and -math.inf < s >= threshold for s, own in order[:rank]) for order in mated
        )
        return alarms / len(others), hits / len(mated)

    for rule in RULES:
        for far in (0.3, 0.8, 1.0):
            (point,) = dir_at_far(search, (far,), rule, rank)
            assert (point.genuine, point.impostors) == (len(mated), len(others))
            if not mated or round(far * len(others)) < 10:
                assert point.tar is None
                assert point.reason
                continue
            assert point.threshold is not None
            if rule != "interpolated":
                assert (point.reached, point.tar) == pytest.approx(rates(point.threshold))
            finite = sorted({s for order in orders for s, _ in order if s > -math.inf})
            reachable = [rates(threshold) for threshold in [*finite, math.inf]]
            if rule == "conservative":
                assert point.tar == pytest.approx(max(t for f, t in reachable if f <= far))


def test_a_probe_that_failed_is_never_found() -> None:
    """Alone in the gallery it would otherwise have rank 1."""
    search = Search(
        np.array([-np.inf, 0.5], np.float32),
        np.array([1, 1]),
        np.full(2, -np.inf, np.float32),
        np.array([True, True]),
    )
    assert rank_rate(search, 1) == 0.5


def test_merged_galleries_have_a_reason_and_no_number() -> None:
    ones = np.ones(40, np.float32)
    search = Search(ones, np.ones(40, np.int64), ones - 1, np.ones(40, bool))
    (point,) = dir_at_far(search, (0.5,), "conservative")
    assert (point.tar, point.reason) == (None, "no impostor pairs")


def test_what_is_refused() -> None:
    ones = np.ones(40, np.float32)
    search = Search(ones, np.ones(40, np.int64), ones, np.arange(40) < 20)
    for rank in (0, -1):
        with pytest.raises(ValueError, match="a rank from 1"):
            rank_rate(search, rank)
        with pytest.raises(ValueError, match="a rank from 1"):
            dir_at_far(search, (0.5,), "nearest", rank)
    ones[7] = np.nan
    for metric in (lambda s: cmc(s, 1), lambda s: dir_at_far(s, (0.5,), "nearest")):
        with pytest.raises(ValueError, match="probe 7: its score is nan"):
            metric(search)

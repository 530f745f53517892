"""Searching a gallery against a loop over probes that sorts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval import search as searching
from eval.search import search


def one_by_one(scores: np.ndarray, owners: np.ndarray, people: np.ndarray) -> list[tuple]:
    """For each probe: its own person's best score, its rank, the best of anybody else, mated."""
    found = []
    for row, person in zip(scores, people, strict=True):
        own = [score for score, owner in zip(row, owners, strict=True) if owner == person]
        others = [score for score, owner in zip(row, owners, strict=True) if owner != person]
        mate = max(own, default=-np.inf)
        rank = 1 + sum(score >= mate for score in others) if own else 0
        found.append((mate, rank, max(others, default=-np.inf), bool(own)))
    return found


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    held=st.sampled_from([1, 2, 7, 40]),
    asked=st.sampled_from([0, 1, 5, 33]),
    levels=st.sampled_from([2, 5, 1000]),
    table=st.sampled_from([1, 50, 2_000_000]),
)
def test_equals_the_loop_with_ties_and_failures(seed, held, asked, levels, table) -> None:
    rng = np.random.default_rng(seed)
    gallery = rng.integers(-levels, levels, (held, 4)).astype(np.float32)
    probes = rng.integers(-levels, levels, (asked, 4)).astype(np.float32)
    owners, people = rng.integers(0, 12, held), rng.integers(0, 12, asked)
    enrolled, there = rng.uniform(size=held) < 0.8, rng.uniform(size=asked) < 0.8
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "_TABLE", table)
        found = search(
            *(gallery, probes, owners, people),
            gallery_enrolled=enrolled,
            probes_enrolled=there,
        )
    scores = probes @ gallery.T
    scores[:, ~enrolled] = -np.inf
    scores[~there] = -np.inf
    wanted = one_by_one(scores, owners, people)
    together = zip(found.mate, found.rank, found.impostor, found.mated, strict=True)
    assert [tuple(one) for one in together] == wanted


def test_two_templates_of_one_person_do_not_rank_against_each_other() -> None:
    gallery = np.array([[1, 0], [0.9, 0.1], [0, 1]], np.float32)
    found = search(gallery, gallery[:1], np.array([7, 7, 8]), np.array([7]))
    assert found.rank.tolist() == [1]
    assert found.impostor.tolist() == [0]


def test_nobody_in_the_gallery() -> None:
    empty = np.empty((0, 2), np.float32)
    with pytest.raises(ValueError, match="nobody"):
        search(empty, empty, np.empty(0, np.int64), np.empty(0, np.int64))


def test_a_vector_that_is_no_number() -> None:
    good, bad = np.ones((1, 2), np.float32), np.array([[np.nan, 1]], np.float32)
    one = np.zeros(1, np.int64)
    with pytest.raises(ValueError, match="gallery template 0"):
        search(bad, good, one, one)
    with pytest.raises(ValueError, match="probe template 0"):
        search(good, bad, one, one)

"""Pair scores against one product a pair, however the pairs are ordered and spread."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval import scoring
from eval.scoring import score_pairs


def vectors(rng: np.random.Generator, count: int, size: int = 16) -> np.ndarray:
    found = rng.normal(size=(count, size)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def one_by_one(templates: np.ndarray, left: np.ndarray, right: np.ndarray) -> list[float]:
    pairs = zip(left.tolist(), right.tolist(), strict=True)
    return [float(templates[a].astype(float) @ templates[b].astype(float)) for a, b in pairs]


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    pairs=st.sampled_from([1, 2, 30, 900]),
    count=st.sampled_from([1, 2, 9, 60]),
    order=st.sampled_from(["as drawn", "by left", "by right"]),
    table=st.sampled_from([1, 7, 100, 4_000_000]),
    dense=st.sampled_from([0.0, 0.025, 2.0]),
)
def test_equals_one_product_a_pair(seed, pairs, count, order, table, dense) -> None:
    rng = np.random.default_rng(seed)
    templates = vectors(rng, count)
    left, right = rng.integers(0, count, (2, pairs)).astype(np.int32)
    if order != "as drawn":
        by = np.argsort(left if order == "by left" else right, kind="stable")
        left, right = left[by], right[by]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "_TABLE", table)
        patch.setattr(scoring, "_FETCH", 1 + seed % 40)
        patch.setattr(scoring, "_DENSE", dense)
        found = score_pairs(templates, left, right)
    np.testing.assert_allclose(found, one_by_one(templates, left, right), atol=1e-6)


def test_the_same_whether_pairs_are_dense_or_thin() -> None:
    rng = np.random.default_rng(3)
    templates = vectors(rng, 50)
    left, right = (one.ravel().astype(np.int32) for one in np.meshgrid(np.arange(50), range(50)))
    dense = score_pairs(templates, left, right)
    alone = [slice(one, one + 1) for one in range(2500)]
    thin = np.concatenate([score_pairs(templates, left[i], right[i]) for i in alone])
    np.testing.assert_allclose(dense, thin, atol=1e-6)
    assert dense.reshape(50, 50).diagonal() == pytest.approx(1, abs=1e-6)


def test_who_failed_to_enrol_is_never_accepted() -> None:
    templates = np.array([[1, 0], [1, 0], [0, 0]], np.float32)
    left, right = np.array([0, 0, 2], np.int32), np.array([1, 2, 2], np.int32)
    enrolled = np.array([True, True, False])
    found = score_pairs(templates, left, right, enrolled=enrolled)
    assert found.tolist() == [1.0, -np.inf, -np.inf]


def test_no_pairs() -> None:
    empty = np.empty(0, np.int32)
    assert score_pairs(np.eye(2, dtype=np.float32), empty, empty).shape == (0,)


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("wrong", [-1, 2])
def test_a_pair_that_points_outside(side: int, wrong: int) -> None:
    pair = [np.array([0], np.int32), np.array([1], np.int32)]
    pair[side] = np.array([wrong], np.int32)
    with pytest.raises(ValueError, match="outside 0 … 1"):
        score_pairs(np.eye(2, dtype=np.float32), *pair)


def test_a_vector_that_is_no_number() -> None:
    one = np.array([0], np.int32)
    with pytest.raises(ValueError, match="template 1"):
        score_pairs(np.array([[1, 0], [np.nan, 0]], np.float32), one, one)

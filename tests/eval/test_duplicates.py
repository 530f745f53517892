"""Groups of equal directions against a loop over all pairs of rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval import duplicates
from eval.duplicates import Collapse, collapsed


def crowd(seed: int, rows: int, same: list[int], noise: float = 1e-4) -> np.ndarray:
    """Random rows of length 1 to 3, of which some point almost the same way."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(rows, 16))
    vectors[same] = vectors[same[0]] + noise * rng.normal(size=(len(same), 16))
    return (vectors * rng.uniform(1, 3, (rows, 1))).astype(np.float32)


def largest(vectors: np.ndarray, tolerance: float) -> int:
    """The most rows around any one of them."""
    units = [row / np.linalg.norm(row) for row in vectors.astype(np.float64)]
    return max(
        sum(bool(np.linalg.norm(one - other) <= tolerance) for other in units) for one in units
    )


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 40),
    block=st.sampled_from([4, 8, 4096]),
    noise=st.sampled_from([0.0, 0.001, 0.05, 0.3]),
)
def test_equals_the_loop_over_all_pairs(seed, count, block, noise) -> None:
    same = np.random.default_rng(seed).choice(count, size=count // 2 + 1, replace=False).tolist()
    vectors = crowd(seed, count, same, noise)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "_BLOCK", block)
        found = collapsed(vectors, tolerance=0.1)
    assert (found.rows, found.size) == (count, largest(vectors, 0.1))


def test_the_middle_of_a_group_may_come_last(monkeypatch) -> None:
    # Twelve leaves around a hub: 0.09 from it, 0.13 from each other.
    monkeypatch.setattr(duplicates, "_BLOCK", 4)
    star = np.zeros((13, 16))
    star[:, 0] = 1
    star[:12, 1:13] = 0.09 * np.eye(12)
    found = collapsed(star.astype(np.float32), tolerance=0.1)
    assert found.size == largest(star, 0.1) == 13


def test_examples_are_the_first_of_the_group() -> None:
    same = [90, 3, 17, 55, 61, 70, 71]
    found = collapsed(crowd(0, 100, same))
    assert found.size == 7
    assert found.examples == (3, 17, 55, 61, 70)
    assert found.share == pytest.approx(0.07)


def test_of_many_rows_a_sample_tells_the_group(monkeypatch) -> None:
    monkeypatch.setattr(duplicates, "_SAMPLE", 400)
    same = np.random.default_rng(5).choice(9000, 300, replace=False).tolist()
    vectors = crowd(1, 9000, same)
    found = collapsed(vectors)
    assert (found.rows, found.size) == (9000, 300)
    assert set(found.examples) == set(sorted(same)[:5])
    assert collapsed(vectors) == found


def test_rows_without_a_direction_do_not_count() -> None:
    vectors = crowd(2, 40, [4, 9, 14])
    vectors[[0, 1, 2, 3, 5, 6]] = 0
    vectors[[20, 21, 22], 7] = np.nan, np.inf, -np.inf
    found = collapsed(vectors)
    assert (found.rows, found.size, found.examples) == (31, 3, (4, 9, 14))


def test_lengths_whose_square_float32_lacks() -> None:
    vectors = crowd(3, 30, [2, 8, 12])
    vectors[[2, 8]] *= np.array([[1e30], [1e-30]], np.float32)
    assert collapsed(vectors).size == 3


def test_the_mean_resultant_length() -> None:
    angles = np.random.default_rng(0).uniform(0, 1, 200)
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    wanted = abs(np.exp(1j * angles).mean())
    vectors *= np.linspace(1, 50, 200, dtype=np.float32)[:, None]
    assert collapsed(vectors).resultant == pytest.approx(wanted, rel=1e-6)


def test_no_row_is_like_another() -> None:
    found = collapsed(np.eye(9, dtype=np.float32))
    assert found[:3] == (9, 1, ())
    assert found.resultant == pytest.approx(1 / 3)
    assert found.words("x") == ""


def test_opposite_directions_are_not_the_same() -> None:
    vectors = np.repeat(np.array([[1, 2], [-1, -2]], np.float32), [30, 20], axis=0)
    found = collapsed(vectors)
    assert (found.size, found.examples) == (30, (0, 1, 2, 3, 4))
    assert found.resultant == pytest.approx(0.2)


@pytest.mark.parametrize("vectors", [np.empty((0, 4)), np.zeros((3, 4)), np.full((2, 4), np.nan)])
def test_nothing_to_look_at(vectors) -> None:
    found = collapsed(vectors.astype(np.float32))
    assert found == Collapse(0, 0, (), 0.0)
    assert (found.words("x"), found.share) == ("", 0)


@pytest.mark.parametrize("tolerance", [0.001, 1.5, float("nan")])
def test_a_tolerance_that_float32_cannot_tell(tolerance) -> None:
    with pytest.raises(ValueError, match="tolerance"):
        collapsed(np.eye(3, dtype=np.float32), tolerance=tolerance)


@pytest.mark.parametrize(
    ("rows", "size", "warns"),
    [(100, 4, False), (100, 5, True), (10_000, 5, True), (20_000, 9, False), (20_000, 10, True)],
)
def test_a_few_alike_are_no_collapse(rows, size, warns) -> None:
    words = Collapse(rows, size, (1, 2), 0.2).words("mine")
    assert bool(words) == warns
    if warns:
        assert f"mine: {size} of {rows:,} different faces" in words
        assert "row 1, row 2" in words


def test_examples_by_name() -> None:
    words = Collapse(10, 5, (1, 3), 0.2).words("mine", ["a", "b", "c", "d"])
    assert "such as b, d:" in words


def test_all_look_nearly_the_same() -> None:
    rng = np.random.default_rng(0)
    vectors = (np.ones((60, 64)) + 0.1 * rng.normal(size=(60, 64))).astype(np.float32)
    found = collapsed(vectors)
    assert found.size == 1
    assert "all 60 faces look nearly the same" in found.words("mine")
    spread = (np.ones((60, 64)) + 0.3 * rng.normal(size=(60, 64))).astype(np.float32)
    assert collapsed(spread).words("mine") == ""

"""Pooling against a loop over templates and media, all eight variants."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.pooling import Members, Pooling, pool, poolings


def loop(
    embeddings: np.ndarray,
    members: Members,
    pooling: Pooling,
    flipped: np.ndarray,
    scores: np.ndarray,
    absent: np.ndarray,
) -> np.ndarray:
    """Template by template, medium by medium, in double precision."""
    result = np.zeros((members.count, embeddings.shape[1]))
    for index in range(members.count):
        mine = np.flatnonzero(members.template == index)
        total = np.zeros(embeddings.shape[1])
        for medium in sorted({int(members.media[one]) for one in mine}):
            faces = []
            for one in mine:
                row = members.sample[one]
                if members.media[one] != medium or absent[row]:
                    continue
                face = embeddings[row].astype(float)
                if pooling.flip_sum:
                    face = face + flipped[row]
                if not pooling.keep_norm:
                    face = face / np.linalg.norm(face)
                if pooling.detector_weight:
                    face = face * scores[row]
                faces.append(face)
            if faces:
                total += np.mean(faces, axis=0)
        if np.linalg.norm(total) > 0:
            result[index] = total / np.linalg.norm(total)
    return result


@pytest.mark.parametrize("pooling", list(poolings(detector=True, flip=True)), ids=lambda p: p.name)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), media=st.sampled_from([1, 2, 5, 2**62]))
def test_equals_the_loop(pooling: Pooling, seed: int, media: int) -> None:
    rng = np.random.default_rng(seed)
    faces, count, rows = int(rng.integers(1, 30)), int(rng.integers(1, 9)), int(rng.integers(0, 60))
    embeddings, flipped = rng.normal(0, 3, (2, faces, 6)).astype(np.float32)
    scores = rng.uniform(0.1, 1, faces).astype(np.float32)
    absent = rng.uniform(size=faces) < 0.3
    members = Members(
        rng.integers(0, faces, rows).astype(np.int32),
        rng.integers(0, count, rows).astype(np.int32),
        rng.integers(-media, media, rows),
        count,
    )
    found = pool(embeddings, members, pooling, flipped=flipped, scores=scores, absent=absent)
    wanted = loop(embeddings, members, pooling, flipped, scores, absent)
    np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_a_video_of_many_frames_weighs_as_much_as_a_still() -> None:
    embeddings = np.array([[3, 0], [3, 0], [3, 0], [0, 2]], np.float32)
    each = np.arange(4, dtype=np.int32)
    members = Members(each, np.zeros(4, np.int32), np.array([8, 8, 8, 9]), 1)
    found = pool(embeddings, members, Pooling())
    np.testing.assert_allclose(found, [[0.5**0.5, 0.5**0.5]], atol=1e-6)
    kept = pool(embeddings, members, Pooling(keep_norm=True))
    np.testing.assert_allclose(kept, np.array([[3, 2]]) / 13**0.5, atol=1e-6)


def test_the_input_stays_as_it_was_and_may_be_a_memory_map(tmp_path) -> None:
    embeddings = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
    np.save(tmp_path / "embeddings.npy", embeddings)
    mapped = np.load(tmp_path / "embeddings.npy", mmap_mode="r")
    members = Members(
        np.arange(40, dtype=np.int32),
        np.repeat(np.arange(4, dtype=np.int32), 10),
        np.arange(40) // 3,
        4,
    )
    before = embeddings.copy()
    found = pool(embeddings, members, Pooling())
    np.testing.assert_array_equal(embeddings, before)
    again = pool(mapped, members, Pooling())
    assert type(again) is np.ndarray
    np.testing.assert_array_equal(found, again)


def test_names_and_variants() -> None:
    assert Pooling(keep_norm=True, flip_sum=True).name == "N1D0F1"
    every = [one.name for one in poolings(detector=True, flip=True)]
    digits = itertools.product("01", repeat=3)
    assert every == [f"N{n}D{d}F{f}" for n, d, f in digits]
    assert [one.name for one in poolings(detector=False, flip=False)] == ["N0D0F0", "N1D0F0"]


MEMBERS = Members(*(np.zeros(1, np.int32),) * 2, np.zeros(1, np.int64), 1)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("embeddings", "pooling", "extra", "told"),
    [
        ([[np.nan, 1]], Pooling(keep_norm=True), {}, "face 0: its embedding has the length nan"),
        ([[0, 0]], Pooling(), {}, "length 0"),
        ([[1, 0]], Pooling(flip_sum=True), {}, "mirrored"),
        ([[1, 0]], Pooling(detector_weight=True), {}, "confidences"),
        ([[1, 0]], Pooling(detector_weight=True), {"scores": [np.nan]}, "face 0"),
    ],
)
def test_what_does_not_fit(embeddings, pooling, extra, told) -> None:
    given = {name: np.array(value, np.float32) for name, value in extra.items()}
    with pytest.raises(ValueError, match=told):
        pool(np.array(embeddings, np.float32), MEMBERS, pooling, **given)


def test_a_membership_that_points_outside() -> None:
    outside = Members(np.array([3], np.int32), np.zeros(1, np.int32), np.zeros(1, np.int64), 1)
    with pytest.raises(ValueError, match="a sample outside 0 … 1"):
        pool(np.ones((2, 3), np.float32), outside, Pooling())
    beyond = Members(np.zeros(1, np.int32), np.array([-1], np.int32), np.zeros(1, np.int64), 1)
    with pytest.raises(ValueError, match="a template outside"):
        pool(np.ones((2, 3), np.float32), beyond, Pooling())


def test_broken_embeddings_of_absent_faces_are_not_looked_at() -> None:
    embeddings = np.array([[np.nan, np.nan], [0, 5]], np.float32)
    each = np.arange(2, dtype=np.int32)
    members = Members(each, np.zeros(2, np.int32), np.zeros(2, np.int64), 1)
    found = pool(embeddings, members, Pooling(), absent=np.array([True, False]))
    np.testing.assert_allclose(found, [[0, 1]])

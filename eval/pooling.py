"""From face embeddings to one vector a template, with the three switches publications differ by.

The embeddings of one medium (the frames of a video, or a still alone) are averaged, the media of a
template are summed, and the sum is scaled to length 1 (as in insightface's IJB evaluation). Before
that, the switches decide:

* F, flip-sum: the embedding of the mirrored face is added to that of the face itself;
* N, keep the norm: otherwise each embedding is scaled to length 1 first;
* D, detector weight: each embedding is multiplied by the detector's confidence.

All of it is linear in the embeddings but for the lengths, so a template is a weighted sum, and all
variants come from one pass of a recognizer. No copy of the embeddings is made.
"""

import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64

_ROWS = 8192


@dataclass(frozen=True)
class Pooling:
    """How embeddings become a template.

    Attributes:
        keep_norm: N: a longer embedding (which tends to mean a better photo) weighs more.
        detector_weight: D: needs the detector's confidence of every face.
        flip_sum: F: needs the embeddings of the mirrored faces.
    """

    keep_norm: bool = False
    detector_weight: bool = False
    flip_sum: bool = False

    @property
    def name(self) -> str:
        """For a table, as insightface writes it: ``N0D1F1``."""
        return f"N{self.keep_norm:d}D{self.detector_weight:d}F{self.flip_sum:d}"


@dataclass(frozen=True, eq=False)
class Members:
    """Which face belongs to which template, and in which medium: ``m`` memberships.

    Attributes:
        sample: ``(m,)`` row of the embeddings.
        template: ``(m,)`` from 0 to ``count`` − 1.
        media: ``(m,)`` equal numbers within a template are one medium.
        count: How many templates there are.
    """

    sample: Int32[np.ndarray, " m"]
    template: Int32[np.ndarray, " m"]
    media: Int64[np.ndarray, " m"]
    count: int


def poolings(*, detector: bool, flip: bool) -> Iterator[Pooling]:
    """Every variant that can be had.

    Args:
        detector: Whether the detector's confidences are at hand.
        flip: Whether the embeddings of the mirrored faces are.
    """
    for keep, weight, mirrored in itertools.product((False, True), repeat=3):
        if detector >= weight and flip >= mirrored:
            yield Pooling(keep, weight, mirrored)


def pool(
    embeddings: Float32[np.ndarray, "n d"],
    members: Members,
    pooling: Pooling,
    *,
    flipped: Float32[np.ndarray, "n d"] | None = None,
    scores: Float32[np.ndarray, " n"] | None = None,
    absent: Bool[np.ndarray, " n"] | None = None,
) -> Float32[np.ndarray, "t d"]:
    """One vector of length 1 a template; zeros where no face could be enrolled.

    Args:
        embeddings: A row a face, as the recognizer gave it; it may lie in a memory map.
        members: How faces make templates.
        pooling: The switches.
        flipped: The embeddings of the mirrored faces, for F.
        scores: The detector's confidences, for D.
        absent: Faces without an embedding; their rows are not looked at.

    Raises:
        ValueError: A switch lacks its input, a shape does not fit, or an embedding of a face that
            is there is not finite or, where it is to be scaled, all zeros.
    """
    _check(embeddings, members, pooling, flipped, scores, absent)
    members = _there(members, absent)
    weight = 1.0 / _media_sizes(members)
    if pooling.detector_weight and scores is not None:
        weight *= scores[members.sample]
    mirrored = flipped if pooling.flip_sum else None
    # Lengths are looked at even where they are kept: an embedding has to be finite.
    length = _lengths(embeddings, mirrored, absent)
    if not pooling.keep_norm:
        weight /= length[members.sample]
    return _unit(_weighted_sums(members, weight.astype(np.float32), embeddings, mirrored))


def _check(
    embeddings: np.ndarray,
    members: Members,
    pooling: Pooling,
    flipped: np.ndarray | None,
    scores: np.ndarray | None,
    absent: np.ndarray | None,
) -> None:
    """Refuse what does not fit together."""
    if pooling.flip_sum and flipped is None:
        raise ValueError(f"{pooling.name} needs the embeddings of the mirrored faces")
    if pooling.detector_weight and scores is None:
        raise ValueError(f"{pooling.name} needs the detector's confidences")
    for name, one in (("flipped", flipped), ("scores", scores), ("absent", absent)):
        if one is not None and len(one) != len(embeddings):
            raise ValueError(f"{len(embeddings)} embeddings, but {len(one)} {name}")
    for name, one, most in (
        ("sample", members.sample, len(embeddings)),
        ("template", members.template, members.count),
    ):
        if len(one) and not (one.min() >= 0 and one.max() < most):
            raise ValueError(f"a {name} outside 0 … {most - 1}: {one.min()} … {one.max()}")
    if pooling.detector_weight and scores is not None and not np.isfinite(scores).all():
        raise ValueError(f"face {int(np.argmin(np.isfinite(scores)))}: its confidence is no number")


def _lengths(
    embeddings: np.ndarray, mirrored: np.ndarray | None, absent: np.ndarray | None
) -> Float64[np.ndarray, " n"]:
    """Each embedding's Euclidean length, a block at a time; 1 for faces that are not there."""
    lengths = np.empty(len(embeddings))
    for start in range(0, len(embeddings), _ROWS):
        block = embeddings[start : start + _ROWS]
        if mirrored is not None:
            block = block + mirrored[start : start + _ROWS]
        lengths[start : start + _ROWS] = np.sqrt(np.einsum("nd,nd->n", block, block))
    if absent is not None:
        lengths[absent] = 1.0
    bad = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))
    if len(bad):
        raise ValueError(f"face {bad[0]}: its embedding has the length {lengths[bad[0]]}")
    return lengths


def _there(members: Members, absent: np.ndarray | None) -> Members:
    """The memberships of faces that are there."""
    if absent is None or not absent.any():
        return members
    there = ~absent[members.sample]
    kept = members.sample[there], members.template[there], members.media[there]
    return Members(*kept, members.count)


def _media_sizes(members: Members) -> Int64[np.ndarray, " m"]:
    """How many faces each membership shares its medium with, itself included."""
    _, media = np.unique(members.media, return_inverse=True)  # small numbers, whatever they were
    both = members.template.astype(np.int64) * len(media) + media
    _, group = np.unique(both, return_inverse=True)
    return np.bincount(group)[group]


def _weighted_sums(
    members: Members,
    weight: Float32[np.ndarray, " m"],
    embeddings: np.ndarray,
    mirrored: np.ndarray | None,
) -> Float32[np.ndarray, "t d"]:
    """Σ weight · embedding over each template, as a sparse product; templates in parallel."""
    from scipy.sparse import csr_matrix

    shape = (members.count, len(embeddings))
    sums = csr_matrix((weight, (members.template, members.sample)), shape=shape)
    result = np.empty((members.count, embeddings.shape[1]), np.float32)

    def part(rows: slice) -> None:
        result[rows] = sums[rows] @ embeddings
        if mirrored is not None:
            result[rows] += sums[rows] @ mirrored

    step = max(1, min(1024, -(-members.count // 4)))
    parts = [slice(start, start + step) for start in range(0, members.count, step)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(part, parts))
    return result


def _unit(vectors: Float32[np.ndarray, "t d"]) -> Float32[np.ndarray, "t d"]:
    """Scale to length 1 in place; zeros stay."""
    lengths = np.sqrt(np.einsum("td,td->t", vectors, vectors, dtype=np.float64))
    vectors /= np.where(lengths > 0, lengths, 1.0).astype(np.float32)[:, None]
    return vectors

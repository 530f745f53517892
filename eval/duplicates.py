"""Embeddings that collapse: many different inputs, one output.

Black crops, a frontalizer that paints one face, or a network that ignores its input give numbers
that look like any others. What gives them away is that different inputs have the same direction.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

TOLERANCE = 0.02
"""How far apart unit vectors may be that are the same: a cosine of 0.9998.

Measured with MobileFaceNet on LFW: a photo stored again as JPEG of quality 95, or cut a tenth of a
pixel elsewhere, lies 0.023 away; the most alike of 3,074 photos lie 0.24 apart."""
FEWEST = 5
"""A group of fewer rows is no collapse: data sets hold a photo twice under two names."""
SHARE = 1 / 2000
"""A group of a smaller share of the rows is no collapse either: a video may stand still."""
ALIKE = 0.99
"""The mean resultant length from which all rows look the same: their mean cosine is its square,
0.98. On LFW it is 0.10 with MobileFaceNet."""

_SAMPLE = 10_000
_LEADERS = 8
_BLOCK = 4096


class Collapse(NamedTuple):
    """The largest group of rows with the same direction.

    Attributes:
        rows: How many rows have a direction: they are finite and not zero.
        size: How many of them are in the group; 1 if none is like another, 0 without rows.
        examples: Positions of up to five rows of the group, ascending; none if no two are alike.
        resultant: The length of the mean of the unit vectors (the mean resultant length of
            directional statistics, Mardia and Jupp, "Directional Statistics", 2000): 0 if they
            point everywhere, 1 if all are the same.
    """

    rows: int
    size: int
    examples: tuple[int, ...]
    resultant: float

    @property
    def share(self) -> float:
        """The group's part of the rows."""
        return self.size / self.rows if self.rows else 0.0

    def words(self, name: str, labels: Sequence[str] | None = None) -> str:
        """A warning about the embeddings called ``name``; empty if all is well.

        Args:
            name: Such as the recognizer's.
            labels: What to call each row, such as its photo; ``row 0``, … by default.
        """
        if self.rows < FEWEST:
            return ""
        if self.resultant >= ALIKE:
            return (
                f"{name}: all {self.rows:,} faces look nearly the same (the mean of their unit "
                f"vectors has length {self.resultant:.3f}): is the input what the recognizer wants?"
            )
        if self.size < max(FEWEST, SHARE * self.rows):
            return ""
        examples = [labels[row] if labels is not None else f"row {row}" for row in self.examples]
        return (
            f"{name}: {self.size:,} of {self.rows:,} different faces ({100 * self.share:.3g} %) "
            f"have the same embedding, such as {', '.join(examples)}: look at their crops"
        )


def collapsed(embeddings: Float32[np.ndarray, "n d"], *, tolerance: float = TOLERANCE) -> Collapse:
    """Look for many rows with one direction.

    Up to 10,000 rows are compared all with all. Of more rows as many are sampled, always the same,
    and the neighbours of the most crowded ones are counted among all rows: a group of one row in
    2,000 stands in the sample with five rows on average, and escapes with a chance of 4 %; one of
    one in 1,000 with a chance of 0.05 %.

    Args:
        embeddings: A row for each of different inputs; rows that are not finite, or zero, do not
            count.
        tolerance: How far unit vectors may lie from one in their middle to be the same.

    Raises:
        ValueError: The tolerance is not within 0.002 … 1: float32 cannot tell less.
    """
    if not 0.002 <= tolerance <= 1:
        raise ValueError(f"a tolerance has to be within 0.002 … 1, got {tolerance}")
    least = np.float32(1 - tolerance**2 / 2)
    rows, resultant = _directions(embeddings)
    if not len(rows):
        return Collapse(0, 0, (), 0.0)
    sample = rows
    if len(rows) > _SAMPLE:
        sample = np.sort(np.random.default_rng(0).choice(rows, _SAMPLE, replace=False))
    crowd = _neighbours(_units(embeddings[sample]), least)
    leaders = sample[np.argsort(-crowd, kind="stable")[:_LEADERS]]
    size, examples = _largest(embeddings, rows, _units(embeddings[leaders]), least)
    return Collapse(len(rows), size, examples if size > 1 else (), resultant)


def _units(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1, scaled first so that no square overflows or vanishes."""
    scaled = rows / np.abs(rows).max(axis=1, keepdims=True)
    return scaled / np.linalg.norm(scaled, axis=1, keepdims=True)


def _directions(embeddings: np.ndarray) -> tuple[Int64[np.ndarray, " m"], float]:
    """Rows that have a direction, and the mean resultant length of those."""
    found: list[np.ndarray] = []
    total = np.zeros(embeddings.shape[1])
    for start in range(0, len(embeddings), _BLOCK):
        block = embeddings[start : start + _BLOCK]
        good = np.flatnonzero(np.isfinite(block).all(axis=1) & block.any(axis=1))
        total += _units(block[good]).sum(axis=0, dtype=np.float64)
        found.append(start + good)
    rows = np.concatenate(found) if found else np.empty(0, np.int64)
    return rows, float(np.linalg.norm(total)) / max(len(rows), 1)


def _neighbours(units: np.ndarray, least: np.float32) -> Int64[np.ndarray, " m"]:
    """How many rows each one has within reach, itself included."""
    count = np.zeros(len(units), np.int64)
    for start in range(0, len(units), _BLOCK // 4):
        stop = start + _BLOCK // 4
        near = units[start:stop] @ units[start:].T >= least
        count[start:stop] += near.sum(axis=1)
        count[stop:] += near[:, stop - start :].sum(axis=0)
    return count


def _largest(
    embeddings: np.ndarray, rows: np.ndarray, leaders: np.ndarray, least: np.float32
) -> tuple[int, tuple[int, ...]]:
    """The most rows within reach of one leader, and the first of them."""
    count = np.zeros(len(leaders), np.int64)
    first: list[list[int]] = [[] for _ in leaders]
    for start in range(0, len(rows), _BLOCK):
        part = rows[start : start + _BLOCK]
        near = _units(embeddings[part]) @ leaders.T >= least
        count += near.sum(axis=0)
        for leader, mine in enumerate(first):
            if len(mine) < 5:
                mine.extend(part[near[:, leader]][: 5 - len(mine)].tolist())
    best = int(count.argmax())
    return int(count[best]), tuple(first[best])

"""Verification: TAR at a FAR with its rule named, equal error rate, area, and curves to draw.

Scores are similarities: higher is more alike. A pair with a template that failed to enrol scores
−∞: no threshold accepts it, so it is a miss if genuine and a correct rejection if not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64

from eval.curve import RULES, Rule, point_at, tar_at, upper_curve
from eval.tail import check_scores

__all__ = [
    "FEWEST",
    "RULES",
    "Det",
    "EqualErrorRate",
    "OperatingPoint",
    "Roc",
    "Rule",
    "auc",
    "det",
    "equal_error_rate",
    "roc",
    "tar_at_far",
    "why_not",
]
FEWEST = 10
"""With fewer impostor scores than this within a FAR, its TAR is not worth printing."""


@dataclass(frozen=True)
class OperatingPoint:
    """A true accept rate (TAR) at a false accept rate (FAR).

    Attributes:
        far: The FAR that was asked for.
        rule: How it was read: see ``eval.curve.Rule``.
        tar: In 0 … 1; None where the data cannot say, see ``reason``.
        reached: The FAR at the threshold; the target itself if interpolated.
        threshold: Scores of at least this are accepted; ∞ accepts nobody. If interpolated, the
            last one that stays within the target.
        genuine: How many genuine pairs there are.
        impostors: How many impostor pairs there are.
        reason: Why there is no TAR; empty where there is one.
    """

    far: float
    rule: Rule
    tar: float | None
    reached: float | None
    threshold: float | None
    genuine: int
    impostors: int
    reason: str = ""


class EqualErrorRate(NamedTuple):
    """Where as many impostors are accepted as genuine pairs are rejected, as rates."""

    rate: float
    threshold: float


class Roc(NamedTuple):
    """Points of a ROC, from strict to lenient; rates in 0 … 1."""

    far: Float64[np.ndarray, " n"]
    tar: Float64[np.ndarray, " n"]
    threshold: Float64[np.ndarray, " n"]


class Det(NamedTuple):
    """Points of a detection error trade-off, from strict to lenient; rates in 0 … 1."""

    far: Float64[np.ndarray, " n"]
    frr: Float64[np.ndarray, " n"]
    threshold: Float64[np.ndarray, " n"]


def tar_at_far(
    scores: Float[np.ndarray, " p"],
    genuine: Bool[np.ndarray, " p"],
    fars: Sequence[float],
    rule: Rule,
) -> tuple[OperatingPoint, ...]:
    """TAR at each FAR.

    Only the scores that the largest FAR needs are sorted. For the 15,658,489 pairs of IJB-C and a
    FAR up to 0.1 that takes less than 40 MB beside the scores.

    A TAR is None, with a reason, if there is no genuine or no impostor pair, or if fewer than ten
    impostor scores lie within the FAR. That number is ``round(FAR · impostors)``, so that the 9,979
    impostors of an IJB-A split count as ten at a FAR of 0.001.

    Args:
        scores: Similarities; −∞ for a failure to enrol.
        genuine: Which pairs are of one person.
        fars: In (0, 1].
        rule: See ``eval.curve.Rule``.

    Raises:
        ValueError: A score is NaN or +∞, or a FAR is outside (0, 1].
    """
    check_scores(scores, genuine)
    matched = int(np.count_nonzero(genuine))
    impostors = len(scores) - matched
    reasons = [why_not(far, matched, impostors) for far in fars]
    asked = [far for far, reason in zip(fars, reasons, strict=True) if not reason]
    found = iter(_points(scores, genuine, asked, rule))
    return tuple(
        OperatingPoint(far, rule, None, None, None, matched, impostors, reason)
        if reason
        else OperatingPoint(far, rule, *next(found), matched, impostors)
        for far, reason in zip(fars, reasons, strict=True)
    )


def why_not(far: float, genuine: int, impostors: int) -> str:
    """Why there is no TAR at a FAR; empty if there is one.

    Raises:
        ValueError: The FAR is outside (0, 1].
    """
    if not 0 < far <= 1:
        raise ValueError(f"a FAR is in (0, 1], got {far}")
    if not (genuine and impostors):
        return f"no {'impostor' if genuine else 'genuine'} pairs"
    within = round(far * impostors)
    if within < FEWEST:
        return f"{within} of {impostors:,} impostor scores within FAR {far:g}, {FEWEST} are needed"
    return ""


def _points(
    scores: np.ndarray, genuine: np.ndarray, fars: Sequence[float], rule: Rule
) -> list[tuple[float, float, float]]:
    """TAR, reached FAR and threshold of each; the curve grows until all can be read from it."""
    impostors = len(scores) - int(np.count_nonzero(genuine))
    reach = int(1.02 * max(fars, default=0.0) * impostors) + 64
    while fars:
        curve = upper_curve(scores, genuine, reach)
        places = [point_at(curve, far, rule) for far in fars]
        if None not in places:
            return [
                tar_at(curve, far, rule, place)
                for far, place in zip(fars, places, strict=True)
                if place is not None
            ]
        reach *= 2
    return []


class _Sorted:
    """Both classes of scores, each sorted; the rates of any threshold follow by bisection."""

    def __init__(self, scores: np.ndarray, genuine: np.ndarray) -> None:
        check_scores(scores, genuine)
        self.matches, self.others = scores[genuine], scores[~genuine]
        if not (len(self.matches) and len(self.others)):
            raise ValueError(
                f"needs genuine and impostor pairs, got {len(self.matches)} and {len(self.others)}"
            )
        self.matches.sort()
        self.others.sort()

    def far(self, threshold: np.ndarray) -> np.ndarray:
        """Share of impostors accepted."""
        return 1 - np.searchsorted(self.others, threshold) / len(self.others)

    def frr(self, threshold: np.ndarray) -> np.ndarray:
        """Share of genuine pairs rejected."""
        return np.searchsorted(self.matches, threshold) / len(self.matches)

    def above(self, threshold: np.ndarray) -> np.ndarray:
        """The next score above each threshold; ∞ if there is none."""
        nexts = []
        for one in (self.matches, self.others):
            place = np.searchsorted(one, threshold, side="right")
            nexts.append(np.where(place < len(one), one[np.minimum(place, len(one) - 1)], np.inf))
        return np.minimum(*nexts).astype(self.others.dtype)


def equal_error_rate(
    scores: Float[np.ndarray, " p"], genuine: Bool[np.ndarray, " p"]
) -> EqualErrorRate:
    """The rate at which FAR and false reject rate are equal.

    It is read where the ROC's polyline crosses FAR = FRR, that is with straight lines between
    neighbouring thresholds. The polyline starts where nobody is accepted, and ends where everybody
    is, failures to enrol included. The threshold is that of the neighbouring point whose two
    rates are closer, the stricter one at ties.

    Raises:
        ValueError: A score is NaN or +∞, or there is no genuine or no impostor pair.
    """
    both = _Sorted(scores, genuine)
    past = [_last_past(both, one) for one in (both.matches, both.others)]
    after = np.maximum(*past)
    around = np.concatenate([both.above(after), after])
    far, frr = both.far(around), both.frr(around)
    stricter = frr[0] - far[0] <= far[1] - frr[1]
    return EqualErrorRate(crossing(far, frr), float(around[0 if stricter else 1]))


def _last_past(both: _Sorted, one: np.ndarray) -> np.ndarray:
    """``(1,)`` the highest score of a class with FAR ≥ FRR, by bisection; else −∞: FAR is 1."""
    low, high = -1, len(one) - 1
    while low < high:
        middle = (low + high + 1) // 2
        score = one[middle : middle + 1]
        past = both.far(score)[0] >= both.frr(score)[0]
        low, high = (middle, high) if past else (low, middle - 1)
    return one[low : low + 1] if low >= 0 else np.full(1, -np.inf, one.dtype)


def crossing(far: Float64[np.ndarray, " 2"], frr: Float64[np.ndarray, " 2"]) -> float:
    """Where a straight line between two points of a DET curve meets FAR = FRR."""
    start, end = frr - far
    share = start / (start - end) if start > end else 0.0
    return float(far[0] + share * (far[1] - far[0]))


def auc(scores: Float[np.ndarray, " p"], genuine: Bool[np.ndarray, " p"]) -> float:
    """The area under the ROC: the chance that a genuine pair scores above an impostor pair.

    Equal scores count one half (Mann and Whitney 1947), so that it is the polyline's area.

    Raises:
        ValueError: A score is NaN or +∞, or there is no genuine or no impostor pair.
    """
    both = _Sorted(scores, genuine)
    below = np.searchsorted(both.others, both.matches).sum()
    equal = np.searchsorted(both.others, both.matches, side="right").sum() - below
    return float((below + equal / 2) / (len(both.matches) * len(both.others)))


def roc(
    scores: Float[np.ndarray, " p"], genuine: Bool[np.ndarray, " p"], points: int = 1000
) -> Roc:
    """The ROC with few enough points to draw, on linear or logarithmic axes.

    FAR and FRR are each cut into bins that are even on a logarithmic axis, and the last point of
    one bin and the first of the next are kept. A point that is left out lies between two kept ones
    that share both its bins, so that the drawn curve has its steps where the full one has them.

    Args:
        scores: Similarities; −∞ for a failure to enrol: no point accepts those.
        genuine: Which pairs are of one person.
        points: The most that are returned, at least 12.

    Raises:
        ValueError: A score is NaN or +∞, there is no genuine or no impostor pair, or no finite
            score, or too few points are asked for.
    """
    far, frr, threshold = det(scores, genuine, points)
    return Roc(far, 1 - frr, threshold)


def det(
    scores: Float[np.ndarray, " p"], genuine: Bool[np.ndarray, " p"], points: int = 1000
) -> Det:
    """The detection error trade-off: as :func:`roc`, with the FRR instead of the TAR."""
    if points < 12:
        raise ValueError(f"a curve needs at least 12 points, got {points}")
    both = _Sorted(scores, genuine)
    marks = []
    for one in (both.others[::-1], both.matches):
        ranks = np.geomspace(1, len(one), (points - 2) // 4).astype(np.int64) - 1
        marks.append(one[np.unique(ranks)])
    lowest = both.above(np.array([-np.inf]))
    if lowest[0] == np.inf:
        raise ValueError("there is no score above −∞ to draw")
    marks = np.concatenate([*marks, lowest])
    marks = marks[marks > -np.inf]
    marks = np.unique(np.concatenate([marks, both.above(marks)]))[::-1]
    return Det(both.far(marks), both.frr(marks), marks.astype(np.float64))

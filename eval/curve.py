"""The ROC in whole numbers, and the four rules by which TAR at a FAR is read from it.

Counts rather than rates: a bootstrap's weights are whole numbers too, so that a resample is read
by the very same rules as the data (``eval/resampling.py``).
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, Integer

from eval.tail import failed_impostors, impostors_above, kth_largest_impostor

Rule = Literal["nearest", "conservative", "interpolated", "kth-impostor"]
"""How TAR at a FAR is read; public results differ by more than their last digit between them.

``nearest``: the ROC point whose FAR is nearest to the target, at ties the larger FAR, then the
larger TAR. It may exceed the target. The points are those that scikit-learn's ``roc_curve`` keeps
by default, that is without points in the middle of equal steps. This is how the insightface family
evaluates IJB-B and IJB-C (github.com/deepinsight/insightface, ``recognition/_evaluation_/ijb``).

``conservative``: the largest TAR of all thresholds with a FAR of at most the target.

``interpolated``: on the straight line from that point to the ROC's next one.

``kth-impostor``: the threshold is the k-th largest impostor score, k = round(FAR · impostors) with
halves to even, and above the largest one if k is 0; scores of at least the threshold are accepted.
This is how PFE evaluates (github.com/seasonSH/Probabilistic-Face-Embeddings,
``evaluation/metrics.py``). With equal scores it may exceed the target.
"""
RULES: tuple[Rule, ...] = get_args(Rule)
_WINDOW = 1024


@dataclass(frozen=True, eq=False)
class Curve:
    """The ROC's points, from strict to lenient.

    Attributes:
        thresholds: ``(n,)`` the distinct scores, falling; scores of at least this are accepted.
        false: ``(n,)`` impostor pairs accepted there.
        true: ``(n,)`` genuine pairs accepted there.
        impostors: All impostor pairs, those that failed to enrol included.
        genuine: All genuine pairs, likewise.
        complete: Whether the last point is the lowest score above −∞.
    """

    thresholds: Float[np.ndarray, " n"]
    false: Integer[np.ndarray, " n"]
    true: Integer[np.ndarray, " n"]
    impostors: int
    genuine: int
    complete: bool


def upper_curve(
    scores: Float[np.ndarray, " p"], genuine: Bool[np.ndarray, " p"], reach: int | None = None
) -> Curve:
    """The ROC from its strict end until at least ``reach`` impostors are accepted.

    Equal scores are counted, not kept, at the last threshold: memory is bounded by ``reach`` and
    the genuine pairs whatever the scores are.

    Args:
        scores: Similarities without NaN or +∞; −∞ is accepted by no threshold.
        genuine: Which pairs are of one person.
        reach: Impostors to reach; all by default.
    """
    matches = scores[genuine]
    matched, impostors = len(matches), len(scores) - len(matches)
    matches = matches[matches > -np.inf]
    finite = impostors - failed_impostors(scores, genuine)
    whole = reach is None or reach >= finite
    reach = finite if whole else reach
    floor, others, equal = scores.dtype.type(-np.inf), scores[:0], 0
    if reach:
        floor = kth_largest_impostor(scores, genuine, reach)
        others, equal = impostors_above(scores, genuine, floor)
    upper = matches if whole else matches[matches >= floor]
    complete = len(others) + equal == finite and len(upper) == len(matches)
    points = _join(others, upper, floor, equal)
    return Curve(*points, impostors=impostors, genuine=matched, complete=complete)


def point_at(curve: Curve, far: float, rule: Rule) -> int | None:
    """The place on the curve that a rule picks; −1 is the point that accepts nobody.

    For ``interpolated`` it is the last point within the target: see :func:`tar_at`.

    Returns:
        The position, or None if the curve is too short to tell.
    """
    false, most = curve.false, allowed(far, curve.impostors)
    within = int(np.searchsorted(false, most, side="right")) - 1
    end = len(false) - 1
    if rule == "kth-impostor":
        k = round(far * curve.impostors)
        place = int(np.searchsorted(false, k)) if k else int(np.searchsorted(false, 0, "right")) - 1
        if place < end or (k and place == end):
            return place
        return end if curve.complete else None
    if within == end and not curve.complete:
        return None
    return within if rule != "nearest" else _nearest(curve, far, within)


def tar_at(curve: Curve, far: float, rule: Rule, place: int) -> tuple[float, float, float]:
    """TAR, the FAR reached, and the threshold, at what :func:`point_at` picked.

    Raises:
        ValueError: There is no genuine or no impostor pair.
    """
    if not (curve.genuine and curve.impostors):
        raise ValueError("a TAR needs a genuine and an impostor pair")
    threshold = float(curve.thresholds[place]) if place >= 0 else np.inf
    start_false, start_true = _counts(curve, place)
    reached, tar = start_false / curve.impostors, start_true / curve.genuine
    if rule == "interpolated" and place + 1 < len(curve.false):
        next_false, next_true = _counts(curve, place + 1)
        share = (far - reached) / (next_false / curve.impostors - reached)
        return tar + share * (next_true / curve.genuine - tar), far, threshold
    return tar, reached, threshold


def allowed(far: float, impostors: int) -> int:
    """The largest number of false accepts whose rate, as a float, is at most ``far``."""
    count = int(far * impostors) + 1
    while count / impostors > far:
        count -= 1
    return count


def _join(
    others: np.ndarray, matches: np.ndarray, floor: np.floating, equal: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thresholds, false and true accepts; ``equal`` impostors stand at ``floor``, the lowest."""
    values = np.concatenate([others, matches, np.full(min(equal, 1), floor, others.dtype)])
    values.sort()
    count = np.int32 if len(values) + equal < 2**31 else np.int64
    first = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]])[: len(values)])
    first, thresholds, everybody = first.astype(count)[::-1], values[first], len(values)
    del values
    true = np.zeros(len(thresholds), count)
    np.add.at(true, len(thresholds) - 1 - np.searchsorted(thresholds, matches), 1)
    np.cumsum(true, out=true)
    false = np.subtract(everybody, first, dtype=count)
    false -= true
    thresholds = thresholds[::-1]
    if equal:  # they stand in `values` once
        false[len(thresholds) - 1 - np.searchsorted(thresholds[::-1], floor) :] += equal - 1
    return thresholds, false, true


def _counts(curve: Curve, place: int) -> tuple[int, int]:
    """False and true accepts of a point; none at −1."""
    return (int(curve.false[place]), int(curve.true[place])) if place >= 0 else (0, 0)


def _nearest(curve: Curve, far: float, within: int) -> int | None:
    """The corner of the curve with the nearest FAR, given the last point within the target."""
    false, count = curve.false, len(curve.false)
    window = _WINDOW
    while True:
        start, stop = max(0, within - window), min(count, within + 2 + window)
        corners = _corners(curve, start, stop)
        split = int(np.searchsorted(corners, within, side="right"))
        before = int(corners[split - 1]) if split else -1
        if (split or not start) and (split < len(corners) or stop == count):
            break
        window *= 2
    gap = far - _counts(curve, before)[0] / curve.impostors
    if split == len(corners):  # nothing beyond the target; where the curve goes on, is it nearer?
        certain = curve.complete or false[-1] / curve.impostors - far > gap
        return before if certain else None
    # The last of equal FARs is a corner too, and has the largest TAR.
    after = int(np.searchsorted(false, false[corners[split]], side="right")) - 1
    if after == count - 1 and not curve.complete:
        return None
    return after if false[after] / curve.impostors - far <= gap else before


def _corners(curve: Curve, start: int, stop: int) -> np.ndarray:
    """Positions from ``start`` to ``stop`` that are surely kept: the ends, and where steps differ.

    scikit-learn's ``roc_curve`` drops a point if the steps before and after it are equal. Points
    without a step (of weight zero in a resample) do not count at all.
    """
    false, true = (
        _steps(one[max(0, start - 1) : stop], start) for one in (curve.false, curve.true)
    )
    moved = np.flatnonzero((false != 0) | (true != 0))
    false, true = false[moved], true[moved]
    bends = np.zeros(len(moved), bool)
    bends[:-1] = (false[1:] != false[:-1]) | (true[1:] != true[:-1])
    if not start:
        bends[:1] = True
    if stop == len(curve.false) and curve.complete:
        bends[-1:] = True
    return start + moved[bends]


def _steps(counts: np.ndarray, start: int) -> np.ndarray:
    """Differences of neighbours; the curve's own first point is a step from zero."""
    return np.diff(counts) if start else np.diff(counts, prepend=counts.dtype.type(0))

"""The ROC of a resample: the same order of scores, other weights."""

import numpy as np
from jaxtyping import Bool, Float

from eval.curve import Curve, upper_curve
from eval.roc import crossing
from eval.tail import impostors_from
from eval.units import Draws, Totals, Weights

_MARGIN = 1.3
"""How much further than the data's own FAR the curve is kept: a resample may need more."""


class WeightedCurve:
    """Scores in order once, so that each resample's ROC is two running sums.

    Args:
        scores: Similarities without NaN or +∞.
        genuine: Which pairs are of one person.
        draws: Whose the pairs are.
        totals: Of the same draws and pairs.
        far: Where the curve may end: it is prolonged when a resample needs it. All by default.
    """

    def __init__(
        self,
        scores: Float[np.ndarray, " p"],
        genuine: Bool[np.ndarray, " p"],
        draws: Draws,
        totals: Totals,
        far: float | None = None,
    ) -> None:
        self._scores, self._genuine, self._draws, self._totals = scores, genuine, draws, totals
        impostors = len(scores) - int(np.count_nonzero(genuine))
        self._reach = None if far is None else int(_MARGIN * far * impostors) + 64
        self._prepare()

    def under(self, weights: Weights) -> Curve:
        """The ROC in which pairs count as often as they were drawn."""
        curve = self._curve
        false, true = (_running(weights, *sides) for sides in (self._others, self._matches))
        return Curve(
            curve.thresholds,
            false[curve.false],
            true[curve.true],
            self._totals.impostors(weights),
            int(true[-1]),
            curve.complete,
        )

    def prolong(self) -> None:
        """Keep twice as much of the curve."""
        if self._reach is not None:
            self._reach *= 2
        self._prepare()

    def _prepare(self) -> None:
        scores, genuine = self._scores, self._genuine
        self._curve = upper_curve(scores, genuine, self._reach)
        lowest = self._curve.thresholds[-1] if len(self._curve.thresholds) else -np.inf
        floor = scores.dtype.type(lowest)
        self._others = self._in_order(impostors_from(scores, genuine, floor))
        self._matches = self._in_order(np.flatnonzero(genuine))

    def _in_order(self, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The sides of pairs, by falling score."""
        return self._draws.sides(pairs[np.argsort(-self._scores[pairs], kind="stable")])


def _running(weights: Weights, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The weight of the first 0, 1, 2 … pairs."""
    sums = np.zeros(len(left) + 1, np.int64)
    np.cumsum(weights[left] * weights[right], out=sums[1:])
    return sums


def area(curve: Curve) -> float:
    """The area under a complete curve; what is beyond its last point is joined to (1, 1)."""
    far, frr = _rates(curve)
    return float(np.trapezoid(1 - frr, far))


def equal_errors(curve: Curve) -> float:
    """The equal error rate of a complete curve, as ``eval.roc.equal_error_rate`` defines it."""
    far, frr = _rates(curve)
    past = int(np.argmax(far >= frr))
    return crossing(far[past - 1 : past + 1], frr[past - 1 : past + 1])


def _rates(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """FAR and FRR, from where nobody is accepted to where everybody is."""
    far = np.concatenate([[0.0], curve.false / curve.impostors, [1.0]])
    frr = np.concatenate([[1.0], 1 - curve.true / curve.genuine, [0.0]])
    return far, frr

"""Accuracy by cross-validation, as LFW defines it: the threshold comes from the other folds.

Huang et al., "Labeled Faces in the Wild" (University of Massachusetts, 07-49, 2007): ten folds, the
threshold is chosen on nine and the accuracy measured on the tenth, and the mean is reported.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float64, Int32, Int64

from eval.tail import check_scores

Thresholds = Literal["grid", "exact"]
"""How a threshold is chosen on the training folds.

``grid``: among the squared distances 0, 0.01, … 3.99 of vectors of length 1, the first of the best;
a pair is the same person below it. With cosine similarity s the squared distance is 2 − 2s. This is
what the insightface family does (github.com/deepinsight/insightface, ``verification.py``).

``exact``: among all thresholds. Of equally good ones the highest, set in the middle between the
score that it just accepts and the next lower one.
"""
_GRID = np.arange(0, 4, 0.01)


@dataclass(frozen=True, eq=False)
class FoldAccuracy:
    """Accuracy over folds, in 0 … 1.

    Attributes:
        accuracies: ``(k,)`` of each fold, with the threshold of the others.
        thresholds: ``(k,)`` those thresholds, as similarities. ``grid`` accepts what is above,
            ``exact`` also what is equal.
        mean: Of the folds' accuracies, each fold counting once whatever its size.
        std: Their population standard deviation, as the insightface family prints it.
        sem: Their standard error: the sample standard deviation over √k, as LFW asks for.
    """

    accuracies: Float64[np.ndarray, " k"]
    thresholds: Float64[np.ndarray, " k"]
    mean: float
    std: float
    sem: float


def fold_accuracy(
    scores: Float[np.ndarray, " p"],
    genuine: Bool[np.ndarray, " p"],
    fold: Int32[np.ndarray, " p"] | None,
    thresholds: Thresholds,
) -> FoldAccuracy:
    """Accuracy of each fold at the threshold that is best on the others.

    Args:
        scores: Similarities, cosines for the grid; −∞ for a failure to enrol, which is rejected.
        genuine: Which pairs are of one person.
        fold: The part of each pair, ``0 … k−1``.
        thresholds: How a threshold is chosen.

    Raises:
        ValueError: A score is NaN or +∞, or no cosine for the grid; or there is no fold column,
            fewer than two folds, or a fold without pairs.
    """
    prepared = FoldScores(scores, genuine, fold, thresholds)
    accuracies, chosen = prepared.measure()
    return FoldAccuracy(
        accuracies,
        chosen,
        float(accuracies.mean()),
        float(accuracies.std()),
        float(accuracies.std(ddof=1) / np.sqrt(len(accuracies))),
    )


class FoldScores:
    """Scores prepared so that thresholds can be chosen many times, in other resamples.

    A pair's *place* is the first of the cuts that accepts it; cuts run from strict to lenient.

    Args:
        scores: See :func:`fold_accuracy`.
        genuine: Likewise.
        fold: Likewise.
        thresholds: Likewise.

    Raises:
        ValueError: As :func:`fold_accuracy`.
    """

    def __init__(
        self,
        scores: Float[np.ndarray, " p"],
        genuine: Bool[np.ndarray, " p"],
        fold: Int32[np.ndarray, " p"] | None,
        thresholds: Thresholds,
    ) -> None:
        check_scores(scores, genuine)
        self.fold, self.folds = _checked(fold)
        self.genuine, self.grid = genuine, thresholds == "grid"
        self._held = self._classes(None)
        if self.grid:
            self.cuts, self.place = _grid(scores)
        else:
            self.cuts, self.place = _distinct(scores)

    def measure(
        self, weights: Int64[np.ndarray, " p"] | None = None
    ) -> tuple[Float64[np.ndarray, " k"], Float64[np.ndarray, " k"]]:
        """Each fold's accuracy and threshold, all pairs counting once, or those of a resample.

        The list fixes how many genuine and impostor pairs a fold has; how many a resample has is
        chance. Therefore a resample's accuracy is p · TPR + (1 − p) · TNR with the list's own
        share p of genuine pairs, also where thresholds are chosen.

        Args:
            weights: How often each pair was drawn.

        Raises:
            ValueError: A fold has lost a class: see :meth:`keeps`.
        """
        if weights is not None and not self.keeps(weights):
            raise ValueError("a fold has lost all its genuine or all its impostor pairs")
        same, other = self._counts(self.genuine, weights), self._counts(~self.genuine, weights)
        correct = self._correct(same, other)
        # Sums of fractions: rounded, so that equally good cuts are equal.
        best = np.argmax(np.round(correct.sum(axis=0) - correct, 8), axis=1)
        chosen = self.cuts[best]
        if not self.grid:
            present = same + other
            chosen, best = self._centred(best, present.sum(axis=0) - present)
        return correct[np.arange(self.folds), best] / self._held.sum(axis=1), chosen

    def keeps(self, weights: Int64[np.ndarray, " p"]) -> bool:
        """Whether each fold of a resample has genuine pairs and impostor pairs, if it ever had."""
        return bool(((self._classes(weights) > 0) == (self._held > 0)).all())

    def _classes(self, weights: np.ndarray | None) -> np.ndarray:
        """``(k, 2)`` weight of the impostor and the genuine pairs of each fold."""
        bins = 2 * self.fold.astype(np.int64) + self.genuine
        return np.bincount(bins, weights, 2 * self.folds).reshape(self.folds, 2)

    def _correct(self, same: np.ndarray, other: np.ndarray) -> np.ndarray:
        """``(k, cuts)`` pairs that each cut decides rightly, of as many as the list has."""
        rejected = other.sum(axis=1, keepdims=True) - np.cumsum(other, axis=1)
        drawn = np.maximum(np.stack([other.sum(axis=1), same.sum(axis=1)], axis=1), 1)
        scale = self._held / drawn
        right = scale[:, :1] * rejected + scale[:, 1:] * np.cumsum(same, axis=1)
        return right[:, :-1]

    def _counts(self, chosen: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        """``(k, cuts + 1)`` weight of the chosen pairs at each place, last those never accepted."""
        places = len(self.cuts) + 1
        bins = self.fold[chosen].astype(np.int64) * places + self.place[chosen]
        counts = np.bincount(
            bins, None if weights is None else weights[chosen], self.folds * places
        )
        return counts.astype(np.int64).reshape(self.folds, places)

    def _centred(self, best: np.ndarray, training: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Each threshold in the middle of its gap in the training scores, and its own cut."""
        chosen = self.cuts[best]
        for fold, place in enumerate(best):
            lower = np.flatnonzero(training[fold, place + 1 : -1])
            if len(lower):  # above all scores it stays ∞
                chosen[fold] = (chosen[fold] + self.cuts[place + 1 + lower[0]]) / 2
        return chosen, np.searchsorted(-self.cuts, -chosen, side="right") - 1


def _grid(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The grid's thresholds as cosines, and the first that accepts each pair."""
    off = (np.abs(scores) > 1 + 1e-3) & (scores > -np.inf)
    if off.any():
        first = int(np.argmax(off))
        raise ValueError(f"pair {first}: the grid is for cosines, its score is {scores[first]}")
    distances = 2 - 2 * scores.astype(np.float64)
    return 1 - _GRID / 2, np.searchsorted(_GRID, distances, side="right")


def _distinct(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """∞, which accepts nobody, and the distinct scores, falling; and each pair's own."""
    cuts = np.append(np.unique(scores[scores > -np.inf])[::-1], np.inf).astype(np.float64)
    cuts = np.roll(cuts, 1)
    return cuts, np.searchsorted(-cuts, -scores.astype(np.float64))


def _checked(fold: Int32[np.ndarray, " p"] | None) -> tuple[np.ndarray, int]:
    """The folds, and how many they are."""
    if fold is None:
        raise ValueError("accuracy over folds needs a fold column, the pairs have none")
    if len(fold) and fold.min() < 0:
        raise ValueError(f"pair {int(np.argmin(fold))}: its fold is {fold.min()}, expected 0 …")
    sizes = np.bincount(fold)
    if len(sizes) < 2 or not sizes.all():
        raise ValueError(f"needs at least two folds, none empty, they hold {sizes.tolist()} pairs")
    return fold, len(sizes)

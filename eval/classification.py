"""Classification: accuracy, recall of each class, and the confusion matrix."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from eval.intervals import Interval


class ClassReport(NamedTuple):
    """How well classes are told apart; rates in 0 … 1.

    Attributes:
        confusion: ``(c, c)`` counts; a row is the true class, a column the predicted one.
        accuracy: Share of samples that are right.
        recall: ``(c,)`` share of each class that is right; NaN where a class has no sample.
        mean_recall: Unweighted mean over the classes that have samples, also called mean class or
            balanced accuracy.
        count: Number of samples.
    """

    confusion: Int64[np.ndarray, "c c"]
    accuracy: float
    recall: Float64[np.ndarray, " c"]
    mean_recall: float
    count: int


def confusion_matrix(
    truth: Int64[np.ndarray, " n"], predicted: Int64[np.ndarray, " n"], classes: int
) -> Int64[np.ndarray, "c c"]:
    """How often each class is taken for each.

    Args:
        truth: Classes ``0 … classes−1``.
        predicted: Likewise.
        classes: How many there are.

    Raises:
        ValueError: A label is out of range; names the first.
    """
    for name, labels in (("true", truth), ("predicted", predicted)):
        off = (labels < 0) | (labels >= classes)
        if off.any():
            first = int(np.argmax(off))
            raise ValueError(
                f"sample {first}: its {name} class is {labels[first]}, expected 0 … {classes - 1}"
            )
    counts = np.bincount(truth * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)


def class_report(
    truth: Int64[np.ndarray, " n"], predicted: Int64[np.ndarray, " n"], classes: int
) -> ClassReport:
    """Accuracy, recall of each class and their mean, and the confusion matrix.

    Raises:
        ValueError: There is no sample, or a label is out of range.
    """
    if not len(truth):
        raise ValueError("there is no sample to classify")
    confusion = confusion_matrix(truth, predicted, classes)
    right, sizes = confusion.diagonal(), confusion.sum(axis=1)
    recall = np.divide(right, sizes, out=np.full(classes, np.nan), where=sizes > 0)
    accuracy = float(right.sum() / len(truth))
    return ClassReport(confusion, accuracy, recall, float(np.nanmean(recall)), len(truth))


def wilson_interval(successes: int, count: int, level: float = 0.95) -> Interval:
    """Wilson's score interval of a share, for independent trials.

    Wilson, "Probable inference, the law of succession, and statistical inference" (1927). It stays
    inside 0 … 1 and is not empty at either end. Pictures of one person are no independent trials:
    ``eval/resampling.py`` resamples people.

    Raises:
        ValueError: The count is not positive, there are more successes than trials, or the level is
            not inside (0, 1).
    """
    from scipy.stats import norm

    if not (count > 0 and 0 <= successes <= count and 0 < level < 1):
        raise ValueError(
            f"needs 0 … count successes and a level inside (0, 1), got {successes} of {count} "
            f"at {level}"
        )
    share, z = successes / count, float(norm.ppf((1 + level) / 2))
    spread = z * np.sqrt(share * (1 - share) / count + (z / count) ** 2 / 4)
    middle, scale = share + z * z / count / 2, 1 + z * z / count
    low = 0.0 if not successes else float((middle - spread) / scale)
    return Interval(low, 1.0 if successes == count else float((middle + spread) / scale))

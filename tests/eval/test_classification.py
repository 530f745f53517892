"""Classification against scikit-learn and SciPy."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn import metrics

from eval.classification import class_report, confusion_matrix, wilson_interval


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 60), st.integers(1, 8), st.integers(0, 2**32))
def test_report_is_scikit_learns(count: int, classes: int, seed: int) -> None:
    """Few samples of many classes: some are empty, some never predicted."""
    rng = np.random.default_rng(seed)
    truth, predicted = rng.integers(0, classes, (2, count))
    predicted = np.where(rng.uniform(size=count) < 0.5, truth, predicted)
    report = class_report(truth, predicted, classes)
    labels = range(classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrix = metrics.confusion_matrix(truth, predicted, labels=labels)
        by_class = metrics.classification_report(
            truth,
            predicted,
            labels=labels,
            output_dict=True,
            zero_division=np.nan,  # type: ignore
        )
        balanced = metrics.balanced_accuracy_score(truth, predicted)
    np.testing.assert_array_equal(report.confusion, matrix)
    recall = [by_class[str(label)]["recall"] for label in labels]  # type: ignore
    np.testing.assert_allclose(report.recall, np.array(recall, dtype=np.float64))
    assert report.accuracy == pytest.approx(metrics.accuracy_score(truth, predicted))
    assert report.mean_recall == pytest.approx(balanced)
    assert report.count == count


def test_rows_are_the_truth() -> None:
    matrix = confusion_matrix(np.array([0, 0, 0]), np.array([0, 1, 1]), 3)
    assert matrix.tolist() == [[1, 2, 0], [0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        ([0, 3], [0, 0], "sample 1: its true class is 3"),
        ([0, -1], [0, 0], "sample 1: its true class is -1"),
        ([0, 2], [3, 0], r"sample 0: its predicted class is 3, expected 0 … 2"),
        ([], [], "no sample"),
    ],
)
def test_labels_that_cannot_be_used(truth: list[int], predicted: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        class_report(np.array(truth, dtype=np.int64), np.array(predicted, dtype=np.int64), 3)


@pytest.mark.parametrize(("successes", "count"), [(0, 7), (7, 7), (1, 3), (618, 735), (1, 10**6)])
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_wilson_is_scipys(successes: int, count: int, level: float) -> None:
    expected = binomtest(successes, count).proportion_ci(level, method="wilson")
    found = wilson_interval(successes, count, level)
    assert found == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= found.low <= successes / count <= found.high <= 1


@pytest.mark.parametrize("bad", [(0, 0, 0.9), (3, 2, 0.9), (-1, 2, 0.9), (1, 2, 1.0)])
def test_wilson_refuses(bad: tuple[int, int, float]) -> None:
    with pytest.raises(ValueError, match="needs 0 … count successes"):
        wilson_interval(*bad)

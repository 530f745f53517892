"""Confusion matrices as drawn: every count stands in its square."""

import numpy as np
import pytest

from results.figures.confusion import draw_confusion


def test_every_count_stands_in_its_square() -> None:
    counts = np.array([[1200, 3], [0, 0]])
    figure = draw_confusion("a $ title", ("happy", "sad"), [("test", counts), ("hard", counts.T)])
    first, second = figure.axes
    assert first.get_title() == "test: 1,200 of 1,203 right"
    for axes, shown in ((first, counts), (second, counts.T)):
        texts = {one.get_position(): one.get_text() for one in axes.texts}
        assert texts == {
            (column, row): f"{value:,}" for (row, column), value in np.ndenumerate(shown)
        }
    shades = np.asarray(first.images[0].get_array())
    np.testing.assert_allclose(shades, [[1200 / 1203, 3 / 1203], [0, 0]])
    figure.canvas.draw()


def test_matrices_of_other_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="matrices of 3 classes"):
        draw_confusion("", ("a", "b", "c"), [("test", np.zeros((2, 2), np.int64))])
    with pytest.raises(ValueError, match="found 0"):
        draw_confusion("", ("a",), [])

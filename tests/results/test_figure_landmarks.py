"""The figure of landmarks on photos: what stands where, read off the drawn figure."""

from collections.abc import Sequence

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from results.figures.landmarks import LandmarkRow, draw_landmarks, evenly_chosen


def row(index: int, columns: Sequence[str]) -> LandmarkRow:
    rng = np.random.default_rng(index)
    truth = rng.uniform((40, 50), (120, 110), (68, 2))
    return LandmarkRow(
        name=f"image{index:05d}.jpg",
        photo=rng.integers(0, 256, (160, 200, 3), dtype=np.uint8),
        truth=truth,
        points={name: truth + 3 * place + 500 * index for place, name in enumerate(columns, 1)},
    )


def test_each_cell_shows_its_photo_and_points() -> None:
    columns = ["baseline", "stage $1", "stage2"]
    rows = [row(index, columns) for index in range(3)]
    figure = draw_landmarks("A title", rows, "By a rule: image00000.jpg, image00001.jpg.")
    figure.draw_without_rendering()
    axes = np.array(figure.axes).reshape(3, 5)
    titles = [axis.get_title() for axis in axes[0]]
    assert titles == ["photo", "ground truth", "baseline", r"stage \$1", "stage2"]
    assert [axis.get_ylabel() for axis in axes[:, 0]] == [one.name for one in rows]
    for one, line in zip(rows, axes, strict=True):
        for axis in line:
            np.testing.assert_array_equal(np.asarray(axis.images[0].get_array()), one.photo)
        assert not line[0].collections
        for axis, points in zip(line[1:], [one.truth, *one.points.values()], strict=True):
            (dots,) = axis.collections
            assert isinstance(dots, PathCollection)
            np.testing.assert_allclose(np.asarray(dots.get_offsets()), points)
    assert figure.get_suptitle() == "A title"
    assert figure.get_supxlabel() == "By a rule: image00000.jpg, image00001.jpg."


def test_every_window_holds_the_face_whatever_a_method_says() -> None:
    """Points far off, as those of row 2, do not move the window."""
    for one in (row(0, ["a"]), row(2, ["a"])):
        for axis in draw_landmarks("", [one], "").axes:
            (left, right), (bottom, top) = axis.get_xlim(), axis.get_ylim()
            assert (left < one.truth[:, 0]).all()
            assert (one.truth[:, 0] < right).all()
            assert (top < one.truth[:, 1]).all()
            assert (one.truth[:, 1] < bottom).all()
            assert right - left == pytest.approx(bottom - top)
            assert right - left < 2.5 * np.ptp(one.truth, axis=0).max()


@pytest.mark.parametrize(
    ("rows", "count", "expected"),
    [
        (range(100, 110), 2, [102, 107]),
        (range(9), 3, [1, 4, 7]),
        ([5], 2, [5]),
        ([4, 8], 2, [4, 8]),
        (range(7), 1, [3]),
    ],
)
def test_examples_are_spread_evenly(rows: Sequence[int], count: int, expected: list[int]) -> None:
    assert evenly_chosen(np.array(rows), count) == expected

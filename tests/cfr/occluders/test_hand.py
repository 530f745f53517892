"""The hand's statistics against those of the authors' script, and its shape."""

import numpy as np
import pytest
from scipy import ndimage, stats

from cfr.align import CANONICAL_FIVE
from cfr.occluders.hand import Hand
from cfr.occluders.hand_shape import CANVAS, draw_hand
from cfr.occluders.kinds import occlude
from cfr.occluders.placement import Placement

DRAWS = 2000


@pytest.fixture(scope="module")
def drawn(photo: np.ndarray, points: np.ndarray) -> list[list[dict]]:
    """What was drawn with 2,000 seeds, in pixels of an aligned 224 crop."""
    options = Hand(placement=Placement(unit=0.25))
    small = np.ascontiguousarray(photo[::4, ::4])
    return [
        occlude(small, points / 4, "hand", seed, options=options).record.settings["hands"]
        for seed in range(DRAWS)
    ]  # pyright: ignore


def even(values: np.ndarray, low: float, high: float) -> bool:
    """Whether values look uniform between two ends (Kolmogorov and Smirnov, 1 in 10,000)."""
    assert low <= values.min() <= values.max() <= high
    return stats.kstest(values, "uniform", (low, high - low)).pvalue > 1e-4


def test_one_hand_in_four_of_five(drawn: list[list[dict]]) -> None:
    two = np.mean([len(hands) == 2 for hands in drawn])
    assert {len(hands) for hands in drawn} == {1, 2}
    assert abs(two - 0.2) < 4 * np.sqrt(0.2 * 0.8 / DRAWS)


def test_sizes_and_turn(drawn: list[list[dict]]) -> None:
    first = [hands[0] for hands in drawn]
    width, height = (np.array([4 * hand[one] for hand in first]) for one in ("width", "height"))
    assert even(width, 56, 150)
    assert even(height, 56, 150)
    assert abs(np.corrcoef(width, height)[0, 1]) < 0.1
    turned = np.array([hand["turn_degrees"] for hands in drawn for hand in hands])
    assert even(turned, -90, 90)
    second = [hands[1] for hands in drawn if len(hands) == 2]
    assert {(4 * hand["width"], 4 * hand["height"]) for hand in second} == {(56.0, 56.0)}


def test_the_centre_is_near_a_landmark(drawn: list[list[dict]], points: np.ndarray) -> None:
    hands = [hand for one in drawn for hand in one]
    landmark = np.array([hand["landmark"] for hand in hands])
    count = np.bincount(landmark, minlength=68)
    assert len(count) == 68
    assert stats.chisquare(count).pvalue > 1e-4
    offset = 4 * np.array([hand["centre"] for hand in hands]) - points[landmark]
    assert even(offset[:, 0], -20 - 1e-9, 20 + 1e-9)
    assert even(offset[:, 1], -20 - 1e-9, 20 + 1e-9)


def test_the_colour_is_that_of_the_patch(photo: np.ndarray, points: np.ndarray) -> None:
    for seed in range(8):
        done = occlude(
            photo, points, "hand", seed, options=Hand(two=0.0, placement=Placement(unit=1.0))
        )
        (hand,) = done.record.settings["hands"]  # pyright: ignore
        column, row = np.floor(points[hand["landmark"]]).astype(int)  # pyright: ignore
        patch = photo[max(row - 20, 0) : row + 20, max(column - 20, 0) : column + 20]
        expected = patch.reshape(-1, 3).mean(0)
        shown = done.image[done.alpha == 1]
        assert len(shown) > 500
        assert np.abs(shown - expected).max() <= 3  # the patch is 40 or 41 pixels wide
        assert (shown == shown[0]).all()


def test_it_grows_with_the_face(photo: np.ndarray, points: np.ndarray) -> None:
    large = np.kron(photo, np.ones((2, 2, 1), np.uint8))
    for seed in range(5):
        once = occlude(photo, points, "hand", seed).record.settings["hands"][0]  # pyright: ignore
        twice = occlude(large, points * 2, "hand", seed).record.settings["hands"][0]  # pyright: ignore
        assert twice["width"] == pytest.approx(2 * once["width"])  # pyright: ignore
        assert twice["centre"] == pytest.approx(2 * np.array(once["centre"]))  # pyright: ignore


def test_an_aligned_crop_needs_no_scale() -> None:
    """The canonical points at 102 pixels a decimetre, frontal: the unit is 1."""
    from cfr.occluders.frame import frame_from_points

    five = CANONICAL_FIVE[:, :2] * (102, -102) + 111.5
    points = np.random.default_rng(0).uniform(0, 224, (68, 2))
    points[[36, 39]], points[[42, 45]] = five[0], five[1]
    points[[30, 48, 54]] = five[2:]
    assert frame_from_points(points).unit == pytest.approx(1)


def test_it_fills_as_much_as_the_authors_hand() -> None:
    shapes = [draw_hand(np.random.default_rng(seed)).silhouette() for seed in range(200)]
    filled = np.array([shape.mean() for shape in shapes])
    assert abs(filled.mean() - 0.473) < 0.02
    assert 0.40 < filled.min() < filled.max() < 0.57
    for shape in shapes:
        assert shape.shape == (CANVAS, CANVAS)
        rows, columns = np.nonzero(shape > 0.5)
        assert max(rows.min(), columns.min()) <= 2
        assert min(rows.max(), columns.max()) >= CANVAS - 3


def test_it_has_a_palm_and_five_fingers() -> None:
    """Opening with a disc wider than a finger leaves the palm; what it took away is the fingers."""
    row, column = np.mgrid[-13:14, -13:14]
    disc = np.hypot(row, column) <= 13
    counts = []
    for seed in range(40):
        shape = np.pad(draw_hand(np.random.default_rng(seed)).silhouette() > 0.5, 20)
        assert ndimage.label(shape)[1] == 1  # pyright: ignore
        palm = ndimage.binary_opening(shape, disc)
        assert ndimage.label(palm)[1] == 1  # pyright: ignore
        labels, found = ndimage.label(shape & ~palm)  # pyright: ignore
        sizes = ndimage.sum_labels(shape, labels, range(1, found + 1))
        counts.append(int((sizes > 150).sum()))
    assert np.mean(np.array(counts) == 5) > 0.8
    assert max(counts) <= 6


def test_a_shaded_hand_is_skin_with_relief(photo: np.ndarray, points: np.ndarray) -> None:
    for seed in range(6):
        options = Hand(style="shaded", two=0.0)
        done = occlude(photo, points, "hand", seed, options=options)
        flat = occlude(photo, points, "hand", seed, options=Hand(two=0.0))
        assert np.abs(done.alpha - flat.alpha).max() < 0.01
        shown = done.image[done.alpha > 0.99].astype(float)
        light = shown.mean(1)
        assert light.std() > 0.04 * light.mean()
        assert (shown[:, 0] > shown[:, 2]).mean() > 0.95


@pytest.mark.parametrize(
    "options",
    [
        {"smallest": 0.0},
        {"smallest": 9.0, "largest": 8.0},
        {"jitter": -1.0},
        {"landmarks": (68,)},
        {"unit": 0.0},
        {"unit": np.inf},
    ],
)
def test_bad_placements(options: dict) -> None:
    with pytest.raises(ValueError, match="expected"):
        Placement(**options)


def test_bad_hands() -> None:
    with pytest.raises(ValueError, match="hand: expected"):
        Hand(two=1.5)
    with pytest.raises(ValueError, match="hand: expected"):
        Hand(second_size=0.0)

"""What a variation does to a template and to crops, against positions worked out by hand."""

import numpy as np
import pytest

from recognizers.templates import Template, arcface, whole
from recognizers.variations import AS_IS, MIRRORED, VARIATIONS, Variation

CORNERS = Template(
    "corners", 11, 21, ((0.0, 0.0), (10.0, 0.0), (5.0, 10.0), (0.0, 20.0), (10.0, 20.0))
)
NAMES = [one.name for one in VARIATIONS]


def test_shift_is_in_crop_widths_and_heights() -> None:
    moved = Variation("", right=0.1, down=-0.2).template(CORNERS)
    assert (moved.width, moved.height) == (11, 21)
    wanted = [(x + 1.1, y - 4.2) for x, y in CORNERS.five]
    np.testing.assert_allclose(moved.five, wanted)


def test_zoom_leaves_the_middle_where_it_is() -> None:
    moved = Variation("", zoom=1.5).template(CORNERS)
    assert (moved.width, moved.height) == (11, 21)
    wanted = [(-2.5, -5), (12.5, -5), (5, 10), (-2.5, 25), (12.5, 25)]
    np.testing.assert_allclose(moved.five, wanted)


def test_dense_points_move_as_the_five_do() -> None:
    dense = Template("dense", 11, 21, CORNERS.five, dense=((30, 5.0, 10.0), (8, 0.0, 20.0)))
    moved = Variation("", right=0.1, zoom=0.5).template(dense)
    assert [one[0] for one in moved.dense] == [30, 8]
    np.testing.assert_allclose([one[1:] for one in moved.dense], [(6.1, 10), (3.6, 15)])


def test_what_does_not_move_the_face_keeps_the_template() -> None:
    for one in (AS_IS, MIRRORED, Variation("", swapped=True)):
        assert one.template(CORNERS) is CORNERS


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("flip", ["", "mirror", "upside-down"])
def test_each_pixel_goes_where_it_should(flip, swapped) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 3), dtype=np.uint8)
    found = Variation("", swapped=swapped, flip=flip).images(images)
    assert found.shape == images.shape
    assert found.flags.c_contiguous
    for face, row, column, channel in np.ndindex(2, 3, 4, 3):
        from_row = 2 - row if flip == "upside-down" else row
        from_column = 3 - column if flip == "mirror" else column
        from_channel = 2 - channel if swapped else channel
        wanted = images[face, from_row, from_column, from_channel]
        assert found[face, row, column, channel] == wanted


def test_as_stated_nothing_is_copied() -> None:
    images = np.zeros((1, 2, 2, 3), np.uint8)
    assert AS_IS.images(images) is images


def test_no_face_is_moved_in_a_picture_taken_whole() -> None:
    kept = [one for one in VARIATIONS if one.applies(whole(10, 10))]
    assert [(one.swapped, one.flip) for one in kept] == [
        (True, ""),
        (False, "mirror"),
        (False, "upside-down"),
    ]
    assert all(one.applies(arcface()) for one in VARIATIONS)


def test_each_name_once() -> None:
    assert len({*VARIATIONS, AS_IS}) == len({*NAMES, AS_IS.name}) == len(VARIATIONS) + 1


@pytest.mark.parametrize("one", VARIATIONS, ids=NAMES)
def test_each_fault_has_its_mend_among_the_variations(one) -> None:
    images = np.random.default_rng(0).integers(0, 256, (1, 4, 4, 3), dtype=np.uint8)
    template = arcface()

    def mends(other: Variation) -> bool:
        back = other.template(one.template(template))
        near = np.abs(np.subtract(back.five, template.five)).max() < 0.1
        return bool(near) and np.array_equal(other.images(one.images(images)), images)

    assert sum(mends(other) for other in VARIATIONS) == 1
    assert not mends(AS_IS)

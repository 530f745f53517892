"""What a network is fed, against a loop, and what a cache key says of it."""

from dataclasses import replace

import numpy as np
import pytest

from protocols.faces import Faces
from recognizers.preparing import check_size, normalised, stated
from recognizers.templates import arcface, dlib_chip, whole
from recognizers.types import Colour, Input

GIVEN = Input("RGB", (10.0, 20.0, 30.0), (2.0, 4.0, 8.0), whole(3, 2))


@pytest.mark.parametrize("colour", ["RGB", "BGR"])
def test_channels_are_ordered_shifted_and_scaled(colour: Colour) -> None:
    images = np.random.default_rng(0).integers(0, 255, (4, 2, 3, 3), dtype=np.uint8)
    numbers = normalised(images, replace(GIVEN, colour=colour))
    assert numbers.shape == (4, 3, 2, 3)
    assert numbers.flags.c_contiguous
    for face, row, column, channel in np.ndindex(4, 2, 3, 3):
        source = channel if colour == "RGB" else 2 - channel
        grey = float(images[face, row, column, source])
        expected = (grey - GIVEN.mean[channel]) / GIVEN.std[channel]
        assert numbers[face, channel, row, column] == pytest.approx(expected, rel=1e-6)


def test_faces_of_another_size_are_refused() -> None:
    images = np.zeros((2, 2, 3, 3), np.uint8)
    points = np.zeros((2, 5, 2))
    check_size(Faces(images, points), GIVEN)
    with pytest.raises(ValueError, match=r"expected 3 × 2 \(whole\), found 2 × 3"):
        check_size(Faces(np.ascontiguousarray(images.transpose(0, 2, 1, 3)), points), GIVEN)


def test_each_part_of_the_input_changes_what_is_stated() -> None:
    base = replace(GIVEN, template=arcface())
    others = [
        replace(base, colour="BGR"),
        replace(base, mean=(10.0, 20.0, 30.000001)),
        replace(base, std=(2.0, 4.0, 8.5)),
        replace(base, template=dlib_chip(112)),
        replace(base, template=arcface().moved(right=0.01)),
        replace(base, template=replace(arcface(), width=113)),
        replace(base, template=replace(arcface(), height=113)),
        replace(base, template=replace(arcface(), antialias=True)),
        replace(base, template=replace(arcface(), in_photo=True)),
        replace(base, template=replace(arcface(), dense=((30, 1.0, 2.0),))),
        replace(base, template=replace(arcface(), five=arcface(224).five)),
        replace(base, template=replace(arcface(), name="another")),
    ]
    texts = [tuple(sorted(stated(one).items())) for one in (base, *others)]
    assert len(set(texts)) == len(texts)
    assert stated(base) == stated(replace(base, template=arcface(112)))

"""No face and several faces: what is asked for happens, and is counted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cfr.landmarks.face import FoundFace
from cfr.landmarks.policy import NoFace, Tally, choose
from protocols.errors import BadInput, DataError

SIZE = (100, 200)
PHOTO = Path("team.jpg")


@pytest.fixture
def three(some_face: FoundFace) -> list[FoundFace]:
    """Small in the middle, large at the left, between the two at the right."""
    boxes = ([95, 45, 105, 55], [0, 0, 60, 60], [150, 20, 190, 60])
    return [replace(some_face, box=np.array(box, float)) for box in boxes]


def test_each_policy_chooses_what_its_name_says(three: list[FoundFace]) -> None:
    small, large, medium = three
    assert choose(three, SIZE, "largest", PHOTO) == [large]
    assert choose(three, SIZE, "centre", PHOTO) == [small]
    assert choose(three, SIZE, "all", PHOTO) == [large, medium, small]
    with pytest.raises(BadInput, match=r"team.jpg: expected one face.*found 3"):
        choose(three, SIZE, "error", PHOTO)


@pytest.mark.parametrize("policy", ["largest", "centre", "all", "error"])
def test_one_face_is_taken_and_none_is_an_error(three: list[FoundFace], policy) -> None:
    assert choose(three[1:2], SIZE, policy, PHOTO) == three[1:2]
    with pytest.raises(NoFace, match=r"team.jpg: retinaface found no face.*team.txt") as raised:
        choose([], SIZE, policy, PHOTO, "retinaface")
    assert isinstance(raised.value, DataError)


def test_the_first_of_equals_is_taken(some_face: FoundFace) -> None:
    twin = replace(some_face, score=0.1)
    for policy in ("largest", "centre"):
        assert choose([some_face, twin], SIZE, policy, PHOTO) == [some_face]


def test_a_tally_counts_and_says(three: list[FoundFace]) -> None:
    tally = Tally("retinaface", several="centre", missing="skip")
    assert tally.choose(three, SIZE, PHOTO) == three[:1]
    assert tally.choose(three[:1], SIZE, PHOTO) == three[:1]
    assert tally.choose([], SIZE, PHOTO) == []
    assert tally.record() == {
        "detector": "retinaface",
        "several_faces": "centre",
        "no_face": "skip",
        "photos_with_a_face": 2,
        "photos_without": 1,
        "photos_with_several": 1,
    }
    assert tally.sentence() == (
        "retinaface: a face in 2 of 3 photos, several in 1 (then: centre), none in 1 (then: skip)."
    )


def test_a_tally_stops_where_it_is_told_to(three: list[FoundFace]) -> None:
    tally = Tally("dlib", several="error")
    with pytest.raises(NoFace):
        tally.choose([], SIZE, PHOTO)
    with pytest.raises(BadInput):
        tally.choose(three, SIZE, PHOTO)
    assert (tally.none, tally.many) == (1, 1)

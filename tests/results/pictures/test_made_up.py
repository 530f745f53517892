"""Made-up people of figures: who is turned or occluded, and what is true of them."""

import numpy as np
import pytest

from results.export.work import no_bar
from results.making_pairs import PEOPLE as IN_TRAINING
from results.pictures.made_up import PEOPLE, draw_people
from results.pictures.options import Kind
from results.pictures.types import CLEAR, FRONTAL, Chosen
from results.restoration.cases import RENDER_SEED
from results.synthetic.seeds import FIRST


def people(kind: Kind, count: int = 3, seed: int = 0) -> Chosen:
    return draw_people(kind, count, seed, "cpu", no_bar)


@pytest.mark.parametrize(
    ("kind", "turned", "occluders"),
    [
        ("plain", [False, True, True], ["", "", ""]),
        ("turned", [True, True, True], ["", "", ""]),
        ("occluded", [False, False, False], ["hand", "mask", "glasses"]),
        ("both", [True, False, True], ["", "hand", "mask"]),
    ],
)
def test_each_kind_shows_what_it_is_about(
    kind: Kind, turned: list[bool], occluders: list[str]
) -> None:
    chosen = people(kind)
    abouts = [one.about for one in chosen.faces]
    assert [one["occluder"] for one in abouts] == occluders
    assert [abs(one["pose_degrees"][1]) >= 30 for one in abouts] == turned
    for face, about in zip(chosen.faces, abouts, strict=True):
        assert face.clear is not None
        covered = (face.photo != face.clear).any(axis=2)
        assert covered.any() == bool(about["occluder"])
        assert (about["hidden"] > 0.02) == bool(about["occluder"])
        assert set(face.truths(64)) == {CLEAR, FRONTAL}
        assert len(np.unique(face.crop(64))) > 50
        assert face.name.startswith(f"person {about['person'] - PEOPLE + 1}")
        assert face.frontal is not None
        points = face.frontal[1]
        eyes = points[36:48, 0].reshape(2, 6).mean(1)
        assert abs(eyes.mean() - points[27:31, 0].mean()) < 0.1 * np.ptp(eyes)  # from the front


def test_they_follow_from_the_seed() -> None:
    one, same, other = people("both", 2), people("both", 2), people("both", 2, seed=1)
    for first, again, another in zip(one.faces, same.faces, other.faces, strict=True):
        np.testing.assert_array_equal(first.photo, again.photo)
        np.testing.assert_array_equal(first.points, again.points)
        assert (first.photo != another.photo).any()
    assert "73,000,000 to 73,000,001" in one.told
    assert "73,001,000 to 73,001,001" in other.told


def test_nobody_else_has_their_seeds() -> None:
    last = PEOPLE + 1_000 * 1_000
    assert IN_TRAINING < PEOPLE
    assert RENDER_SEED + 2_000_000 < PEOPLE
    assert last < FIRST

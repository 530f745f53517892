"""Cases: what is hidden, and what nobody trains on."""

from pathlib import Path

import numpy as np
import pytest

from cfr.landmarks.face import FoundFace
from protocols.images import save_image
from results.making_pairs import PEOPLE as IN_TRAINING
from results.restoration.cases import KINDS, RENDER_SEED, CaseSet, draw_renders, load_masked


def test_renders_differ_from_the_truth_where_something_is_hidden(faces: CaseSet) -> None:
    assert faces.world == "synthetic"
    for case in faces.cases:
        assert case.hidden is not None
        apart = np.abs(case.photo.astype(int) - case.truth).mean(2)
        far = apart[case.hidden].mean(), apart[~case.hidden].mean()
        assert far[0] > 3 * far[1]
        assert case.name.split()[1] in KINDS


def test_nobody_trains_on_the_people(faces: CaseSet) -> None:
    """Their seeds are above all that pairs for training are made of; the note names them."""
    assert RENDER_SEED >= IN_TRAINING
    assert f"{RENDER_SEED:,} to {RENDER_SEED + 3:,}" in faces.note


def test_the_same_seeds_are_the_same_photos(faces: CaseSet) -> None:
    from cfr.morphable.sources import load_model

    again = draw_renders(load_model("builtin"), 4, occluded=True)
    for one, other in zip(faces.cases, again.cases, strict=True):
        np.testing.assert_array_equal(one.photo, other.photo)


def test_where_nothing_is_hidden_the_truth_is_the_photo() -> None:
    from cfr.morphable.sources import load_model

    found = draw_renders(load_model("builtin"), 2, occluded=False)
    assert not found.occluded
    for case in found.cases:
        assert case.hidden is None
        np.testing.assert_array_equal(case.photo, case.truth)


class OneInTwo:
    """Finds a face in every photo but dark ones."""

    name = "one in two"

    def __call__(self, photo: np.ndarray, path: Path | None = None) -> list[FoundFace]:
        if photo.mean() < 50:
            return []
        points = np.random.default_rng(0).uniform(10, 50, (68, 2))
        box = np.array([10.0, 10.0, 50.0, 50.0])
        return [FoundFace(box, 1.0, points[:5], points, "one in two")]


def test_a_photo_without_a_face_is_named(tmp_path: Path) -> None:
    for name, level in (("1", 200), ("2", 0)):
        plain = np.full((60, 60, 3), level, np.uint8)
        masked = plain.copy()
        masked[30:50, 20:40] = 120
        for folder, ending, photo in (
            ("with_mask", "-with-mask", masked),
            ("without_mask", "", plain),
        ):
            (tmp_path / folder).mkdir(exist_ok=True)
            save_image(tmp_path / folder / f"{name}{ending}.jpg", photo)
    found = load_masked(tmp_path, OneInTwo())
    assert found.faceless == ("2",)
    (case,) = found.cases
    assert case.hidden is not None
    assert case.hidden[40, 30]
    assert case.hidden.sum() == pytest.approx(400, abs=20)

"""Object and target masks: what is an object, what is clean, what is never compared."""

import pytest
import torch
from torch import Tensor

from cfr.pairs.masks import eye_region, object_mask, target_mask
from cfr.pairs.rules import RULES, Swapping
from cfr.parsing.types import Label

SIDE = 64
BOX = (slice(None), slice(20, 36), slice(12, 28))  # an object in the face, off the middle
RELEASE, PAPER = RULES["release"], RULES["paper"]


def face_and_labels() -> tuple[Tensor, Tensor]:
    """A square face of skin with two eyes."""
    face = torch.zeros(1, SIDE, SIDE, dtype=torch.bool)
    face[:, 8:56, 8:56] = True
    labels = torch.where(face, Label.SKIN.value, Label.BACKGROUND.value)
    labels[:, 40:44, 16:24] = Label.RIGHT_EYE
    labels[:, 40:44, 40:48] = Label.LEFT_EYE
    return face, labels


def pictures() -> tuple[Tensor, Tensor]:
    """A photo with a blue object on smooth skin, and an estimated face without."""
    shade = torch.linspace(0.55, 0.7, SIDE).expand(1, 1, SIDE, SIDE)
    guide = torch.cat((shade + 0.1, shade, shade - 0.1), dim=1).contiguous()
    photo = guide.clone()
    photo[(slice(None), *BOX)] = torch.tensor([0.1, 0.2, 0.9]).view(1, 3, 1, 1)
    return photo, guide


@pytest.mark.parametrize("name", ["paper", "release"])
def test_an_object_without_a_label_is_found_by_its_difference(name: Swapping) -> None:
    face, labels = face_and_labels()
    photo, guide = pictures()
    found = object_mask(photo, guide * face[:, None], face, labels, labels, RULES[name])
    inner = found[:, :, 22:34, 14:26]
    assert inner.eq(1).all()
    assert found.sum() < 2 * 16 * 16


def test_by_parsing_alone_an_object_needs_a_label() -> None:
    face, labels = face_and_labels()
    photo, guide = pictures()
    rule, seen = RULES["parsing"], guide * face[:, None]
    assert not object_mask(photo, seen, face, labels, labels, rule).any()
    told = labels.clone()
    told[BOX] = Label.GLASSES
    found = object_mask(photo, seen, face, told, labels, rule)
    assert torch.equal(found[:, 0] > 0.5, told == Label.GLASSES)


def test_nothing_is_hidden_outside_the_face() -> None:
    face, labels = face_and_labels()
    photo, guide = pictures()
    photo[:, :, :6] = 0.0  # a dark background where the guide is black as well
    found = object_mask(photo, guide * face[:, None], face, labels, labels, RELEASE)
    assert not found[~face[:, None]].any()


def test_dark_skin_is_on_the_face() -> None:
    """A threshold on the guide's grey would call it outside, and find nothing on it."""
    face, labels = face_and_labels()
    photo, guide = pictures()
    dark = guide / 30
    photo = torch.where(photo == guide, dark, photo)
    found = object_mask(photo, dark * face[:, None], face, labels, labels, RELEASE)
    assert found[:, :, 22:34, 14:26].eq(1).all()


def test_a_face_with_little_hidden_is_clean() -> None:
    face, labels = face_and_labels()
    photo, guide = pictures()
    small = guide.clone()
    small[:, :, 20:28, 12:20] = photo[:, :, 20:28, 12:20]  # 64 of 2,304 pixels
    found = object_mask(small, guide, face, labels, labels, RELEASE)
    assert 0 < found.max() <= 0.1
    whole = object_mask(photo, guide, face, labels, labels, RELEASE)
    assert whole.max() == 1


@pytest.mark.parametrize(
    ("label", "of_release", "of_paper"),
    [(Label.GLASSES, True, True), (Label.HAIR, True, True), (Label.CLOTH, True, False)],
)
def test_labels_that_are_objects(label: Label, of_release: bool, of_paper: bool) -> None:
    """The release's rule takes whatever is no part of a face; so hands are found."""
    face, labels = face_and_labels()
    _, guide = pictures()
    seen = labels.clone()
    seen[BOX] = label
    for rule, expected in ((RELEASE, of_release), (PAPER, of_paper)):
        found = object_mask(guide, guide, face, seen, labels, rule)
        assert bool(found[(slice(None), 0, *BOX[1:])].eq(1).all()) == expected


def test_eyes_are_never_objects_and_brows_count_less() -> None:
    face, labels = face_and_labels()
    photo, guide = pictures()
    photo[:, :, 38:46, 14:26] = 0.0
    labels[:, 20:28, 12:28] = Label.RIGHT_BROW
    found = object_mask(photo, guide, face, labels, labels, RELEASE)
    assert not found[:, :, 40:44, 16:24].any()
    torch.testing.assert_close(found[:, :, 22:27, 14:26], torch.full((1, 1, 5, 12), 0.6))


def test_closed_eyes_are_where_the_drawn_ones_are() -> None:
    _, drawn = face_and_labels()
    closed = torch.where(drawn > Label.SKIN, Label.SKIN.value, drawn)
    assert torch.equal(eye_region(closed, drawn), eye_region(drawn, drawn))
    hidden = torch.where(drawn > Label.SKIN, Label.GLASSES.value, drawn)
    assert not eye_region(hidden, drawn).any()


def target(rule_name: Swapping) -> tuple[Tensor, Tensor]:
    face, labels = face_and_labels()
    photo, guide = pictures()
    objects = torch.zeros(1, 1, SIDE, SIDE)
    objects[(slice(None), slice(None), *BOX[1:])] = 1
    damaged = guide.clone()
    lost = torch.tensor([0.1, 0.2, 0.9]).view(3, 1, 1)
    damaged[:, :, 22:34, 36:48] = lost  # what turning has damaged
    found = target_mask(damaged, photo, photo, objects, face, labels, labels, RULES[rule_name])
    return found, face


def test_the_paper_s_target_is_binary() -> None:
    found, face = target("paper")
    assert set(found.unique().tolist()) == {0.0, 1.0}
    assert found[:, :, 22:34, 14:26].all()
    assert not found[~face[:, None]].any()


def test_the_release_s_target_has_levels() -> None:
    found, _ = target("release")
    levels = found.unique()
    assert torch.isin(levels, torch.tensor([0.0, 0.25, 0.75, 1.0])).all()
    assert (levels == 1).any()
    assert found[:, :, 24:32, 38:46].eq(0.75).all()  # by turning, not hidden by an object


def test_the_border_of_the_face_is_no_target() -> None:
    face, labels = face_and_labels()
    photo, guide = pictures()
    lost = torch.zeros_like(guide)
    nothing = torch.zeros(1, 1, SIDE, SIDE)
    cut = guide * face[:, None]
    cut[:, :, 8:10] = 1.0
    found = target_mask(cut, lost, photo, nothing, face, labels, labels, RELEASE)
    assert not found[:, :, 8:10].any()

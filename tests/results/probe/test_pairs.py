"""Whom a probe compares, in small protocols written by hand."""

from pathlib import Path

import numpy as np
import pytest

from protocols.photos import FolderPhotos
from protocols.types import (
    IdentificationProtocol,
    Pairs,
    Samples,
    Templates,
    VerificationProtocol,
)
from results.probe.pairs import ProbePairs, choose_pairs


def ints(values) -> np.ndarray:
    return np.array(values, np.int32)


def samples(photo, absent=()) -> Samples:
    names = tuple(f"{index}.jpg" for index in range(max(photo) + 1))
    marked = np.isin(np.arange(len(photo)), absent)
    return Samples(FolderPhotos(Path("here"), names), ints(photo), marked)


def verification(faces: Samples, templates: Templates, pairs) -> VerificationProtocol:
    left, right, genuine = zip(*pairs, strict=True)
    compared = Pairs(ints(left), ints(right), np.array(genuine, bool))
    return VerificationProtocol("V", "all", faces, templates, compared, "none", ())


def single(subjects, pairs, absent=(), photo=None) -> VerificationProtocol:
    faces = samples(range(len(subjects)) if photo is None else photo, absent)
    return verification(faces, Templates.single(np.array(subjects, np.int64)), pairs)


def identification(faces: Samples, templates: Templates) -> IdentificationProtocol:
    lists = {"G": ints([0])}, {"G": ints([1])}
    return IdentificationProtocol("I", "all", faces, templates, *lists, "none", ())


def genuine_of(found: ProbePairs) -> set[frozenset[int]]:
    left, right = (found.faces[one][found.genuine].tolist() for one in (found.left, found.right))
    return {frozenset(pair) for pair in zip(left, right, strict=True)}


def strangers_of(found: ProbePairs) -> set[frozenset[int]]:
    left, right = (found.faces[one][~found.genuine].tolist() for one in (found.left, found.right))
    return {frozenset(pair) for pair in zip(left, right, strict=True)}


def test_genuine_pairs_of_the_protocol_and_all_strangers_among_their_faces() -> None:
    protocol = single([7, 7, 8, 8, 9, 9], [(0, 1, 1), (2, 3, 1), (4, 5, 1), (0, 2, 0), (1, 5, 0)])
    found = choose_pairs(protocol, 10, np.random.default_rng(0))
    assert genuine_of(found) == {frozenset(pair) for pair in [(0, 1), (2, 3), (4, 5)]}
    wanted = {frozenset((a, b)) for a in range(6) for b in range(a) if a // 2 != b // 2}
    assert strangers_of(found) == wanted
    assert len(found) == 3 + 12
    assert sorted(found.faces.tolist()) == list(range(6))
    assert (found.people == 7 + found.faces // 2).all()
    assert found.genuine.tolist() == [True] * 3 + [False] * 12


def test_as_many_as_asked_for_and_others_with_another_seed() -> None:
    people = 40
    pairs = [(2 * one, 2 * one + 1, 1) for one in range(people)]
    protocol = single(np.repeat(range(people), 2), pairs)
    draws = [choose_pairs(protocol, 5, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert [len(genuine_of(one)) for one in draws] == [5, 5, 5]
    assert [len(one.faces) for one in draws] == [10, 10, 10]
    assert genuine_of(draws[0]) == genuine_of(draws[1]) != genuine_of(draws[2])


@pytest.mark.parametrize("seed", range(5))
def test_different_people_come_first(seed) -> None:
    # Person 0 has five pairs, persons 1 and 2 one each.
    subjects = [0] * 10 + [1, 1, 2, 2]
    pairs = [(one, one + 1, 1) for one in range(0, 14, 2)]
    rng = np.random.default_rng(seed)
    found = choose_pairs(single(subjects, pairs), 4, rng)
    people = found.people[found.left[found.genuine]]
    assert sorted(people.tolist()) == [0, 0, 1, 2]


@pytest.mark.parametrize("seed", range(5))
def test_no_face_is_in_two_genuine_pairs(seed) -> None:
    pairs = [(a, b, 1) for b in range(6) for a in range(b)]
    found = choose_pairs(single([3] * 6, pairs), 9, np.random.default_rng(seed))
    assert len(np.unique(found.faces)) == len(found.faces)
    assert 2 <= len(genuine_of(found)) <= 3
    assert not strangers_of(found)


def test_absent_photos_and_photos_of_both_are_passed_over() -> None:
    pairs = [(0, 1, 1), (2, 3, 1), (4, 5, 1), (6, 7, 1)]
    photo = [0, 1, 2, 3, 4, 4, 5, 1]  # faces 4 and 5 share a photo, and so do 1 and 7
    protocol = single([0, 0, 1, 1, 2, 2, 3, 3], pairs, absent=[2], photo=photo)
    found = choose_pairs(protocol, 9, np.random.default_rng(0))
    assert genuine_of(found) == {frozenset((0, 1)), frozenset((6, 7))}
    assert strangers_of(found) == {frozenset(one) for one in [(0, 6), (0, 7), (1, 6)]}


def test_a_template_is_its_first_face_that_is_there() -> None:
    templates = Templates(
        ids=np.arange(4),
        subjects=np.array([5, 5, 6, 6]),
        sample=ints([3, 0, 1, 2, 4]),
        template=ints([0, 0, 1, 2, 3]),
        media=np.zeros(5, np.int64),
    )
    pairs = [(0, 1, 1), (2, 3, 1)]
    for absent, first in (([], 3), ([3], 0)):
        protocol = verification(samples(range(5), absent), templates, pairs)
        found = choose_pairs(protocol, 9, np.random.default_rng(0))
        assert genuine_of(found) == {frozenset((first, 1)), frozenset((2, 4))}


def test_where_nobody_is_named_genuine_pairs_tell_people() -> None:
    # 0-1 and 2-3 are one person, joined by 1-2.
    pairs = [(0, 1, 1), (2, 3, 1), (4, 5, 1), (1, 2, 1)]
    for seed in range(5):
        found = choose_pairs(single([-1] * 6, pairs), 9, np.random.default_rng(seed))
        strangers = strangers_of(found)
        assert strangers
        assert all(len(one & {4, 5}) == 1 for one in strangers)


def test_in_a_search_templates_of_one_subject_are_joined() -> None:
    subjects = [1, 2, 3, 1, 2, 3, 4, -1, -1, 1]
    templates = Templates.single(np.array(subjects, np.int64))
    protocol = identification(samples(range(10), absent=[5]), templates)
    seen = set()
    for seed in range(10):
        found = choose_pairs(protocol, 9, np.random.default_rng(seed))
        seen |= genuine_of(found)
        assert len(genuine_of(found)) == 2
        assert all(len({subjects[one] for one in pair}) == 2 for pair in strangers_of(found))
    assert seen == {frozenset(one) for one in [(0, 3), (0, 9), (3, 9), (1, 4)]}


def test_nobody_is_there_twice() -> None:
    protocol = identification(samples(range(3)), Templates.single(np.array([1, 2, 3])))
    found = choose_pairs(protocol, 9, np.random.default_rng(0))
    assert (len(found), len(found.faces)) == (0, 0)

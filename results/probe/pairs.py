"""Whom a sanity probe compares: a few dozen genuine pairs of a protocol, and their faces."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int32, Int64

from protocols.types import IdentificationProtocol, Samples, Templates, VerificationProtocol
from results.systems import people_of


@dataclass(frozen=True, eq=False)
class ProbePairs:
    """What a probe compares: genuine pairs, and their faces with those of all other people.

    Attributes:
        faces: ``(f,)`` positions of the samples to embed, each once.
        left: ``(p,)`` positions in ``faces``.
        right: ``(p,)`` likewise.
        genuine: ``(p,)`` whether both are the same person; these come first.
        people: ``(f,)`` whose face it is.
    """

    faces: Int32[np.ndarray, " f"]
    left: Int32[np.ndarray, " p"]
    right: Int32[np.ndarray, " p"]
    genuine: Bool[np.ndarray, " p"]
    people: Int64[np.ndarray, " f"]

    def __len__(self) -> int:
        return len(self.left)


def choose_pairs(
    protocol: VerificationProtocol | IdentificationProtocol,
    count: int,
    rng: np.random.Generator,
) -> ProbePairs:
    """Choose genuine pairs of a protocol at random, of different people as long as there are any.

    A template is its first face that is not absent; both photos of a pair differ, and no face is in
    two genuine pairs. Strangers are all faces of different people, so that they cost no further
    face. Where a protocol names nobody, people are told apart as far as genuine pairs join them:
    a stranger may then be the same person now and then, for each input alike.

    Args:
        protocol: 1:1, whose own genuine pairs are taken, or 1:N, where templates of one subject
            are joined.
        count: How many genuine pairs at most; there are twice as many faces.
        rng: Where the draws come from.
    """
    templates, photo = protocol.templates, protocol.samples.photo
    face = _first_faces(templates, protocol.samples)
    if isinstance(protocol, VerificationProtocol):
        pairs = protocol.pairs
        people = people_of(templates, pairs)
        left, right = pairs.left[pairs.genuine], pairs.right[pairs.genuine]
    else:
        people = people_of(templates)
        left, right = _of_one_subject(templates, face, rng)
    there = (face[left] >= 0) & (face[right] >= 0) & (photo[face[left]] != photo[face[right]])
    order = rng.permutation(np.flatnonzero(there))
    whose, one, other = people[left[order]], face[left[order]], face[right[order]]
    chosen = _in_turn(whose.tolist(), one.tolist(), other.tolist())[:count]
    return _across(one[chosen], other[chosen], whose[chosen], photo)


def _first_faces(templates: Templates, samples: Samples) -> Int32[np.ndarray, " t"]:
    """The first face of each template that is there; −1 where none is."""
    there = np.flatnonzero(~samples.absent[templates.sample])
    template, first = np.unique(templates.template[there], return_index=True)
    face = np.full(len(templates), -1, np.int32)
    face[template] = templates.sample[there[first]]
    return face


def _of_one_subject(
    templates: Templates, face: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Each subject's templates that have a face, in random order, each with the next one."""
    known = rng.permutation(np.flatnonzero((templates.subjects >= 0) & (face >= 0)))
    known = known[np.argsort(templates.subjects[known], kind="stable")]
    same = templates.subjects[known[1:]] == templates.subjects[known[:-1]]
    return known[:-1][same], known[1:][same]


def _in_turn(people: list[int], left: list[int], right: list[int]) -> list[int]:
    """Pairs that share no face: the first one of each person, then the second, and so on."""
    turns: dict[int, int] = {}
    used: set[int] = set()
    found: list[tuple[int, int]] = []
    for index, (person, *faces) in enumerate(zip(people, left, right, strict=True)):
        if used.isdisjoint(faces):
            used.update(faces)
            turns[person] = turns.get(person, 0) + 1
            found.append((turns[person], index))
    return [index for _, index in sorted(found)]


def _across(
    left: np.ndarray, right: np.ndarray, whose: np.ndarray, photo: np.ndarray
) -> ProbePairs:
    """Genuine pairs, and all pairs of their faces whose people and photos differ."""
    count, each = len(left), np.arange(len(left))
    faces, people = np.concatenate((left, right)), np.concatenate((whose, whose))
    one, other = np.triu_indices(2 * count, 1)
    apart = (people[one] != people[other]) & (photo[faces[one]] != photo[faces[other]])
    return ProbePairs(
        faces.astype(np.int32),
        np.concatenate((each, one[apart])).astype(np.int32),
        np.concatenate((each + count, other[apart])).astype(np.int32),
        np.arange(count + int(apart.sum())) < count,
        people.astype(np.int64),
    )

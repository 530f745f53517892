"""The types of verification, identification and expression: digests name exactly their content."""

import hashlib
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from protocols import insightface_bin
from protocols.photos import FolderPhotos, PackedPhotos
from protocols.types import (
    ExpressionProtocol,
    IdentificationProtocol,
    InputFile,
    LandmarkProtocol,
    Pairs,
    Samples,
    Templates,
    VerificationProtocol,
)


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int32)


def longs(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def samples() -> Samples:
    """Three faces in two pictures; nobody knows where the second face is."""
    boxes = np.array([[1, 2, 30, 40], [np.nan] * 4, [5, 6, 70, 80]], dtype=np.float32)
    return Samples(
        photos=FolderPhotos(Path("here"), ("a.jpg", "b.jpg")),
        photo=ints(0, 0, 1),
        absent=np.array([False, False, True]),
        boxes=boxes,
        landmarks=np.arange(30, dtype=np.float32).reshape(3, 5, 2),
        scores=np.array([0.5, 0.75, 1], dtype=np.float32),
    )


def templates() -> Templates:
    """Template 7 has faces 0 and 1, template 9 has faces 1 and 2, template 12 has face 2."""
    return Templates(
        ids=longs(7, 9, 12),
        subjects=longs(3, 3, -1),
        sample=ints(0, 1, 1, 2, 2),
        template=ints(0, 0, 1, 1, 2),
        media=longs(1, 1, 1, 2, 1),
    )


def verification() -> VerificationProtocol:
    return VerificationProtocol(
        name="A",
        rule="all",
        samples=samples(),
        templates=templates(),
        pairs=Pairs(ints(0, 1), ints(1, 2), np.array([True, False]), ints(0, 1)),
        counted="official counts",
        inputs=(),
    )


def identification() -> IdentificationProtocol:
    return IdentificationProtocol(
        name="A",
        rule="all",
        samples=samples(),
        templates=templates(),
        galleries={"one": ints(0), "two": ints(1)},
        probes={"one": ints(1, 2), "two": ints(2)},
        counted="official counts",
        inputs=(),
    )


def expression() -> ExpressionProtocol:
    return ExpressionProtocol(
        name="A",
        rule="all",
        samples=samples(),
        labels=longs(0, 1, 1),
        classes=("fear", "anger"),
        subsets={"train": ints(0), "test": ints(1, 2)},
        counted="official counts",
        inputs=(),
    )


AnyProtocol = VerificationProtocol | IdentificationProtocol | ExpressionProtocol
ALL = (verification, identification, expression)


@pytest.mark.parametrize("make", ALL)
def test_a_digest_is_that_of_the_content_alone(make: Callable[[], AnyProtocol]) -> None:
    one = make()
    assert one.digest == make().digest
    assert len(one.digest) == 64
    told = {"name": "B", "rule": "some", "counted": "counts.json (x)"}
    elsewhere = replace(one.samples, photos=FolderPhotos(Path("there"), ("a.jpg", "b.jpg")))
    assert replace(one, samples=elsewhere, **told).digest == one.digest
    assert len({make().digest for make in ALL}) == len(ALL)


def changed_samples() -> list[Samples]:
    """Each differs from :func:`samples` in one thing."""
    one = samples()
    assert one.boxes is not None
    assert one.landmarks is not None
    assert one.scores is not None
    return [
        replace(one, photos=FolderPhotos(Path("here"), ("a.jpg", "c.jpg"))),
        replace(one, photos=FolderPhotos(Path("here"), ("a.jpg", "b.jpg", "c.jpg"))),
        replace(one, photos=FolderPhotos(Path("here"), ("b.jpg", "a.jpg"))),
        replace(one, photos=PackedPhotos(Path("here"), (b"ab", b"c"))),
        replace(one, photos=PackedPhotos(Path("here"), (b"ab", b"d"))),
        replace(one, photos=PackedPhotos(Path("here"), (b"a", b"bc"))),
        replace(one, photos=PackedPhotos(Path("here"), (b"c", b"ab"))),
        replace(one, photos=PackedPhotos(Path("here"), (b"ab", b"c", b""))),
        replace(one, photo=ints(0, 1, 1)),
        replace(one, boxes=None),
        replace(one, boxes=one.boxes + np.float32(0.5)),
        replace(one, boxes=np.nan_to_num(one.boxes)),
        replace(one, landmarks=None),
        replace(one, landmarks=one.landmarks[:, ::-1]),
        replace(one, scores=None),
        replace(one, scores=one.scores[::-1]),
    ]


@pytest.mark.parametrize("make", ALL)
def test_whatever_changes_in_the_faces_changes_the_digest(make: Callable[[], AnyProtocol]) -> None:
    one = make()
    digests = [replace(one, samples=other).digest for other in changed_samples()]
    assert len({one.digest, *digests}) == 1 + len(digests)


@pytest.mark.parametrize("make", ALL)
def test_which_photos_are_absent_does_not_change_the_digest(
    make: Callable[[], AnyProtocol],
) -> None:
    """It is a matter of the disk, not of the protocol: lists alone name the protocol."""
    one = make()
    for code in range(8):
        absent = np.array([bool(code >> face & 1) for face in range(3)])
        other = replace(one, samples=replace(one.samples, absent=absent))
        assert other.digest == one.digest


@pytest.mark.parametrize("make", ALL)
def test_packed_pictures_count_wherever_their_file_lies(make: Callable[[], AnyProtocol]) -> None:
    def digest(file: str, *pictures: bytes) -> str:
        one = make()
        photos = PackedPhotos(Path(file), pictures)
        return replace(one, samples=replace(one.samples, photos=photos)).digest

    assert digest("here", b"one", b"two") == digest("there", b"one", b"two")
    assert digest("here", b"one", b"two") != digest("here", b"one", b"six")


def test_two_files_of_pairs_with_other_pictures_differ(tmp_path: Path) -> None:
    digests = []
    for number, pictures in enumerate([[b"a", b"b"], [b"a", b"b"], [b"a", b"c"]]):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(pickle.dumps((pictures, [True])))
        digests.append(insightface_bin.load(path).digest)
    assert digests[0] == digests[1] != digests[2]


def landmarks() -> LandmarkProtocol:
    return LandmarkProtocol(
        name="A",
        rule="all",
        images=("a.jpg", "b.jpg"),
        rows=longs(0, 1),
        landmarks=np.arange(2 * 68 * 2, dtype=np.float64).reshape(2, 68, 2),
        yaw_degrees=np.zeros(2),
        subsets={"small": longs(0), "large": longs(1)},
        inputs=(),
        complete=True,
    )


def test_whatever_changes_in_the_landmarks_changes_the_digest() -> None:
    one = landmarks()
    digests = [
        replace(one, images=("a.jpg", "c.jpg")).digest,
        replace(one, images=("b.jpg", "a.jpg")).digest,
        replace(one, landmarks=one.landmarks + 0.5).digest,
        replace(one, landmarks=one.landmarks[:, ::-1]).digest,
        replace(one, subsets={"small": longs(1), "large": longs(1)}).digest,
        replace(one, subsets={"small": longs(0), "turned": longs(1)}).digest,
        replace(one, subsets={"small": longs(0), "large": longs(1), "all": longs(0, 1)}).digest,
    ]
    assert len({one.digest, *digests}) == 1 + len(digests)
    assert landmarks().digest == one.digest
    assert replace(one, name="B", rule="some", complete=False).digest == one.digest


def changed_templates() -> list[Templates]:
    """Each differs from :func:`templates` in one array."""
    one = templates()
    return [
        replace(one, ids=longs(7, 9, 13)),
        replace(one, subjects=longs(3, 4, -1)),
        replace(one, sample=ints(0, 1, 2, 2, 2)),
        replace(one, template=ints(0, 1, 1, 1, 2)),
        replace(one, media=longs(1, 2, 1, 2, 1)),
    ]


@pytest.mark.parametrize("make", ALL[:2])
def test_whatever_changes_in_the_templates_changes_the_digest(
    make: Callable[[], VerificationProtocol | IdentificationProtocol],
) -> None:
    one = make()
    digests = [replace(one, templates=other).digest for other in changed_templates()]
    assert len({one.digest, *digests}) == 1 + len(digests)


def test_whatever_changes_in_the_pairs_changes_the_digest() -> None:
    one = verification()
    pairs = [
        replace(one.pairs, left=ints(0, 0)),
        replace(one.pairs, right=ints(2, 2)),
        replace(one.pairs, left=one.pairs.right, right=one.pairs.left),
        replace(one.pairs, genuine=np.array([True, True])),
        replace(one.pairs, fold=ints(1, 0)),
        replace(one.pairs, fold=None),
        Pairs(ints(0), ints(1), np.array([True]), ints(0)),
    ]
    digests = [replace(one, pairs=other).digest for other in pairs]
    assert len({one.digest, *digests}) == 1 + len(digests)


def test_whatever_changes_in_galleries_and_probes_changes_the_digest() -> None:
    one = identification()
    digests = [
        replace(one, galleries={"one": ints(1), "two": ints(1)}).digest,
        replace(one, probes={"one": ints(2, 1), "two": ints(2)}).digest,
        replace(one, probes={"one": ints(1), "two": ints(2, 2)}).digest,
        replace(one, galleries=one.probes, probes=one.galleries).digest,
        replace(
            one,
            galleries={"one": ints(0), "three": ints(1)},
            probes={"one": ints(1, 2), "three": ints(2)},
        ).digest,
        replace(one, galleries={"one": ints(0)}, probes={"one": ints(1, 2)}).digest,
    ]
    assert len({one.digest, *digests}) == 1 + len(digests)


def test_whatever_changes_in_the_expressions_changes_the_digest() -> None:
    one = expression()
    digests = [
        replace(one, labels=longs(1, 1, 1)).digest,
        replace(one, classes=("anger", "fear")).digest,
        replace(one, classes=("fear", "anger", "neutral")).digest,
        replace(one, subsets={"train": ints(0), "test": ints(1, 1)}).digest,
        replace(one, subsets={"train": ints(0), "val": ints(1, 2)}).digest,
        replace(one, subsets={"train": ints(0, 1), "test": ints(2)}).digest,
        replace(one, subsets={"test": ints(1, 2), "train": ints(0)}).digest,
    ]
    assert len({one.digest, *digests}) == 1 + len(digests)


def test_a_digest_does_not_depend_on_how_an_array_lies_in_memory() -> None:
    one = samples()
    assert one.landmarks is not None
    turned = replace(one, landmarks=np.asfortranarray(one.landmarks))
    assert replace(expression(), samples=turned).digest == expression().digest


def test_a_digest_goes_on_behind_the_first_block_of_an_array() -> None:
    """Arrays are digested 2²⁰ rows at a time: the last of more rows has to count too."""
    count = (1 << 20) + 1
    labels = np.zeros(count, dtype=np.int64)
    many = replace(
        expression(),
        samples=Samples(
            photos=PackedPhotos(Path("here"), (b"",)),
            photo=np.zeros(count, dtype=np.int32),
            absent=np.zeros(count, dtype=bool),
        ),
        labels=labels,
    )
    other = labels.copy()
    other[-1] = 1
    assert replace(many, labels=other).digest != many.digest


def test_a_digest_stays_what_it_is_in_stored_records() -> None:
    """Written out by hand: names, a line, classes and subsets; then arrays with their shapes."""
    one = ExpressionProtocol(
        name="A",
        rule="all",
        samples=Samples.whole(FolderPhotos(Path("here"), ("a.jpg",)), np.array([False])),
        labels=longs(1),
        classes=("fear", "anger"),
        subsets={"test": ints(0)},
        counted="official counts",
        inputs=(),
    )
    number = {0: bytes(8), 1: b"\1" + bytes(7)}
    content = b"a.jpg\n\nfear\nanger\ntest" + b"(1,)<i8" + number[0] + b"none" * 3
    content += b"(1,)<i8" + number[1] + b"(1,)<i8" + number[0]
    assert one.digest == hashlib.sha256(content).hexdigest()


def test_whole_photos_are_one_face_each() -> None:
    one = Samples.whole(PackedPhotos(Path("here"), (b"", b"", b"")), np.array([False, True, False]))
    assert len(one) == 3
    assert one.photo.tolist() == [0, 1, 2]
    assert one.absent.tolist() == [False, True, False]
    assert (one.boxes, one.landmarks, one.scores) == (None, None, None)


def test_single_templates_are_one_face_each_in_a_medium_of_its_own() -> None:
    one = Templates.single(longs(5, 5, 2))
    assert len(one) == 3
    assert one.subjects.tolist() == [5, 5, 2]
    for array in (one.ids, one.sample, one.template, one.media):
        assert array.tolist() == [0, 1, 2]


def test_a_template_is_enrolled_if_any_of_its_faces_is_there() -> None:
    """Against a loop, for every way in which three faces can be absent."""
    one = templates()
    members = list(zip(one.sample.tolist(), one.template.tolist(), strict=True))
    for code in range(8):
        absent = np.array([bool(code >> face & 1) for face in range(3)])
        wanted = [
            any(not absent[face] for face, template in members if template == place)
            for place in range(3)
        ]
        assert one.enrolled(absent).tolist() == wanted


def test_lengths_are_faces_templates_and_pairs() -> None:
    one = verification()
    assert (len(one.samples), len(one.templates), len(one.pairs)) == (3, 3, 2)


@pytest.mark.parametrize("make", ALL)
def test_what_a_loader_gave_stays_as_it_is(make: Callable[[], AnyProtocol]) -> None:
    one = make()
    with pytest.raises(FrozenInstanceError):
        one.name = "B"  # pyright: ignore[reportAttributeAccessIssue]


def test_an_input_is_named_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"abc")
    one = InputFile.of(tmp_path / "list.txt")
    assert one == InputFile(tmp_path / "list.txt", hashlib.sha256(b"abc").hexdigest())


def test_shapes_and_dtypes_of_arrays_are_checked() -> None:
    with pytest.raises(TypeCheckError, match="Pairs"):
        Pairs(ints(0, 1), ints(1), np.array([True, False]))
    with pytest.raises(TypeCheckError, match="subjects"):
        Templates.single(np.array([0.5]))

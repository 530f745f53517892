"""Where faces are: published, found in their boxes, guessed; asked once."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cfr.landmarks.sources as sources
import results.export.ground as ground
import results.export.locating as locating
import results.export.stages as stages
from cfr.align import ARCFACE_112
from cfr.landmarks.face import FoundFace
from protocols.errors import BadInput
from protocols.images import save_image
from protocols.photos import FolderPhotos
from protocols.types import Samples
from results.export.contents import Contents
from results.export.faces import guess
from results.export.locating import ALIGNED, PUBLISHED, Setup, locate
from results.export.mapping import Workers
from results.export.work import Blocks, distinct, no_bar


class Red:
    """Finds a face of 20 pixels at every pure red pixel, the first one in reading order first."""

    name = "red"
    asked = 0

    def __call__(self, photo: np.ndarray, path: Path | None = None) -> list[FoundFace]:
        Red.asked += 1
        rows, columns = np.nonzero((photo == (255, 0, 0)).all(axis=2))
        return [
            FoundFace(
                np.array([column - 10, row - 10, column + 10, row + 10], float),
                1.0,
                np.array([(-4, -3), (4, -3), (0, 1), (-3, 5), (3, 5)])
                + np.array((column, row), float),
                None,
                "red",
            )
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        ]


@pytest.fixture(autouse=True)
def red(monkeypatch: pytest.MonkeyPatch) -> None:
    known: Mapping = {**sources.SOURCES, "red": lambda root, device: Red()}
    for module in (sources, locating, stages):
        monkeypatch.setattr(module, "SOURCES", known)
    monkeypatch.setattr(ground, "code_digest", lambda *modules: "fixed")
    ground._seen.cache_clear()
    stages._landmarker.cache_clear()
    Red.asked = 0


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup("red", None, "centre", "cpu", Workers(1), tmp_path / "cache")


def samples(
    root: Path, dots: list[list[tuple[int, int]]], rows: list[int] | None = None, **words
) -> Samples:
    """Grey photos of 200 × 100 with red dots at (x, y)."""
    for index, places in enumerate(dots):
        photo = np.full((100, 200, 3), index, np.uint8)
        for x, y in places:
            photo[y, x] = (255, 0, 0)
        save_image(root / f"{index}.png", photo)
    photos = FolderPhotos(root, tuple(f"{index}.png" for index in range(len(dots))))
    which = np.array(range(len(dots)) if rows is None else rows, np.int32)
    absent = words.pop("absent", np.zeros(len(which), bool))
    return Samples(photos, which, absent, **words)


def test_the_face_in_the_box_is_taken_and_positions_are_the_photos(
    tmp_path: Path, setup: Setup
) -> None:
    """Three faces in one photo, asked for by their boxes; a fourth box is empty."""
    boxes = np.array(
        [(40, 40, 20, 20), (90, 40, 20, 20), (141, 38, 22, 22), (20, 5, 10, 10)], np.float32
    )
    faces = samples(tmp_path, [[(50, 50), (100, 50), (150, 50)]], rows=[0, 0, 0, 0], boxes=boxes)
    found = locate(Contents.of(faces), setup, no_bar, dense=False)
    assert found.found.tolist() == [True, True, True, False]
    assert np.allclose(found.five[:3, 2, 0], [50, 100, 150])
    assert np.allclose(found.five[:3, 2, 1], 51)
    edges = np.array([19.5, 4.5, 29.5, 14.5])
    assert np.allclose(found.five[3], guess(100, 200, edges).five)


@pytest.mark.parametrize(("several", "x"), [("centre", 110), ("largest", 20)])
def test_without_a_box_the_policy_chooses(
    tmp_path: Path, setup: Setup, several: str, x: int
) -> None:
    faces = samples(tmp_path, [[(20, 50), (110, 50)]])
    chosen = replace(setup, several=several)
    found = locate(Contents.of(faces), chosen, no_bar, dense=False)
    assert found.five[0, 2, 0] == x  # equally large: the first one


def test_what_was_looked_for_is_not_looked_for_again(tmp_path: Path, setup: Setup) -> None:
    faces = samples(tmp_path, [[(50, 50)], [], [(60, 60)], [(50, 50)]])
    first = locate(Contents.of(faces), setup, no_bar, dense=False)
    assert (first.computed, Red.asked) == (4, 4)
    again = locate(Contents.of(faces), setup, no_bar, dense=False)
    assert (again.computed, Red.asked) == (0, 4)
    assert again.found.tolist() == [True, False, True, True]
    assert np.array_equal(first.five, again.five)
    locate(Contents.of(faces), replace(setup, several="largest"), no_bar, dense=False)
    assert Red.asked == 8


def test_an_absent_photo_is_not_looked_at(tmp_path: Path, setup: Setup) -> None:
    absent = np.array([False, True])
    faces = samples(tmp_path, [[(50, 50)], [(50, 50)]], absent=absent)
    (tmp_path / "1.png").unlink()
    contents = Contents.of(faces)
    assert contents.present.tolist() == [0]
    assert contents.digests[1] == b""
    found = locate(contents, setup, no_bar, dense=False)
    assert found.found.tolist() == [True, False]


def test_published_points_need_no_photo_but_where_they_are_lacking(
    tmp_path: Path, setup: Setup
) -> None:
    points = np.stack([ARCFACE_112, np.full((5, 2), np.nan)]).astype(np.float32)
    faces = samples(tmp_path, [[], []], landmarks=points)
    chosen = replace(setup, landmarks=PUBLISHED)
    found = locate(Contents.of(faces), chosen, no_bar, dense=False)
    assert found.found.tolist() == [True, False]
    assert np.array_equal(found.five[0], points[0])
    assert np.allclose(found.five[1], guess(100, 200, None).five)
    assert (found.computed, Red.asked) == (1, 0)


def test_a_source_of_five_points_gets_68(tmp_path: Path, setup: Setup) -> None:
    pytest.importorskip("dlib")
    points = ARCFACE_112[None].astype(np.float32)
    faces = samples(tmp_path, [[]], landmarks=points)
    found = locate(Contents.of(faces), replace(setup, landmarks=PUBLISHED), no_bar, dense=True)
    assert found.dense is not None
    assert np.isfinite(found.dense).all()
    assert np.array_equal(found.five[0], points[0])
    assert found.points(0, dense=False).dense is None
    assert found.points(0, dense=True).dense is not None


def test_aligned_photos_are_arcfaces_crop(tmp_path: Path, setup: Setup) -> None:
    faces = samples(tmp_path, [[], []])
    found = locate(Contents.of(faces), replace(setup, landmarks=ALIGNED), no_bar, dense=False)
    assert found.whole
    assert found.found.all()
    assert found.computed == 0
    pytest.importorskip("dlib")
    found = locate(Contents.of(faces), replace(setup, landmarks=ALIGNED), no_bar, dense=True)
    assert np.allclose(found.five[0], ARCFACE_112 * (200 / 112, 100 / 112))


def test_boxes_that_say_nothing_are_none(tmp_path: Path) -> None:
    boxes = np.array([(1, 2, 3, 4), (np.nan, 1, 1, 1), (1, 1, 0, 5)], np.float32)
    faces = samples(tmp_path, [[]], rows=[0, 0, 0], boxes=boxes)
    first, *others = Contents.of(faces).boxes()
    assert first is not None
    assert first.tolist() == [0.5, 1.5, 3.5, 5.5]
    assert others == [None, None]


def test_keys_are_told_apart_in_the_order_of_their_first_place() -> None:
    keys, first, back = distinct([b"b", b"a", b"b", b"c", b"a"])
    assert keys == [b"b", b"a", b"c"]
    assert first.tolist() == [0, 1, 3]
    assert back.tolist() == [0, 1, 0, 2, 1]
    keys, first, back = distinct([])
    assert (keys, len(first), len(back)) == ([], 0, 0)


def test_blocks_are_made_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import results.export.work as work

    monkeypatch.setattr(work, "BLOCK", 3)
    made: list[int] = []
    blocks = Blocks(7, lambda at: made.append(at) or at)
    assert len(blocks) == 3
    assert made == []
    assert blocks[2] == [6]
    assert blocks[0] == [0, 1, 2]
    assert made == [6, 0, 1, 2]
    with pytest.raises(IndexError):
        blocks[3]
    assert list(blocks) == [[0, 1, 2], [3, 4, 5], [6]]


def test_68_points_are_added_without_detecting_again(tmp_path: Path, setup: Setup) -> None:
    """The second command of three: what the first one found stays found."""
    pytest.importorskip("dlib")
    faces = samples(tmp_path, [[(50, 50)], []])
    first = locate(Contents.of(faces), setup, no_bar, dense=False)
    again = locate(Contents.of(faces), setup, no_bar, dense=True)
    assert Red.asked == 2
    assert np.array_equal(first.five, again.five)
    assert again.dense is not None
    assert np.isfinite(again.dense[0]).all()
    assert np.isnan(again.dense[1]).all()


def test_a_box_outside_its_photo_is_an_error(tmp_path: Path, setup: Setup) -> None:
    boxes = np.array([(500, 500, 50, 50)], np.float32)
    faces = samples(tmp_path, [[(50, 50)]], boxes=boxes)
    with pytest.raises(BadInput, match="a box that meets the photo of 200 × 100"):
        locate(Contents.of(faces), setup, no_bar, dense=False)

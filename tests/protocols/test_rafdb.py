"""RAF-DB: the real lists have the published counts; a damaged line is one error that names it."""

import contextlib
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.errors import BadInput, DataError, DatasetUnavailable
from protocols.rafdb import CLASSES, COUNTS, PARTITION, load

LISTS = {
    "occlusion": "rafdb_occlusion_list.txt",
    "pose > 30°": "val_raf_db_list.txt",
    "pose > 45°": "val_raf_db_list_45.txt",
}
LABELS = [
    "train_00001.jpg 5",
    "train_00002.jpg 1",
    "test_0001.jpg 7",
    "test_0002.jpg 4",
    "test_0003.jpg 4",
    "test_0004.jpg 2",
]
OCCLUDED = ["test_0002_aligned 3 1", "test_0004_aligned 1 4", "test_0002_aligned 3 2"]
TURNED = ["6/test_0001_aligned.jpg", "3/test_0003_aligned.jpg", "1/test_0004_aligned.jpg"]
MORE_TURNED = ["1/test_0004_aligned.jpg"]
ALL = dict(zip(LISTS.values(), (OCCLUDED, TURNED, MORE_TURNED), strict=True))
FOUND = {"train": 2, "test": 4, "occlusion": 3, "pose > 30°": 3, "pose > 45°": 1}
PER_CLASS = dict.fromkeys((f"test {name}" for name in CLASSES), 0)
PER_CLASS |= {"test fear": 1, "test happiness": 2, "test neutral": 1}


def put(folder: Path, name: str, lines: list[str], end: str = "\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes((end.join(lines) + end).encode())
    return folder / name


def put_photos(folder: Path) -> None:
    folder.mkdir(parents=True)
    for line in LABELS:
        (folder / line.split(".")[0]).with_name(f"{line.split('.')[0]}_aligned.jpg").touch()


def put_counts(root: Path, **changes: int) -> None:
    counts = {**FOUND, **PER_CLASS, **changes}
    (root / "counts.json").write_text(json.dumps({"why": "six photos", "counts": counts}))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root of six photos, with all lists."""
    root = tmp_path / "rafdb"
    put(root / "EmoLabel", PARTITION, LABELS)
    put_photos(root / "Image/aligned")
    for name, lines in ALL.items():
        put(root, name, lines, "\r\n")
    put_counts(root)
    return root


def test_labels_and_subsets_are_those_of_the_lists(root: Path) -> None:
    protocol = load(root)
    assert protocol.classes[0] == "surprise"
    assert [protocol.classes[label] for label in protocol.labels] == [
        "sadness",
        "surprise",
        "neutral",
        "happiness",
        "happiness",
        "fear",
    ]
    assert {name: subset.tolist() for name, subset in protocol.subsets.items()} == {
        "train": [0, 1],
        "test": [2, 3, 4, 5],
        "occlusion": [3, 5, 3],
        "pose > 30°": [2, 4, 5],
        "pose > 45°": [5],
    }
    assert list(protocol.subsets) == ["train", "test", "occlusion", "pose > 30°", "pose > 45°"]
    photos = protocol.samples.photos
    assert photos.names[0] == "train_00001_aligned.jpg"
    assert [photos.content(index) for index in range(6)] == [b""] * 6
    assert not protocol.samples.absent.any()
    lists = ", ".join((PARTITION, *LISTS.values()))
    assert protocol.rule == f"basic expressions, aligned photos; {lists}"
    assert protocol.counted == "counts.json (six photos)"
    names = [one.path.name for one in protocol.inputs]
    assert names == [PARTITION, *LISTS.values(), "counts.json"]


def test_a_subset_without_its_list_is_absent_and_the_rule_shows_it(root: Path) -> None:
    (root / LISTS["pose > 30°"]).unlink()
    protocol = load(root)
    assert list(protocol.subsets) == ["train", "test", "occlusion", "pose > 45°"]
    assert protocol.rule.endswith(
        f"; {PARTITION}, rafdb_occlusion_list.txt, val_raf_db_list_45.txt"
    )


@pytest.mark.parametrize("home", [".", "basic"])
@pytest.mark.parametrize("labels", [".", "EmoLabel"])
@pytest.mark.parametrize("photos", ["aligned", "Image/aligned"])
@pytest.mark.parametrize("lists", [".", "EmoLabel", "lists", "RAF_DB_dir"])
def test_every_layout_is_the_same_protocol(
    root: Path, tmp_path: Path, home: str, labels: str, photos: str, lists: str
) -> None:
    other = tmp_path / "other"
    put(other / home / labels, PARTITION, LABELS)
    put_photos(other / home / photos)
    for name, lines in ALL.items():
        put(other / home / lists, f"challenge_{name}", lines)
    put_counts(other)
    protocol = load(other)
    assert protocol.digest == load(root).digest
    assert protocol.samples.photos.content(0) == b""


def test_lists_may_lie_elsewhere_and_then_those_of_the_root_do_not_count(
    root: Path, tmp_path: Path
) -> None:
    put(tmp_path / "mine", LISTS["pose > 45°"], TURNED[:2])
    put_counts(root, **{"pose > 45°": 2})
    protocol = load(root, lists=tmp_path / "mine")
    assert list(protocol.subsets) == ["train", "test", "pose > 45°"]
    assert protocol.subsets["pose > 45°"].tolist() == [2, 4]


def test_a_folder_without_any_list_is_an_error(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match="nowhere"):
        load(root, lists=tmp_path / "nowhere")


def test_absent_labels_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match="list of labels"):
        load(tmp_path)


def test_a_root_that_cannot_be_looked_at_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        load(tmp_path / ("x" * 300))


def test_an_absent_photo_is_an_error_or_counted(root: Path) -> None:
    (root / "Image/aligned/test_0003_aligned.jpg").unlink()
    with pytest.raises(DatasetUnavailable, match=r"test_0003_aligned\.jpg"):
        load(root)
    absent = load(root, missing="failure-to-enrol").samples.absent
    assert np.flatnonzero(absent).tolist() == [4]


def test_a_folder_of_photos_outside_is_refused(root: Path, tmp_path: Path) -> None:
    (root / "Image/aligned").rename(tmp_path / "outside")
    (root / "Image/aligned").symlink_to(tmp_path / "outside")
    with pytest.raises(BadInput, match="folder of photos"):
        load(root)


def test_without_counts_of_its_own_a_root_needs_the_official_ones(root: Path) -> None:
    (root / "counts.json").unlink()
    with pytest.raises(BadInput, match=r"number of train: expected 12,271 .*found 2"):
        load(root)


@pytest.mark.parametrize("name", [*FOUND, *PER_CLASS])
def test_every_count_is_checked(root: Path, name: str) -> None:
    put_counts(root, **{name: {**FOUND, **PER_CLASS}[name] + 1})
    with pytest.raises(BadInput, match=f"number of {name}"):
        load(root)


BROKEN = [
    (PARTITION, 2, "train_00002.jpg", "a label from 1 to 7, found"),
    (PARTITION, 2, "train_00002.jpg 1 1", "a label from 1 to 7, found"),
    (PARTITION, 2, "", "a label from 1 to 7, found"),
    (PARTITION, 2, "train_00002.jpg 0", "a label from 1 to 7, found"),
    (PARTITION, 2, "train_00002.jpg 8", "a label from 1 to 7, found"),
    (PARTITION, 2, "train_00002.jpg ２", "a label from 1 to 7, found"),
    (PARTITION, 2, "train_00001.jpg 5", "train_00001 of line 1 again"),
    (PARTITION, 2, "val_00002.jpg 5", "a label from 1 to 7, found"),
    (PARTITION, 2, "train_00002.png 5", "a label from 1 to 7, found"),
    (PARTITION, 2, "../train_00002.jpg 5", "a label from 1 to 7, found"),
    (PARTITION, 2, "/etc/passwd 5", "a label from 1 to 7, found"),
    (LISTS["occlusion"], 2, "test_0004_aligned 1", "such as 'test_0003_aligned 3 4', found"),
    (LISTS["occlusion"], 2, "test_0004_aligned 2 4", "expected label 1 \\(fear\\)"),
    (LISTS["occlusion"], 2, "test_0004_aligned 7 4", "such as 'test_0003_aligned 3 4', found"),
    (LISTS["occlusion"], 2, "test_0004_aligned 1 0", "such as 'test_0003_aligned 3 4', found"),
    (LISTS["occlusion"], 2, "test_0004_aligned 1 5", "such as 'test_0003_aligned 3 4', found"),
    (LISTS["occlusion"], 2, "test_0005_aligned 1 4", "test_0005, which is not in it"),
    (LISTS["occlusion"], 2, "train_00001_aligned 4 4", "such as 'test_0003_aligned 3 4', found"),
    (LISTS["pose > 30°"], 2, "3/test_0001_aligned.jpg", "expected label 6 \\(neutral\\)"),
    (LISTS["pose > 30°"], 2, "7/test_0003_aligned.jpg", "such as '0/test_0004_aligned.jpg', found"),
    (
        LISTS["pose > 30°"],
        2,
        "3/../test_0003_aligned.jpg",
        "such as '0/test_0004_aligned.jpg', found",
    ),
    (LISTS["pose > 30°"], 2, "6/test_0001_aligned.jpg", "test_0001 of line 1 again"),
    (
        LISTS["pose > 30°"],
        2,
        "4/train_00001_aligned.jpg",
        "such as '0/test_0004_aligned.jpg', found",
    ),
    (LISTS["pose > 30°"], 2, "3/test_0009_aligned.jpg", "test_0009, which is not in it"),
    (LISTS["pose > 45°"], 1, "3/test_0002_aligned.jpg", "a photo of val_raf_db_list.txt"),
]


@pytest.mark.parametrize(("name", "line", "text", "message"), BROKEN)
def test_a_broken_line_is_one_error_that_names_it(
    root: Path, name: str, line: int, text: str, message: str
) -> None:
    folder = root / "EmoLabel" if name == PARTITION else root
    lines = [*(LABELS if name == PARTITION else ALL[name])]
    lines[line - 1] = text
    path = put(folder, name, lines)
    with pytest.raises(BadInput, match=f"{re.escape(str(path))}, line {line}\\b.*{message}"):
        load(root)


@pytest.mark.parametrize("name", [PARTITION, *LISTS.values()])
def test_an_empty_list_is_an_error(root: Path, name: str) -> None:
    path = put(root / "EmoLabel" if name == PARTITION else root, name, [""])
    with pytest.raises(BadInput, match=f"{re.escape(str(path))}: expected at least one photo"):
        load(root)


def test_the_real_lists_have_the_published_counts(shared: Path) -> None:
    folder = shared / "protocols/rafdb"
    protocol = load(folder, missing="failure-to-enrol")
    assert {name: len(subset) for name, subset in protocol.subsets.items()} == {
        "train": 12271,
        "test": 3068,
        "occlusion": 735,
        "pose > 30°": 1247,
        "pose > 45°": 558,
    }
    test = np.bincount(protocol.labels[protocol.subsets["test"]])
    assert test.tolist() == [329, 74, 160, 1185, 478, 162, 680]
    occluded = protocol.subsets["occlusion"]
    assert len(set(occluded.tolist())) == 734
    [(twice, _)] = Counter(occluded.tolist()).most_common(1)
    assert protocol.samples.photos.names[twice] == "test_2464_aligned.jpg"
    assert protocol.counted == "official counts"
    assert protocol.samples.absent.all()
    with pytest.raises(DatasetUnavailable, match="and 15,338 more"):
        load(folder)


def test_the_real_labels_of_every_list_are_one_less(shared: Path) -> None:
    """Read with two lines of Python, not with the loader."""
    folder = shared / "protocols/rafdb"
    protocol = load(folder, missing="failure-to-enrol")
    label = dict(line.split(".jpg ") for line in (folder / PARTITION).read_text().splitlines())
    for name in ("pose > 30°", "pose > 45°"):
        lines = (folder / f"challenge_{LISTS[name]}").read_text().split()
        wanted = [(line[2:], int(line[0])) for line in lines]
        photos = protocol.samples.photos.names
        found = [(photos[at], int(protocol.labels[at])) for at in protocol.subsets[name]]
        assert found == wanted
        assert all(int(label[stem.split("_aligned")[0]]) == one + 1 for stem, one in wanted)


def test_counts_of_the_classes_add_up_to_the_test_set() -> None:
    assert sum(COUNTS[f"test {name}"] for name in CLASSES) == COUNTS["test"]


HOSTILE = ["", "..", "/etc/passwd", "-1", "1e999", "nan", "9" * 400, "\0", "\ufeff", "\r", "７"]
VALID = {PARTITION: LABELS, **ALL}


@st.composite
def damaged(draw: st.DrawFn, valid: list[str]) -> bytes:
    """A valid list with a few lines, fields or bytes deleted, repeated, swapped or replaced."""
    lines = list(valid)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        how = draw(st.sampled_from(["cut", "repeat", "swap", "field", "line"]))
        other = draw(st.integers(0, len(lines) - 1))
        if how == "cut" and len(lines) > 1:
            del lines[at]
        elif how == "repeat":
            lines.insert(other, lines[at])
        elif how == "swap":
            lines[at], lines[other] = lines[other], lines[at]
        elif how == "field":
            fields = re.split("([ /_.])", lines[at])
            fields[draw(st.integers(0, len(fields) - 1))] = draw(st.sampled_from(HOSTILE))
            lines[at] = "".join(fields)
        else:
            lines[at] = draw(st.sampled_from(HOSTILE) | st.text(max_size=30))
    content = draw(st.sampled_from(["\n", "\r\n"])).join(lines).encode()
    start = draw(st.integers(0, len(content)))
    return content[:start] + draw(st.binary(max_size=2)) + content[start + 1 :]


def anything() -> st.SearchStrategy[tuple[str, bytes]]:
    """One of the files, and what it holds instead."""
    return st.sampled_from(list(VALID)).flatmap(
        lambda name: st.tuples(st.just(name), damaged(VALID[name]) | st.binary(max_size=200))
    )


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, bytes], None]:
    """Loads a root with one file replaced: any result, or one of our errors."""
    root = tmp_path_factory.mktemp("fuzz")
    put_counts(root)
    for name, lines in VALID.items():
        put(root, name, lines)

    def check(name: str, content: bytes) -> None:
        before = (root / name).read_bytes()
        (root / name).write_bytes(content)
        try:
            with contextlib.suppress(DataError):
                protocol = load(root, missing="failure-to-enrol")
                assert len(protocol.labels) == 6
        finally:
            (root / name).write_bytes(before)

    return check


@given(anything())
@settings(max_examples=50, deadline=None)
def test_any_bytes_end_in_a_protocol_or_one_error(
    check: Callable[[str, bytes], None], one: tuple[str, bytes]
) -> None:
    check(*one)


@pytest.mark.slow
@given(anything())
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_end_in_a_protocol_or_one_error_many(
    check: Callable[[str, bytes], None], one: tuple[str, bytes]
) -> None:
    check(*one)

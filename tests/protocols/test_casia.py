"""CASIA-WebFace, packed and in folders: the same faces come out, and nothing is passed over."""

import contextlib
import io
import json
import os
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from protocols import casia
from protocols.casia import FOLDERS_COUNTS, NAME, RECORDS_COUNTS, load, load_folders, load_records
from protocols.errors import BadInput, DataError, DatasetUnavailable
from protocols.photos import Photos
from protocols.record_writer import RecordWriter, pack_record
from protocols.types import TrainingFaces

LABELS = [0, 0, 1, 2, 2, 2]
PEOPLE = ["0000045", "0000099", "0000100"]


def jpg(grey: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (grey, grey, grey)).save(file, "JPEG", quality=95)
    return file.getvalue()


PICTURES = [jpg(40 * index) for index in range(6)]


def packed(root: Path) -> Path:
    with RecordWriter(root, height=8, width=8) as writer:
        for picture, label in zip(PICTURES, LABELS, strict=True):
            writer.add(picture, label)
    return root


def folders(root: Path) -> Path:
    for number, (picture, label) in reversed(list(enumerate(zip(PICTURES, LABELS, strict=True)))):
        path = root / PEOPLE[label] / f"{number:03d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture)
    return root


def count(root: Path, photos: int = 6, identities: int = 3) -> Path:
    counts = {"photos": photos, "identities": identities}
    (root / "counts.json").write_text(json.dumps({"why": "made up", "counts": counts}))
    return root


def rewrite(
    root: Path, labels: Sequence[float], *, several: bool = False, about: str | None = None
) -> Path:
    """A packed set with any labels, in the header or after it; record 0 tells the pictures only."""
    root.mkdir(parents=True, exist_ok=True)
    records, index = b"", ""
    for key, label in enumerate(labels):
        index += f"{key + 1}\t{len(records)}\n"
        head = struct.pack("<IfQQ", 0, label, key + 1, 0)
        if several:
            head = struct.pack("<IfQQff", 2, -5.0, key + 1, 0, label, 1.0)
        records += b"".join(pack_record(head + PICTURES[key % 6]))
    index += f"0\t{len(records)}\n"
    records += b"".join(pack_record(struct.pack("<IfQQf", 1, 0.0, 0, 0, len(labels) + 1)))
    (root / "train.rec").write_bytes(records)
    (root / "train.idx").write_text(index)
    if about is not None:
        (root / "property").write_text(about)
    return root


def check_faces(faces: TrainingFaces) -> None:
    assert isinstance(faces.photos, Photos)
    assert faces.labels.tolist() == LABELS
    assert len(faces.identities) == 3
    assert len(faces.photos.names) == len(set(faces.photos.names)) == 6
    assert [faces.photos.content(index) for index in range(6)] == PICTURES
    for index in range(6):
        assert abs(int(faces.photos.read(index)[4, 4, 1]) - 40 * index) <= 2


@pytest.mark.parametrize("place", [".", "casia-webface", "faces_webface_112x112"])
def test_the_packed_set_is_read_wherever_it_lies(tmp_path: Path, place: str) -> None:
    packed(tmp_path / place)
    faces = load(count(tmp_path))
    check_faces(faces)
    assert faces.identities == ("0", "1", "2")
    assert faces.photos.names[0] == "record 1"
    assert (faces.name, faces.counted) == (NAME, "counts.json (made up)")
    assert faces.rule == "train.rec (RecordIO, 8 × 8 pixels)"
    assert [one.path for one in faces.inputs] == [
        tmp_path / place / "train.idx",
        tmp_path / place / "property",
        tmp_path / "counts.json",
    ]


@pytest.mark.parametrize("place", [".", "CASIA-WebFace"])
def test_the_folders_are_read_wherever_they_lie(tmp_path: Path, place: str) -> None:
    folders(tmp_path / place)
    faces = load(count(tmp_path))
    check_faces(faces)
    assert faces.identities == tuple(PEOPLE)
    assert faces.photos.names[2] == "0000099/002.jpg"
    assert (faces.name, faces.rule) == (NAME, "folders of pictures")
    assert faces.counted == "counts.json (made up)"
    assert [one.path.name for one in faces.inputs] == ["counts.json"]


def test_of_both_the_packed_one_is_read_unless_asked_otherwise(tmp_path: Path) -> None:
    count(packed(folders(tmp_path)))
    assert load(tmp_path).photos.names[0] == "record 1"
    assert load(tmp_path, layout="records").photos.names[0] == "record 1"
    assert load(tmp_path, layout="folders").photos.names[0] == "0000045/000.jpg"


def test_the_official_numbers_are_asked_without_a_counts_file(tmp_path: Path) -> None:
    packed(folders(tmp_path))
    with pytest.raises(BadInput, match=r"train\.rec, number of photos: expected 490,623 \(offic"):
        load(tmp_path)
    with pytest.raises(BadInput, match=r"number of photos: expected 494,414 \(official count"):
        load(tmp_path, layout="folders")
    count(tmp_path, identities=4)
    for layout in ("records", "folders"):
        with pytest.raises(BadInput, match=r"number of identities: expected 4 \(as counts\.json"):
            load(tmp_path, layout=layout)


def test_a_set_of_the_official_size_needs_no_counts_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert RECORDS_COUNTS == {"photos": 490_623, "identities": 10_572}
    assert FOLDERS_COUNTS == {"photos": 494_414, "identities": 10_575}
    monkeypatch.setattr(casia, "RECORDS_COUNTS", {"photos": 6, "identities": 3})
    monkeypatch.setattr(casia, "FOLDERS_COUNTS", {"photos": 5, "identities": 3})
    packed(folders(tmp_path))
    faces = load(tmp_path)
    assert faces.counted == "official counts"
    assert [one.path.name for one in faces.inputs] == ["train.idx", "property"]
    with pytest.raises(BadInput, match="number of photos: expected 5"):
        load(tmp_path, layout="folders")


@pytest.mark.parametrize("layout", ["auto", "records", "folders"])
def test_an_absent_set_says_where_to_get_it(tmp_path: Path, layout: casia.Layout) -> None:
    for root in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(DatasetUnavailable, match="deepinsight/insightface"):
            load(root, layout=layout)


def test_any_training_set_is_read(tmp_path: Path) -> None:
    for read, root in ((load_records, packed(tmp_path / "a")), (load_folders, folders(tmp_path))):
        if read is load_folders:
            (tmp_path / "a").rename(tmp_path / ".a")
        faces = read(root, "Mine")
        check_faces(faces)
        assert (faces.name, faces.counted) == ("Mine", "as many as there are")
        assert read(count(root), "Mine").name == "Mine"
        assert read(root, "Mine").counted == "counts.json (made up)"
        assert read(root, "Mine").inputs[-1].path == root / "counts.json"
        count(root, photos=7)
        with pytest.raises(BadInput, match="number of photos: expected 7"):
            read(root, "Mine")


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("about", [None, "3,8,8"])
def test_labels_stand_in_the_header_or_after_it(
    tmp_path: Path, several: bool, about: str | None
) -> None:
    faces = load_records(rewrite(tmp_path, [2, 0, 1, 0], several=several, about=about), "Mine")
    assert faces.labels.tolist() == [2, 0, 1, 0]
    assert faces.labels.dtype == np.int32
    assert faces.identities == ("0", "1", "2")
    assert [faces.photos.content(index) for index in range(4)] == PICTURES[:4]


def test_an_index_cut_short_before_record_0_is_refused(tmp_path: Path) -> None:
    """The records of identities would pass for pictures, or the last pictures be left out."""
    index = packed(tmp_path) / "train.idx"
    lines = index.read_text().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.startswith("0\t"))
    assert at == 6
    for kept in (lines[:at], lines[: at - 2], lines[:at] + lines[at + 1 :]):
        index.write_text("".join(kept))
        for about in (True, False):
            if not about:
                (tmp_path / "property").rename(tmp_path / "other")
            with pytest.raises(
                BadInput, match=r"train\.idx: expected a line for record 0, found records from 1 on"
            ):
                load_records(tmp_path, "Mine")
        (tmp_path / "other").rename(tmp_path / "property")
    index.write_text("".join(lines[: at + 1]))  # all that is needed
    check_faces(load_records(tmp_path, "Mine"))


@pytest.mark.parametrize("about", [None, "3,8,8"])
def test_record_0_of_a_plain_file_is_a_picture(tmp_path: Path, about: str | None) -> None:
    """As MXNet's im2rec writes them: keys from 0, the label in the header."""
    records, index = b"", ""
    for key, (picture, label) in enumerate(zip(PICTURES, LABELS, strict=True)):
        index += f"{key}\t{len(records)}\n"
        records += b"".join(pack_record(struct.pack("<IfQQ", 0, label, key, 0) + picture))
    (tmp_path / "train.rec").write_bytes(records)
    (tmp_path / "train.idx").write_text(index)
    if about:
        (tmp_path / "property").write_text(about)
    faces = load_records(tmp_path, "Mine")
    check_faces(faces)
    assert faces.photos.names[0] == "record 0"


@pytest.mark.parametrize("layout", ["auto", "records", "folders"])
def test_a_root_that_cannot_be_looked_at_is_our_error(tmp_path: Path, layout: casia.Layout) -> None:
    long = tmp_path / ("x" * 300)
    with pytest.raises(BadInput, match="a path that can be looked at"):
        load(long, layout=layout)
    with pytest.raises(BadInput, match="a path that can be looked at"):
        load_records(long, "Mine")
    with pytest.raises(BadInput, match="expected a folder"):
        load_folders(long, "Mine")


@pytest.mark.parametrize("name", ["new", "0000045/9.jpg"])
def test_a_link_that_cannot_be_looked_at_is_our_error(tmp_path: Path, name: str) -> None:
    path = folders(tmp_path) / name
    path.symlink_to("x" * 300)
    with pytest.raises(BadInput, match=rf"{path.name}: expected a path that can be looked at"):
        load_folders(tmp_path, "Mine")


def test_a_property_that_is_a_folder_is_not_passed_over(tmp_path: Path) -> None:
    (packed(tmp_path) / "property").unlink()
    (tmp_path / "property").mkdir()
    with pytest.raises(DatasetUnavailable, match="property"):
        load_records(tmp_path, "Mine")


def test_without_index_the_file_is_gone_through_and_has_a_digest(tmp_path: Path) -> None:
    packed(tmp_path)
    (tmp_path / "train.idx").unlink()
    (tmp_path / "property").unlink()
    faces = load_records(tmp_path, "Mine")
    check_faces(faces)
    assert faces.rule == "train.rec (RecordIO)"
    assert [one.path.name for one in faces.inputs] == ["train.rec"]


@pytest.mark.parametrize(
    ("labels", "about", "message"),
    [
        ([0, 1, 2.5], "3,8,8", "record 3: expected a label that .* from 0 to 2, found 2.5"),
        ([0, -1, 2], "3,8,8", "record 2: .*found -1"),
        ([0, 1, 3], "3,8,8", "record 3: .*from 0 to 2, found 3"),
        ([0, 1, 3], None, "record 3: .*from 0 to 2, found 3"),
        ([float("nan"), 1, 0], "3,8,8", "record 1: .*found nan"),
        ([0, float("inf"), 0], "3,8,8", "record 2: .*found inf"),
        ([0, 2, 2], "3,8,8", "labels: expected a picture of each of 3 identities, found none of 1"),
        ([0, 1, 1], "3,8,8", "labels: expected a picture of each of 3 .*found none of 2"),
        ([0, 1, 1], "999999999,8,8", "labels: expected a picture of each of 999,999,999"),
        ([2, 2, 0], None, "labels: expected .* found none of 1"),
        ([1, 1], None, "labels: expected .* found none of 0"),
    ],
)
def test_a_label_that_cannot_be_is_an_error_that_names_the_record(
    tmp_path: Path, labels: list[float], about: str | None, message: str
) -> None:
    with pytest.raises(BadInput, match=rf"train\.rec, {message}"):
        load_records(rewrite(tmp_path, labels, about=about), "Mine")


def test_record_0_and_property_have_to_agree(tmp_path: Path) -> None:
    (packed(tmp_path) / "property").write_text("4,8,8")
    expected = r"property, number of identities: expected 3, as record 0 says, found 4"
    with pytest.raises(BadInput, match=expected):
        load_records(tmp_path, "Mine")


@pytest.mark.parametrize("name", ["train.rec", "train.idx", "property"])
def test_a_packed_file_that_lies_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    root = packed(tmp_path / "root")
    (root / name).rename(tmp_path / name)
    (root / name).symlink_to(tmp_path / name)
    with pytest.raises(BadInput, match="expected a path within"):
        load_records(root, "Mine")


@pytest.mark.parametrize(
    ("make", "place"), [(packed, "casia-webface"), (folders, "CASIA-WebFace"), (folders, "0000045")]
)
def test_a_folder_that_lies_elsewhere_is_refused(
    tmp_path: Path, make: Callable[[Path], Path], place: str
) -> None:
    make(tmp_path / "elsewhere")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / place).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="expected a path within"):
        load(count(tmp_path / "root"))


def test_a_picture_that_lies_elsewhere_is_refused(tmp_path: Path) -> None:
    root = folders(tmp_path / "root")
    (tmp_path / "x.jpg").write_bytes(PICTURES[0])
    (root / "0000045" / "002.jpg").symlink_to(tmp_path / "x.jpg")
    with pytest.raises(BadInput, match=r"expected a path within .*'0000045/002\.jpg'"):
        load_folders(root, "Mine")


def test_links_within_the_root_are_followed(tmp_path: Path) -> None:
    root = folders(tmp_path)
    (root / "0000045" / "002.jpg").symlink_to(root / "0000099" / "002.jpg")
    (root / "0000200").symlink_to(root / "0000099")
    faces = load_folders(root, "Mine")
    assert faces.labels.tolist() == [0, 0, 0, 1, 2, 2, 2, 3]
    assert faces.photos.content(2) == faces.photos.content(7) == PICTURES[2]


@pytest.mark.parametrize("name", ["0000045/002.jpg", "0000045", "new"])
def test_links_that_end_nowhere_are_an_error(tmp_path: Path, name: str) -> None:
    root = folders(tmp_path)
    path = root / name
    if path.is_dir():
        path.rename(root / ".hidden")
    path.symlink_to(root / "nothing")
    with pytest.raises(BadInput, match=path.name):
        load_folders(root, "Mine")
    path.unlink()
    path.symlink_to(path)  # in a circle
    with pytest.raises(BadInput, match=path.name):
        load_folders(root, "Mine")


@pytest.mark.parametrize(
    "name", ["README", "readme.md", "LICENSE", "list.txt", "train.lst", "property", "lfw.bin", ".x"]
)
def test_files_that_describe_the_set_are_passed_over(tmp_path: Path, name: str) -> None:
    root = folders(tmp_path)
    (root / name).write_bytes(b"anything")
    (root / ".hidden").mkdir()
    (root / "0000045" / ".thumbs").write_bytes(b"anything")
    check_faces(load_folders(root, "Mine"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("0000045/002.txt", r"002\.txt: expected a picture file \(\.jpg, .*\), found another"),
        ("0000045/README", "README: expected a picture file"),
        ("0000045/002.gif", r"002\.gif: expected a picture file"),
        ("0000045/002.jpg/", r"002\.jpg: expected a picture file"),
        ("0000045/deeper/", "deeper: expected a picture file"),
        ("0000200/", "0000200: expected at least one picture, found none"),
        ("0000200/.hidden.jpg", "0000200: expected at least one picture, found none"),
        ("001.jpg", r"001\.jpg: expected a folder for each identity, or a file that describes"),
        ("casia.zip", r"casia\.zip: expected a folder for each identity"),
        ("a\nb/001.jpg", "expected a printable name"),
        ("0000045/a\\b.jpg", "expected a printable name without backslash"),
    ],
)
def test_what_has_no_place_is_an_error_that_names_it(
    tmp_path: Path, name: str, message: str
) -> None:
    path = folders(tmp_path) / name
    if name.endswith("/"):
        path.mkdir()
    else:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(PICTURES[0])
    with pytest.raises(BadInput, match=message):
        load_folders(tmp_path, "Mine")


def test_a_pipe_is_no_picture(tmp_path: Path) -> None:
    os.mkfifo(folders(tmp_path) / "0000045" / "002.jpg")
    with pytest.raises(BadInput, match=r"002\.jpg: expected a picture file"):
        load_folders(tmp_path, "Mine")


def test_picture_endings_may_be_in_capitals(tmp_path: Path) -> None:
    root = folders(tmp_path)
    for ending in ("JPG", "jpeg", "Png", "bmp", "webp"):
        (root / "0000045" / f"9.{ending}").write_bytes(PICTURES[0])
    assert np.bincount(load_folders(root, "Mine").labels).tolist() == [7, 1, 3]


HOSTILE = [b"", b"..", b"-1", b"1e999", b"nan", b"9" * 9, b"9" * 30, b"\0", b"\r", b"\t", b"\n"]
HOSTILE += [b"\n\x23\xd7\xce", b"\xff\xff\xff\xff", b"\0\0\x80\x7f", b"\0\0\x80\x4f", b"\0" * 8]


@st.composite
def damaged(draw: st.DrawFn, valid: bytes) -> bytes:
    """A valid file with bytes cut, repeated or replaced."""
    content = bytearray(valid)
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        end = at + draw(st.integers(0, 12))
        again = bytes(content[at:end]) * 2
        content[at:end] = draw(
            st.one_of(st.just(again), st.binary(max_size=4), st.sampled_from(HOSTILE))
        )
    return bytes(content)


FILES = ("train.rec", "train.idx", "property")


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    root = tmp_path_factory.mktemp("valid")
    with RecordWriter(root, height=8, width=8) as writer:
        for label in LABELS:
            writer.add(b"pic", label)
    return [(root / name).read_bytes() for name in FILES]


@pytest.fixture(scope="module")
def check(
    tmp_path_factory: pytest.TempPathFactory, valid: list[bytes]
) -> Callable[[st.DataObject], None]:
    root = tmp_path_factory.mktemp("fuzz")

    def check(data: st.DataObject) -> None:
        """Any bytes end in a result or in one of our errors."""
        for name, content in zip(FILES, valid, strict=True):
            (root / name).write_bytes(data.draw(damaged(content)))
        with contextlib.suppress(DataError):
            faces = load_records(root, "Mine")
            assert set(faces.labels.tolist()) == set(range(len(faces.identities)))
            for index in range(len(faces.labels)):
                with contextlib.suppress(DataError):
                    faces.photos.content(index)

    return check


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_any_bytes_end_in_a_result_or_our_error(check, data: st.DataObject) -> None:
    check(data)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_many_bytes_end_in_a_result_or_our_error(check, data: st.DataObject) -> None:
    check(data)

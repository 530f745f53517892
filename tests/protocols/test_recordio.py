"""RecordIO: what is written is read back, also by others' logic; damage is one clear error."""

import contextlib
import io
import os
import pickle
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from protocols.errors import BadInput, DataError, DatasetUnavailable
from protocols.photos import Photos
from protocols.record_photos import Property, RecordNames, RecordPhotos, read_property
from protocols.record_writer import RecordWriter, pack_record
from protocols.recordio import RecordFile, read_index

MAGIC = b"\x0a\x23\xd7\xce"


def png(grey: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 3), (grey, grey, grey)).save(file, "PNG")
    return file.getvalue()


PICTURES = [png(grey) for grey in range(6)]
IDENTITIES = [0, 0, 1, 2, 2, 2]
PARTS = [".property.part", ".train.idx.part", ".train.rec.part"]


def put(folder: Path, records: bytes, index: bytes | None = None) -> Path:
    path = folder / "train.rec"
    path.write_bytes(records)
    if index is not None:
        (folder / "train.idx").write_bytes(index)
    return path


def write(
    folder: Path, pictures: Sequence[bytes] = PICTURES, identities: Sequence[int] = IDENTITIES
) -> Path:
    with RecordWriter(folder, height=3, width=4) as writer:
        for picture, identity in zip(pictures, identities, strict=True):
            writer.add(picture, identity)
    return folder / "train.rec"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# A file put together by hand: key 5 is whole with label 2; key 3 has two labels and a picture with
# the magic number at bytes 4 and 12 of it (36 and 44 of the content), so it has three parts; key 9
# has the magic number at a place that is not aligned, and 3 bytes of padding.
GOLDEN = b"".join(
    [
        struct.pack("<II", 0xCED7230A, 24 + 4) + struct.pack("<IfQQ", 0, 2.0, 5, 0) + b"five",
        struct.pack("<II", 0xCED7230A, 1 << 29 | 36)
        + struct.pack("<IfQQff", 2, 7.0, 3, 8, 1.0, 0.5)
        + b"head",
        struct.pack("<II", 0xCED7230A, 2 << 29 | 4) + b"body",
        struct.pack("<II", 0xCED7230A, 3 << 29 | 6) + b"tailed\0\0",
        struct.pack("<II", 0xCED7230A, 24 + 5) + struct.pack("<IfQQ", 0, 0.0, 9, 1),
        b"x" + MAGIC + b"\0\0\0",
    ]
)
GOLDEN_INDEX = b"5\t0\n3\t36\n9\t108\n"
GOLDEN_CONTENT = {3: b"head" + MAGIC + b"body" + MAGIC + b"tailed", 5: b"five", 9: b"x" + MAGIC}


@pytest.mark.parametrize("index", [GOLDEN_INDEX, GOLDEN_INDEX.replace(b"\n", b"\r\n"), None])
def test_a_file_made_by_hand_is_read(tmp_path: Path, index: bytes | None) -> None:
    file = RecordFile.open(put(tmp_path, GOLDEN, index))
    assert file.keys.tolist() == [3, 5, 9]
    assert file.offsets.tolist() == [36, 0, 108]
    for key, content in GOLDEN_CONTENT.items():
        assert file.read_image(key).content == content
    three, five, nine = (file.read_image(key) for key in (3, 5, 9))
    assert (three.labels.tolist(), three.id, three.id2) == ([1.0, 0.5], 3, 8)
    assert (five.labels.tolist(), five.id, five.id2) == ([2.0], 5, 0)
    assert (nine.labels.tolist(), nine.id, nine.id2) == ([0.0], 9, 1)
    assert file.image_labels(np.array([9, 3, 5, 3])).tolist() == [0.0, 1.0, 2.0, 1.0]
    keys, identities = file.image_keys()
    assert (keys.tolist(), identities) == ([3, 5, 9], None)


def test_the_file_made_by_hand_is_what_is_written() -> None:
    ours = [
        struct.pack("<IfQQ", 0, 2.0, 5, 0) + GOLDEN_CONTENT[5],
        struct.pack("<IfQQff", 2, 7.0, 3, 8, 1.0, 0.5) + GOLDEN_CONTENT[3],
        struct.pack("<IfQQ", 0, 0.0, 9, 1) + GOLDEN_CONTENT[9],
    ]
    assert b"".join(piece for content in ours for piece in pack_record(content)) == GOLDEN


@pytest.mark.parametrize("at", range(0, 28, 4))
def test_a_header_may_be_split(tmp_path: Path, at: int) -> None:
    content = bytearray(struct.pack("<IfQQf", 1, 0.0, 0, 0, 3.0) + b"picture")
    content[at : at + 4] = MAGIC
    packed = b"".join(pack_record(bytes(content)))
    assert packed.count(MAGIC) == 2
    file = RecordFile.open(put(tmp_path, packed, b"1\t0\n"))
    assert file.read(1) == content
    number = struct.unpack("<f", MAGIC)[0]
    if at == 0:  # so many labels are not there
        with pytest.raises(BadInput, match=r"record 1: .*3,470,205,706 labels"):
            file.read_image(1)
    else:
        assert file.image_labels(np.array([1])).tolist() == [number if at == 24 else 3.0]
        assert file.read_image(1).content == b"picture"


def test_each_part_is_padded(tmp_path: Path) -> None:
    packed = MAGIC + struct.pack("<I", 1 << 29 | 3) + b"abc\0"
    packed += MAGIC + struct.pack("<I", 3 << 29 | 2) + b"de\0\0"
    assert RecordFile.open(put(tmp_path, packed, b"1\t0\n")).read(1) == b"abc" + MAGIC + b"de"


PAYLOAD = st.lists(
    st.one_of(st.binary(max_size=9), st.just(MAGIC), st.just(MAGIC[:2]), st.just(MAGIC[1:]))
).map(b"".join)


@given(st.lists(PAYLOAD, min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_any_content_comes_back(folder: Path, contents: list[bytes]) -> None:
    packed, index = b"", ""
    for key, content in enumerate(contents):
        index += f"{key}\t{len(packed)}\n"
        packed += b"".join(pack_record(content))
    assert len(packed) % 4 == 0
    words = [packed[at : at + 4] for at in range(0, len(packed), 4)]
    splits = sum(
        content[at : at + 4] == MAGIC
        for content in contents
        for at in range(0, len(content) - 3, 4)
    )
    assert words.count(MAGIC) == len(contents) + splits  # aligned, it only ever begins a part
    file = RecordFile.open(put(folder, packed, index.encode()))
    assert [file.read(key) for key in range(len(contents))] == contents


@given(st.lists(PAYLOAD.filter(len), min_size=6, max_size=6))
@settings(max_examples=100, deadline=None)
def test_any_picture_comes_back(folder: Path, pictures: list[bytes]) -> None:
    for file in folder.iterdir():
        file.unlink()
    path = write(folder, pictures)
    with_index = RecordFile.open(path)
    (folder / "train.idx").unlink()
    for file in (with_index, RecordFile.open(path)):
        keys, identities = file.image_keys()
        assert (keys.tolist(), identities) == ([1, 2, 3, 4, 5, 6], 3)
        assert file.image_labels(keys).tolist() == IDENTITIES
        photos = RecordPhotos(file, keys)
        assert [photos.content(index) for index in range(6)] == pictures


def insightface_reads(folder: Path) -> tuple[list[tuple[int, bytes]], list[tuple[int, int]]]:
    """What insightface's data set class takes from the files, written anew from their format."""
    content = (folder / "train.rec").read_bytes()
    lines = (folder / "train.idx").read_text().splitlines()
    offsets = {int(key): int(at) for key, at in (line.split("\t") for line in lines)}

    def unpack(key: int) -> tuple[list[float], bytes]:
        at, whole = offsets[key], b""
        while True:
            magic, number = struct.unpack_from("<II", content, at)
            assert magic == 0xCED7230A
            kind, length = divmod(number, 2**29)
            whole += content[at + 8 : at + 8 + length]
            if kind in (0, 3):
                break
            whole += content[at : at + 4]
            at += 8 + (length + 3) // 4 * 4
        flag, label, _, _ = struct.unpack_from("<IfQQ", whole)
        labels = list(struct.unpack_from(f"<{flag}f", whole, 24)) if flag else [label]
        return labels, whole[24 + 4 * flag :]

    end, last = (int(label) for label in unpack(0)[0])
    pictures = [(int(labels[0]), picture) for labels, picture in map(unpack, range(1, end))]
    ranges = [(int(first), int(stop)) for first, stop in (unpack(k)[0] for k in range(end, last))]
    assert set(offsets) == set(range(last))
    return pictures, ranges


def test_what_we_write_is_read_as_insightface_does(tmp_path: Path) -> None:
    pictures = [*PICTURES[:5], b"1234" + MAGIC + b"5"]
    write(tmp_path, pictures)
    read, ranges = insightface_reads(tmp_path)
    assert read == list(zip(IDENTITIES, pictures, strict=True))
    assert ranges == [(1, 3), (3, 4), (4, 7)]
    assert (tmp_path / "property").read_text().strip() == "3,3,4"
    assert names_in(tmp_path) == ["property", "train.idx", "train.rec"]


def test_pictures_are_read_by_position_and_named_by_key(tmp_path: Path) -> None:
    file = RecordFile.open(write(tmp_path))
    photos = RecordPhotos(file, file.image_keys()[0])
    assert isinstance(photos, Photos)
    assert list(photos.names) == [f"record {key}" for key in range(1, 7)]
    assert (photos.names[-1], list(photos.names[1:3])) == ("record 6", ["record 2", "record 3"])
    assert photos.read(4).tolist() == [[[4, 4, 4]] * 4] * 3
    with pytest.raises(BadInput, match=r"train\.rec, record 0: expected a picture"):
        RecordPhotos(file, np.array([0])).read(0)


def test_names_are_compared_as_what_they_are(tmp_path: Path) -> None:
    file = RecordFile.open(write(tmp_path))
    names = RecordPhotos(file, file.image_keys()[0]).names
    assert names == names
    assert names != RecordNames(np.array([1, 2, 3]))
    assert len({names, RecordNames(np.array([1]))}) == 2


def checksum(photos: RecordPhotos, index: int) -> int:
    return zlib.crc32(photos.content(index))


def test_many_processes_read_at_once(tmp_path: Path) -> None:
    file = RecordFile.open(write(tmp_path))
    photos = pickle.loads(pickle.dumps(RecordPhotos(file, file.image_keys()[0])))
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        sums = list(pool.map(checksum, [photos] * 60, list(range(6)) * 10))
    assert sums == [zlib.crc32(picture) for picture in PICTURES] * 10


def test_record_0_of_other_files_is_a_picture(tmp_path: Path) -> None:
    packed = b"".join(pack_record(struct.pack("<IfQQ", 0, 1.0, 0, 0) + PICTURES[0]))
    file = RecordFile.open(put(tmp_path, packed, b"0\t0\n"))
    keys, identities = file.image_keys()
    assert (keys.tolist(), identities) == ([0], None)


def announcing(folder: Path, *labels: float) -> RecordFile:
    """A file of four pictures whose record 0 says something else."""
    path = write(folder)
    head = struct.pack(f"<IfQQ{len(labels)}f", len(labels), 0.0, 0, 0, *labels)
    lines = (folder / "train.idx").read_text().splitlines()
    lines = [line for line in lines if not line.startswith("0\t")]
    lines.append(f"0\t{path.stat().st_size}")
    path.write_bytes(path.read_bytes() + b"".join(pack_record(head)))
    (folder / "train.idx").write_text("\n".join(lines))
    return RecordFile.open(path)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ((11.0, 12.0), "record 0: expected the key after the last picture, 2 to 10, found 11"),
        ((1.0, 3.0), "2 to 10, found 1"),
        ((2.5, 3.0), "2 to 10, found 2.5"),
        ((float("nan"), 3.0), "2 to 10, found nan"),
        ((float("inf"), 3.0), "2 to 10, found inf"),
        ((7.0, 7.0), "record 0: expected the key after the last identity, more than 7, found 7"),
        ((7.0, 1e30), "more than 7, found 1e\\+30"),
        ((7.0, float("nan")), "more than 7, found nan"),
    ],
)
def test_record_0_must_announce_what_is_there(
    tmp_path: Path, labels: tuple[float, ...], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        announcing(tmp_path, *labels).image_keys()


def test_record_0_may_say_nothing_of_identities(tmp_path: Path) -> None:
    keys, identities = announcing(tmp_path, 5.0).image_keys()
    assert (keys.tolist(), identities) == ([1, 2, 3, 4], None)


def test_announced_records_must_be_in_the_index(tmp_path: Path) -> None:
    write(tmp_path)
    index = tmp_path / "train.idx"
    index.write_text(index.read_text().replace("\n4\t", "\n40\t"))
    with pytest.raises(BadInput, match=r"idx, record 4: expected records 1 to 6, found record 5"):
        RecordFile.open(tmp_path / "train.rec").image_keys()


AT_ONCE = [
    (GOLDEN, 4, f"expected the bytes {MAGIC.hex()} at byte 4, found 1c000000"),
    (GOLDEN, 72, f"expected the bytes {MAGIC.hex()} at byte 72, found 0000003f"),
    (GOLDEN, 80, "expected a whole record or a first part at byte 80, found kind 2"),
    (b"\0" + GOLDEN[1:], 0, "expected the bytes 0a23d7ce at byte 0, found 0023d7ce"),
    (MAGIC + b"\x24\0\0\x40" + bytes(36), 0, "a whole record or a first part .*found kind 2"),
    (MAGIC + b"\x24\0\0\x60" + bytes(36), 0, "a whole record or a first part .*found kind 3"),
    (MAGIC + b"\x24\0\0\x80" + bytes(36), 0, "a whole record or a first part .*found kind 4"),
    (GOLDEN, 999, "expected a record at byte 999, found the end of the file at 148"),
    (GOLDEN, 10**17, "found the end of the file at 148"),
    (GOLDEN, 141, "expected a record at byte 141, found the end of the file at 148"),
    (GOLDEN[:32], 0, "expected 28 bytes from byte 8 on, found the end of the file at 32"),
    (GOLDEN[:32], 10, "expected the bytes"),
    (b"", 0, "expected a record at byte 0, found the end of the file at 0"),
    (MAGIC + bytes(4), 0, "expected a header of 24 bytes and 0 labels of 4, found 0 bytes"),
    (MAGIC + b"\x18\0\0\0\2" + bytes(23), 0, "expected a header .* labels of 4, found 24 bytes"),
    (MAGIC + b"\0\0\0\x20" + GOLDEN[:36], 0, "expected a middle or last part at byte 8"),
]
WHEN_READ = [
    (GOLDEN[:85], 36, "expected a record at byte 80, found the end of the file at 85"),
    (GOLDEN[:80] + GOLDEN[:36], 36, "expected a middle or last part at byte 80, found kind 0"),
    (MAGIC + b"\x1c\0\0\0\2" + bytes(27), 0, "a header .* and 2 labels of 4, found 28 bytes"),
]


@pytest.mark.parametrize(("records", "offset", "message"), AT_ONCE + WHEN_READ)
def test_a_damaged_record_is_an_error_that_names_it(
    tmp_path: Path, records: bytes, offset: int, message: str
) -> None:
    file = RecordFile.open(put(tmp_path, records, f"17\t{offset}\n".encode()))
    with pytest.raises(BadInput, match=rf"train\.rec, record 17: .*{message}"):
        file.read_image(17)


@pytest.mark.parametrize(("records", "offset", "message"), AT_ONCE)
def test_most_damage_shows_when_labels_are_read(
    tmp_path: Path, records: bytes, offset: int, message: str
) -> None:
    file = RecordFile.open(put(tmp_path, records, f"17\t{offset}\n".encode()))
    with pytest.raises(BadInput, match=rf"train\.rec, record 17: .*{message}"):
        file.image_labels(np.array([17]))


def test_a_key_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    file = RecordFile.open(put(tmp_path, GOLDEN, GOLDEN_INDEX))
    for key in (0, 4, 10, -1):
        with pytest.raises(BadInput, match=rf"train\.idx, record {key}: expected such a record"):
            file.read(key)
        with pytest.raises(BadInput, match=rf"train\.idx, record {key}: expected such a record"):
            file.image_labels(np.array([5, key]))


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (GOLDEN[:-4], "record 2 of the file: expected 29 bytes from byte 116 on"),
        (GOLDEN[:100], "record 1 of the file: expected 6 bytes from byte 100 on"),
        (GOLDEN[36:] + b"\0", "record 2 of the file: expected a record at byte 112"),
        (
            GOLDEN + GOLDEN[:36],
            "record 3 of the file: .*, found id 5 of record 0 of the file again",
        ),
        (GOLDEN[80:], "record 0 of the file: expected a whole record or a first part"),
        (
            MAGIC + b"\x18\0\0\0" + bytes(8) + b"\xff" * 8 + bytes(8),
            "record 0 of the file: expected an id below 2⁶³",
        ),
    ],
)
def test_without_index_the_whole_file_must_be_sound(
    tmp_path: Path, records: bytes, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        RecordFile.open(put(tmp_path, records))


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (b"5 0\n", "line 1: expected a key, a tab and an offset, whole numbers, found '5 0'"),
        (b"5\t0\n\n3\t36\n", "line 2: expected a key"),
        (b"5\t-4\n", r"line 1: .*found '5\\t-4'"),
        (b"5\t0\n3\t1e3\n", "line 2"),
        (b"5\t0\t0\n", "line 1"),
        (b"5\t" + b"9" * 19, "line 1"),
        ("５\t0\n".encode(), "line 1"),
        (
            b"5\t0\n3\t36\n9\t40\n3\t108\n",
            "line 4: expected each key once, found 3 of line 2 again",
        ),
        (b"5\t0\n3\t36\n9\t36\n", "line 3: expected each offset once, found 36 of line 2 again"),
        (b"5\t0\n\xff\t3\n", "line 2: expected UTF-8 text"),
        (b"5\t0\n\0\t3\n", "line 2: expected text, found a NUL"),
    ],
)
def test_a_malformed_index_is_an_error_that_names_the_line(
    tmp_path: Path, index: bytes, message: str
) -> None:
    with pytest.raises(BadInput, match=rf"train\.idx, {message}"):
        RecordFile.open(put(tmp_path, GOLDEN, index))


def test_files_that_are_not_there_are_told(tmp_path: Path) -> None:
    for absent in (RecordFile.open, read_index, read_property):
        with pytest.raises(DatasetUnavailable, match="nothing"):
            absent(tmp_path / "nothing")
    with pytest.raises(BadInput, match="a path that can be looked at"):
        RecordFile.open(tmp_path / ("x" * 300))
    (tmp_path / ("x" * 252)).write_bytes(GOLDEN)
    with pytest.raises(BadInput, match=r"x\.idx: expected a path that can be looked at"):
        RecordFile.open(tmp_path / ("x" * 252))
    with pytest.raises(BadInput, match="expected at least one record, found none"):
        RecordFile.open(put(tmp_path, b"")).image_keys()
    with pytest.raises(BadInput, match="expected at least one record, found none"):
        RecordFile.open(put(tmp_path, GOLDEN, b"")).image_keys()


@pytest.mark.parametrize("text", ["10572,112,96", "10572, 112 ,96\n", "10572,112,96\r\n\n"])
def test_a_property_is_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "property").write_text(text, newline="")
    assert read_property(tmp_path / "property") == Property(10572, 112, 96)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "0 lines"),
        ("1,2,3\n4,5,6", "2 lines"),
        ("1,2", "'1,2'"),
        ("1,2,3,4", "'1,2,3,4'"),
        ("0,112,112", "'0,112,112'"),
        ("10,112,0", "'10,112,0'"),
        ("-1,112,112", "'-1,112,112'"),
        ("9999999999,1,1", "'9999999999,1,1'"),
    ],
)
def test_a_malformed_property_is_an_error(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "property").write_text(text)
    with pytest.raises(BadInput, match=f"property, line 1: expected identities, .*found {found}"):
        read_property(tmp_path / "property")


def fail_halfway(folder: Path) -> None:
    with RecordWriter(folder, height=3, width=4) as writer:
        writer.add(PICTURES[0], 0)
        assert names_in(folder) == PARTS
        raise ZeroDivisionError


def test_a_failed_writer_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        fail_halfway(tmp_path)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("failing", ["fsync", "train.rec", "train.idx", "property"])
def test_a_full_disk_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    replace = Path.replace

    def rename(part: Path, path: Path) -> Path:
        return fail() if path.name == failing else replace(part, path)  # type: ignore[return-value]

    monkeypatch.setattr(Path, "replace", rename)
    if failing == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space"):
        write(tmp_path)
    assert names_in(tmp_path) == []


def test_a_killed_writer_leaves_no_file_under_a_final_name(project: Path, tmp_path: Path) -> None:
    code = (
        "import os, signal\nfrom pathlib import Path\n"
        "from protocols.record_writer import RecordWriter\n"
        f"with RecordWriter(Path({str(tmp_path)!r}), height=3, width=4) as writer:\n"
        "    for number in range(1000):\n        writer.add(b'x' * 1000, number)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, check=False)
    assert done.returncode == -signal.SIGKILL
    assert names_in(tmp_path) == PARTS
    write(tmp_path)  # what is left over is no hindrance
    assert len(insightface_reads(tmp_path)[0]) == 6
    assert names_in(tmp_path) == ["property", "train.idx", "train.rec"]


@pytest.mark.parametrize("name", ["train.rec", "train.idx", "property"])
def test_a_file_is_never_written_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"old")
    with pytest.raises(BadInput, match=f"{name}: expected a name for a new file"):
        RecordWriter(tmp_path, height=3, width=4)
    assert names_in(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == b"old"


@pytest.mark.parametrize("name", ["train.rec", "train.idx", "property"])
@pytest.mark.parametrize("link", [False, True])
def test_a_file_that_appears_meanwhile_is_not_written_over(
    tmp_path: Path, name: str, link: bool
) -> None:
    with pytest.raises(BadInput, match=f"{name}: expected a name for a new file"):
        write_while_another(tmp_path, name, link)
    assert names_in(tmp_path) == [name]
    if link:
        assert (tmp_path / name).readlink() == Path("nothing")
    else:
        assert (tmp_path / name).read_bytes() == b"new"


def write_while_another(folder: Path, name: str, link: bool) -> None:
    with RecordWriter(folder, height=3, width=4) as writer:
        writer.add(PICTURES[0], 0)
        if link:
            (folder / name).symlink_to("nothing")
        else:
            (folder / name).write_bytes(b"new")


@pytest.mark.parametrize("identities", [[1], [0, 2], [0, 1, 0], [0, -1], [-1]])
def test_identities_come_in_order(tmp_path: Path, identities: list[int]) -> None:
    with pytest.raises(ValueError, match=rf"identity {identities[-1]} after"):
        write(tmp_path, PICTURES[: len(identities)], identities)
    assert names_in(tmp_path) == []


def test_nothing_empty_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="an empty picture"):
        write(tmp_path, [*PICTURES[:5], b""])
    with pytest.raises(ValueError, match="no picture"):
        write(tmp_path, [], [])
    assert names_in(tmp_path) == []


def test_more_than_float32_can_count_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = len(PICTURES) + len(set(IDENTITIES)) + 1
    monkeypatch.setattr("protocols.record_writer.MOST_KEYS", most - 1)
    with pytest.raises(ValueError, match="more than 9 pictures and identities"):
        write(tmp_path)
    monkeypatch.setattr("protocols.record_writer.MOST_KEYS", most)
    write(tmp_path)


def seeds() -> list[tuple[bytes, bytes, bytes]]:
    """Valid triples of .rec, .idx and property."""
    records, lines = b"", []
    heads = [(0, 3.0, 5.0), (1, 0.0), (2, 1.0), (3, 1.0, 3.0), (4, 1.0, 2.0)]
    for key, *labels in heads:
        lines.append(f"{key}\t{len(records)}")
        head = struct.pack(f"<IfQQ{len(labels)}f", len(labels), 0.0, key, 0, *labels)
        records += b"".join(pack_record(head + (b"pic" + b"1" + MAGIC + b"2") * (key in (1, 2))))
    return [
        (GOLDEN, GOLDEN_INDEX, b"3,112,112\n"),
        (records, "\n".join(lines).encode(), b"2,4,3"),
    ]


HOSTILE = [b"", b"..", b"-1", b"1e999", b"nan", b"9" * 17, b"9" * 30, b"\0", b"\r", b"\t", b"\n"]
HOSTILE += [
    "\ufeff".encode(),
    b"/etc/passwd",
    MAGIC,
    b"\xff\xff\xff\xff",
    b"\0\0\x80\x7f",
    b"\0" * 8,
]


@st.composite
def damaged(draw: st.DrawFn, valid: bytes) -> bytes:
    """A valid file with bytes cut, repeated or replaced."""
    content = bytearray(valid)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        end = at + draw(st.integers(0, 12))
        again = bytes(content[at:end]) * 2
        hostile = st.one_of(st.just(again), st.binary(max_size=4), st.sampled_from(HOSTILE))
        content[at:end] = draw(hostile)
    return bytes(content)


def files(valid: bytes) -> st.SearchStrategy[bytes]:
    return st.one_of(damaged(valid), st.binary(max_size=100))


FILES = st.sampled_from(seeds()).flatmap(lambda three: st.tuples(*map(files, three)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("records")


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[bytes, ...]], None]:
    folder = tmp_path_factory.mktemp("fuzz")
    path, alone = folder / "train.rec", folder / "alone.rec"

    def check(content: tuple[bytes, ...]) -> None:
        """Any bytes end in a result or in one of our errors."""
        records, index, about = content
        for file in (path, alone):
            file.write_bytes(records)
        (folder / "train.idx").write_bytes(index)
        (folder / "property").write_bytes(about)
        with contextlib.suppress(DataError):
            assert read_property(folder / "property").identities > 0
        for opened in (path, alone):
            with contextlib.suppress(DataError):
                file = RecordFile.open(opened)
                for key in file.keys.tolist():
                    with contextlib.suppress(DataError):
                        file.read_image(key)
                keys, _ = file.image_keys()
                assert len(file.image_labels(keys)) == len(keys)

    return check


@given(FILES)
@settings(max_examples=50, deadline=None)
def test_any_bytes_end_in_a_result_or_our_error(check, content: tuple[bytes, ...]) -> None:
    check(content)


@pytest.mark.slow
@given(FILES)
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_many_bytes_end_in_a_result_or_our_error(check, content: tuple[bytes, ...]) -> None:
    check(content)


@given(st.sampled_from(seeds()), st.data())
@settings(max_examples=100, deadline=None)
def test_many_heads_at_once_are_those_read_one_by_one(
    folder: Path, valid: tuple[bytes, bytes, bytes], data: st.DataObject
) -> None:
    records = data.draw(damaged(valid[0]))
    file = RecordFile.open(put(folder, records, valid[1]))
    for key in file.keys.tolist():
        try:
            expected = float(file.read_image(key).labels[0])
        except BadInput:
            continue  # reading all of it may find more than reading its beginning
        np.testing.assert_equal(float(file.image_labels(np.array([key]))[0]), expected)

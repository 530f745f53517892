"""Photos of a list: found once a folder, never outside of the root, and each absence is told."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from protocols.errors import BadInput, DatasetUnavailable
from protocols.photos import (
    FolderPhotos,
    Missing,
    PackedPhotos,
    Photos,
    check_relative,
    find_photos,
)

NAMES = ("Ann/1.jpg", "top.jpg", "Bob/deep/2.jpg")
HOW = "Ask for it."


def find(
    root: Path, names: tuple[str, ...] = NAMES, missing: Missing = "failure-to-enrol"
) -> tuple[FolderPhotos, list[int]]:
    """The photos, and which of them are absent."""
    photos, absent = find_photos(root, names, listed_in=root / "list.txt", how=HOW, missing=missing)
    return photos, np.flatnonzero(absent).tolist()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for index, name in enumerate(NAMES):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(f"photo {index}".encode())
    return root


def png(value: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (3, 2), (value, 0, 1)).save(file, "PNG")
    return file.getvalue()


def test_photos_are_found_in_the_order_of_the_list(root: Path) -> None:
    photos, absent = find(root)
    assert absent == []
    assert isinstance(photos, Photos)
    assert photos.names == NAMES
    assert [photos.content(index) for index in range(3)] == [b"photo 0", b"photo 1", b"photo 2"]


def test_a_photo_is_decoded_or_the_error_names_its_file(root: Path) -> None:
    (root / "top.jpg").write_bytes(png(200))
    photos, _ = find(root)
    assert photos.read(1).tolist() == [[[200, 0, 1]] * 3] * 2
    with pytest.raises(BadInput, match=r"Ann/1\.jpg"):
        photos.read(0)


def test_a_photo_that_vanished_is_an_error(root: Path) -> None:
    photos, _ = find(root)
    (root / "top.jpg").unlink()
    with pytest.raises(BadInput, match=r"top\.jpg: expected a picture, found No such file"):
        photos.content(1)


def test_absent_photos_are_marked_or_the_first_is_named(root: Path) -> None:
    names = (
        "top.jpg",
        "none.jpg",
        "Ann/1.jpg",
        "Bob/deep/2.jpg",
        "nobody/1.jpg",
        "Ann",
        "Ann/1.jpg/x.jpg",
        "Bob/deep",
    )
    _, absent = find(root, names)
    assert absent == [1, 4, 5, 6, 7]  # folders and what lies "in" a file are no photos
    with pytest.raises(DatasetUnavailable, match=r"none\.jpg, .*\(and 4 more of 8.*Ask for it"):
        find(root, names, "refuse")
    with pytest.raises(DatasetUnavailable, match=r"^none\.jpg, which list\.txt names is not at"):
        find(root, names[:2], "refuse")


def test_photos_that_are_not_needed_are_not_looked_for_but_their_names_are_checked(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "link.jpg").symlink_to("/etc/passwd")
    monkeypatch.setattr(os, "scandir", None)
    photos, absent = find(root, ("none.jpg", "Ann/1.jpg", "link.jpg"), "not-needed")
    assert photos.names == ("none.jpg", "Ann/1.jpg", "link.jpg")
    assert absent == []
    with pytest.raises(BadInput, match="photo 1: expected a path below the root"):
        find(root, ("../1.jpg",), "not-needed")


def test_without_a_root_all_are_absent(tmp_path: Path) -> None:
    _, absent = find(tmp_path / "none")
    assert absent == [0, 1, 2]


def test_a_photo_that_is_listed_again_is_an_error(root: Path) -> None:
    with pytest.raises(BadInput, match=r"photo 3: expected each photo once, found top\.jpg of"):
        find(root, ("top.jpg", "Ann/1.jpg", "top.jpg"))


def test_records_name_the_lines_in_messages(root: Path) -> None:
    with pytest.raises(BadInput, match=r"list\.txt, line 7: .*'\.\./x\.jpg'"):
        find_photos(
            root,
            ("top.jpg", "../x.jpg"),
            listed_in=root / "list.txt",
            how=HOW,
            records=("line 6", "line 7"),
        )


@pytest.mark.parametrize("name", ["file.jpg", "folder/1.jpg"])
def test_a_link_out_of_the_root_is_refused(root: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/1.jpg").touch()
    (root / "file.jpg").symlink_to(tmp_path / "outside/1.jpg")
    (root / "folder").symlink_to(tmp_path / "outside")
    with pytest.raises(BadInput, match="photo 2: expected a path within"):
        find(root, ("top.jpg", name))


def test_a_link_to_a_neighbour_whose_name_begins_alike_is_refused(root: Path) -> None:
    (root.parent / "root2").mkdir()
    (root.parent / "root2/1.jpg").touch()
    (root / "link.jpg").symlink_to(root.parent / "root2/1.jpg")
    with pytest.raises(BadInput, match="a path within"):
        find(root, ("link.jpg",))


def test_links_within_the_root_are_followed(root: Path) -> None:
    (root / "file.jpg").symlink_to("Ann/1.jpg")
    (root / "folder").symlink_to("Bob/deep")
    (root / "dangling.jpg").symlink_to("Ann/9.jpg")
    (root / "to-folder.jpg").symlink_to("Ann")
    names = ("file.jpg", "folder/2.jpg", "dangling.jpg", "to-folder.jpg")
    photos, absent = find(root, names)
    assert absent == [2, 3]
    assert photos.content(0) == b"photo 0"
    assert photos.content(1) == b"photo 2"


def test_a_root_that_is_a_link_is_as_good_as_any(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert find(tmp_path / "link")[1] == []


@pytest.mark.parametrize("name", ["self.jpg", "ring/1.jpg"])
def test_links_in_a_circle_are_one_error(root: Path, name: str) -> None:
    (root / "self.jpg").symlink_to("self.jpg")
    (root / "ring").symlink_to("gnir")
    (root / "gnir").symlink_to("ring")
    with pytest.raises(BadInput, match="photo 2: expected a path within"):
        find(root, ("top.jpg", name))


def test_a_folder_that_cannot_be_read_is_one_error(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = os.scandir

    def refuse(folder: Path) -> Iterator[os.DirEntry[str]]:
        if folder.name == "Ann":
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)  # whoever runs this may be allowed everything
    with pytest.raises(BadInput, match=r"photo 2: .*'Ann': Permission denied"):
        find(root, ("top.jpg", "Ann/1.jpg"))


def test_a_link_that_cannot_be_followed_is_one_error(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "link.jpg").symlink_to("Ann/1.jpg")

    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(BadInput, match=r"photo 1: .*'link\.jpg': Permission denied"):
        find(root, ("link.jpg",))


def test_names_that_no_disk_can_hold_are_absent_or_one_error(root: Path) -> None:
    assert find(root, (f"{'x' * 300}.jpg",))[1] == [0]
    with pytest.raises(BadInput, match=r"photo 1: .*too long"):
        find(root, (f"{'x' * 300}/1.jpg",))
    with pytest.raises(BadInput, match="photo 1"):
        find(root, (f"{'x/' * 5000}1.jpg",))


def test_a_folder_is_looked_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many photos it has; and no photo is looked at by itself."""
    scan, seen = os.scandir, []
    names = tuple(f"{folder}/{index}.jpg" for index in range(500) for folder in ("Ann", "Bob"))

    def note(folder: Path) -> Iterator[os.DirEntry[str]]:
        seen.append(folder)
        return scan(folder)

    monkeypatch.setattr(os, "scandir", note)
    assert len(find(root, names)[1]) == 999
    assert seen == [root / "Ann", root / "Bob"]


def test_packed_photos_have_numbers_for_names() -> None:
    photos = PackedPhotos(Path("lfw.bin"), (png(7), b"no picture"))
    assert isinstance(photos, Photos)
    assert tuple(photos.names) == ("picture 0", "picture 1")
    assert photos.content(1) == b"no picture"
    assert photos.read(0)[0, 0].tolist() == [7, 0, 1]
    with pytest.raises(BadInput, match=r"lfw\.bin, picture 1"):
        photos.read(1)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a.jpg", ("", "a.jpg")),
        ("b/a.jpg", ("b", "a.jpg")),
        ("c d/b/..a.jpg", ("c d/b", "..a.jpg")),
        ("é/ß 1\u202fPM.png", ("é", "ß 1\u202fPM.png")),
    ],
)
def test_a_path_is_taken_apart(name: str, parts: tuple[str, str]) -> None:
    assert check_relative(name, Path("list"), "line 1") == parts


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "/", "/a", "a/", "a//b", "./a", "a/./b", "../a", "a/..", "a/../b"),
        *("a\\b", "a\0", "a\nb", "a\x1b[0m", "a\u202eb", "a\u2028b", "\ud800"),
    ],
)
def test_a_path_that_climbs_or_cannot_be_printed_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="list, line 3: expected a path below the root") as error:
        check_relative(name, Path("list"), "line 3")
    assert str(error.value).isprintable()


@given(st.lists(st.sampled_from(["a", "..", ".", "", "/", "\\", "~", "é", "\0", " "])).map("".join))
@settings(max_examples=300, deadline=None)
def test_what_is_let_through_stays_below_the_root(name: str) -> None:
    try:
        folder, file = check_relative(name, Path("list"), "line 1")
    except BadInput:
        return
    assert os.path.normpath(name) == name
    assert os.path.normpath(f"/root/{name}").startswith("/root/")
    assert os.path.split(name) == (folder, file)


@given(st.text(max_size=20))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_path_below_the_root_or_one_error(name: str) -> None:
    try:
        folder, file = check_relative(name, Path("list"), "line 1")
    except BadInput:
        return
    assert (f"{folder}/{file}" if folder else file) == name == os.path.normpath(name)
    assert not name.startswith("/")

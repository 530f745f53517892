"""LFW: the real lists have the published counts; a damaged line gives one error that names it."""

import contextlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.errors import BadInput, DataError, DatasetUnavailable
from protocols.lfw import FOLDERS, load, read_pairs
from protocols.photos import Missing

LINES = [
    "2\t2",
    "Ann\t1\t2",
    "Ann\t3\t1",
    "Ann\t1\tBob\t1",
    "Ann\t2\tCid_von-X\t12",
    "Dee\t1\t2",
    "Eve\t1\t10",
    "Dee\t1\tEve\t1",
    "Dee\t2\tFay\t1",
]


def put(folder: Path, lines: list[str], name: str = "mine.txt") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def put_photos(folder: Path, lines: list[str] = LINES) -> None:
    """An empty file for each photo that the lines name."""
    for line in lines[1:]:
        fields = line.split("\t")
        for person, number in ((fields[0], fields[1]), (fields[-2], fields[-1])):
            name = person if len(fields) == 4 else fields[0]
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name / f"{name}_{int(number):04d}.jpg").touch()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "lfw"
    put_photos(root / "lfw-deepfunneled")
    return root


def test_pairs_photos_and_subjects_are_those_of_the_list(root: Path) -> None:
    protocol = load(root, pairs=put(root, LINES))
    pairs, names = protocol.pairs, protocol.samples.photos.names
    sides = [
        (names[left], names[right]) for left, right in zip(pairs.left, pairs.right, strict=True)
    ]
    assert sides[:4] == [
        ("Ann/Ann_0001.jpg", "Ann/Ann_0002.jpg"),
        ("Ann/Ann_0003.jpg", "Ann/Ann_0001.jpg"),
        ("Ann/Ann_0001.jpg", "Bob/Bob_0001.jpg"),
        ("Ann/Ann_0002.jpg", "Cid_von-X/Cid_von-X_0012.jpg"),
    ]
    assert pairs.genuine.tolist() == [True, True, False, False] * 2
    assert pairs.fold is not None
    assert pairs.fold.tolist() == [0] * 4 + [1] * 4
    assert len(protocol.samples) == len(set(names)) == 10
    person = [name.split("/")[0] for name in names]
    same = np.equal.outer(protocol.templates.subjects, protocol.templates.subjects)
    assert np.array_equal(same, [[a == b for b in person] for a in person])
    assert not protocol.samples.absent.any()
    assert protocol.rule == "mine.txt, photos of lfw-deepfunneled"
    assert protocol.counted == "as many as the header of mine.txt says"
    assert [one.path.name for one in protocol.inputs] == ["mine.txt"]


def test_blanks_or_tabs_lf_or_crlf_are_the_same(root: Path) -> None:
    once = load(root, pairs=put(root, LINES))
    again = load(root, pairs=put(root, [line.replace("\t", "  ") + "\r" for line in LINES]))
    assert once.digest == again.digest
    assert load(root, pairs=put(root, ["1\t4", *LINES[1:3], *LINES[5:7], *LINES[3:5], *LINES[7:]]))


def test_a_header_of_one_number_is_one_fold(root: Path) -> None:
    protocol = load(root, pairs=put(root, ["2", *LINES[1:5]]))
    assert protocol.pairs.fold is not None
    assert protocol.pairs.fold.tolist() == [0, 0, 0, 0]
    assert protocol.pairs.genuine.tolist() == [True, True, False, False]


def change(line: int, text: str) -> list[str]:
    """The lines with one of them (counted from 1) written anew."""
    return [text if number == line else old for number, old in enumerate(LINES, 1)]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "line 1: expected folds and pairs a fold"),
        (change(1, "2\t2\t2"), "line 1: expected folds"),
        (change(1, "2\t0"), "line 1: expected folds"),
        (change(1, "-2\t2"), "line 1: expected folds"),
        (change(1, "2\t9999999"), "line 1: expected folds"),
        (change(1, "3\t2"), r"number of lines: expected 13, as line 1 says.*found 9"),
        ([*LINES, "Dee\t1\t3"], r"number of lines: expected 9, .*found 10"),
        (LINES[:-1], r"number of lines: expected 9, .*found 8"),
        (change(3, "Ann\t3"), "line 3: expected 'NAME i j', .*found 2 fields"),
        (change(3, ""), "line 3: expected 'NAME i j', .*found 0 fields"),
        (change(3, "Ann\t1\tBob\t2"), "line 3: expected 'NAME i j'"),
        (change(4, "Ann\t1\t3"), "line 4: expected 'NAME1 i NAME2 j', found 3 fields"),
        (change(4, "Ann\t1\tBob\t2\t3"), "line 4: .*found 5 fields"),
        (change(3, "Ann\t0\t1"), "line 3: expected the number of a photo, 1 to 9999, found '0'"),
        (change(3, "Ann\t1\t10000"), "line 3: expected the number of a photo"),
        (change(3, "Ann\t1\t-2"), "line 3: expected the number of a photo"),
        (change(3, "Ann\t1\t²"), "line 3: expected the number of a photo"),
        (change(3, "../Ann\t1\t3"), "line 3: expected a person's name"),
        (change(3, "/etc\t1\t3"), "line 3: expected a person's name"),
        (change(3, "..\t1\t3"), "line 3: expected a person's name"),
        (change(3, "A..\t1\t3"), "line 3: expected a person's name"),
        (change(3, "A\\b\t1\t3"), "line 3: expected a path below the root"),
        (change(3, "A" * 300 + "\t1\t3"), "line 3: expected a person's name"),
        (change(4, "Ann\t1\tAnn\t2"), "line 4: expected two different people, found Ann twice"),
        (change(3, "Ann\t3\t3"), "line 3: expected two different photos, .*Ann_0003.jpg with"),
        (change(3, "Ann\t1\t2"), "line 3: expected each pair once, .*the pair of line 2 again"),
        (change(3, "Ann\t2\t1"), "line 3: expected each pair once, .*the pair of line 2 again"),
        (change(8, "Bob\t1\tAnn\t1"), "line 8: expected each pair once, .*of line 4 again"),
    ],
)
def test_a_malformed_list_names_its_line(root: Path, lines: list[str], message: str) -> None:
    path = put(root, lines)
    with pytest.raises(BadInput, match=message) as error:
        load(root, pairs=path)
    assert str(path) in str(error.value)


def test_other_bytes_than_text_name_their_line(root: Path) -> None:
    path = root / "pairs.txt"
    path.write_bytes("\n".join(LINES).encode() + b"\n\xff")
    with pytest.raises(BadInput, match=r"line 10: expected UTF-8"):
        load(root)


def test_the_first_folder_in_a_fixed_order_is_used_and_named(tmp_path: Path) -> None:
    path = put(tmp_path, LINES)
    with pytest.raises(DatasetUnavailable, match=r"folder of LFW's photos.*fetch\.py lfw"):
        load(tmp_path, pairs=path, missing="failure-to-enrol")
    used = []
    for folder in reversed([f"{home}{name}" for name in FOLDERS for home in ("", "lfw_home/")]):
        put_photos(tmp_path / folder)
        used.append(load(tmp_path, pairs=path).rule.removeprefix("mine.txt, photos of "))
    assert used == [
        "lfw_home",
        "the root",
        "lfw_home/lfw",
        "lfw",
        "lfw_home/lfw-funneled",
        "lfw-funneled",
        "lfw_home/lfw_funneled",
        "lfw_funneled",
        "lfw_home/lfw-deepfunneled",
        "lfw-deepfunneled",
    ]


def test_the_list_may_lie_in_the_home_but_the_root_is_asked_first(tmp_path: Path) -> None:
    (tmp_path / "lfw_home").mkdir()
    put_photos(tmp_path / "lfw_home" / "lfw_funneled")
    put(tmp_path / "lfw_home", LINES, "pairs.txt")
    with pytest.raises(BadInput, match=r"lfw_home/pairs\.txt, number of folds: expected 10"):
        load(tmp_path)
    put(tmp_path, ["no header"], "pairs.txt")
    with pytest.raises(BadInput, match=r"pairs\.txt, line 1") as error:
        load(tmp_path)
    assert "lfw_home" not in str(error.value)


def test_a_folder_of_photos_that_is_a_link_out_of_the_root_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    put_photos(tmp_path / "elsewhere")
    (root / "lfw").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match=r"folder of photos: expected a path within .*found 'lfw'"):
        load(root, pairs=put(root, LINES))


def test_a_photo_that_is_a_link_out_of_the_root_is_refused(root: Path) -> None:
    photo = root / "lfw-deepfunneled" / "Ann" / "Ann_0003.jpg"
    photo.unlink()
    photo.symlink_to("/etc/passwd")
    with pytest.raises(BadInput, match=r"mine\.txt, line 3: expected a path within"):
        load(root, pairs=put(root, LINES))


def test_a_missing_photo_is_an_error_or_marked_never_skipped(root: Path) -> None:
    path = put(root, LINES)
    (root / "lfw-deepfunneled" / "Eve" / "Eve_0010.jpg").unlink()
    with pytest.raises(DatasetUnavailable, match=r"Eve_0010\.jpg, which mine\.txt names is not"):
        load(root, pairs=path)
    protocol = load(root, pairs=path, missing="failure-to-enrol")
    names = np.array(protocol.samples.photos.names)
    assert names[protocol.samples.absent].tolist() == ["Eve/Eve_0010.jpg"]
    assert len(protocol.pairs) == 8


def test_the_official_name_asks_for_official_counts_or_those_of_the_root(root: Path) -> None:
    path = put(root, LINES, "pairs.txt")
    with pytest.raises(BadInput, match=r"number of folds: expected 10 \(official count"):
        load(root)
    with pytest.raises(BadInput, match=r"number of folds: expected 10 \(official count"):
        load(root, pairs=path)
    counts = {"folds": 2, "pairs": 8, "genuine": 4, "photos": 10}
    own = root / "counts.json"
    own.write_text(json.dumps({"why": "ten photos", "counts": counts}))
    protocol = load(root)
    assert protocol.counted == "counts.json (ten photos)"
    assert [one.path.name for one in protocol.inputs] == ["pairs.txt", "counts.json"]
    for name in counts:
        own.write_text(json.dumps({"why": "off", "counts": counts | {name: 11}}))
        with pytest.raises(BadInput, match=rf"number of {name}: expected 11 \(as counts\.json"):
            load(root)


def test_no_list_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match=r"LFW's list of pairs.*fetch\.py lfw"):
        load(tmp_path)
    with pytest.raises(DatasetUnavailable, match=r"no\.txt"):
        load(tmp_path, pairs=tmp_path / "no.txt")


@pytest.mark.parametrize("missing", ["refuse", "failure-to-enrol", "not-needed"])
def test_a_root_that_cannot_be_looked_at_is_our_error(tmp_path: Path, missing: Missing) -> None:
    for pairs in (None, put(tmp_path, LINES)):
        with pytest.raises(BadInput, match="a path that can be looked at"):
            load(tmp_path / ("x" * 300), pairs=pairs, missing=missing)


def test_the_real_list_has_the_published_counts(shared: Path) -> None:
    root = shared / "lfw"
    protocol = load(root, missing="failure-to-enrol")
    pairs = protocol.pairs
    assert protocol.counted == "official counts"
    assert (len(pairs), int(pairs.genuine.sum()), len(protocol.samples)) == (6000, 3000, 7701)
    assert pairs.fold is not None
    assert np.bincount(pairs.fold).tolist() == [600] * 10
    assert np.bincount(pairs.fold, pairs.genuine).tolist() == [300.0] * 10
    photos = root / "lfw-deepfunneled"
    there = np.array([(photos / name).is_file() for name in protocol.samples.photos.names])
    assert np.array_equal(protocol.samples.absent, ~there)
    assert int(there.sum()) == 7701 - 4627
    with pytest.raises(DatasetUnavailable, match=r"and 4,626 more of 7,701 photos"):
        load(root)


def test_the_real_folds_share_no_person(shared: Path) -> None:
    """``people.txt`` tells which people are in which fold: ten blocks, each after its length."""
    lines = (shared / "lfw" / "people.txt").read_text().splitlines()
    fold_of, at = {}, 1
    for fold in range(int(lines[0])):
        block = lines[at + 1 : at + 1 + int(lines[at])]
        fold_of |= {line.split("\t")[0]: fold for line in block}
        at += 1 + len(block)
    assert at == len(lines)
    for one in read_pairs(shared / "lfw" / "pairs.txt"):
        assert fold_of[one.left.person] == fold_of[one.right.person] == one.fold


@pytest.mark.parametrize(
    ("name", "pairs", "photos", "folds"),
    [
        ("lists/pairs_folds1to4.txt", 2400, 3074, 4),
        ("pairsDevTest.txt", 1000, 1549, 1),
        ("pairsDevTrain.txt", 2200, 3443, 1),
    ],
)
def test_the_other_real_lists(shared: Path, name: str, pairs: int, photos: int, folds: int) -> None:
    root = shared / "lfw"
    policy = "refuse" if folds == 4 else "failure-to-enrol"
    protocol = load(root, pairs=root / name, missing=policy)
    assert (len(protocol.pairs), len(protocol.samples)) == (pairs, photos)
    assert int(protocol.pairs.genuine.sum()) == pairs // 2
    assert protocol.pairs.fold is not None
    assert np.bincount(protocol.pairs.fold).tolist() == [pairs // folds] * folds
    assert protocol.samples.absent.any() == (folds != 4)
    assert protocol.counted == f"as many as the header of {Path(name).name} says"
    if folds == 4:
        whole = read_pairs(root / "pairs.txt")
        assert read_pairs(root / name) == whole[:2400]
        assert protocol.samples.photos.read(0).shape == (250, 250, 3)


HOSTILE = [b"", b"..", b"/etc", b"-1", b"1e9", b"nan", b"9" * 400, b"\0", b"\xef\xbb\xbf", b"\r"]
HOSTILE += [b"\n", b"\t", b"\xff", b"A" * 400, "\u2028".encode(), b"0", b"12345"]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """The valid list with pieces cut, repeated, exchanged or replaced."""
    pieces = re.split(rb"([\t\n])", "\n".join(LINES).encode())
    for _ in range(draw(st.integers(1, 4))):
        at, other = (draw(st.integers(0, len(pieces) - 1)) for _ in range(2))
        kind = draw(st.sampled_from(["cut", "repeat", "exchange", "replace", "line"]))
        if kind == "cut":
            del pieces[at : at + draw(st.integers(1, 8))]
        elif kind == "repeat":
            pieces[at:at] = pieces[at : at + draw(st.integers(1, 8))]
        elif kind == "exchange":
            pieces[at], pieces[other] = pieces[other], pieces[at]
        else:
            pieces[at] = draw(st.sampled_from(HOSTILE) if kind == "replace" else st.binary())
        pieces = pieces or [b""]
    return b"".join(pieces)


CONTENT = st.one_of(st.binary(max_size=200), damaged())


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], None]:
    root = tmp_path_factory.mktemp("lfw")
    put_photos(root)

    def check(content: bytes) -> None:
        """Any bytes end in a result or in one of our errors."""
        (root / "mine.txt").write_bytes(content)
        for missing in ("refuse", "failure-to-enrol"):
            with contextlib.suppress(DataError):
                protocol = load(root, pairs=root / "mine.txt", missing=missing)
                assert len(protocol.pairs) == 2 * int(protocol.pairs.genuine.sum())

    return check


@given(CONTENT)
@settings(max_examples=50, deadline=None)
def test_any_bytes_end_in_a_result_or_our_error(check, content: bytes) -> None:
    check(content)


@pytest.mark.slow
@given(CONTENT)
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_many_bytes_end_in_a_result_or_our_error(check, content: bytes) -> None:
    check(content)

"""IJB-B and IJB-C in insightface's layout: what is read, and what each mistake is told as."""

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols import ijb_release
from protocols.errors import BadInput, DataError, DatasetUnavailable
from protocols.ijb_release import load_identification, load_verification
from protocols.ijb_release_lists import read_subjects

FACES = "ijbb_face_tid_mid.txt"
POINTS = "ijbb_name_5pts_score.txt"
PAIRS = "ijbb_template_pair_label.txt"
S1, S2 = "ijbb_1N_gallery_S1.csv", "ijbb_1N_gallery_S2.csv"
PROBES = "ijbb_1N_probe_mixed.csv"
FILES = {
    FACES: "1.jpg 30 5\n2.jpg 30 5\n3.jpg 7 6\n4.jpg 900 5\n5.jpg 12 8\n6.jpg 30 9\n",
    POINTS: "".join(
        f"{face}.jpg {' '.join(str(face * 10 + axis + 0.5) for axis in range(10))} 0.{face}\n"
        for face in range(1, 7)
    ),
    PAIRS: "30 900 1\n7 900 0\n30 12 0\n7 12 0\n",
    S1: "TEMPLATE_ID,SUBJECT_ID,FILENAME\n30,100,a\n30,100,b\n30,100,c\n",
    S2: "TEMPLATE_ID,SUBJECT_ID,FILENAME\n7,101,a\n",
    PROBES: 'TEMPLATE_ID,SUBJECT_ID,FILENAME\n900,100,"a,\n12,102,\n',
}
COUNTS = {"photos": 6, "templates": 4, "pairs": 4, "genuine": 1}
COUNTS |= {"gallery S1": 1, "gallery S2": 1, "probes": 2}


def put(root: Path, **counts: int) -> Path:
    """A small IJB-B with photos; ``counts`` differ from the usual ones."""
    (root / "IJBB/meta").mkdir(parents=True)
    (root / "IJBB/loose_crop").mkdir()
    for name, text in FILES.items():
        (root / "IJBB/meta" / name).write_text(text)
    for face in range(1, 7):
        (root / f"IJBB/loose_crop/{face}.jpg").touch()
    content = {"why": "a test", "counts": COUNTS | counts}
    (root / "counts.json").write_text(json.dumps(content))
    return root


def edit(root: Path, name: str, old: str, new: str) -> None:
    path = root / "IJBB/meta" / name
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return put(tmp_path)


def test_faces_stand_where_the_lists_say(root: Path) -> None:
    protocol = load_verification(root, "IJB-B")
    samples, templates = protocol.samples, protocol.templates
    assert samples.photos.names == tuple(f"loose_crop/{face}.jpg" for face in range(1, 7))
    assert samples.photos.content(0) == b""
    assert samples.photo.tolist() == [0, 1, 2, 3, 4, 5]
    assert not samples.absent.any()
    assert samples.landmarks is not None
    assert samples.landmarks[1].tolist() == [
        [20.5, 21.5],
        [22.5, 23.5],
        [24.5, 25.5],
        [26.5, 27.5],
        [28.5, 29.5],
    ]
    assert samples.scores is not None
    np.testing.assert_allclose(samples.scores, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], rtol=1e-6)
    assert templates.ids.tolist() == [7, 12, 30, 900]
    assert templates.subjects.tolist() == [101, 102, 100, 100]
    assert templates.ids[templates.template].tolist() == [30, 30, 7, 900, 12, 30]
    assert templates.media.tolist() == [5, 5, 6, 5, 8, 9]


def test_pairs_are_positions_of_templates(root: Path) -> None:
    protocol = load_verification(root, "IJB-B")
    pairs = protocol.pairs
    assert pairs.left.tolist() == [2, 0, 2, 0]
    assert pairs.right.tolist() == [3, 3, 1, 1]
    assert pairs.genuine.tolist() == [True, False, False, False]
    assert protocol.name == "IJB-B"
    assert protocol.rule == f"insightface's IJB_release, {PAIRS}"
    assert protocol.counted == "counts.json (a test)"
    assert [one.path.name for one in protocol.inputs] == [
        FACES,
        POINTS,
        S1,
        S2,
        PROBES,
        PAIRS,
        "counts.json",
    ]


def test_galleries_and_probes(root: Path) -> None:
    protocol = load_identification(root, "IJB-B")
    assert {name: one.tolist() for name, one in protocol.galleries.items()} == {
        "S1": [2],
        "S2": [0],
    }
    assert {name: one.tolist() for name, one in protocol.probes.items()} == {
        "S1": [1, 3],
        "S2": [1, 3],
    }
    assert protocol.templates.subjects.tolist() == [101, 102, 100, 100]
    assert protocol.samples.landmarks is not None
    assert [one.path.name for one in protocol.inputs] == [
        FACES,
        POINTS,
        S1,
        S2,
        PROBES,
        "counts.json",
    ]
    assert protocol.digest != load_verification(root, "IJB-B").digest


def test_the_folder_itself_is_a_root_too(root: Path) -> None:
    (root / "counts.json").rename(root / "IJBB/counts.json")
    whole, inner = load_verification(root, "IJB-B"), load_verification(root / "IJBB", "IJB-B")
    assert whole.digest == inner.digest
    with pytest.raises(DatasetUnavailable, match=r"IJB_release's IJB-C is not at .*IJBC\."):
        load_verification(root, "IJB-C")


def test_ijb_c_has_its_own_names(root: Path) -> None:
    (root / "IJBB").rename(root / "IJBC")
    for path in (root / "IJBC/meta").iterdir():
        name = path.name.replace("ijbb", "ijbc").replace("S1", "G1").replace("S2", "G2")
        path.rename(path.with_name(name))
    counts = {name.replace("S", "G"): count for name, count in COUNTS.items()}
    (root / "counts.json").write_text(json.dumps({"why": "a test", "counts": counts}))
    assert load_verification(root, "IJB-C").name == "IJB-C"
    assert list(load_identification(root, "IJB-C").galleries) == ["G1", "G2"]


def test_subjects_are_unknown_without_all_lists(root: Path) -> None:
    (root / "IJBB/meta" / S2).unlink()
    edit(root, PAIRS, "7 900 0", "7 900 1")
    (root / "counts.json").write_text(json.dumps({"why": "w", "counts": COUNTS | {"genuine": 2}}))
    protocol = load_verification(root, "IJB-B")
    assert protocol.templates.subjects.tolist() == [-1] * 4
    assert "subjects unknown" in protocol.rule
    with pytest.raises(
        DatasetUnavailable, match=r"ijbb_1N_gallery_S2\.csv is not at .*IJB_release"
    ):
        load_identification(root, "IJB-B")


def test_an_absent_photo_is_refused_or_counted(root: Path) -> None:
    (root / "IJBB/loose_crop/4.jpg").unlink()
    for load in (load_verification, load_identification):
        with pytest.raises(DatasetUnavailable, match=r"loose_crop/4\.jpg, which ijbb_face_tid_mid"):
            load(root, "IJB-B")
        protocol = load(root, "IJB-B", missing="failure-to-enrol")
        assert protocol.samples.absent.tolist() == [False, False, False, True, False, False]


@pytest.mark.parametrize("name", [FACES, POINTS, PAIRS])
def test_an_absent_list_is_named(root: Path, name: str) -> None:
    (root / "IJBB/meta" / name).unlink()
    with pytest.raises(DatasetUnavailable, match=f"{name} is not at .*IJB_release"):
        load_verification(root, "IJB-B")


MISTAKES = {
    "a photo twice": (FACES, "6.jpg 30 9", "1.jpg 30 9", r"line 6: .*'1\.jpg' of line 1 again"),
    "a field too many": (FACES, "2.jpg 30 5", "2.jpg 30 5 5", "line 2: expected photo template"),
    "a negative number": (FACES, "2.jpg 30", "2.jpg -30", "line 2: expected photo template"),
    "a huge medium": (FACES, "30 9", "30 2147483648", "line 6: expected photo template"),
    "other digits": (FACES, "30 9", "30 ٩", "line 6: expected photo template"),
    "an empty line": (FACES, "2.jpg 30 5\n", "2.jpg 30 5\n\n", "line 3: .* found an empty line"),
    "another photo": (POINTS, "3.jpg", "4.jpg", r"line 3: expected '3\.jpg', as in .*, found '4\."),
    "a face too few": (POINTS, "0.5\n", "0.5 ", "number of lines: expected 6.* found 5"),
    "a face too many": (POINTS, "0.6\n", "0.6\n7.jpg 1\n", "number of lines: expected 6.* found 7"),
    "a landmark too few": (POINTS, " 27.5", "", "line 2: expected photo x1 y1"),
    "no number": (POINTS, " 27.5", " x", "line 2: expected photo x1 y1"),
    "a NaN": (POINTS, " 27.5", " nan", "line 2: .* finite"),
    "an infinite score": (POINTS, " 0.3", " 1e999", "line 3: .* finite"),
    "more than float32": (POINTS, " 27.5", " 1e39", "line 2: .* finite"),
    "an underscore": (POINTS, " 27.5", " 2_7.5", "line 2: .* finite"),
    "another label": (PAIRS, "7 900 0", "7 900 2", "line 2: expected the label 0 or 1, found 2"),
    "no label": (PAIRS, "7 900 0", "7 900", "line 2: expected 3 whole numbers"),
    "an unknown left": (
        PAIRS,
        "7 900",
        "8 900",
        f"line 2: expected a template of {FACES}, found 8",
    ),
    "an unknown right": (PAIRS, "30 12", "30 901", "line 3: .* found 901"),
    "itself": (PAIRS, "7 900", "900 900", "line 2: .* found 900 with itself"),
    "a pair twice": (PAIRS, "7 12 0", "12 30 0", "line 4: .* that of line 3 again"),
    "a false 1": (PAIRS, "30 12 0", "30 12 1", "line 3: expected the label 0: .* two subjects"),
    "a false 0": (PAIRS, "30 900 1", "30 900 0", "line 1: expected the label 1: .* one subject"),
    "two subjects": (
        S1,
        "30,100,c",
        "30,99,c",
        "line 4: .* template 30, found 99, and 100 in line 2",
    ),
    "both galleries": (S2, "7,101", "30,100", f"line 2: .* template 30 of {S1}, line 2"),
    "gallery and probe": (PROBES, "12,102", "7,101", f"line 3: .* template 7 of {S2}, line 2"),
    "a subject again": (S1, "30,100,c", "1,100,c", "line 4: .* found 100 with the templates 30"),
    "unknown in a list": (PROBES, "12,102", "13,102", "line 3: expected a template of .* found 13"),
    "no subject": (PROBES, "12,102,", "12", "line 3: expected template,subject"),
    "no header": (S1, "TEMPLATE_ID,SUBJECT_ID,FILENAME\n", "", "line 1: expected a header"),
    "only a header": (S2, "7,101,a\n", "", "expected lines of template,subject"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_line(root: Path, mistake: str) -> None:
    name, old, new, told = MISTAKES[mistake]
    edit(root, name, old, new)
    with pytest.raises(BadInput, match=told) as caught:
        load_verification(root, "IJB-B")
    assert caught.value.file.name == name
    if name != PAIRS:
        with pytest.raises(BadInput, match=told):
            load_identification(root, "IJB-B")


@pytest.mark.parametrize(
    "hostile", ["/etc/passwd", "../../1.jpg", "..", "a/../1.jpg", "a\\b", "./1.jpg"]
)
def test_no_path_leaves_the_root(root: Path, hostile: str) -> None:
    edit(root, FACES, "3.jpg", hostile)
    edit(root, POINTS, "3.jpg", hostile)
    with pytest.raises(BadInput, match=r"ijbb_face_tid_mid\.txt, line 3: expected a path below"):
        load_verification(root, "IJB-B", missing="failure-to-enrol")


def test_other_counts_than_official_are_refused(root: Path) -> None:
    (root / "counts.json").unlink()
    with pytest.raises(BadInput, match=r"number of photos: expected 227,630 \(official"):
        load_verification(root, "IJB-B")
    with pytest.raises(BadInput, match=r"number of photos: expected 227,630 \(official"):
        load_identification(root, "IJB-B")


@pytest.mark.parametrize("name", COUNTS)
def test_each_count_is_compared(tmp_path: Path, name: str) -> None:
    root = put(tmp_path, **{name: COUNTS[name] + 1})
    load = load_verification if name in list(COUNTS)[:4] else load_identification
    with pytest.raises(BadInput, match=rf"number of {name}: expected {COUNTS[name] + 1} "):
        load(root, "IJB-B")


def test_an_official_list_may_repeat_a_pair_and_says_so(root: Path, monkeypatch) -> None:
    (root / "counts.json").unlink()
    monkeypatch.setitem(ijb_release.OFFICIAL, "IJB-B", COUNTS)
    assert load_verification(root, "IJB-B").counted == "official counts"
    edit(root, PAIRS, "7 12 0", "12 30 0")
    assert load_verification(root, "IJB-B").rule.endswith(", 1 pairs listed again")


def test_pairs_over_several_blocks(root: Path, monkeypatch) -> None:
    before = load_verification(root, "IJB-B")
    monkeypatch.setattr(ijb_release, "BLOCK", 3)
    assert load_verification(root, "IJB-B").digest == before.digest
    edit(root, PAIRS, "7 12 0", "7 12 1")
    with pytest.raises(BadInput, match="line 4: expected the label 0"):
        load_verification(root, "IJB-B")
    edit(root, PAIRS, "7 12 1", "7 13 1")
    with pytest.raises(BadInput, match="line 4: expected a template"):
        load_verification(root, "IJB-B")


def test_more_templates_than_fit_in_short_keys(root: Path) -> None:
    count = 70_000
    lines = "".join(f"{face}.jpg {face} 1\n" for face in range(count))
    (root / "IJBB/meta" / FACES).write_text(lines)
    points = "".join(f"{face}.jpg 1 2 3 4 5 6 7 8 9 10 1\n" for face in range(count))
    (root / "IJBB/meta" / POINTS).write_text(points)
    (root / "IJBB/meta" / S1).unlink()
    (root / "IJBB/meta" / PAIRS).write_text("0 20000 0\n61356 67296 0\n20000 0 1\n")
    told = {"why": "w", "counts": {"photos": count, "templates": count, "pairs": 3, "genuine": 1}}
    (root / "counts.json").write_text(json.dumps(told))
    with pytest.raises(BadInput, match=r"line 3: .* found that of line 1 again, with another"):
        load_verification(root, "IJB-B", missing="failure-to-enrol")


def test_the_real_gallery_has_its_templates(shared: Path) -> None:
    found = read_subjects(shared / "protocols/ijbc/ijbc_1N_gallery_G1.csv")
    assert len(found.subjects) == len(set(found.subjects.values())) == 1_772


HOSTILE = [
    b"",
    b" ",
    b"..",
    b"/etc/passwd",
    b"-1",
    b"1e999",
    b"nan",
    b"9" * 30,
    b"2147483648",
    b"\0",
]
HOSTILE += [
    b"\xef\xbb\xbf",
    b"\r",
    b"\n",
    b",",
    b"\xff",
    b"0",
    b"30",
    b"1.jpg",
    b"1_0",
    "٣".encode(),
]


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """One of the files, with some of its bytes, fields or lines changed."""
    name = draw(st.sampled_from(list(FILES)))
    content = FILES[name].encode()
    for _ in range(draw(st.integers(1, 3))):
        unit = draw(st.sampled_from([b"\n", b" ", b",", b""]))
        parts = content.split(unit) if unit else [bytes([one]) for one in content]
        at = draw(st.integers(0, max(0, len(parts) - 1)))
        kind = draw(st.sampled_from(["cut", "delete", "double", "swap", "replace"]))
        if kind == "cut":
            parts = parts[:at]
        elif kind == "delete":
            del parts[at : at + 1]
        elif kind == "double":
            parts[at:at] = parts[at : at + 1]
        elif kind == "swap" and parts:
            parts[0], parts[at] = parts[at], parts[0]
        else:
            parts[at : at + 1] = [draw(st.sampled_from(HOSTILE))]
        content = unit.join(parts)
    return name, content


INPUTS = st.one_of(damaged(), st.tuples(st.sampled_from(list(FILES)), st.binary()))


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory) -> Path:
    return put(tmp_path_factory.mktemp("fuzzed"))


def check(root: Path, name: str, content: bytes) -> None:
    path = root / "IJBB/meta" / name
    path.write_bytes(content)
    for load in (load_verification, load_identification):
        with contextlib.suppress(DataError):
            protocol = load(root, "IJB-B", missing="failure-to-enrol")
            assert len(protocol.samples) == COUNTS["photos"]
            landmarks = protocol.samples.landmarks
            assert landmarks is not None
            assert np.isfinite(landmarks).all()
    path.write_text(FILES[name])


@settings(max_examples=50, deadline=None)
@given(written=INPUTS)
def test_any_bytes_end_in_a_result_or_one_error(fuzzed: Path, written: tuple[str, bytes]) -> None:
    check(fuzzed, *written)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(written=INPUTS)
def test_many_bytes_end_in_a_result_or_one_error(fuzzed: Path, written: tuple[str, bytes]) -> None:
    check(fuzzed, *written)

"""NIST's lists: faces gathered into templates, comparisons, and whatever can be wrong with them."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols import comparisons, ijb_nist, ijba, nist
from protocols.errors import BadInput, BadOption, DataError, DatasetUnavailable
from protocols.images import save_image
from protocols.types import Pairs

HEADER = (
    *("TEMPLATE_ID", "SUBJECT_ID", "FILE", "MEDIA_ID", "SIGHTING_ID", "FRAME"),
    *("FACE_X", "FACE_Y", "FACE_WIDTH", "FACE_HEIGHT", "RIGHT_EYE_X", "RIGHT_EYE_Y"),
    *("LEFT_EYE_X", "LEFT_EYE_Y", "NOSE_BASE_X", "NOSE_BASE_Y", "FACE_YAW"),
)
ROWS = (
    "1,7,img/1.jpg,1,11,,10,20,30,40.5,15,25,30,26,22,35,-3.5",
    "1,7,frame/9_1.png,9,12,1,1,2,3,4,,,,,,,",
    "1,7,frame/9_2.png,9,12,2,1,2,3,4,,,,,5,6,",
    "2,7,img/1.jpg,1,11,,10,20,30,40.5,15,25,30,26,22,35,-3.5",
    "2,7,img/1.jpg,1,13,,50,20,30,40.5,,,,,,,",
    "3,8,img/2.JPEG,2,14,,1,1,1,1,,,,,,,",
)


def write(path: Path, rows: Sequence[str], header: str | None = ",".join(HEADER)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*([header] if header is not None else []), *rows, ""]))
    return path


def read(path: Path) -> nist.FaceList:
    return nist.read_face_list(path, "a list", "Get it.", "MEDIA_ID")


def gather(*paths: Path) -> nist.Gathered:
    lists = [read(path) for path in paths]
    return nist.gather(lists, paths[0].parent, "Get them.", "failure-to-enrol")


def test_faces_are_gathered(tmp_path: Path) -> None:
    found = gather(write(tmp_path / "list.csv", ROWS))
    samples, templates = found.samples, found.templates
    names = [samples.photos.names[one] for one in samples.photo]
    assert names == ["img/1.jpg", "frame/9_1.png", "frame/9_2.png", "img/1.jpg", "img/2.JPEG"]
    assert samples.absent.all()
    assert templates.ids.tolist() == [1, 2, 3]
    assert templates.subjects.tolist() == [7, 7, 8]
    assert templates.template.tolist() == [0, 0, 0, 1, 1, 2]
    assert templates.sample.tolist() == [0, 1, 2, 0, 3, 4]
    assert templates.media[1] == templates.media[2]
    assert len(set(templates.media[:2].tolist())) == 2
    assert samples.boxes is not None
    assert samples.boxes[0].tolist() == [10, 20, 30, 40.5]
    assert samples.landmarks is not None
    assert samples.landmarks[0, :3].tolist() == [[15, 25], [30, 26], [22, 35]]
    assert np.isnan(samples.landmarks[0, 3:]).all()
    assert np.isnan(samples.landmarks[1]).all()
    assert samples.landmarks[2, 2].tolist() == [5, 6]


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    """IJB-B's second release: other names, another order, mixed line ends, fewer columns."""
    header = "subject_id, FILENAME ,TEMPLATE_ID,SIGHTING_ID,FACE_X,FACE_Y,FACE_WIDTH,FACE_HEIGHT"
    header += ",NOSE_X,NOSE_Y"
    path = tmp_path / "list.csv"
    path.write_bytes(f"{header}\r\n7,img/1.jpg,1,5,1,2,3,4,8,9\n7,img/2.jpg,1,5,,,,,,\r\n".encode())
    found = nist.read_face_list(path, "a list", "Get it.", "SIGHTING_ID")
    assert list(found.files) == ["img/1.jpg", "img/2.jpg"]
    assert found.media.tolist() == [5, 5]
    assert found.points[0, 2].tolist() == [8, 9]
    assert np.isnan(found.boxes[1]).all()
    assert found.lines.tolist() == [2, 3]


def test_photos_are_found_and_absent_ones_refused(tmp_path: Path) -> None:
    lists = [read(write(tmp_path / "a.csv", ROWS[:3])), read(write(tmp_path / "b.csv", ROWS[5:]))]
    (tmp_path / "img").mkdir()
    save_image(tmp_path / "img/1.jpg", np.zeros((2, 2, 3), np.uint8))
    found = nist.gather(lists, tmp_path, "Get them.", "failure-to-enrol")
    assert found.samples.absent.tolist() == [False, True, True, True]
    with pytest.raises(
        DatasetUnavailable, match=r"frame/9_1\.png, which a\.csv names \(and 1 more"
    ):
        nist.gather(lists, tmp_path, "Get them.", "refuse")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "1,7,frame/9_2",
            "1,8,frame/9_2",
            "line 4: expected subject 7 for template 1, as in line 2",
        ),
        ("3,8,", "3.0,8,", "line 7, TEMPLATE_ID: expected a whole number"),
        ("3,8,", "3,,", "line 7, SUBJECT_ID"),
        ("JPEG,2,", "JPEG,,", "line 7, MEDIA_ID: expected a whole number from 0, found ''"),
        ("JPEG,2,", "JPEG,a,", "line 7, MEDIA_ID: expected a whole number from 0, found 'a'"),
        ("3,8,", "3,-8,", "line 7, SUBJECT_ID"),
        ("3,8,", "3,٣,", "line 7, SUBJECT_ID"),
        ("3,8,", "9" * 30 + ",8,", "line 7, TEMPLATE_ID"),
        (",1,1,1,1,,", ",1,1,0,1,,", "line 7: expected a width and a height above 0, found 0 × 1"),
        (",1,1,1,1,,", ",1,1,nan,1,,", "line 7, width: expected a number"),
        (",1,1,1,1,,", ",1,inf,1,1,,", "line 7, y: expected a number"),
        (",1,1,1,1,,", ",1,1_0,1,1,,", "line 7, y: expected a number"),
        ("img/2.JPEG", "/etc/passwd", "line 7: expected a path below the root"),
        ("img/2.JPEG", "img/../../2", "line 7: expected a path below the root"),
        ("img/2.JPEG", "", "line 7: expected a path below the root"),
        ("14,,1,1,1,1,,,,,,,", "14,,1,1,1,1", "line 7: expected 17 fields"),
        ("FACE_WIDTH", "WIDTH", "line 1: expected a header with FACE_WIDTH"),
        ("MEDIA_ID", "MEDIUM", "line 1: expected a header with MEDIA_ID"),
        ("FACE_YAW", "FACE_X", "line 1: expected one column FACE_X, found 2"),
        ("\n".join(ROWS) + "\n", "", "expected at least one face"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = write(tmp_path / "list.csv", ROWS)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(BadInput, match=r"list\.csv") as caught:
        gather(path)
    assert told in str(caught.value)


def test_a_face_of_two_sightings_is_two(tmp_path: Path) -> None:
    """As in splits 2 and 5: one box, but the eyes were found twice, and not in one place."""
    again = ROWS[0].replace(",11,,", ",19,,").replace(",15,25,", ",15.5,25,")
    found = gather(write(tmp_path / "list.csv", [ROWS[0], again, *ROWS[3:4]]))
    assert found.templates.sample.tolist() == [0, 1, 0]
    assert found.samples.landmarks is not None
    assert found.samples.landmarks[:, 0, 0].tolist() == [15, 15.5]
    assert found.samples.photo.tolist() == [0, 0]


def test_a_face_in_two_media_of_a_template_is_kept(tmp_path: Path) -> None:
    """As a person that two sightings name; minus zero is zero."""
    rows = ["1,7,img/1.jpg,1,11,,0,2,3,4,,,,,,,", "1,7,img/1.jpg,2,12,,-0.0,2,3,4,,,,,,,"]
    found = gather(write(tmp_path / "list.csv", rows))
    assert found.templates.sample.tolist() == [0, 0]
    assert found.templates.media.tolist() == [1, 2]


def test_a_repeated_line_names_its_own_list(tmp_path: Path) -> None:
    paths = [write(tmp_path / "a.csv", ROWS[:3]), write(tmp_path / "b.csv", [*ROWS[3:], ROWS[5]])]
    found = gather(*paths)
    with pytest.raises(BadInput, match=r"b\.csv, line 5: .* found that of line 4 again"):
        found.repeats(official=False)
    assert found.repeats(official=True) == ", 1 faces listed again"
    assert gather(*paths[:1]).repeats(official=False) == ""


def test_rows_over_many_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "list.csv", ROWS)
    whole = read(path)
    monkeypatch.setattr(nist, "_ROWS", 4)
    again = read(path)
    assert list(again.files) == list(whole.files)
    for name in ("lines", "template", "subject", "media", "boxes", "points"):
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))
    path.write_text(path.read_text().replace("3,8,img", "3,x,img"))
    with pytest.raises(BadInput, match="line 7, SUBJECT_ID"):
        read(path)


@pytest.mark.parametrize(
    ("name", "medium"),
    [
        ("frames/28065_00390.png", "frames/28065"),
        ("frame/7_1_00390.png", "frame/7_1"),
        ("img/28065_00390.png", "img/28065_00390.png"),
        ("frames/28065.png", "frames/28065.png"),
        ("frames/_1.png", "frames/_1.png"),
        ("frames/5_a.png", "frames/5_a.png"),
        ("img/5.jpg", "img/5.jpg"),
    ],
)
def test_a_video_is_known_by_its_name(name: str, medium: str) -> None:
    assert nist.video_of(name) == medium


def test_a_template_in_two_lists(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{name}.csv", ROWS[:3]) for name in "ab"]
    with pytest.raises(BadInput, match=r"b\.csv, line 2: expected template 1 in a\.csv alone"):
        gather(*paths)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["1,2", "1,4"], "line 2: expected a template of the lists of faces, found 4"),
        (["1,2", "2,2"], "line 2: expected two different templates"),
        (["1,2", "1"], "line 2"),
        (["1,2", "1;3"], "line 2"),
        ([], "comparisons.csv"),
    ],
)
def test_comparisons_that_are_wrong(tmp_path: Path, lines: list[str], told: str) -> None:
    templates = gather(write(tmp_path / "list.csv", ROWS)).templates
    path = write(tmp_path / "comparisons.csv", lines, header=None)
    with pytest.raises(BadInput) as caught:
        comparisons.read_comparisons(path, templates, "comparisons", "Get them.")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["1,2", "1,3", "2,3", "1,2"], "line 4: expected each pair once, in either order, found"),
        (["3,2", "1,3", "2,3", "1,2"], "line 3: expected each pair once, in either order, found"),
    ],
)
def test_pairs_that_are_listed_again(tmp_path: Path, lines: list[str], told: str) -> None:
    templates = gather(write(tmp_path / "list.csv", ROWS)).templates
    path = write(tmp_path / "comparisons.csv", lines, header=None)
    pairs = comparisons.read_comparisons(path, templates, "comparisons", "Get them.")
    with pytest.raises(BadInput) as caught:
        comparisons.check_repeats(path, pairs, len(templates), official=False)
    assert told in str(caught.value)
    said = comparisons.check_repeats(path, pairs, len(templates), official=True)
    assert said == ", 1 pairs listed again"
    genuine = pairs.genuine.copy()
    genuine[-2:] = ~genuine[-2:]
    other = Pairs(pairs.left, pairs.right, genuine)
    with pytest.raises(BadInput, match="with another answer"):
        comparisons.check_repeats(path, other, len(templates), official=True)


def test_comparisons_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    templates = gather(write(tmp_path / "list.csv", ROWS)).templates
    path = write(tmp_path / "comparisons.csv", ["1,2", "3,1", "2,3"], header=None)
    whole = comparisons.read_comparisons(path, templates, "comparisons", "Get them.")
    monkeypatch.setattr(comparisons, "BLOCK", 2)
    again = comparisons.read_comparisons(path, templates, "comparisons", "Get them.")
    assert whole.left.tolist() == again.left.tolist() == [0, 2, 1]
    assert whole.right.tolist() == again.right.tolist() == [1, 0, 2]
    assert whole.genuine.tolist() == again.genuine.tolist() == [True, False, False]
    path.write_text("1,2\n3,1\n2,3\n2,8\n")
    with pytest.raises(BadInput, match="line 4"):
        comparisons.read_comparisons(path, templates, "comparisons", "Get them.")


# ------------------------------------------------------------------------------------- IJB-A


@pytest.fixture
def small_ijba(tmp_path: Path) -> Path:
    """Splits 1 and 10 in miniature, with a counts.json."""
    for split, rows in ((1, ROWS), (10, ROWS[3:])):
        eleven = tmp_path / f"IJB-A_11_sets/split{split}"
        write(eleven / f"verify_metadata_{split}.csv", rows)
        write(eleven / f"verify_comparisons_{split}.csv", ["2,3"], header=None)
        search = tmp_path / f"IJB-A_1N_sets/split{split}"
        write(search / f"search_gallery_{split}.csv", rows[-1:])
        write(search / f"search_probe_{split}.csv", rows[:-1])
    counts = {"templates": 3, "subjects": 2, "genuine": 0, "impostor": 1, "gallery": 1, "probes": 2}
    told = [f'"split 1 {name}": {count}' for name, count in counts.items()]
    counts |= {"templates": 2, "probes": 1}
    told += [f'"split 10 {name}": {count}' for name, count in counts.items()]
    (tmp_path / "counts.json").write_text(
        f'{{"why": "in miniature", "counts": {{{", ".join(told)}}}}}'
    )
    return tmp_path


def test_a_split_is_matched_by_its_whole_name(small_ijba: Path) -> None:
    first, tenth = ijba.load_verification(small_ijba, (1, 10), missing="failure-to-enrol")
    assert (first.split, len(first.templates)) == (1, 3)
    assert (tenth.split, len(tenth.templates)) == (10, 2)
    assert first.counted == "counts.json (in miniature)"
    assert first.digest != tenth.digest


def test_ijba_identification(small_ijba: Path) -> None:
    first, tenth = ijba.load_identification(small_ijba, (1, 10), missing="failure-to-enrol")
    assert first.templates.ids[first.galleries["gallery"]].tolist() == [3]
    assert first.templates.ids[first.probes["gallery"]].tolist() == [1, 2]
    assert tenth.templates.ids[tenth.probes["gallery"]].tolist() == [2]
    (small_ijba / "counts.json").unlink()
    (alone,) = ijba.load_identification(small_ijba, (1,), missing="failure-to-enrol")
    assert alone.counted == "none published, and no counts.json"


def test_ijba_lists_in_a_folder_of_their_own(small_ijba: Path) -> None:
    (small_ijba / "protocols").mkdir()
    (small_ijba / "IJB-A_11_sets").rename(small_ijba / "protocols/IJB-A_11_sets")
    assert ijba.load_verification(small_ijba, (1,), missing="failure-to-enrol")


def test_ijba_counts_are_checked(small_ijba: Path) -> None:
    (small_ijba / "counts.json").unlink()
    with pytest.raises(BadInput, match="number of split 1 templates"):
        ijba.load_verification(small_ijba, (1,), missing="failure-to-enrol")


@pytest.mark.parametrize("splits", [(0,), (11,), (), (1, 1)])
def test_no_such_split(tmp_path: Path, splits: tuple[int, ...]) -> None:
    with pytest.raises(BadOption, match="1 to 10"):
        ijba.load_verification(tmp_path, splits)


def test_absent_lists(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match=r"nist\.gov"):
        ijba.load_verification(tmp_path)
    with pytest.raises(DatasetUnavailable, match=r"nist\.gov"):
        ijb_nist.load_identification(tmp_path, "IJB-B")


REAL = {1: (11787, 1803), 2: (11779, 1779), 3: (11701, 1722), 4: (11779, 1797)}
REAL |= {5: (11744, 1754), 10: (11752, 1752)}
# Different sightings, counted apart from our reader.
FACES = {1: 8_868, 2: 9_425, 3: 8_507, 4: 9_226, 5: 8_740, 10: 9_032}


def test_the_real_splits(shared: Path, tmp_path: Path) -> None:
    import gzip
    import hashlib

    folder = shared / "protocols/ijba"
    sums = (folder / "SHA256SUMS.plain").read_text()
    digests = {line.split()[1]: line.split()[0] for line in sums.splitlines()}
    for packed in folder.glob("split*/verify_*.gz"):
        content = gzip.decompress(packed.read_bytes())
        name = f"{packed.parent.name}/{packed.stem}"
        (listed,) = [digest for path, digest in digests.items() if path.endswith(name)]
        assert hashlib.sha256(content).hexdigest() == listed
        path = tmp_path / "IJB-A_11_sets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    splits = ijba.load_verification(tmp_path, tuple(REAL), missing="failure-to-enrol")
    for split in splits:
        assert split.split is not None
        genuine = int(split.pairs.genuine.sum())
        assert (len(split.pairs), genuine) == REAL[split.split]
        assert split.counted == "official counts"
    assert {split.split: len(split.samples) for split in splits} == FACES
    text = (tmp_path / "IJB-A_11_sets/split1/verify_metadata_1.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == len(splits[0].templates.sample) == 17_997
    assert sum(not row["FACE_YAW"] for row in rows) == 5_297


# ---------------------------------------------------------------------------- IJB-B and IJB-C


def small_ijb(root: Path, layout: str) -> Path:
    """Galleries of subjects 7 and 8, and probes of 7 and 9."""
    header = "TEMPLATE_ID,SUBJECT_ID,FILENAME,SIGHTING_ID,FACE_X,FACE_Y,FACE_WIDTH,FACE_HEIGHT"
    if layout == "tests":  # has no SIGHTING_ID
        header = header.replace("SIGHTING_ID,", "")
    first = ["1,7,img/1.jpg,1,1,1,5,5"]
    second = ["2,8,img/2.jpg,2,1,1,5,5"]
    probes = [
        "3,7,frames/5_1.png,3,1,1,5,5",
        "3,7,frames/5_2.png,3,1,1,5,5",
        "4,9,img/1.jpg,4,9,1,5,5",
    ]
    if layout == "tests":
        first, second, probes = (
            [",".join(row.split(",")[:3] + row.split(",")[4:]) for row in rows]
            for rows in (first, second, probes)
        )
    names = {
        "IJB-B": [
            "ijbb_1N_gallery_S1",
            "ijbb_1N_gallery_S2",
            "ijbb_1N_probe_mixed",
            "ijbb_11_S1_S2_matches",
        ],
        "IJB-C": [
            "ijbc_1N_gallery_G1",
            "ijbc_1N_gallery_G2",
            "ijbc_1N_probe_mixed",
            "ijbc_11_G1_G2_matches",
        ],
    }
    if layout == "tests":
        write(root / "protocols/test1/enroll_templates.csv", first + second, header)
        write(root / "protocols/test1/verif_templates.csv", probes, header)
        write(root / "protocols/test1/match.csv", ["1,3", "2,3", "2,4"], None)
        names["IJB-C"] = ["test4/gallery_G1", "test4/gallery_G2", "test4/probes", "unused"]
    lists = zip(
        names["IJB-B" if layout == "IJB-B" else "IJB-C"], (first, second, probes), strict=False
    )
    for name, rows in lists:
        write(root / "protocols" / f"{name}.csv", rows, header)
    if layout != "tests":
        write(root / "protocols" / f"{names[layout][3]}.csv", ["1,3", "2,3", "2,4"], None)
    halves = ("S1", "S2") if layout == "IJB-B" else ("G1", "G2")
    counts = {"templates": 4, "pairs": 3, "genuine": 1, "probes": 2} | {
        f"gallery {one}": 1 for one in halves
    }
    told = ", ".join(f'"{name}": {count}' for name, count in counts.items())
    (root / "counts.json").write_text(f'{{"why": "small", "counts": {{{told}}}}}')
    return root


@pytest.mark.parametrize("layout", ["IJB-B", "IJB-C", "tests"])
def test_ijb(tmp_path: Path, layout: str) -> None:
    root, dataset = small_ijb(tmp_path, layout), "IJB-B" if layout == "IJB-B" else "IJB-C"
    protocol = ijb_nist.load_verification(root, dataset, missing="failure-to-enrol")
    assert protocol.pairs.genuine.tolist() == [True, False, False]
    assert protocol.templates.subjects.tolist() == [7, 8, 7, 9]
    assert len(protocol.samples) == 5
    frames = protocol.templates.media[protocol.templates.template == 2]
    assert len(set(frames.tolist())) == 1
    assert protocol.rule.endswith(", media by photo name") == (layout == "tests")
    search = ijb_nist.load_identification(root, dataset, missing="failure-to-enrol")
    assert list(search.galleries) == (["S1", "S2"] if layout == "IJB-B" else ["G1", "G2"])
    assert [one.tolist() for one in search.galleries.values()] == [[0], [1]]
    assert [one.tolist() for one in search.probes.values()] == [[2, 3], [2, 3]]


def test_the_real_gallery_of_ijbc(shared: Path) -> None:
    path = shared / "protocols/ijbc/ijbc_1N_gallery_G1.csv"
    faces = nist.read_face_list(path, "a gallery", "Get it.", "SIGHTING_ID")
    assert len(faces.lines) == 5_832
    assert len(np.unique(faces.template)) == 1_772
    found = nist.gather([faces], path.parent, "Get them.", "failure-to-enrol")
    assert len(found.listed[0]) == len(found.templates) == 1_772


# ----------------------------------------------------------------------------------- fuzzing

HOSTILE = [
    "",
    "..",
    "../x",
    "/etc/passwd",
    "-1",
    "1e999",
    "nan",
    "9" * 40,
    "\0",
    "\ufeff",
    "\r",
    '"',
    ",",
    "é",
]
ALL = ("\n".join([",".join(HEADER), *ROWS]) + "\n").encode()
COMPARED = b"1,2\n1,3\n3,2\n"


@st.composite
def damaged(draw: st.DrawFn, valid: bytes) -> bytes:
    """Any bytes, or a valid file with a few pieces cut, doubled or replaced."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=200))
    content = valid
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(content)))
        end = min(len(content), at + draw(st.integers(0, 20)))
        piece = draw(
            st.one_of(
                st.sampled_from(HOSTILE).map(str.encode),
                st.binary(max_size=3),
                st.just(content[at:end] * 2),
            )
        )
        content = content[:at] + piece + content[end:]
    return content


def check_faces(folder: Path, content: bytes) -> None:
    path = folder / "list.csv"
    path.write_bytes(content)
    try:
        found = gather(path)
    except DataError:
        return
    assert found.templates.sample.max() < len(found.samples)
    assert found.samples.photo.max() < len(found.samples.photos.names)


def check_comparisons(folder: Path, content: bytes) -> None:
    templates = gather(write(folder / "good.csv", ROWS)).templates
    path = folder / "comparisons.csv"
    path.write_bytes(content)
    try:
        pairs = comparisons.read_comparisons(path, templates, "it", "Get it.")
        comparisons.check_repeats(path, pairs, len(templates), official=False)
    except DataError:
        return
    assert 0 < len(pairs) <= 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@settings(max_examples=50, deadline=None)
@given(content=damaged(ALL))
def test_any_list(folder: Path, content: bytes) -> None:
    check_faces(folder, content)


@settings(max_examples=50, deadline=None)
@given(content=damaged(COMPARED))
def test_any_comparisons(folder: Path, content: bytes) -> None:
    check_comparisons(folder, content)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(content=damaged(ALL))
def test_any_list_at_length(folder: Path, content: bytes) -> None:
    check_faces(folder, content)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(content=damaged(COMPARED))
def test_any_comparisons_at_length(folder: Path, content: bytes) -> None:
    check_comparisons(folder, content)


def test_one_face_of_two_people_is_two_samples(tmp_path: Path) -> None:
    """Blank boxes: nothing else tells two people in a photo apart."""
    rows = ("1,7,img/1.jpg,1,1,,,,,,,,,,,,", "2,8,img/1.jpg,1,2,,,,,,,,,,,,")
    found = gather(write(tmp_path / "list.csv", rows))
    assert found.templates.sample.tolist() == [0, 1]
    assert len(found.samples.photos.names) == 1


def test_a_subject_stands_once_in_a_gallery(small_ijba: Path) -> None:
    path = small_ijba / "IJB-A_1N_sets/split1/search_gallery_1.csv"
    write(path, [ROWS[5], ROWS[5].replace("3,8", "4,8")])
    with pytest.raises(BadInput, match=r"gallery_1\.csv, line 3: expected each subject once"):
        ijba.load_identification(small_ijba, (1,), missing="failure-to-enrol")


def test_a_folder_of_photos_that_is_a_link_out(small_ijba: Path, tmp_path_factory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "img").mkdir()
    (small_ijba / "images").symlink_to(outside)
    with pytest.raises(BadInput, match="folder of photos: expected a path within"):
        ijba.load_verification(small_ijba, (1,), missing="failure-to-enrol")

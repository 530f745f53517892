"""A user's own templates: faces, media, galleries; and what each mistake is told as."""

import contextlib
import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols import templates_csv
from protocols.errors import BadInput, DataError, DatasetUnavailable
from protocols.templates_csv import load_identification, load_verification

TEMPLATES = """template,subject,image,media,score,x,y,width,height,role
30,ada,ada/1.jpg,,0.9,1,2,30,40,east
30,ada,film/04.jpg,film,0.8,5,6,30,40,east
30,ada,film/05.jpg,film,0.7,5,6,30,40,east
7,Eve,eve/1.jpg,still,0.6,1.5,2,30,40,probe
7,Eve,film/04.jpg,film,0.5,50,60,30,40,probe
8,Eve,eve/1.jpg,,0.6,1.50,2,30,4e1,West
8,Eve,eve/2.jpg,,0.4,,,,,West
9,nobody,eve/1.jpg,,0.3,90,2,30,40,PROBE
"""
IMAGES = ("ada/1.jpg", "film/04.jpg", "film/05.jpg", "eve/1.jpg", "eve/2.jpg")
COMPARISONS = "left,right\n30,7\n7,8\n9,30\n"


def put(folder: Path, text: str | bytes, name: str = "templates.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def put_photos(folder: Path) -> None:
    for name in IMAGES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put_photos(tmp_path)
    return tmp_path


def test_faces_are_images_with_boxes_each_once(folder: Path) -> None:
    samples = load_verification(put(folder, TEMPLATES)).samples
    assert samples.photos.names == IMAGES
    named = [samples.photos.names[index] for index in samples.photo]
    assert named == [*IMAGES[:4], "film/04.jpg", "eve/2.jpg", "eve/1.jpg"]
    assert samples.boxes is not None
    assert samples.boxes.dtype == np.float32
    boxes = [[1, 2, 30, 40], [5, 6, 30, 40], [5, 6, 30, 40], [1.5, 2, 30, 40], [50, 60, 30, 40]]
    np.testing.assert_array_equal(samples.boxes, [*boxes, [np.nan] * 4, [90, 2, 30, 40]])
    assert samples.scores is not None
    np.testing.assert_array_equal(
        samples.scores, np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3], np.float32)
    )
    assert samples.landmarks is None


def test_templates_hold_their_faces_and_media(folder: Path) -> None:
    templates = load_verification(put(folder, TEMPLATES)).templates
    assert templates.ids.tolist() == [7, 8, 9, 30]
    assert templates.subjects.tolist() == [0, 0, 2, 1]  # Eve, ada, nobody by name
    members = {
        int(number): [
            (int(sample), int(medium))
            for sample, template, medium in zip(
                templates.sample, templates.template, templates.media, strict=True
            )
            if template == position
        ]
        for position, number in enumerate(templates.ids)
    }
    faces = {number: [face for face, _ in held] for number, held in members.items()}
    assert faces == {30: [0, 1, 2], 7: [3, 4], 8: [3, 5], 9: [6]}
    media = {number: [medium for _, medium in held] for number, held in members.items()}
    assert media[30][0] != media[30][1] == media[30][2]
    assert len(set(media[7])) == len(set(media[8])) == 2


def test_without_the_optional_columns_an_image_is_its_own_medium(folder: Path) -> None:
    text = "image,subject,template\nada/1.jpg,a,1\nfilm/04.jpg,a,1\nada/1.jpg,a,2\n"
    protocol = load_verification(put(folder, text))
    assert protocol.samples.boxes is None
    assert protocol.samples.scores is None
    assert len(protocol.samples) == 2
    assert protocol.templates.sample.tolist() == [0, 1, 0]
    assert len(set(protocol.templates.media[:2].tolist())) == 2


def test_a_blank_box_is_the_same_face_wherever_it_stands(folder: Path) -> None:
    protocol = load_verification(put(folder, TEMPLATES + "31,Eve,eve/2.jpg,,0.4,,,,,PROBE\n"))
    assert protocol.templates.sample.tolist() == [0, 1, 2, 3, 4, 3, 5, 6, 5]
    assert len(protocol.samples) == 7


def test_two_faces_of_one_image_without_media_are_one_medium(folder: Path) -> None:
    text = (
        "template,subject,image,media,x,y,width,height\n"
        "1,a,ada/1.jpg,,1,1,5,5\n1,a,ada/1.jpg,,9,9,5,5\n1,a,film/04.jpg,1,9,9,5,5\n2,b,eve/1.jpg,,1,1,5,5\n"
    )
    media = load_verification(put(folder, text)).templates.media
    assert media[0] == media[1]
    assert len(set(media.tolist())) == 3


def test_all_templates_are_compared_where_no_list_says_which(folder: Path) -> None:
    protocol = load_verification(put(folder, TEMPLATES))
    ids, pairs = protocol.templates.ids.tolist(), protocol.pairs
    found = [(ids[left], ids[right]) for left, right in zip(pairs.left, pairs.right, strict=True)]
    assert found == list(itertools.combinations([7, 8, 9, 30], 2))
    assert pairs.genuine.tolist() == [True, False, False, False, False, False]
    assert pairs.fold is None
    assert protocol.rule == "templates.csv, all pairs of templates"
    assert protocol.counted == "as many as templates.csv holds"
    assert [one.path.name for one in protocol.inputs] == ["templates.csv"]


def test_too_many_templates_need_a_list(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates_csv, "MOST_PAIRS", 5)
    with pytest.raises(BadInput, match=r"at most 5 pairs, or a list.*found all 6 of 4 templates"):
        load_verification(put(folder, TEMPLATES))
    listed = put(folder, COMPARISONS, "comparisons.csv")
    assert len(load_verification(put(folder, TEMPLATES), comparisons=listed).pairs) == 3


def test_listed_comparisons_and_their_folds(folder: Path) -> None:
    path = put(folder, TEMPLATES)
    protocol = load_verification(path, comparisons=put(folder, COMPARISONS, "c.csv"))
    ids, pairs = protocol.templates.ids.tolist(), protocol.pairs
    assert [ids[index] for index in pairs.left] == [30, 7, 9]
    assert [ids[index] for index in pairs.right] == [7, 8, 30]
    assert pairs.genuine.tolist() == [False, True, False]
    assert pairs.fold is None
    assert protocol.rule == "templates.csv, pairs of c.csv"
    assert [one.path.name for one in protocol.inputs] == ["templates.csv", "c.csv"]
    folds = "left,right,fold,same\n30,7,12,0\n7,8,1,yes\n9,30,12,false\n"
    with_folds = load_verification(path, comparisons=put(folder, folds, "c.csv"))
    assert with_folds.pairs.fold is not None
    assert with_folds.pairs.fold.tolist() == [1, 0, 1]
    assert with_folds.pairs.genuine.tolist() == pairs.genuine.tolist()


def test_every_probe_searches_every_gallery(folder: Path) -> None:
    protocol = load_identification(put(folder, TEMPLATES))
    ids = protocol.templates.ids
    galleries = {name: ids[members].tolist() for name, members in protocol.galleries.items()}
    probes = {name: ids[members].tolist() for name, members in protocol.probes.items()}
    assert galleries == {"West": [8], "east": [30]}
    assert probes == {"West": [7, 9], "east": [7, 9]}
    assert protocol.rule == "templates.csv, galleries: West, east"
    assert protocol.counted == "as many as templates.csv holds"


def test_counts_beside_the_file_are_asked(folder: Path) -> None:
    path, own = put(folder, TEMPLATES), folder / "counts.json"
    counts = {"photos": 5, "templates": 4, "pairs": 6, "genuine": 1}
    counts |= {"galleries": 2, "gallery templates": 2, "probes": 2}
    own.write_text(json.dumps({"why": "mine", "counts": counts}))
    for load in (load_verification, load_identification):
        assert load(path).counted == "counts.json (mine)"
        assert load(path).inputs[-1].path == own
    for name in counts:
        own.write_text(json.dumps({"why": "mine", "counts": counts | {name: 77}}))
        load = load_verification if name in ("pairs", "genuine") else load_identification
        with pytest.raises(BadInput, match=f"number of {name}: expected 77"):
            load(path)


def test_a_missing_image_is_an_error_or_marks_its_faces(folder: Path) -> None:
    (folder / "eve/1.jpg").unlink()
    path = put(folder, TEMPLATES)
    for load in (load_verification, load_identification):
        with pytest.raises(DatasetUnavailable, match=r"eve/1\.jpg, which templates\.csv names"):
            load(path)
        protocol = load(path, missing="failure-to-enrol")
        assert protocol.samples.absent.tolist() == [False] * 3 + [True] + [False] * 2 + [True]
        enrolled = protocol.templates.enrolled(protocol.samples.absent)
        assert enrolled.tolist() == [True, True, False, True]


def test_images_start_at_the_root(folder: Path, tmp_path: Path) -> None:
    text = "template,subject,image\n1,a,1.jpg\n2,b,2.jpg\n"
    protocol = load_verification(put(tmp_path, text), root=folder / "eve")
    assert not protocol.samples.absent.any()
    with pytest.raises(DatasetUnavailable, match=r"1\.jpg"):
        load_verification(put(tmp_path, text))


def test_the_example_of_the_docs_and_its_mistakes(project: Path, tmp_path: Path) -> None:
    text = (project / "docs" / "own-data.md").read_text()
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    example = next(block for block in blocks if block.startswith("template,"))
    (tmp_path / "mine").mkdir()
    path = put(tmp_path / "mine", example)
    listed = put(tmp_path / "mine", "left,right\n1,2\n1,3\n2,3\n1,10\n", "comparisons.csv")
    assert len(load_verification(path, missing="failure-to-enrol").pairs) == 6
    assert list(load_identification(path, missing="failure-to-enrol").galleries) == ["gallery"]
    with pytest.raises(BadInput) as error:
        load_verification(path, comparisons=listed, missing="failure-to-enrol")
    assert str(error.value).replace(f"{tmp_path}/", "") in text
    put(tmp_path / "mine", example.replace("1,ada,ada/film/004", "1,Ada,ada/film/004"))
    with pytest.raises(BadInput) as error:
        load_verification(path, missing="failure-to-enrol")
    assert str(error.value).replace(f"{tmp_path}/", "") in text


FIRST = "template,subject,image"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected a header with TEMPLATE"),
        (FIRST, "at least one template"),
        ("template,image\n1,a.jpg", "line 1: expected a header with SUBJECT"),
        (f"{FIRST}\n1,a,ada/1.jpg\n", "number of templates: expected at least 2 to compare"),
        (TEMPLATES.replace("8,Eve", "8.0,Eve"), "line 7, template: expected a whole number"),
        (TEMPLATES.replace("8,Eve", "-8,Eve"), "line 7, template: expected a whole number"),
        (TEMPLATES.replace("8,Eve", "9" * 30 + ",Eve"), "line 7, template: expected a whole"),
        (TEMPLATES.replace("8,Eve,eve/2", "8,eve,eve/2"), "line 8, subject: expected 'Eve' for "),
        (TEMPLATES.replace("7,Eve", "7,"), "line 5, subject: expected text, found a blank"),
        (TEMPLATES.replace("film/05", "film/04"), "line 4: .* template 30 once, .*of line 3 again"),
        (TEMPLATES.replace("film/05", "../film/05"), "line 4: expected a path below the root"),
        (TEMPLATES.replace("film/05.jpg", "/etc/passwd"), "line 4: expected a path below the root"),
        (TEMPLATES.replace("film/05.jpg", ""), "line 4: expected a path below the root"),
        (TEMPLATES.replace("0.3,90", "0.3,9O"), "line 9, x: expected a number within"),
        (TEMPLATES.replace("0.3,90", "0.3,nan"), "line 9, x: expected a number within"),
        (TEMPLATES.replace("0.3,90", "0.3,-inf"), "line 9, x: expected a number within"),
        (TEMPLATES.replace("0.3,90", "0.3,1e999"), "line 9, x: expected a number within"),
        (TEMPLATES.replace("0.3,90", "0.3,1_0"), "line 9, x: expected a number within"),
        (TEMPLATES.replace("0.3,90", "0.3,"), "line 9: .* found some of them blank"),
        (TEMPLATES.replace("90,2,30", "90,2,0"), "line 9: expected a width .*found 0 × 40"),
        (TEMPLATES.replace("90,2,30", "90,2,-1"), "line 9: expected a width .*found -1 × 40"),
        (TEMPLATES.replace("width", "w"), "line 1: expected x, y, width.*found x, y, height"),
        (TEMPLATES.replace("0.3,90", ",90"), "line 9, score: .* in every line, or in none"),
        (TEMPLATES.replace("0.3,90", "-1,90"), "line 9, score: expected a number from 0"),
        (
            TEMPLATES.replace(",,0.6", ",,0.61"),
            "line 7, score: expected the score of this face in line 5, 0.6, found 0.61",
        ),
        (TEMPLATES + "1,a\n", "line 10: expected 10 fields"),
    ],
)
def test_a_mistake_names_its_line(folder: Path, text: str, message: str) -> None:
    path = put(folder, text)
    with pytest.raises(BadInput, match=message) as error:
        load_verification(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{FIRST}\n1,a,ada/1.jpg\n", "line 1: expected a column role"),
        (TEMPLATES.replace("0,40,east", "0,40,west", 1), "line 3, role: expected 'west' for"),
        (TEMPLATES.replace(",West", ","), "line 7, role: expected text, found a blank"),
        (TEMPLATES.replace("West", "probe").replace("east", "probe"), "found no gallery"),
        (TEMPLATES.replace("probe", "south").replace("PROBE", "south"), "found no probe"),
        (
            TEMPLATES + "31,ada,ada/1.jpg,,0.9,1,2,30,40,east\n",
            "line 10: expected each subject once in gallery 'east', found .* of line 2 again",
        ),
    ],
)
def test_a_mistake_in_the_roles_names_its_line(folder: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        load_identification(put(folder, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            COMPARISONS + "7,10\n",
            r"c\.csv, line 5: expected a template of templates\.csv, found 10",
        ),
        (COMPARISONS + "0,7\n", "line 5: expected a template of templates.csv, found 0"),
        (COMPARISONS + "99,7\n", "line 5: expected a template of templates.csv, found 99"),
        (COMPARISONS + "7,7\n", "line 5: expected two different templates, found 7 with itself"),
        (COMPARISONS + "9,7\n8,7\n", "line 6: expected each pair once, .*of line 3 again"),
        (COMPARISONS + "7,x\n", "line 5, right: expected a whole number"),
        ("left,right\n", "at least one pair"),
        ("left,right,same\n7,8,1\n7,30,1\n", "line 3: expected one subject, .*found two in temp"),
        ("left,right,same\n7,8,0\n7,30,1\n", "line 2: expected two subjects, .*found one in temp"),
    ],
)
def test_a_mistake_in_the_comparisons_names_its_line(folder: Path, text: str, message: str) -> None:
    path = put(folder, TEMPLATES)
    with pytest.raises(BadInput, match=message):
        load_verification(path, comparisons=put(folder, text, "c.csv"))


def test_an_absent_file_is_said(folder: Path) -> None:
    with pytest.raises(DatasetUnavailable, match="list of templates"):
        load_identification(folder / "no.csv")
    with pytest.raises(DatasetUnavailable, match="list of comparisons"):
        load_verification(put(folder, TEMPLATES), comparisons=folder / "no.csv")


HOSTILE = ["", "..", "/etc/passwd", "-1", "1e999", "nan", "9" * 400, "\0", "\ufeff", "\r", "\n"]
HOSTILE += [",", '"', "\udcff", "\u2028", "eve/1.jpg", "7", "8", "30", "probe", "east", "1e-300"]


@st.composite
def damaged(draw: st.DrawFn, valid: str) -> bytes:
    """The valid file with pieces cut, repeated, exchanged or replaced."""
    pieces = re.split(r"([,\n])", valid)
    for _ in range(draw(st.integers(0, 4))):
        at, other = (draw(st.integers(0, len(pieces) - 1)) for _ in range(2))
        kind = draw(st.sampled_from(["cut", "repeat", "exchange", "replace", "any"]))
        if kind == "cut":
            del pieces[at : at + draw(st.integers(1, 22))]
        elif kind == "repeat":
            pieces[at:at] = pieces[at : at + draw(st.integers(1, 22))]
        elif kind == "exchange":
            pieces[at], pieces[other] = pieces[other], pieces[at]
        else:
            pieces[at] = draw(
                st.sampled_from(HOSTILE) if kind == "replace" else st.text(max_size=5)
            )
        pieces = pieces or [""]
    return "".join(pieces).encode(errors="surrogateescape")


CONTENT = st.one_of(st.binary(max_size=200), damaged(TEMPLATES))
LISTED = st.one_of(st.binary(max_size=50), damaged(COMPARISONS))


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes, bytes], None]:
    folder = tmp_path_factory.mktemp("templates")
    put_photos(folder)

    def check(content: bytes, listed: bytes) -> None:
        """Any bytes end in a result or in one of our errors."""
        path, comparisons = put(folder, content), put(folder, listed, "c.csv")
        for missing in ("refuse", "failure-to-enrol"):
            with contextlib.suppress(DataError):
                assert len(load_verification(path, missing=missing).pairs) > 0
            with contextlib.suppress(DataError):
                assert load_verification(path, comparisons=comparisons, missing=missing).digest
            with contextlib.suppress(DataError):
                assert load_identification(path, missing=missing).galleries

    return check


@given(CONTENT, LISTED)
@settings(max_examples=50, deadline=None)
def test_any_bytes_end_in_a_result_or_our_error(check, content: bytes, listed: bytes) -> None:
    check(content, listed)


@pytest.mark.slow
@given(CONTENT, LISTED)
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_many_bytes_end_in_a_result_or_our_error(check, content: bytes, listed: bytes) -> None:
    check(content, listed)


def test_a_face_belongs_to_one_person(folder: Path) -> None:
    """Two templates of two people with one face would score 1 as impostors."""
    text = TEMPLATES + "9,nobody,eve/2.jpg,,0.4,,,,,PROBE\n"
    with pytest.raises(BadInput, match=r"line 10, subject: expected subject 'Eve' for this face"):
        load_verification(put(folder, text))

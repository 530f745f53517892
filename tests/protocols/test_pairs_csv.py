"""A user's own pairs: what the columns mean, and what each mistake is told as."""

import contextlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.errors import BadInput, DataError, DatasetUnavailable
from protocols.pairs_csv import load, read_numbered_pairs

PAIRS = """left,right,same,fold
a/1.jpg,a/2.jpg,1,3
a/1.jpg,b/1.jpg,no,3
b/1.jpg,b/2.jpg,TRUE,20
a/2.jpg,c.png,0,20
"""
NAMES = ("a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg", "c.png")


def put(folder: Path, text: str | bytes, name: str = "mine.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def put_photos(folder: Path) -> None:
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put_photos(tmp_path)
    return tmp_path


def test_pairs_are_those_of_the_file(folder: Path) -> None:
    protocol = load(put(folder, PAIRS))
    pairs, names = protocol.pairs, protocol.samples.photos.names
    assert [names[index] for index in pairs.left] == ["a/1.jpg", "a/1.jpg", "b/1.jpg", "a/2.jpg"]
    assert [names[index] for index in pairs.right] == ["a/2.jpg", "b/1.jpg", "b/2.jpg", "c.png"]
    assert pairs.genuine.tolist() == [True, False, True, False]
    assert pairs.fold is not None
    assert pairs.fold.tolist() == [0, 0, 1, 1]
    assert sorted(names) == sorted(NAMES)
    assert protocol.templates.subjects.tolist() == [-1] * 5
    assert (protocol.name, protocol.rule) == ("mine", "mine.csv, folds: 2")
    assert protocol.counted == "as many as mine.csv holds"
    assert [one.path.name for one in protocol.inputs] == ["mine.csv"]


def test_columns_in_any_order_and_case_and_others_are_ignored(folder: Path) -> None:
    rows = [line.split(",") for line in PAIRS.splitlines()]
    turned = "\ufeff" + "\r\n".join(f" {d} ,note, {c},{b} ,{a}" for a, b, c, d in rows)
    turned = turned.replace("left", "Left").replace("fold", "FOLD")
    assert load(put(folder, turned)).digest == load(put(folder, PAIRS)).digest


@pytest.mark.parametrize("fold", ["", ",fold"])
def test_without_folds_there_are_none(folder: Path, fold: str) -> None:
    comma = "," if fold else ""
    protocol = load(put(folder, f"left,right,same{fold}\na/1.jpg,a/2.jpg,yes{comma}\n"))
    assert protocol.pairs.fold is None
    assert protocol.rule == "mine.csv, no folds"


def test_paths_start_at_the_root(folder: Path, tmp_path: Path) -> None:
    path = put(tmp_path, PAIRS.replace("a/", "").replace("b/1", "2").replace("b/", ""))
    put(folder / "a", b"", "c.png")
    protocol = load(
        put(tmp_path, "left,right,same\n1.jpg,2.jpg,1\n1.jpg,c.png,0\n"), root=folder / "a"
    )
    assert not protocol.samples.absent.any()
    with pytest.raises(DatasetUnavailable, match=r"1\.jpg, which mine\.csv names"):
        load(path)


def test_subjects_are_numbered_by_name(folder: Path) -> None:
    text = (
        "left,right,same,left_subject,right_subject\n"
        "b/1.jpg,a/1.jpg,0,Zoë,Ada\n"
        "a/1.jpg,a/2.jpg,1,Ada,Ada\n"
        "b/1.jpg,c.png,0,Zoë,Bob\n"
    )
    protocol = load(put(folder, text))
    assert protocol.samples.photos.names == ("b/1.jpg", "a/1.jpg", "a/2.jpg", "c.png")
    assert protocol.templates.subjects.tolist() == [2, 0, 0, 1]


def test_a_missing_photo_is_an_error_or_marked(folder: Path) -> None:
    (folder / "b/1.jpg").unlink()
    path = put(folder, PAIRS)
    with pytest.raises(DatasetUnavailable, match=r"b/1\.jpg, which mine\.csv names is not at"):
        load(path)
    protocol = load(path, missing="failure-to-enrol")
    assert protocol.samples.absent.tolist() == [
        name == "b/1.jpg" for name in protocol.samples.photos.names
    ]
    assert len(protocol.pairs) == 4


def test_a_counts_file_beside_it_is_asked(folder: Path) -> None:
    path, own = put(folder, PAIRS), folder / "counts.json"
    counts = {"photos": 5, "pairs": 4, "genuine": 2}
    own.write_text(json.dumps({"why": "first batch", "counts": counts}))
    assert load(path).counted == "counts.json (first batch)"
    assert [one.path.name for one in load(path).inputs] == ["mine.csv", "counts.json"]
    for name in counts:
        own.write_text(json.dumps({"why": "first batch", "counts": counts | {name: 9}}))
        with pytest.raises(BadInput, match=f"number of {name}: expected 9 .as counts"):
            load(path)


def test_the_example_of_the_docs_and_its_mistakes(project: Path, tmp_path: Path) -> None:
    text = (project / "docs" / "own-data.md").read_text()
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    example = next(block for block in blocks if block.startswith("left,right,same"))
    (tmp_path / "mine").mkdir()
    path = put(tmp_path / "mine", example, "pairs.csv")
    put(tmp_path / "mine", next(block for block in blocks if '"why"' in block), "counts.json")
    protocol = load(path, missing="failure-to-enrol")
    assert protocol.counted == "counts.json (first batch, 12 May)"
    assert protocol.pairs.fold is not None
    for broken in (
        example.replace("eve/1.jpg,0", "eve/1.jpg,maybe"),
        example.replace("joe/1.jpg,joe/2", "../joe/1.jpg,joe/2"),
        example + "ada/2.jpg,ada/1.jpg,0,0\n",
    ):
        with pytest.raises(BadInput) as error:
            load(put(tmp_path / "mine", broken, "pairs.csv"), missing="failure-to-enrol")
        assert str(error.value).replace(f"{tmp_path}/", "") in text


SUBJECTS = "left,right,same,left_subject,right_subject\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected a header with LEFT"),
        ("left,right\na/1.jpg,a/2.jpg\n", "line 1: expected a header with SAME"),
        ("left,right,same\n", "at least one pair, found none"),
        (PAIRS.replace(",no,3", ",no"), "line 3: expected 4 fields, as in the header, found 3"),
        (PAIRS.replace(",no,3", ",no,3,"), "line 3: expected 4 fields, as in the header, found 5"),
        (PAIRS.replace("no", "maybe"), "line 3, same: expected one of 1, true, .*found 'maybe'"),
        (PAIRS.replace("no", ""), "line 3, same: .*found ''"),
        (PAIRS.replace("no,3", "no,"), "line 3, fold: .* in every line, or in none, found ''"),
        (PAIRS.replace("no,3", "no,-3"), "line 3, fold: expected a whole number from 0"),
        (PAIRS.replace("no,3", "no,3.0"), "line 3, fold: expected a whole number from 0"),
        (PAIRS.replace("no,3", "no,1e999"), "line 3, fold: expected a whole number from 0"),
        (PAIRS.replace("no,3", "no," + "9" * 400), "line 3, fold: expected a whole number from 0"),
        (PAIRS.replace("a/1.jpg,b", "/a/1.jpg,b"), "line 3: expected a path below the root"),
        (PAIRS.replace("a/1.jpg,b", "../a/1.jpg,b"), "line 3: expected a path below the root"),
        (PAIRS.replace("a/1.jpg,b", "a/../1.jpg,b"), "line 3: expected a path below the root"),
        (PAIRS.replace("a/1.jpg,b", "a//1.jpg,b"), "line 3: expected a path below the root"),
        (PAIRS.replace("a/1.jpg,b", "a\\1.jpg,b"), "line 3: expected a path below the root"),
        (PAIRS.replace("a/1.jpg,b", ",b"), "line 3: expected a path below the root, .*found ''"),
        (PAIRS.replace("a/1.jpg,b", '"a\n/1.jpg",b'), "line 4: expected a path below the root"),
        (PAIRS.replace("a/1.jpg,b", '"a/1.jpg,b'), "line 5: expected CSV"),
        (PAIRS.replace("b/2.jpg", "b/1.jpg"), "line 4: expected two different photos, found 'b/1"),
        (PAIRS + "a/1.jpg,a/2.jpg,1,3\n", "line 6: .* pair of line 2 again, with the same answer"),
        (PAIRS + "a/2.jpg,a/1.jpg,0,3\n", "line 6: .* pair of line 2 again, with another answer"),
        (SUBJECTS + "a/1.jpg,b/1.jpg,1,A,B\n", "line 2: expected one subject, as same says"),
        (SUBJECTS + "a/1.jpg,b/1.jpg,0,A,A\n", "line 2: expected two subjects, as same says"),
        (
            SUBJECTS + "a/1.jpg,b/1.jpg,0,A,\n",
            "line 2: .*both or neither of them a column, found a",
        ),
        ("left,right,same,left_subject\na/1.jpg,b/1.jpg,0,A\n", "line 2: .*both or neither"),
        (
            SUBJECTS + "a/1.jpg,b/1.jpg,0,A,B\na/2.jpg,a/1.jpg,1,C,C\n",
            "line 3: expected 'A' on 'a/1.jpg', as in line 2, found 'C'",
        ),
    ],
)
def test_a_mistake_names_its_line(folder: Path, text: str, message: str) -> None:
    path = put(folder, text)
    with pytest.raises(BadInput, match=message) as error:
        load(path)
    assert str(path) in str(error.value)


def test_a_link_out_of_the_root_is_refused(folder: Path) -> None:
    (folder / "c.png").unlink()
    (folder / "c.png").symlink_to("/etc/passwd")
    with pytest.raises(BadInput, match=r"line 5: expected a path within"):
        load(put(folder, PAIRS))


def test_an_absent_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match="own-data"):
        load(tmp_path / "no.csv")
    with pytest.raises(DatasetUnavailable, match="own-data"):
        read_numbered_pairs(tmp_path / "no.csv")


NUMBERS = "left,right,fold,same\n7,9,4,1\n9,7,2,0\n123456789012345678,0,4,1\n"


def by_line(folder: Path, text: str) -> list[list[object]]:
    """What is read, one list a line."""
    listed = read_numbered_pairs(put(folder, text))
    columns = [[None] * len(listed.lines) if one is None else one.tolist() for one in listed]
    return [list(row) for row in zip(*columns, strict=True)]


def test_numbered_pairs_are_read_in_one_go_or_line_by_line_alike(tmp_path: Path) -> None:
    expected = [[2, 7, 9, True, 1], [3, 9, 7, False, 0], [4, 123456789012345678, 0, True, 1]]
    spaced = NUMBERS.replace("7,", " 7 ,")
    quoted, words = NUMBERS.replace("7,9", '"7",9'), NUMBERS.replace("4,1", "4,yes")
    for text in (NUMBERS, NUMBERS.replace("\n", "\r\n"), NUMBERS.strip(), "\ufeff" + NUMBERS):
        assert by_line(tmp_path, text) == expected
    for text in (spaced, quoted, words, NUMBERS + "\n\n"):
        assert by_line(tmp_path, text) == expected
    assert by_line(tmp_path, "left,right\n\n1,2\n") == [[3, 1, 2, None, None]]
    assert by_line(tmp_path, "right,left,note\n1,2,x\n") == [[2, 2, 1, None, None]]
    assert by_line(tmp_path, "left,right,fold\n1,2,\n3,4,\n") == [
        [2, 1, 2, None, None],
        [3, 3, 4, None, None],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected a header with LEFT"),
        ("left,right\n", "at least one pair"),
        ("left,right\n\n\n", "at least one pair"),
        ("left,right,left\n1,2,3\n", "line 1: expected one column LEFT, found 2"),
        ("left,right\n1,2\n1\n", "line 3: expected 2 fields, as in the header, found 1"),
        ("left,right\n\n1,2,3\n", "line 3: expected 2 fields, as in the header, found 3"),
        ("left,right\n1\n1,2,3\n", "line 2: expected 2 fields, as in the header, found 1"),
        ("left,right\n1,2,3\n1\n", "line 2: expected 2 fields, as in the header, found 3"),
        ("left,right\n1,2\n1,2,3\n1\n", "line 3: expected 2 fields, as in the header, found 3"),
        ("left,right\n1,2\n3,\n", "line 3, right: expected a whole number from 0, found ''"),
        ("left,right\n1,2\n-3,1\n", "line 3, left: expected a whole number from 0, found '-3'"),
        ("left,right\n1,2\n3,1.0\n", "line 3, right: expected a whole number from 0"),
        ("left,right\n1,2\n3,nan\n", "line 3, right: expected a whole number from 0"),
        ("left,right\n1,2\n3,²\n", "line 3, right: expected a whole number from 0"),
        ("left,right\n1,2\n3," + "9" * 19 + "\n", "line 3, right: expected a whole number"),
        ("left,right\n1,2\n3," + "9" * 400 + "\n", "line 3, right: expected a whole number"),
        ("left,right,same\n1,2,1\n3,4,2\n", "line 3, same: expected one of"),
        ("left,right,fold\n1,2,1\n3,4,\n", "line 3, fold: expected a whole number"),
        ("left,right,fold\n1,2,1\n3,4,1000000000\n", "line 3, fold: expected a whole number"),
    ],
)
def test_a_mistake_in_numbered_pairs_names_its_line(
    tmp_path: Path, text: str, message: str
) -> None:
    path = put(tmp_path, text)
    with pytest.raises(BadInput, match=message) as error:
        read_numbered_pairs(path)
    assert str(path) in str(error.value)


def outcome(path: Path) -> list[object]:
    """The columns that are read, or what is wrong."""
    try:
        return [None if one is None else one.tolist() for one in read_numbered_pairs(path)]
    except DataError as error:
        return [str(error)]


@given(
    st.sampled_from(["left,right\n", "right,left,fold\n", "fold,left,right,same\n"]),
    st.text("0123,,\n", max_size=30)
    | st.from_regex(r"([01],[0-9],[0-9],[01]\r?\n)*", fullmatch=True),
)
@settings(max_examples=300, deadline=None)
def test_reading_in_one_go_never_differs_from_reading_by_line(scratch, header, body) -> None:
    """A quoted header is read by line, whatever follows."""
    whole = outcome(put(scratch, header + body))
    assert whole == outcome(put(scratch, header.replace("left", '"left"') + body))


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


HOSTILE = ["", "..", "/etc/passwd", "-1", "1e999", "nan", "9" * 400, "\0", "\ufeff", "\r", "\n"]
HOSTILE += [",", '"', "\udcff", "\u2028", "a/" * 50 + "1.jpg", "c.png", "1", "yes", "\t", " ", "'"]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A valid file with pieces cut, repeated, exchanged or replaced."""
    pieces = re.split(
        r"([,\n])", draw(st.sampled_from([PAIRS, NUMBERS, SUBJECTS + "a/1.jpg,c.png,0,A,B"]))
    )
    for _ in range(draw(st.integers(1, 4))):
        at, other = (draw(st.integers(0, len(pieces) - 1)) for _ in range(2))
        kind = draw(st.sampled_from(["cut", "repeat", "exchange", "replace", "any"]))
        if kind == "cut":
            del pieces[at : at + draw(st.integers(1, 9))]
        elif kind == "repeat":
            pieces[at:at] = pieces[at : at + draw(st.integers(1, 9))]
        elif kind == "exchange":
            pieces[at], pieces[other] = pieces[other], pieces[at]
        else:
            pieces[at] = draw(
                st.sampled_from(HOSTILE) if kind == "replace" else st.text(max_size=5)
            )
        pieces = pieces or [""]
    return "".join(pieces).encode(errors="surrogateescape")


CONTENT = st.one_of(st.binary(max_size=200), damaged())


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], None]:
    folder = tmp_path_factory.mktemp("pairs")
    put_photos(folder)

    def check(content: bytes) -> None:
        """Any bytes end in a result or in one of our errors."""
        path = put(folder, content)
        for missing in ("refuse", "failure-to-enrol"):
            with contextlib.suppress(DataError):
                assert len(load(path, missing=missing).pairs) > 0
        with contextlib.suppress(DataError):
            assert len(read_numbered_pairs(path).lines) > 0

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

"""Points from files: Deep3D's five lines, and tables."""

from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from cfr.align import five_from_68
from cfr.landmarks import sidecar
from protocols.errors import BadInput, BadOption, DatasetUnavailable

FIVE = "142.84\t207.18\n222.02 203.9\n159.24, 253.57\n\n146.59,290.93\n 227.52 284.74 \n"
POINTS = [(142.84, 207.18), (222.02, 203.9), (159.24, 253.57), (146.59, 290.93), (227.52, 284.74)]
BLACK = np.zeros((4, 4, 3), np.uint8)


@pytest.mark.parametrize("place", ["one.txt", "detections/one.txt"])
def test_a_text_file_is_found_beside_its_photo(tmp_path: Path, place: str) -> None:
    file = tmp_path / place
    file.parent.mkdir(exist_ok=True)
    file.write_text(FIVE)
    landmarker = sidecar.load()
    (face,) = landmarker(BLACK, tmp_path / "one.jpg")
    np.testing.assert_array_equal(face.five, POINTS)
    assert (face.points, face.found_by, landmarker.name) == (None, "sidecar", "sidecar")
    assert (face.box[:2] < face.five.min(0)).all()
    assert (face.box[2:] > face.five.max(0)).all()
    assert landmarker(BLACK, tmp_path / "other.jpg") == []


def test_text_files_of_another_folder(tmp_path: Path) -> None:
    (tmp_path / "points").mkdir()
    (tmp_path / "points" / "one.txt").write_text(FIVE)
    assert len(sidecar.load(tmp_path / "points")(BLACK, tmp_path / "photos" / "one.png")) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FIVE + "1 2\n", "five lines x y, found 6"),
        ("", "five lines x y, found 0"),
        (FIVE.replace("222.02", "nan"), "line 2: expected 2 finite numbers"),
        (FIVE.replace("222.02", "left"), "line 2: expected 2 finite numbers.*left"),
        (FIVE.replace("222.02", "1 222.02"), "line 2: expected 2 finite numbers"),
        ("3 3\n" * 5, "a pixel apart"),
    ],
)
def test_a_broken_text_file_names_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "one.txt").write_text(text)
    with pytest.raises(BadInput, match=rf"one\.txt.*{message}"):
        sidecar.load()(BLACK, tmp_path / "one.jpg")


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_bytes(b"\xff\xfe1\x002")
    with pytest.raises(BadInput, match="five lines x y"):
        sidecar.load()(BLACK, tmp_path / "one.jpg")


def header(count: int) -> str:
    return "file," + ",".join(f"x{n},y{n}" for n in range(1, count + 1))


def row(file: str, points: np.ndarray) -> str:
    return f"{file}," + ",".join(map(str, points.ravel()))


def test_a_table_gives_each_photo_its_faces(tmp_path: Path) -> None:
    five = np.array(POINTS)
    rows = [row("a/one.jpg", five), row("b/one.jpg", five + 1), row("two.jpg", five + 2)]
    table = tmp_path / "points.csv"
    table.write_text("\ufeff" + "\r\n".join([header(5), *rows, "", row("two.jpg", five + 3)]))
    landmarker = sidecar.load(table)

    def shift(photo: str) -> list[float]:
        return [float((face.five - five)[0, 0].round(6)) for face in landmarker(BLACK, Path(photo))]

    assert shift("/photos/a/one.jpg") == [0]
    assert shift("/photos/b/one.jpg") == [1]
    assert shift("/photos/c/one.jpg") == []
    assert shift("/anywhere/two.jpg") == [2, 3]


def test_a_table_of_68_points(tmp_path: Path) -> None:
    points = np.random.default_rng(1).uniform(0, 100, (68, 2))
    (tmp_path / "points.csv").write_text(f"{header(68)}\n{row('one.jpg', points)}\n")
    (face,) = sidecar.read_csv(tmp_path / "points.csv")[PurePosixPath("one.jpg")]
    assert face.points is not None
    np.testing.assert_allclose(face.points, points)
    np.testing.assert_allclose(face.five, five_from_68(points))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected file,x1,y1"),
        ("one.jpg,1,2,3,4,5,6,7,8,9,10", "line 1: expected file,x1,y1"),
        (f"{header(6)}\n", "line 1: expected file,x1,y1"),
        (f"{header(5)}\none.jpg,1,2,3\n", "line 2: expected 10 finite numbers"),
        (f"{header(5)}\n\n,1,2,3,4,5,6,7,8,9,10\n", "line 3: expected a file name"),
        (f"{header(5)}\none.jpg,1,2,3,4,5,6,7,8,9,inf\n", "line 2: expected 10 finite numbers"),
        (f'{header(5)}\n"one.jpg,1,2\n', "expected CSV"),
    ],
)
def test_a_broken_table_names_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "points.csv").write_text(text)
    with pytest.raises(BadInput, match=rf"points\.csv.*{message}"):
        sidecar.load(tmp_path / "points.csv")


def test_what_cannot_be_worked_with_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match=r"absent\.csv"):
        sidecar.load(tmp_path / "absent.csv")
    with pytest.raises(BadOption, match="sidecar"):
        sidecar.load()(BLACK)


def test_every_real_file_is_read(shared: Path) -> None:
    folder = shared / "faces" / "deep3dfacerecon"
    photos = [path for path in folder.iterdir() if path.suffix in (".jpg", ".png")]
    found = [sidecar.load()(BLACK, photo) for photo in photos]
    assert [len(faces) for faces in found] == [1] * 25
    for (face,) in found:  # in the order that alignment expects, upright faces
        left, right, nose, left_mouth, right_mouth = face.five
        assert left[0] < right[0]
        assert left_mouth[0] < right_mouth[0]
        assert left[1] < nose[1] < left_mouth[1]

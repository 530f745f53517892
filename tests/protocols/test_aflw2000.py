"""AFLW2000-3D: real labels give the published counts; damaged ones give one clear error."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.aflw2000 import (
    image_folder,
    load,
    load_folder,
    load_predictions,
    read_array,
    read_names,
    yaw_subsets,
)
from protocols.errors import BadInput, DataError, DatasetUnavailable

PTS = "labels/AFLW2000-3D.pts68.npy"
YAW = "labels/AFLW2000-3D-new.pose.npy"
OURS = "released_predictions/AFLW2000_pts68_ours.npy"


@pytest.mark.parametrize(
    ("bins", "counts"), [("new-pose", (1306, 462, 232)), ("pose", (1312, 383, 305))]
)
def test_real_labels_have_the_published_counts(shared: Path, bins, counts) -> None:
    protocol = load(shared / "aflw2000", bins=bins)
    assert tuple(len(rows) for rows in protocol.subsets.values()) == counts
    assert protocol.complete
    assert protocol.images[:2] == ("image00002", "image00004")
    assert (np.abs(protocol.yaw_degrees) > 90).sum() == (21 if bins == "new-pose" else 7)


def test_real_folder_equals_the_npy_rows(shared: Path, tmp_path: Path) -> None:
    root = shared / "aflw2000"
    listed = tmp_path / "here.txt"
    listed.write_text("\n".join(path.name for path in image_folder(root).glob("*.jpg")))
    folder = load_folder(root, subset=listed)
    npy = load(root, bins="pose", subset=listed)
    assert len(folder.images) == 1000
    assert not folder.complete
    assert folder.images == npy.images
    assert "1000 of 2000 images listed in here.txt" in folder.rule
    np.testing.assert_array_equal(folder.rows, npy.rows)
    np.testing.assert_allclose(folder.landmarks, npy.landmarks, atol=2e-5)
    np.testing.assert_allclose(folder.yaw_degrees, npy.yaw_degrees, atol=4e-5)
    for name in folder.subsets:
        np.testing.assert_array_equal(folder.subsets[name], npy.subsets[name])
    assert len(folder.inputs) == 1000 + 2


def test_real_partial_folder_needs_a_list(shared: Path) -> None:
    with pytest.raises(BadInput, match=r"expected the 2000 images .* --subset.*found 1000"):
        load_folder(shared / "aflw2000")


def test_truth_changes_the_landmarks_and_the_digest(aflw2000: Path) -> None:
    original, again = load(aflw2000), load(aflw2000)
    other = load(aflw2000, truth="reannotated")
    assert original.digest == again.digest != other.digest
    assert "Reannotated" in other.rule
    np.testing.assert_array_equal(
        original.landmarks, np.load(aflw2000 / PTS)[:, :2].transpose(0, 2, 1).astype(np.float64)
    )


def test_a_subset_keeps_row_order_and_indexes_predictions(aflw2000: Path, tmp_path: Path) -> None:
    listed = tmp_path / "three.txt"
    listed.write_text("# three\nimage00008.jpg\n\nimage00002  # with a remark\nimage00006.jpg\n")
    protocol = load(aflw2000, subset=listed)
    assert protocol.images == ("image00002", "image00006", "image00008")
    assert protocol.rows.tolist() == [0, 2, 3]
    predictions = load_predictions(aflw2000 / OURS, protocol)
    np.testing.assert_array_equal(
        predictions, np.load(aflw2000 / OURS)[[0, 2, 3]].astype(np.float64)
    )


def test_a_folder_is_read_with_radians_named_as_such(aflw2000_photos: Path) -> None:
    protocol = load_folder(aflw2000_photos, subset=aflw2000_photos / "ten.txt")
    assert protocol.pose is not None
    np.testing.assert_allclose(np.degrees(protocol.pose[:, 1]), protocol.yaw_degrees, rtol=1e-6)
    np.testing.assert_allclose(protocol.pose[:, [0, 2]], [[0.1, -0.2]] * 10, rtol=1e-6)
    npy = load(aflw2000_photos, bins="pose", subset=aflw2000_photos / "ten.txt")
    np.testing.assert_array_equal(protocol.landmarks, npy.landmarks)


def test_yaw_bins_close_at_the_right() -> None:
    yaw = np.array([-30.0, 30.000001, 60.0, -60.1, 200.0, 0.0])
    subsets = {name: rows.tolist() for name, rows in yaw_subsets(yaw).items()}
    assert subsets == {"0–30": [0, 5], "30–60": [1, 2], "60–90": [3, 4]}


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def poison(row: int, value: float) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        array = np.load(path)
        array[row] = value
        np.save(path, array)

    return damage


def flatten_box(path: Path) -> None:
    array = np.load(path)
    array[5, 1] = 17.0
    np.save(path, array)


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        (PTS, truncate, "a whole npy array of shape"),
        (PTS, lambda path: path.write_bytes(b"not an array"), "a whole npy array of shape"),
        (PTS, lambda path: path.write_bytes(b""), "a whole npy array of shape"),
        (PTS, lambda path: np.save(path, np.zeros((1999, 3, 68), "f4")), "found float32 \\(1999"),
        (PTS, lambda path: np.save(path, np.zeros((2000, 3, 68), "i4")), "found int32"),
        (PTS, lambda path: path.write_bytes(b"PK\x03\x04"), "a whole npy array"),
        (PTS, lambda path: np.save(path, np.array({}, dtype=object)), "a whole npy array"),
        (PTS, poison(3, np.nan), r"row 3 \(image00008\): expected finite"),
        (PTS, flatten_box, r"row 5 \(image00012\): expected landmarks that span a box"),
        (YAW, poison(3, np.inf), r"row 3 \(image00008\): expected finite"),
        (YAW, poison(slice(0, 1000), 1.0), "yaw bins: expected"),  # type: ignore[arg-type]
        (OURS, poison(9, np.nan), "row 9: expected finite"),
        ("AFLW2000-3D_crop.list", truncate, "line 1994: expected a name"),
    ],
)
def test_damaged_files_name_file_record_and_expectation(
    aflw2000: Path, file: str, damage: Callable[[Path], None], message: str
) -> None:
    damage(aflw2000 / file)
    with pytest.raises(BadInput, match=message) as error:
        load_predictions(aflw2000 / OURS, load(aflw2000))
    assert str(aflw2000 / file) in str(error.value)


@pytest.mark.parametrize("file", [PTS, YAW, "AFLW2000-3D_crop.list"])
def test_an_absent_label_file_says_how_to_get_it(aflw2000: Path, file: str) -> None:
    (aflw2000 / file).unlink()
    with pytest.raises(DatasetUnavailable, match=r"fetch\.py aflw2000") as error:
        load(aflw2000)
    assert str(aflw2000 / file) in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image00002.jpg\n../../etc/passwd\n", "line 2: expected a name such as"),
        ("/etc/passwd\n", "line 1: expected a name such as"),
        ("image00002.jpg\n\nimage00002\n", "line 3: expected each image once"),
        ("# nothing\n", "at least one image name"),
        ("image00003.jpg\n", "image00003: expected a name that is in AFLW2000-3D"),
        ("\udcff\n", "UTF-8"),
    ],
)
def test_a_broken_subset_names_its_line(aflw2000: Path, text: str, message: str) -> None:
    listed = aflw2000 / "subset.txt"
    listed.write_text(text, errors="surrogateescape")
    with pytest.raises(BadInput, match=message):
        load(aflw2000, subset=listed)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("pt3d_68", None, "field pt3d_68: expected .* found no such field"),
        ("pt3d_68", np.zeros((3, 67), "f4"), r"found float32 \(3, 67\)"),
        ("pt3d_68", np.full((3, 68), np.nan, "f4"), "field pt3d_68: expected finite"),
        ("pt3d_68", np.ones((3, 68), "f4"), "a box of zero area"),
        ("Pose_Para", np.zeros((1, 6), "f4"), "field Pose_Para"),
        ("Pose_Para", "text", "field Pose_Para"),
    ],
)
def test_a_damaged_mat_names_its_field(aflw2000_photos: Path, field, value, message) -> None:
    from scipy.io import loadmat, savemat

    path = aflw2000_photos / "AFLW2000-3D" / "image00004.mat"
    fields = {key: val for key, val in loadmat(path).items() if not key.startswith("_")}
    fields[field] = value
    savemat(path, {key: val for key, val in fields.items() if val is not None})
    with pytest.raises(BadInput, match=message) as error:
        load_folder(aflw2000_photos, subset=aflw2000_photos / "ten.txt")
    assert str(path) in str(error.value)


def test_a_truncated_mat_and_a_missing_photo(aflw2000_photos: Path) -> None:
    folder, ten = aflw2000_photos / "AFLW2000-3D", aflw2000_photos / "ten.txt"
    truncate(folder / "image00006.mat")
    with pytest.raises(BadInput, match=r"image00006\.mat: expected a MATLAB file"):
        load_folder(aflw2000_photos, subset=ten)
    (folder / "image00004.jpg").unlink()
    with pytest.raises(DatasetUnavailable, match=r"image00004\.jpg"):
        load_folder(aflw2000_photos, subset=ten)


def test_the_photo_folder_itself_is_a_root_too(aflw2000_photos: Path) -> None:
    ten = aflw2000_photos / "ten.txt"
    whole = load_folder(aflw2000_photos, subset=ten)
    assert load_folder(aflw2000_photos / "AFLW2000-3D", subset=ten).digest == whole.digest


def test_a_row_order_that_is_out_of_order_is_refused(aflw2000: Path) -> None:
    """Every array follows the order of file names: another list would mix up the images."""
    path = aflw2000 / "AFLW2000-3D_crop.list"
    path.write_text("\n".join(reversed(path.read_text().split())))
    with pytest.raises(BadInput, match="line 2: expected names in order"):
        load(aflw2000)


def test_an_absent_subset_is_not_blamed_on_the_labels(aflw2000: Path) -> None:
    with pytest.raises(DatasetUnavailable, match="a text file, one name a line") as error:
        load(aflw2000, subset=aflw2000 / "no.txt")
    assert "fetch.py" not in str(error.value)


def test_a_folder_without_photos_is_said(aflw2000: Path) -> None:
    with pytest.raises(DatasetUnavailable, match="photo folder"):
        load_folder(aflw2000)


def answers(tmp_path: Path, content: bytes) -> int:
    """How many readings end with a result or one of our errors; anything else escapes."""
    answered = 0
    path = tmp_path / "bytes"
    for head in (b"", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x01\x00\x76\x00{"):
        path.write_bytes(head + content)
        for read in (lambda p: read_array(p, (1,)), read_names):
            with contextlib.suppress(DataError):
                read(path)
            answered += 1
    return answered


FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@FUZZ
@given(st.binary(max_size=300))
def test_no_bytes_escape_the_readers_but_as_our_errors(tmp_path: Path, content: bytes) -> None:
    assert answers(tmp_path, content) == 6


@pytest.mark.slow
@settings(FUZZ, max_examples=10_000)
@given(st.binary(max_size=300))
def test_ten_thousand_bytes_neither(tmp_path: Path, content: bytes) -> None:
    assert answers(tmp_path, content) == 6

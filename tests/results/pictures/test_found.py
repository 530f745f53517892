"""Photos that are named, or that lie in data roots: which are shown, and what is said of others."""

from pathlib import Path

import numpy as np
import pytest

from cfr.landmarks.face import Landmarker
from cfr.landmarks.sources import load_landmarker
from protocols.errors import BadInput
from protocols.images import read_image, save_image
from results.export.work import no_bar
from results.pictures.at_hand import data_sets, real_photos
from results.pictures.found import own_photos, show_photos
from results.pictures.types import CLEAR


@pytest.fixture(scope="module")
def landmarker(folder: Path) -> Landmarker:
    return load_landmarker("sidecar", folder / "points.csv", need_68=True)


def test_what_has_no_face_or_is_damaged_is_told(folder: Path, landmarker: Landmarker) -> None:
    files = own_photos([folder / "photos"], folder / "out")
    chosen = show_photos(files, 10, landmarker, "Yours", no_bar)
    assert [one.name for one in chosen.faces] == ["0.png", "1.png", "2.png"]
    assert chosen.told == "Yours: 5 of 5, none chosen by eye."
    told = " ".join(chosen.left_out)
    assert "found no face in none.png." in told
    assert "Damaged: zz.png." in told
    assert not chosen.labelled
    assert chosen.world == "real"


def test_some_are_taken_evenly_whatever_is_on_them(folder: Path, landmarker: Landmarker) -> None:
    files = own_photos([folder / "photos"], folder / "out")
    chosen = show_photos(files, 2, landmarker, "Yours", no_bar)
    assert [one.name for one in chosen.faces] == ["1.png"]
    assert chosen.told.startswith("Yours: 2 of 5, spread evenly over their order")
    assert "none.png" in chosen.left_out[0]


def test_a_single_photo_shows_all_its_faces_from_the_left(
    folder: Path, landmarker: Landmarker
) -> None:
    files = own_photos([folder / "two.png"], folder / "out")
    both = show_photos(files, 3, landmarker, "Yours", no_bar)
    assert [one.name for one in both.faces] == ["two.png, face 1", "two.png, face 2"]
    assert both.faces[0].points[:, 0].mean() < both.faces[1].points[:, 0].mean()
    one = show_photos(files, 1, landmarker, "Yours", no_bar)
    assert len(one.faces) == 1
    assert "1 of 2, from the left to the right" in one.told


def test_of_several_photos_the_largest_face_counts(folder: Path, landmarker: Landmarker) -> None:
    files = own_photos([folder / "two.png", folder / "photos" / "0.png"], folder / "out")
    chosen = show_photos(files, 2, landmarker, "Yours", no_bar)
    assert [one.name for one in chosen.faces] == ["two.png", "0.png"]


def test_a_photo_that_is_named_twice_counts_once(folder: Path) -> None:
    paths = [folder / "photos" / "1.png", folder / "photos", folder / "photos" / "1.png"]
    names = [one.name for one in own_photos(paths, folder / "photos" / "out")]
    assert names == ["1.png", "0.png", "2.png", "none.png", "zz.png"]


def test_what_figures_left_is_nobodys_photo(folder: Path, tmp_path: Path) -> None:
    for name in ("a.png", "fig1/fig1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        save_image(tmp_path / name, np.zeros((8, 8, 3), np.uint8))
    assert [one.name for one in own_photos([tmp_path], tmp_path / "fig1")] == ["a.png"]


def test_no_photo_and_no_face_are_errors(
    folder: Path, landmarker: Landmarker, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="expected pictures"):
        own_photos([tmp_path], tmp_path / "out")
    with pytest.raises(BadInput, match="no such file"):
        own_photos([tmp_path / "absent.png"], tmp_path / "out")
    files = own_photos([folder / "photos" / "none.png"], tmp_path)
    with pytest.raises(BadInput, match="finds a face, found none in 1"):
        show_photos(files, 3, landmarker, "Yours", no_bar)


def test_roots_that_are_there_decide(nothing_here: Path) -> None:
    root = nothing_here / "data"
    assert data_sets("both") == []
    (root / "lfw").mkdir(parents=True)
    assert data_sets("both") == ["lfw"]
    (root / "aflw2000").mkdir()
    assert data_sets("both") == ["aflw2000", "lfw"]
    assert data_sets("turned") == ["aflw2000"]
    (root / "masked-pairs").mkdir()
    assert data_sets("both") == ["aflw2000", "masked-pairs"]
    assert data_sets("occluded") == ["masked-pairs"]


def test_masked_pairs_know_the_truth(
    folder: Path, landmarker: Landmarker, nothing_here: Path
) -> None:
    root = nothing_here / "data" / "masked-pairs"
    for at in range(3):
        photo = read_image(folder / "photos" / f"{at}.png")
        for name in (f"with_mask/{at}-with-mask.jpg", f"without_mask/{at}.jpg"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            save_image((root / name).with_suffix(".png"), photo if "-" in name else 255 - photo)
            (root / name).with_suffix(".png").rename(root / name)
    points = (folder / "points.csv").read_text().replace(".png,", "-with-mask.jpg,")
    (root / "points.csv").write_text(points)
    finder = load_landmarker("sidecar", root / "points.csv", need_68=True)
    chosen = real_photos("occluded", 2, lambda: finder, no_bar)
    assert [one.name for one in chosen.faces] == ["0-with-mask.jpg", "2-with-mask.jpg"]
    assert "clip art" in chosen.told
    for face in chosen.faces:
        both = face.truths(64)[CLEAR].astype(int) + face.crop(64)
        assert np.median(np.abs(both - 255)) <= 2  # beside the photo both are black
        assert set(face.truths(64)) == {CLEAR}


def test_lfw_shows_people_of_its_pairs(shared: Path, nothing_here: Path) -> None:
    pytest.importorskip("dlib", reason="the extra offline is not installed")
    (nothing_here / "data").mkdir()
    (nothing_here / "data" / "lfw").symlink_to(shared / "lfw")
    finder = load_landmarker("dlib-hog")
    chosen = real_photos("occluded", 2, lambda: finder, no_bar)
    listed = (shared / "lfw" / "pairs.txt").read_text().split()
    assert chosen.faces
    for face in chosen.faces:
        assert face.name.rpartition("_")[0] in listed
    assert chosen.told.startswith("Photos of LFW's pairs: 2 of ")


def test_aflw2000_shows_turned_faces(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CFR_DATA", str(shared))
    unused = pytest.fail  # its labels are there: nothing has to be found
    turned = real_photos("turned", 3, lambda: unused("a detector was asked for"), no_bar)
    assert len(turned.faces) == 3
    assert all(30 <= abs(one.about["yaw_degrees"]) <= 60 for one in turned.faces)
    assert "Not to be passed on" in turned.told
    assert turned.labelled
    plain = real_photos("plain", 4, lambda: unused("a detector was asked for"), no_bar)
    assert any(abs(one.about["yaw_degrees"]) < 30 for one in plain.faces)

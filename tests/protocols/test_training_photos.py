"""Photos to train on: of each layout the right ones, the same every time, and none from outside."""

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from protocols.errors import BadInput, BadOption, DatasetUnavailable
from protocols.photo_files import find_photo_files
from protocols.training_photos import KINDS, TrainingPhotos, load_training_photos

AFW, HELEN = "AFW/AFW_1_0.jpg", "HELEN/HELEN_3_1.jpg"
MULTI_PIE = "session01/multiview/001/01/05_1/001_01_01_051_06.png"
MASKED = (
    "CMFD/00000/00001_Mask.jpg",
    "IMFD/00000/00001_Mask_Nose_Mouth.jpg",
    "IMFD/00000/00002_Mask_Chin.jpg",
    "IMFD/00000/00003_Mask_Mouth_Chin.jpg",
)


def photo(path: Path, wide: int = 8, high: int = 6) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (wide, high), (90, 60, 30)).save(path)
    return path


def points_of(number: int) -> np.ndarray:
    return np.random.default_rng(number).uniform(1, 450, (68, 2)).astype(np.float32)


def points_file(root: Path, name: str, **arrays: object) -> Path:
    path = root / "landmarks" / name.replace(".jpg", "_pts.mat")
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, arrays)
    return path


def lp(root: Path) -> Path:
    """Two photos of 300W-LP, and what is left out of it."""
    for number, name in enumerate((HELEN, AFW)):
        photo(root / name).with_suffix(".mat").write_bytes(b"not read")
        points_file(root, name, pts_3d=points_of(number), pts_2d=points_of(9))
    for name in ("AFW_Flip/AFW_1_0.jpg", "AFW_Flip/AFW_2_0.jpg", "Code/a/drawn.png"):
        photo(root / name)
    return root


def celeba(root: Path) -> Path:
    for number in (1, 2, 3, 4):
        photo(root / "img_celeba" / f"{number:06d}.jpg")
    photo(root / "img_align_celeba/000001.jpg")
    lines = "000001.jpg 1\n000002.jpg 0\n000003.jpg 2\n000004.jpg 0\n000005.jpg 0\n"
    (root / "list_eval_partition.txt").write_text(lines)
    return root


def multi_pie(root: Path) -> Path:
    photo(root / MULTI_PIE)
    photo(root / "session02/multiview/346/03/19_1/346_02_03_191_19.png")
    photo(root / "session01/highres/001_01_01.jpg")
    return root


def masked(root: Path) -> Path:
    for name in MASKED:
        photo(root / name)
    for name in ("ffhq/00000/00001.png", "ffhq/00000/00002.jpg", "ffhq/00000/00004.png"):
        photo(root / name)
    photo(root / "drawn.png")
    return root


def people(root: Path) -> Path:
    for name in ("b/2.png", "b/1.JPG", "a-b/1.jpeg", "a/deep/er/1.bmp"):
        saved = photo((root / name).with_suffix(Path(name).suffix.lower()))
        saved.rename(root / name)
    (root / "a/notes.txt").write_text("not a photo")
    photo(root / ".cache/1.jpg")
    photo(root / "b/.1.jpg")
    return root


BUILD: dict[str, Callable[[Path], Path]] = {
    "300w-lp": lp,
    "celeba": celeba,
    "multi-pie": multi_pie,
    "masked": masked,
    "folder": people,
}


def names(root: Path, found: TrainingPhotos) -> list[str]:
    return [one.path.relative_to(root).as_posix() for one in found.photos]


def write_list(folder: Path, *lines: str) -> Path:
    path = folder / "some.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_300w_lp_has_points_counted_from_0_and_no_mirrored_copy(tmp_path: Path) -> None:
    found = load_training_photos("300w-lp", lp(tmp_path))
    assert names(tmp_path, found) == [AFW, HELEN]
    for one, number in zip(found.photos, (1, 0), strict=True):
        assert one.points is not None
        assert one.points.dtype == np.float64
        np.testing.assert_array_equal(one.points, points_of(number).astype(float) - 1)
        assert one.masked is None
    assert found.name == "300w-lp"
    assert found.rule == (
        "2 photos of AFW, HELEN with their pts_3d; left out: 2 mirrored copies (_Flip), "
        "1 photos that lie elsewhere or are named otherwise, 4 other files"
    )


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pts_2d": np.ones((68, 2))}, r"field pts_3d: expected .*\(68, 2\), found no such field"),
        ({"pts_3d": np.ones((2, 68))}, r"field pts_3d: expected .*, found float64 \(2, 68\)"),
        ({"pts_3d": np.full((68, 2), np.nan)}, "field pts_3d: expected finite numbers"),
        ({"pts_3d": "sixty-eight"}, "field pts_3d: expected real numbers"),
    ],
)
def test_points_of_300w_lp_have_to_be_whole(
    tmp_path: Path, arrays: dict[str, object], message: str
) -> None:
    path = points_file(lp(tmp_path), HELEN, **arrays)
    with pytest.raises(BadInput, match=f"{re.escape(str(path))}, {message}"):
        load_training_photos("300w-lp", tmp_path)


def test_points_of_300w_lp_have_to_be_there_and_inside(tmp_path: Path) -> None:
    path = points_file(lp(tmp_path / "root"), HELEN, pts_3d=points_of(0))
    path.write_bytes(b"no MATLAB file")
    with pytest.raises(BadInput, match=r"HELEN_3_1_pts\.mat: expected a MATLAB file"):
        load_training_photos("300w-lp", tmp_path / "root")
    path.unlink()
    with pytest.raises(BadInput, match=rf"_pts\.mat: expected the points of {HELEN}, found no"):
        load_training_photos("300w-lp", tmp_path / "root")
    outside = points_file(tmp_path, HELEN, pts_3d=points_of(0))
    path.symlink_to(outside)
    with pytest.raises(BadInput, match="file of points: expected a path within"):
        load_training_photos("300w-lp", tmp_path / "root")


def test_celeba_has_the_training_photos_in_the_wild(tmp_path: Path) -> None:
    found = load_training_photos("celeba", celeba(tmp_path))
    assert names(tmp_path, found) == ["img_celeba/000002.jpg", "img_celeba/000004.jpg"]
    assert all(one.points is None and one.masked is None for one in found.photos)
    assert found.rule == (
        "2 photos in img_celeba, of part 0 (train) in list_eval_partition.txt; left out: "
        "1 photos that lie elsewhere or are named otherwise, 1 photos to validate with, "
        "1 photos to test with, 1 training photos that are not there, 1 other files"
    )
    (tmp_path / "Eval").mkdir()
    (tmp_path / "list_eval_partition.txt").rename(tmp_path / "Eval/list_eval_partition.txt")
    assert load_training_photos("celeba", tmp_path).digest == found.digest


def test_celeba_without_a_partition_or_in_the_wild_photos_has_all(tmp_path: Path) -> None:
    (celeba(tmp_path) / "list_eval_partition.txt").unlink()
    found = load_training_photos("celeba", tmp_path)
    assert names(tmp_path, found) == [f"img_celeba/{number:06d}.jpg" for number in (1, 2, 3, 4)]
    assert found.rule.startswith("4 photos in img_celeba, without a partition; left out: 1 photos")
    (tmp_path / "img_celeba").rename(tmp_path / "other")
    found = load_training_photos("celeba", tmp_path)
    assert names(tmp_path, found) == ["img_align_celeba/000001.jpg"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("000001.jpg 1\n000002.jpg 3", "line 2: expected '000001.jpg 0', a part from 0 to 2"),
        ("000001.jpg,0", "line 1: expected '000001.jpg 0'"),
        ("000001.jpg 0\n000001.jpg 0", "line 2: expected each photo once, found 000001.jpg again"),
        ("000001.jpg 0", "expected a line for 000002.jpg, which is there, found none"),
    ],
)
def test_a_broken_partition_of_celeba_is_refused(tmp_path: Path, lines: str, message: str) -> None:
    (celeba(tmp_path) / "list_eval_partition.txt").write_text(lines)
    with pytest.raises(BadInput, match=rf"list_eval_partition\.txt(, |: ){message}"):
        load_training_photos("celeba", tmp_path)


def test_a_partition_of_celeba_that_leads_outside_is_refused(tmp_path: Path) -> None:
    path = celeba(tmp_path / "root") / "list_eval_partition.txt"
    path.symlink_to(path.rename(tmp_path / "outside.txt"))
    with pytest.raises(BadInput, match="expected a path within"):
        load_training_photos("celeba", tmp_path / "root")


@pytest.mark.parametrize("place", [".", "data"])
def test_multi_pie_has_the_photos_of_multiview(tmp_path: Path, place: str) -> None:
    root = multi_pie(tmp_path / place)
    found = load_training_photos("multi-pie", tmp_path)
    assert names(root, found) == [
        MULTI_PIE,
        "session02/multiview/346/03/19_1/346_02_03_191_19.png",
    ]
    assert found.rule.startswith("2 photos of multiview; left out: 1 photos that lie elsewhere")
    assert found.photos[0].points is None


@pytest.mark.parametrize(
    "name",
    [
        "002_01_01_051_06.png",
        "001_02_01_051_06.png",
        "001_01_02_051_06.png",
        "001_01_01_050_06.png",
        "001_01_01_051_6.png",
        "001_01_01_051_06_crop.png",
        "06.png",
    ],
)
def test_a_photo_of_multi_pie_in_a_wrong_folder_is_refused(tmp_path: Path, name: str) -> None:
    photo((multi_pie(tmp_path) / MULTI_PIE).with_name(name))
    with pytest.raises(BadInput, match=rf"name: expected .*001_01_01_051_06\.png.*found {name}"):
        load_training_photos("multi-pie", tmp_path)


def test_every_masked_photo_stands_with_the_clean_one(tmp_path: Path) -> None:
    found = load_training_photos("masked", masked(tmp_path))
    pairs = [(one.path, one.masked) for one in found.photos]
    first, second = tmp_path / "ffhq/00000/00001.png", tmp_path / "ffhq/00000/00002.jpg"
    assert pairs == [
        (first, tmp_path / MASKED[0]),
        (first, tmp_path / MASKED[1]),
        (second, tmp_path / MASKED[2]),
    ]
    assert all(one.points is None for one in found.photos)
    assert found.rule == (
        "3 photos with a masked one each; left out: "
        "1 photos that lie elsewhere or are named otherwise, 1 photos without a masked one, "
        "1 masked photos without the unmasked one"
    )


def test_masked_photos_alone_are_refused(tmp_path: Path) -> None:
    for name in MASKED:
        photo(tmp_path / name)
    message = r"expected at least one photo \(.*FFHQ.*ffhq/00000/00001\.png.*found 4 masked photos"
    with pytest.raises(BadInput, match=message):
        load_training_photos("masked", tmp_path)


def test_a_number_with_two_clean_photos_needs_a_list(tmp_path: Path) -> None:
    other = "thumbnails/00001.png"
    photo(masked(tmp_path) / other)
    message = r"expected one photo without a mask of number 00001.*found ffhq/00000/00001\.png"
    with pytest.raises(BadInput, match=message):
        load_training_photos("masked", tmp_path)
    found = load_training_photos("masked", tmp_path, write_list(tmp_path, other))
    assert names(tmp_path, found) == [other, other]
    assert [one.masked for one in found.photos] == [tmp_path / one for one in MASKED[:2]]


def test_a_masked_photo_of_another_size_is_refused(tmp_path: Path) -> None:
    photo(masked(tmp_path) / "ffhq/00000/00001.png", wide=6, high=8)
    with pytest.raises(BadInput, match=r"expected 6 × 8 pixels, as ffhq/.*, found 8 × 6"):
        load_training_photos("masked", tmp_path)


def test_a_list_for_masked_ones_names_photos_that_have_one(tmp_path: Path) -> None:
    masked(tmp_path)
    for name, message in (
        ("ffhq/00000/00004.png", "one of the photos without a masked one"),
        (MASKED[0], "one of the masked photos"),
        ("drawn.png", "one of the photos that lie elsewhere"),
    ):
        with pytest.raises(BadInput, match=rf"some\.txt, line 1: .*{message}"):
            load_training_photos("masked", tmp_path, write_list(tmp_path, name))


def test_a_folder_has_every_photo_in_the_order_of_paths(tmp_path: Path) -> None:
    found = load_training_photos("folder", people(tmp_path))
    assert names(tmp_path, found) == ["a/deep/er/1.bmp", "a-b/1.jpeg", "b/1.JPG", "b/2.png"]
    assert [one.path for one in found.photos] == sorted(one.path for one in found.photos)
    assert found.rule == "4 photos; left out: 1 other files"


def test_the_real_list_of_lfw(shared: Path) -> None:
    listed = shared / "lfw/lists/train_photos_strict.txt"
    root = shared / "lfw/lfw-deepfunneled"
    found = load_training_photos("folder", root, listed)
    assert len(found.photos) == 1549
    assert found.rule == "1,549 photos, listed in train_photos_strict.txt"
    assert found.photos[0].path == root / "AJ_Cook/AJ_Cook_0001.jpg"
    assert {*names(root, found)} == {*listed.read_text().split()}
    assert load_training_photos("folder", root, listed).digest == found.digest


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_the_disk_does_not_count(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    BUILD[kind](tmp_path)
    found = load_training_photos(kind, tmp_path)
    original = os.scandir

    class Backwards:
        """What the disk tells, the other way round."""

        def __init__(self, path: Path) -> None:
            with original(path) as entries:
                self.entries = sorted(entries, key=lambda one: one.name, reverse=True)

        def __enter__(self) -> "list[os.DirEntry[str]]":
            return self.entries

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(os, "scandir", Backwards)
    again = load_training_photos(kind, tmp_path)
    assert again.digest == found.digest
    assert again.rule == found.rule
    assert [(one.path, one.masked) for one in again.photos] == [
        (one.path, one.masked) for one in found.photos
    ]
    assert [one.path for one in found.photos] == sorted(one.path for one in found.photos)


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_takes_a_part_in_order(tmp_path: Path, kind: str) -> None:
    root = BUILD[kind](tmp_path / "root")
    every = [*dict.fromkeys(names(root, load_training_photos(kind, root)))]
    listed = write_list(tmp_path, "", f"  {every[-1]} ", "", every[0], " \r")
    found = load_training_photos(kind, root, listed)
    assert [*dict.fromkeys(names(root, found))] == [every[0], every[-1]]
    assert found.rule.endswith(", listed in some.txt")
    assert "left out" not in found.rule
    one = load_training_photos(kind, root, write_list(tmp_path, every[0]))
    assert {*names(root, one)} == {every[0]}
    assert one.digest != found.digest


def test_a_list_takes_only_what_its_kind_takes(tmp_path: Path) -> None:
    for kind, name, message in (
        ("300w-lp", "AFW_Flip/AFW_1_0.jpg", "mirrored copies"),
        ("300w-lp", "Code/a/drawn.png", "photos that lie elsewhere"),
        ("celeba", "img_celeba/000001.jpg", "photos to validate with"),
        ("celeba", "img_celeba/000003.jpg", "photos to test with"),
        ("multi-pie", "session01/highres/001_01_01.jpg", "photos that lie elsewhere"),
    ):
        root = BUILD[kind](tmp_path / kind)
        listed = write_list(tmp_path, "", name)
        with pytest.raises(BadInput, match=rf"some\.txt, line 2: .*{name}', one of the {message}"):
            load_training_photos(kind, root, listed)


def test_a_list_for_celeba_may_name_aligned_photos(tmp_path: Path) -> None:
    (celeba(tmp_path) / "list_eval_partition.txt").write_text("000001.jpg 0\n")
    listed = write_list(tmp_path, "img_align_celeba/000001.jpg")
    found = load_training_photos("celeba", tmp_path, listed)
    assert names(tmp_path, found) == ["img_align_celeba/000001.jpg"]
    assert found.rule.startswith("1 photos of part 0 (train) in list_eval_partition.txt, listed")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{root}/{name}", "expected a path below the root, .*without"),
        ("../root/{name}", "expected a path below the root"),
        ("./{name}", "expected a path below the root"),
        ("{folder}//{file}", "expected a path below the root"),
        ("{folder}/gone.jpg", "expected a photo that lies below .*/gone.jpg'"),
        ("{folder}", "expected a photo"),
        ("notes.txt", r"expected a photo \(\.bmp, \.jpeg, \.jpg, \.png\)"),
        ("{name}", "expected each photo once, found .* of line 1 again"),
        ("out.jpg", "expected a path within .*out.jpg"),
        ("away/1.jpg", "expected a path within .*away"),
        ("nowhere.jpg", "expected a photo that lies below"),
    ],
)
def test_a_list_names_photos_below_the_root_once(
    tmp_path: Path, kind: str, line: str, message: str
) -> None:
    root = BUILD[kind](tmp_path / "root")
    name = names(root, load_training_photos(kind, root))[0]
    (root / "notes.txt").touch()
    photo(tmp_path / "outside/1.jpg")
    (root / "out.jpg").symlink_to(tmp_path / "outside/1.jpg")
    (root / "away").symlink_to(tmp_path / "outside")
    (root / "nowhere.jpg").symlink_to(root / "nothing.jpg")
    folder, _, file = name.rpartition("/")
    told = line.format(root=root, name=name, folder=folder, file=file)
    listed = write_list(tmp_path, name, "", told)
    with pytest.raises(BadInput, match=rf"some\.txt, line 3: {message}") as raised:
        load_training_photos(kind, root, listed)
    assert raised.value.file == listed


def test_an_empty_or_absent_list_is_refused(tmp_path: Path) -> None:
    root = people(tmp_path / "root")
    with pytest.raises(BadInput, match=r"some\.txt: expected at least one photo, found none"):
        load_training_photos("folder", root, write_list(tmp_path, "", "  "))
    with pytest.raises(DatasetUnavailable, match=r"absent\.txt.*one photo a line"):
        load_training_photos("folder", root, tmp_path / "absent.txt")


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_out_of_the_root_is_refused(tmp_path: Path, kind: str) -> None:
    root = BUILD[kind](tmp_path / "root")
    outside = photo(tmp_path / "outside/1.jpg")
    for link, target in (("out.jpg", outside), ("away", outside.parent)):
        (root / link).symlink_to(target)
        with pytest.raises(BadInput, match=f"link {link}: expected a path within"):
            load_training_photos(kind, root)
        (root / link).unlink()
    (root / "readme").symlink_to(tmp_path / "outside/1.jpg")  # no photo: nobody follows it
    assert load_training_photos(kind, root).photos


def test_links_inside_count_once(tmp_path: Path) -> None:
    root = people(tmp_path)
    (root / "c.jpg").symlink_to(root / ".cache/1.jpg")
    assert "c.jpg" in names(root, load_training_photos("folder", root))
    (root / "again").symlink_to(root)
    with pytest.raises(BadInput, match="link again: expected no link to a folder"):
        load_training_photos("folder", root)
    (root / "again").unlink()
    (root / "gone.jpg").symlink_to(root / "nothing.jpg")
    with pytest.raises(BadInput, match=r"gone\.jpg: expected a photo, found a link to nothing"):
        load_training_photos("folder", root)


def test_what_is_no_file_is_no_photo(tmp_path: Path) -> None:
    os.mkfifo(people(tmp_path) / "pipe.jpg")
    with pytest.raises(BadInput, match=r"pipe\.jpg: expected a photo, found .*no file"):
        load_training_photos("folder", tmp_path)


def test_a_name_that_no_list_could_hold_is_refused(tmp_path: Path) -> None:
    photo(people(tmp_path) / "a\\b.jpg")
    with pytest.raises(BadInput, match="with forward slashes"):
        load_training_photos("folder", tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_absent_or_empty_is_told(tmp_path: Path, kind: str) -> None:
    with pytest.raises(DatasetUnavailable, match=f"is not at {tmp_path / 'absent'}") as raised:
        load_training_photos(kind, tmp_path / "absent")
    assert re.search("https?://|photos in it", raised.value.how)
    (tmp_path / "notes.txt").touch()
    message = rf"{tmp_path}: expected at least one photo \(.*\), found 1 other files"
    with pytest.raises(BadInput, match=message):
        load_training_photos(kind, tmp_path)


def test_an_unknown_kind_names_the_known_ones(tmp_path: Path) -> None:
    message = "kind casia: expected one of 300w-lp, celeba, multi-pie, masked, folder"
    with pytest.raises(BadOption, match=message):
        load_training_photos("casia", tmp_path)


def test_the_digest_is_what_it_says(tmp_path: Path) -> None:
    """Written down once more, so that a digest in an old run stays comparable."""
    found = load_training_photos("300w-lp", lp(tmp_path))
    content = b""
    for name, number in ((AFW, 1), (HELEN, 0)):
        size = (tmp_path / name).stat().st_size
        content += f"{name}\0{size}\0\0".encode() + (points_of(number).astype("<f8") - 1).tobytes()
    assert found.digest == hashlib.sha256(content).hexdigest()


def test_the_digest_changes_with_photos_points_and_masks(tmp_path: Path) -> None:
    digests = [load_training_photos("300w-lp", lp(tmp_path / "lp")).digest]
    points_file(tmp_path / "lp", AFW, pts_3d=points_of(1) + 0.5)
    digests.append(load_training_photos("300w-lp", tmp_path / "lp").digest)
    photo(tmp_path / "lp" / AFW, wide=200)
    digests.append(load_training_photos("300w-lp", tmp_path / "lp").digest)
    digests.append(load_training_photos("masked", masked(tmp_path / "masked")).digest)
    (tmp_path / "masked" / MASKED[0]).rename(tmp_path / "masked/00001_Mask.jpg")
    digests.append(load_training_photos("masked", tmp_path / "masked").digest)
    digests.append(load_training_photos("folder", people(tmp_path / "people")).digest)
    (tmp_path / "people/b/2.png").rename(tmp_path / "people/b/3.png")
    digests.append(load_training_photos("folder", tmp_path / "people").digest)
    assert len(set(digests)) == 7


def test_the_digest_does_not_tell_where_the_root_is(tmp_path: Path) -> None:
    found = [load_training_photos("folder", people(tmp_path / one)).digest for one in "ab"]
    assert found[0] == found[1]


def test_files_are_found_without_reading_them(tmp_path: Path) -> None:
    (people(tmp_path) / "b/2.png").write_bytes(b"no picture")
    files = find_photo_files(tmp_path, None, "photos", "draw them")
    assert files.names == ("a/deep/er/1.bmp", "a-b/1.jpeg", "b/1.JPG", "b/2.png")
    assert files.others == 1

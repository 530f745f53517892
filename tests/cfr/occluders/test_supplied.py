"""What users bring: silhouettes and cut-outs, from arrays and files."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cfr.occluders.kinds import occlude
from cfr.occluders.placement import Placement
from cfr.occluders.supplied import Cutout, Silhouette
from cfr.occluders.types import Occluder
from protocols.errors import BadInput

STILL = Placement(
    smallest=60.0, largest=60.0, turn_degrees=0.0, jitter=0.0, landmarks=(30,), unit=1.0
)


def shape() -> np.ndarray:
    """An L, that cannot be mistaken when it is mirrored."""
    letter = np.zeros((60, 60), bool)
    letter[:, :20] = True
    letter[40:] = True
    return letter


def test_a_silhouette_comes_out_as_it_went_in(photo: np.ndarray, points: np.ndarray) -> None:
    options = Silhouette((shape(),), color=(1.0, 0.0, 0.0), placement=STILL)
    done = occlude(photo, np.rint(points) + 0.5, "silhouette", 0, options=options)
    assert done.mask.sum() == shape().sum()
    column, row = np.rint(points[30]).astype(int)
    assert np.array_equal(done.mask[row - 29 : row + 31, column - 29 : column + 31], shape())
    assert (done.image[done.mask] == (255, 0, 0)).all()


def test_files_and_arrays_are_alike(tmp_path: Path, photo: np.ndarray, points: np.ndarray) -> None:
    path = tmp_path / "letter.png"
    Image.fromarray(shape()).save(path)
    for given in (shape(), shape().astype(np.float32), 255 * shape().astype(np.uint8)):
        from_array = occlude(photo, points, "silhouette", 4, options=Silhouette((given,)))
        from_file = occlude(photo, points, "silhouette", 4, options=Silhouette((path,)))
        assert np.array_equal(from_array.image, from_file.image)
    assert from_file.record.settings["source"] == "letter.png"
    assert from_array.record.settings["source"] == "array"


def test_a_cutout_keeps_its_colours_and_transparency(photo: np.ndarray, points: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (60, 60, 4), dtype=np.uint8)
    options = Cutout((picture,), STILL)
    done = occlude(photo, np.rint(points) + 0.5, "cutout", 0, options=options)
    column, row = np.rint(points[30]).astype(int)
    part = np.s_[row - 29 : row + 31, column - 29 : column + 31]
    alpha = picture[..., 3:] / 255
    expected = photo[part] * (1 - alpha) + picture[..., :3] * alpha
    assert np.abs(done.image[part] - expected).max() <= 1
    assert np.abs(done.alpha[part] - alpha[..., 0]).max() < 0.01


def test_what_is_transparent_does_not_bleed(photo: np.ndarray, points: np.ndarray) -> None:
    """Red hides in the transparent part of a white disc; no pixel may turn red."""
    row, column = np.mgrid[-64:64, -64:64]
    inside = np.hypot(row, column) < 50
    picture = np.where(inside[..., None], 255, (255, 0, 0, 0)).astype(np.uint8)
    grey = np.full_like(photo, 200)
    for seed in range(5):
        done = occlude(grey, points, "cutout", seed, options=Cutout((picture,)))
        spread = done.image.max(-1).astype(int) - done.image.min(-1)
        assert spread.max() <= 1


def test_the_aspect_is_kept(photo: np.ndarray, points: np.ndarray) -> None:
    wide = np.full((20, 80, 4), 255, np.uint8)
    for seed in range(5):
        settings = occlude(photo, points, "cutout", seed, options=Cutout((wide,))).record.settings
        assert settings["width"] == pytest.approx(4 * settings["height"])  # pyright: ignore


def test_all_that_is_given_is_used(photo: np.ndarray, points: np.ndarray) -> None:
    shapes = tuple(np.ones((4 + index, 5)) for index in range(3))
    drawn = [
        occlude(photo, points, "silhouette", seed, options=Silhouette(shapes)).record.settings
        for seed in range(30)
    ]
    assert sorted({str(one["shape"]) for one in drawn}) == ["0", "1", "2"]


def refused(photo: np.ndarray, points: np.ndarray, kind: str, options: Occluder) -> None:
    occlude(photo, points, kind, 0, options=options)


def test_what_holds_nothing_is_refused(
    tmp_path: Path, photo: np.ndarray, points: np.ndarray
) -> None:
    with pytest.raises(ValueError, match="shapes: expected at least one"):
        Silhouette(())
    with pytest.raises(ValueError, match="pictures: expected at least one"):
        Cutout(())
    with pytest.raises(ValueError, match="silhouette: expected a shape"):
        refused(photo, points, "silhouette", Silhouette((np.zeros((5, 5)),)))
    with pytest.raises(ValueError, match=r"silhouette: expected \(h, w\)"):
        refused(photo, points, "silhouette", Silhouette((np.zeros((5, 5, 3)),)))
    with pytest.raises(ValueError, match="cut-out: expected something to see"):
        refused(photo, points, "cutout", Cutout((np.zeros((5, 5, 4), np.uint8),)))
    with pytest.raises(ValueError, match=r"cut-out: expected \(h, w, 4\) uint8, found float64"):
        refused(photo, points, "cutout", Cutout((np.zeros((5, 5, 4)),)))
    black, clear = tmp_path / "black.png", tmp_path / "clear.png"
    Image.new("L", (9, 9)).save(black)
    Image.new("RGBA", (9, 9)).save(clear)
    with pytest.raises(BadInput, match=r"black\.png: expected a white shape on black"):
        refused(photo, points, "silhouette", Silhouette((black,)))
    with pytest.raises(BadInput, match=r"clear\.png: expected something to see"):
        refused(photo, points, "cutout", Cutout((clear,)))
    with pytest.raises(BadInput, match=r"absent\.png: expected a picture"):
        refused(photo, points, "cutout", Cutout((tmp_path / "absent.png",)))


def test_real_cutouts(shared: Path, photo: np.ndarray, points: np.ndarray) -> None:
    folder = shared / "occluders"
    emoji = tuple(sorted((folder / "noto_emoji").glob("*.png"))[:4])
    masks = tuple(sorted((folder / "maskthface/templates").glob("*.png"))[:3])
    for pictures in (emoji, masks):
        done = occlude(photo, points, "cutout", 1, options=Cutout(pictures))
        assert 0 < done.alpha.mean() < 0.5
    hand = folder / "cfrgan_hand/data/hand.npy"
    done = occlude(photo, points, "silhouette", 1, options=Silhouette((np.load(hand),)))
    assert 0.005 < done.mask.mean() < 0.5

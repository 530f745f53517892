from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from insightface.utils import face_align
from scipy.io import loadmat

from cfr.align import (
    ARCFACE_112,
    CANONICAL_FIVE,
    Alignment,
    align_arcface,
    align_deep3d,
    five_from_68,
    similarity,
    warp,
)
from cfr.camera import Camera

FIVE = np.array([(91.0, 120), (140, 118), (117, 146), (95, 172), (138, 171)])


def spots(points: np.ndarray, height: int, width: int, sigma: float) -> np.ndarray:
    """A black photo with a soft white spot at each point."""
    row, column = np.mgrid[:height, :width]
    field = np.zeros((height, width))
    for x, y in points:
        field += np.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * sigma**2))
    return np.repeat((255 * field).round().astype(np.uint8)[..., None], 3, axis=2)


def centre_of_spot(picture: np.ndarray, near: np.ndarray, reach: float) -> np.ndarray:
    row, column = np.mgrid[: picture.shape[0], : picture.shape[1]]
    bright = np.maximum(picture[..., 0].astype(float) - 8, 0)
    weight = bright * (np.hypot(column - near[0], row - near[1]) < reach)
    return np.array([(weight * column).sum(), (weight * row).sum()]) / weight.sum()


def deep3d_formula(five: np.ndarray, height: int) -> tuple[float, np.ndarray]:
    """POS as published, with its interleaved rows, and where (t_x, h − t_y) is."""
    design, wanted = np.zeros((10, 8)), np.zeros(10)
    for index, (point, canonical) in enumerate(zip(five, CANONICAL_FIVE, strict=True)):
        design[2 * index, :4] = [*canonical, 1]
        design[2 * index + 1, 4:] = [*canonical, 1]
        wanted[2 * index : 2 * index + 2] = point[0], height - 1 - point[1]
    k = np.linalg.lstsq(design, wanted, rcond=None)[0]
    scale = float(np.linalg.norm(k[:3]) + np.linalg.norm(k[4:7])) / 2
    return scale, np.array([k[3], height - k[7]])


@pytest.mark.parametrize("height", [180, 250, 4000])
def test_the_crop_follows_the_published_formula(height: int) -> None:
    """The photo's height is in the formula, but not in the result."""
    scale, middle = deep3d_formula(FIVE, height)
    alignment = align_deep3d(FIVE)
    assert alignment.matrix[0, 0] == pytest.approx(102 / scale)
    assert alignment.matrix[0, 1] == alignment.matrix[1, 0] == 0
    # Counted from the edges, as in a resize and a crop: half a pixel off the centres.
    assert alignment.to_crop(middle - 0.5) + 0.5 == pytest.approx([112, 112])


def test_a_smaller_crop_shows_the_same() -> None:
    large, small = align_deep3d(FIVE), align_deep3d(FIVE, size=112)
    assert 2 * (small.to_crop(FIVE) + 0.5) - 0.5 == pytest.approx(large.to_crop(FIVE))


def test_an_aligned_face_needs_almost_no_translation() -> None:
    """Project the canonical points from the camera's middle: the crop puts them there again."""
    points = torch.from_numpy(CANONICAL_FIVE)[None]
    projected = Camera().project(points)[0, :, :2].numpy()
    photo_points = 1.7 * projected + [31, 12]
    aligned = align_deep3d(photo_points).to_crop(photo_points)
    assert np.abs(aligned - projected).max() < 2.0  # perspective, and the published half pixel


def test_the_canonical_points_are_deep3ds(shared: Path) -> None:
    path = shared / "face_models/deep3dfacerecon_indices/similarity_Lm3D_all.mat"
    points = loadmat(path)["lm"].astype(float)
    assert np.abs(five_from_68(points) - CANONICAL_FIVE).max() < 1e-4


def test_five_from_68() -> None:
    points = np.random.default_rng(0).normal(size=(3, 68, 2))
    five = five_from_68(points)
    assert np.allclose(five[1, 0], (points[1, 36] + points[1, 39]) / 2)
    assert np.allclose(five[1, 1], (points[1, 42] + points[1, 45]) / 2)
    assert np.array_equal(five[2, 2:], points[2, [30, 48, 54]])
    assert np.array_equal(five_from_68(points[1]), five[1])


# insightface still calls scikit-image's older name of the same estimate.
@pytest.mark.filterwarnings("ignore:`estimate` is deprecated")
@pytest.mark.parametrize("size", [112, 224])
def test_arcface_crops_are_insightfaces(size: int) -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        turn = cv2.getRotationMatrix2D((60, 60), rng.uniform(-60, 60), rng.uniform(0.5, 4))
        five = ARCFACE_112 @ turn[:, :2].T + turn[:, 2] + rng.normal(0, 2, (5, 2))
        expected = face_align.estimate_norm(five, size)
        assert np.allclose(align_arcface(five, size).matrix, expected, atol=1e-3)
    photo = rng.integers(0, 256, (250, 250, 3), dtype=np.uint8)
    ours = align_arcface(FIVE, size).crop(photo)
    theirs = face_align.norm_crop(photo, FIVE, size)
    assert np.abs(ours.astype(int) - theirs).max() <= 1


@pytest.mark.parametrize("align", [align_deep3d, align_arcface])
@pytest.mark.parametrize("zoom", [0.4, 1.0, 2.7])
def test_points_come_back_to_a_hundredth_of_a_pixel(align, zoom: float) -> None:
    """Both the arithmetic and the pictures: a spot lies where its point says, there and back."""
    five = FIVE * zoom + 20
    alignment: Alignment = align(five)
    there = alignment.to_crop(five)
    assert np.abs(alignment.to_photo(there) - five).max() < 1e-9
    scale = np.sqrt(np.linalg.det(alignment.matrix[:, :2]))
    sigma = 12.0 * zoom  # as large as fits: the rounding of a photo's values moves small spots
    inner = five[2:3]  # the nose: wholly inside any crop
    photo = spots(inner, 520, 520, sigma)
    crop = alignment.crop(photo)
    found = centre_of_spot(crop, there[2], 4 * sigma * scale)
    assert np.abs(found - there[2]).max() < 0.01
    back, lies = alignment.paste(crop, 520, 520)
    assert lies[int(inner[0, 1]), int(inner[0, 0])]
    again = centre_of_spot(back, inner[0], 4 * sigma)
    assert np.abs(again - inner[0]).max() < 0.01 * max(1, 1 / scale)
    assert (back[~lies] == 0).all()


@pytest.mark.parametrize("zoom", [0.6, 1.0, 1.7, 2.9, 6.3])
def test_there_are_no_black_bands_where_the_photo_has_pixels(zoom: float) -> None:
    """Their crop loses what it first pushes out of the frame; faces at a border show it."""
    side = int(250 * zoom)
    photo = np.full((side, side, 3), 200, np.uint8)
    for shift in ([0, 0], [-85, 0], [95, 60], [0, -110]):
        for align in (align_deep3d, align_arcface):
            alignment = align((FIVE + shift) * zoom)
            crop = alignment.crop(photo)
            row, column = np.mgrid[: alignment.size, : alignment.size].astype(float)
            source = alignment.to_photo(np.stack((column, row), -1))
            within = ((source >= -0.5) & (source <= side - 0.5)).all(-1)
            assert (crop[within] == 200).all()
            assert (crop[~within] == 0).all()
            assert within.mean() > 0.2


@pytest.mark.parametrize("shrink", [1.3, 1.5, 1.9, 2.0, 3.7, 9.0, 41.3])
def test_shrinking_averages_instead_of_skipping(shrink: float) -> None:
    """Fine stripes become grey, not moiré; and nothing shifts."""
    photo = np.zeros((900, 900, 3), np.uint8)
    photo[:, ::2] = 255
    size = int(900 / shrink)
    matrix = np.array([[1 / shrink, 0, 0.5 / shrink - 0.5], [0, 1 / shrink, 0.5 / shrink - 0.5]])
    averaged, _ = warp(photo, matrix, size, size)
    aliased, _ = warp(photo, matrix, size, size, antialias=False)
    inner = averaged[2:-2, 2:-2].astype(float)
    assert np.abs(inner - 127.5).max() <= 255 * (0.5 / shrink + 0.01)
    if shrink != 2.0:  # where the samples fall between the stripes by themselves
        assert inner.std() < 0.8 * aliased[2:-2, 2:-2].std()
    assert abs(inner.mean() - 127.5) < 3
    ramp = np.linspace(0, 255, 900)[None, :, None].repeat(900, 0).repeat(3, 2)
    shrunk, inside = warp(ramp.round().astype(np.uint8), matrix, size, size)
    assert inside.all()
    expected = 255 / 899 * ((np.arange(size)[3:-3] + 0.5) * shrink - 0.5)
    assert np.abs(shrunk[5, 3:-3, 0] - expected).max() < 1.0


def test_arcface_crops_are_not_smoothed() -> None:
    assert not align_arcface(FIVE).antialias
    assert align_deep3d(FIVE).antialias


def test_a_small_crop_is_pasted_into_a_large_photo_where_it_belongs() -> None:
    alignment = align_deep3d(FIVE + 2000)
    crop = np.full((224, 224, 3), 90, np.uint8)
    picture, lies = alignment.paste(crop, 3000, 2600)
    corners = alignment.to_photo(np.array([(-0.5, -0.5), (223.5, 223.5)]))
    row, column = np.nonzero(lies)
    assert [column.min(), row.min()] == np.ceil(corners[0]).tolist()
    assert [column.max(), row.max()] == np.floor(corners[1]).tolist()
    assert (picture[lies] == 90).all()
    assert not picture[~lies].any()
    elsewhere, none = align_deep3d(FIVE + 9000).paste(crop, 300, 260)
    assert not none.any()
    assert elsewhere.shape == (300, 260, 3)


@pytest.mark.parametrize(
    "five", [np.zeros((5, 2)), np.full((5, 2), 7.0), np.full((5, 2), np.nan), FIVE * np.inf]
)
def test_points_that_are_no_face_are_refused(five: np.ndarray) -> None:
    with pytest.raises(ValueError, match="five points: expected finite points apart"):
        align_deep3d(five)
    with pytest.raises(ValueError, match="five points: expected finite points apart"):
        align_arcface(five)


def test_a_similarity_is_found_again_from_any_number_of_points() -> None:
    rng = np.random.default_rng(3)
    for count in (2, 5, 68):
        points = rng.uniform(0, 200, (count, 2))
        turn, zoom, shift = 0.7, 1.3, (5.0, -8.0)
        linear = zoom * np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))])
        found = similarity(points, points @ linear.T + shift)
        assert np.allclose(found, np.column_stack((linear, shift)), atol=1e-9)


def test_a_similarity_does_not_mirror() -> None:
    """Points whose left and right are exchanged give a crop on its head, never a mirrored one."""
    found = similarity(ARCFACE_112[[1, 0, 2, 4, 3]], ARCFACE_112)
    assert np.linalg.det(found[:, :2]) > 0

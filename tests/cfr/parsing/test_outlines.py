"""Outlines against matplotlib's, and parts on a face that is a flat grid."""

import numpy as np
import pytest
import torch
from matplotlib.path import Path as Outline
from torch import Tensor

from cfr.parsing.outlines import distance, inside, label_by_outlines, lids
from cfr.parsing.types import Label


def test_inside_is_an_odd_number_of_crossings_upwards_too() -> None:
    rng = np.random.default_rng(0)
    outlines = rng.uniform(-1, 1, (3, 7, 2))  # most cross themselves
    outlines[0, 1, 1] = outlines[0, 0, 1]  # a level edge
    at = rng.uniform(-1.2, 1.2, (3, 4000, 2))
    found = inside(torch.from_numpy(at), torch.from_numpy(outlines)).numpy()
    for index in range(3):
        crossings = _crossings(at[index], outlines[index])
        np.testing.assert_array_equal(found[index], crossings % 2 == 1)
    assert 0.05 < found.mean() < 0.95


def _crossings(at: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """How often an upward ray meets the outline's edges."""
    count = np.zeros(len(at), int)
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, 0), strict=True):
        share = (at[:, 0] - x0) / (x1 - x0)
        count += (share >= 0) & (share < 1) & (at[:, 1] < y0 + share * (y1 - y0))
    return count


def test_inside_a_plain_polygon_in_either_sense() -> None:
    polygon = np.array([[0, 0], [2, 0], [2.5, 1], [1, 0.5], [0, 2]], float)
    at = np.random.default_rng(1).uniform(-1, 3, (4000, 2))
    expected = Outline(polygon).contains_points(at)
    for outline in (polygon, polygon[::-1].copy()):
        found = inside(torch.from_numpy(at)[None], torch.from_numpy(outline)[None])
        np.testing.assert_array_equal(found[0].numpy(), expected)


def test_distance_is_that_to_densely_laid_points() -> None:
    rng = np.random.default_rng(2)
    line, at = rng.uniform(-1, 1, (1, 5, 2)), rng.uniform(-2, 2, (1, 300, 2))
    line[0, 2] = line[0, 1]  # a piece without length
    shares = np.linspace(0, 1, 3001)[:, None]
    dense = np.concatenate(
        [one + shares * (two - one) for one, two in zip(line[0, :-1], line[0, 1:], strict=True)]
    )
    expected = np.linalg.norm(at[0, :, None] - dense[None], axis=-1).min(1)
    found = distance(torch.from_numpy(at), torch.from_numpy(line))[0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-3)


def ring(x: float, y: float, wide: float, high: float, count: int) -> np.ndarray:
    """Points clockwise on the photo, from its left: as iBUG counts them around eyes and mouth."""
    angle = np.pi - 2 * np.pi * np.arange(count) / count
    return np.stack((x + wide * np.cos(angle), y + high * np.sin(angle)), axis=1)


def flat_points() -> np.ndarray:
    """``(68, 2)`` landmarks of a face with round parts, y up."""
    points = np.zeros((68, 2))
    points[:17] = np.stack((np.linspace(-0.8, 0.8, 17), -0.3 - 0.4 * np.hanning(17)), axis=1)
    for first, side in ((17, -1), (22, 1)):
        points[first : first + 5, 0] = side * 0.4 + np.linspace(-0.2, 0.2, 5)
        points[first : first + 5, 1] = 0.6
    points[27:31, 1] = np.linspace(0.4, 0.05, 4)
    points[31:36] = np.stack((np.linspace(-0.12, 0.12, 5), np.full(5, -0.05)), axis=1)
    points[36:42], points[42:48] = ring(-0.4, 0.35, 0.16, 0.1, 6), ring(0.4, 0.35, 0.16, 0.1, 6)
    points[48:60] = ring(0, -0.45, 0.35, 0.2, 12)
    points[60:68] = ring(0, -0.45, 0.25, 0.08, 8)
    return points


def flat_face(cells: int = 160) -> tuple[Tensor, Tensor]:
    """A square from −1 to 1: ``(v, 3)`` vertices on a grid, then the 68 landmarks' own."""
    side = np.linspace(-1, 1, cells + 1)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    at = np.concatenate((grid, flat_points()))
    vertices = torch.from_numpy(np.pad(at, ((0, 0), (0, 1)))).float()
    return vertices, torch.arange(len(grid), len(at))


@pytest.fixture(scope="module")
def labelled() -> tuple[np.ndarray, np.ndarray]:
    vertices, landmarks = flat_face()
    found = label_by_outlines(vertices[None], landmarks)[0].numpy()
    return vertices[: landmarks[0], :2].numpy(), found[: landmarks[0]]


@pytest.mark.parametrize(
    ("label", "first", "end"),
    [(Label.RIGHT_EYE, 36, 42), (Label.LEFT_EYE, 42, 48), (Label.INNER_MOUTH, 60, 68)],
)
def test_eyes_and_mouth_are_what_their_points_enclose(labelled, label, first, end) -> None:
    at, found = labelled
    outline = Outline(flat_points()[first:end])
    inner, outer = (outline.contains_points(at, radius=r) for r in (-1e-3, 1e-3))
    inner, outer = inner & outer, inner | outer  # radius's sign depends on the sense
    assert (found[inner] == label).all()
    assert (found[~outer] != label).all()
    assert inner.sum() > 50


def test_lips_are_between_two_outlines_and_told_apart(labelled) -> None:
    at, found = labelled
    points = flat_points()
    between = Outline(points[48:60]).contains_points(at)
    between &= ~Outline(points[60:68]).contains_points(at)
    clear = np.abs(at[:, 1] + 0.45) > 1e-3  # the corners' own line belongs to either
    upper = at[:, 1] > -0.45
    lips = np.isin(found, [Label.UPPER_LIP, Label.LOWER_LIP])
    assert (lips ^ between)[clear].mean() < 1e-3  # on an outline
    assert (found[lips & clear & upper] == Label.UPPER_LIP).all()
    assert (found[lips & clear & ~upper] == Label.LOWER_LIP).all()


def test_brows_are_near_their_lines_and_the_nose_has_wings(labelled) -> None:
    at, found = labelled
    reach = 0.05 * (0.56 + 0.56)  # of the distance between the eyes' outer corners
    for label, x in ((Label.RIGHT_BROW, -0.4), (Label.LEFT_BROW, 0.4)):
        beyond = np.maximum(np.abs(at[:, 0] - x) - 0.2, 0)
        far = np.hypot(beyond, at[:, 1] - 0.6)
        np.testing.assert_array_equal(
            (found == label)[np.abs(far - reach) > 1e-4], (far < reach)[np.abs(far - reach) > 1e-4]
        )
    nose = at[found == Label.NOSE]
    assert nose[:, 1].max() < 0.4
    assert nose[:, 1].min() > -0.06
    assert 0.12 < nose[:, 0].max() < 0.18 + 1e-6


def test_the_back_of_a_head_is_no_face() -> None:
    vertices, landmarks = flat_face()
    behind = vertices.clone()
    behind[: landmarks[0], 2] = -0.5
    found = label_by_outlines(torch.stack((vertices, behind)), landmarks)[:, : landmarks[0]]
    assert len(found[0].unique()) == 9
    assert (found[1] == Label.SKIN).all()


def test_lids_face_outwards_and_cover_the_openings() -> None:
    points = flat_points()
    triangles, labels = lids(torch.arange(68), 68)
    corners = points[triangles.numpy() - 68]
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    areas = (one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]) / 2
    assert (areas > 0).all()  # anticlockwise, y up
    of = labels.numpy()[triangles.numpy() - 68]
    assert (of == of[:, :1]).all()
    for label, first, end in (
        (Label.RIGHT_EYE, 36, 42),
        (Label.LEFT_EYE, 42, 48),
        (Label.INNER_MOUTH, 60, 68),
    ):
        x, y = points[first:end].T
        whole = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
        assert areas[of[:, 0] == label].sum() == pytest.approx(whole)

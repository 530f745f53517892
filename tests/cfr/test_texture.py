"""Sampling without a visibility test, on purpose; and visibility itself, exactly."""

import numpy as np
import pytest
import torch

from cfr.camera import Camera, place
from cfr.render import reference
from cfr.render.rasterizer import rasterize
from cfr.render.shading import interpolate
from cfr.texture import TOLERANCE, inside_photo, sample_photo, visible_vertices

Mesh = tuple[torch.Tensor, torch.Tensor]


def test_a_pixels_centre_gives_the_pixel() -> None:
    """The half-pixel trap: positions count centres, grid_sample counts edges."""
    photo = torch.rand(2, 3, 5, 7)
    row, column = torch.meshgrid(torch.arange(5.0), torch.arange(7.0), indexing="ij")
    points = torch.stack((column, row), -1).view(1, 35, 2).expand(2, -1, -1)
    for mode in ("bilinear", "nearest"):
        colors = sample_photo(photo, points, mode)
        assert torch.allclose(colors.mT.reshape(2, 3, 5, 7), photo, atol=1e-5)


def test_between_centres_it_blends_or_takes_the_nearer() -> None:
    photo = torch.tensor([[[[0.0, 1.0, 0.0], [0.0, 3.0, 0.0]]]])
    points = torch.tensor([[[0.75, 0.0], [1.0, 0.25], [1.2, 0.9]]])
    assert sample_photo(photo, points).flatten().tolist() == pytest.approx([0.75, 1.5, 2.24])
    assert sample_photo(photo, points, "nearest").flatten().tolist() == [1, 1, 3]


def test_outside_it_takes_the_border_and_leaves_the_points_alone() -> None:
    """The clamp trap: the authors' code edits the projection in place."""
    photo = torch.arange(12.0).view(1, 1, 3, 4)
    points = torch.tensor([[[-6.0, 1.0], [5.3, 4.1], [1.0, -0.4], [3.4, 2.4], [1e30, -1e30]]])
    before = points.clone()
    for mode in ("bilinear", "nearest"):
        assert sample_photo(photo, points, mode).flatten().tolist() == [4, 11, 1, 11, 3]
    assert torch.equal(points, before)
    assert inside_photo(points, 3, 4).tolist() == [[False, False, True, True, False]]


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_points_that_are_not_finite_are_black_and_harm_nothing(mode) -> None:
    """PyTorch's own sampling reads out of bounds for them in the backward pass."""
    photo = torch.ones(1, 2, 64, 64, requires_grad=True)
    points = torch.full((1, 500, 2), 30.0)
    points[0, 100, 0], points[0, 200, 1] = torch.nan, torch.inf
    points.requires_grad_()
    colors = sample_photo(photo, points, mode)
    colors.square().sum().backward()
    assert (colors[0, [100, 200]] == 0).all()
    assert (colors == 0).sum() == 4
    assert photo.grad is not None
    assert photo.grad.isfinite().all()
    assert points.grad is None or points.grad.isfinite().all()


def test_gradients_reach_photo_and_points() -> None:
    photo = torch.rand(1, 2, 6, 6).double().requires_grad_()
    points = (5 * torch.rand(1, 9, 2).double()).requires_grad_()
    assert torch.autograd.gradcheck(sample_photo, (photo, points))


def turned(mesh: Mesh, yaw: float, size: int = 128) -> torch.Tensor:
    rotation = torch.tensor([[0.1, yaw, 0.05]])
    return Camera().resized(size).project(place(mesh[0][None], rotation, torch.zeros(1, 3)))


def test_a_rendered_photo_gives_its_vertices_their_colours_back(small_head: Mesh) -> None:
    """Draw, sample, compare: off by half a pixel, the colours of a slope would shift."""
    points, triangles = turned(small_head, 0.3, 256), small_head[1]
    slope = points[..., :2] / 256  # a colour that is linear on the screen
    fragments = rasterize(points, triangles, 256, 256)
    photo = interpolate(fragments, triangles, slope)
    seen = visible_vertices(points, triangles)
    x, y = (
        points[0, :, 0].round().long().clamp(2, 253),
        points[0, :, 1].round().long().clamp(2, 253),
    )
    around = [fragments.coverage[0, y + dy, x + dx] for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
    within = seen[0] & torch.stack(around).all(0)
    assert within.sum() > 150
    error = (sample_photo(photo, points) - slope)[0, within].abs().max()
    assert error * 256 < 0.1  # pixels


def test_hidden_vertices_copy_what_lies_in_front_of_them(small_head: Mesh) -> None:
    points = turned(small_head, 1.2)
    photo = torch.rand(1, 3, 128, 128)
    hidden = ~visible_vertices(points, small_head[1])
    assert hidden.any()
    colors = sample_photo(photo, points, "nearest")[0, hidden[0]]
    where = points[0, hidden[0], :2].round().long()
    assert torch.equal(colors, photo[0, :, where[:, 1], where[:, 0]].T)


@pytest.mark.parametrize("cull", [True, False])
@pytest.mark.parametrize("yaw", [0.0, 0.9, -1.4])
def test_visibility_is_exact(small_head: Mesh, yaw: float, cull: bool) -> None:
    points, triangles = turned(small_head, yaw).double(), small_head[1]
    found = visible_vertices(points, triangles, cull_backfaces=cull)[0]
    assert 0.1 < found.double().mean() < 1
    for vertex in range(0, len(found), 7):
        expected = reference.is_visible(
            points[0].numpy(), triangles.numpy(), vertex, tolerance=TOLERANCE, cull_backfaces=cull
        )
        assert found[vertex] == expected, vertex


def test_visibility_agrees_with_the_picture(small_head: Mesh) -> None:
    """What the rasterizer shows at a pixel belongs to triangles whose corners are mostly seen."""
    points, triangles = turned(small_head, 0.9, 512), small_head[1]
    seen = visible_vertices(points, triangles)[0]
    shown = rasterize(points, triangles, 512, 512).face.unique()
    corners = triangles[shown[shown >= 0]]
    assert seen[corners].double().mean() > 0.9
    never = torch.ones(len(seen), dtype=torch.bool)
    never[corners.unique()] = False
    assert not seen[never].any()


def test_the_budget_changes_nothing_and_broken_points_are_not_visible(small_head: Mesh) -> None:
    points, triangles = turned(small_head, 0.9).repeat(2, 1, 1), small_head[1]
    points[1, 10, 0] = float("nan")
    points[1, 200] = float("inf")
    points[1, 300, 2] = -1
    whole = visible_vertices(points, triangles)
    assert torch.equal(whole, visible_vertices(points, triangles, budget=500))
    assert not whole[1, [10, 200, 300]].any()
    assert visible_vertices(points[:0], triangles).shape == (0, points.shape[1])
    assert not visible_vertices(points, triangles[:0]).any()


def test_a_seam_hides_nothing(small_head: Mesh) -> None:
    """Triangles that share places but no vertices: neighbours touch, and do not cover."""
    vertices, triangles = small_head
    apart = vertices[triangles.reshape(-1)], torch.arange(triangles.numel()).view(-1, 3)
    for yaw in (0.0, 0.9):
        together = visible_vertices(turned(small_head, yaw), triangles)[0]
        alone = visible_vertices(turned(apart, yaw), apart[1])[0]
        points = turned(small_head, yaw)[0, :, :2]
        corners = points[triangles]
        edge, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        front = edge[:, 0] * other[:, 1] - edge[:, 1] * other[:, 0] < -1e-4
        expected = together[triangles[front]].reshape(-1)
        assert (alone.view(-1, 3)[front].reshape(-1) == expected).double().mean() > 0.999


def test_needles_do_not_hide_their_own_corners() -> None:
    generator = torch.Generator().manual_seed(3)
    for _ in range(300):
        a = 100 * torch.rand(3, generator=generator)
        along = 50 * (torch.rand(2, generator=generator) - 0.5)
        b = torch.cat((a[:2] + along, torch.tensor([7.0])))
        c = torch.cat((a[:2] + 0.37 * along, torch.tensor([9.0])))
        c[0] += 2e-5
        points = torch.stack((torch.cat((a[:2], torch.tensor([6.0]))), b, c))[None]
        for mesh in (torch.tensor([[0, 1, 2]]), torch.tensor([[0, 2, 1]])):
            seen = visible_vertices(points, mesh)
            assert seen.all() or not seen.any()


def test_a_stray_vertex_costs_little(small_head: Mesh) -> None:
    """All other vertices must not fall into one cell of the grid: pairs, not seconds, tell."""
    from cfr.texture import _close_pairs

    points, triangles = turned(small_head, 0.3)[0], small_head[1]

    def pairs(at: torch.Tensor) -> int:
        corners = at[triangles][..., :2]
        return sum(len(vertex) for _, vertex in _close_pairs(at, corners, 1 << 20))

    stray = points.clone()
    stray[0, :2] = torch.tensor([1e5, -1e5])
    assert pairs(stray) < 3 * pairs(points)


def test_triangles_through_each_other_in_strong_perspective() -> None:
    """Depth is not linear on the screen: a linear one would let others win."""
    generator = torch.Generator().manual_seed(5)
    camera = Camera(size=64, focal=30.0)
    for _ in range(4):
        space = torch.rand(1, 60, 3, generator=generator, dtype=torch.float64)
        space = space * torch.tensor([16.0, 16, 9]) - torch.tensor([8.0, 8, 0])
        points, triangles = camera.project(space), torch.arange(60).view(20, 3)
        found = rasterize(points, triangles, 64, 64, cull_backfaces=False)
        expected = reference.rasterize(points, triangles, 64, 64, cull_backfaces=False)
        assert torch.equal(found.face, expected.face)
        seen = visible_vertices(points, triangles, cull_backfaces=False)[0]
        for vertex in range(60):
            assert seen[vertex] == reference.is_visible(
                points[0].numpy(),
                triangles.numpy(),
                vertex,
                tolerance=TOLERANCE,
                cull_backfaces=False,
            )


def test_one_triangle_in_front_of_another() -> None:
    near, far = [[0.0, 0, 5], [0, 8, 5], [8, 0, 5]], [[1.0, 1, 6], [1, 30, 6], [30, 1, 6]]
    points = torch.tensor([near + far])
    triangles = torch.tensor([[0, 1, 2], [3, 4, 5]])
    assert visible_vertices(points, triangles).tolist() == [[True] * 3 + [False, True, True]]
    assert np.array_equal(
        visible_vertices(points, triangles)[0].numpy(),
        [
            reference.is_visible(points[0].numpy(), triangles.numpy(), one, tolerance=TOLERANCE)
            for one in range(6)
        ],
    )

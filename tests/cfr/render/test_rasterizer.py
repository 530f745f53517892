"""The fast rasterizer against the slow one that can be checked by reading."""

import pytest
import torch

from cfr.camera import Camera, place
from cfr.render import reference
from cfr.render.rasterizer import rasterize
from cfr.types import Fragments

Mesh = tuple[torch.Tensor, torch.Tensor]
POSES = torch.tensor([[0.0, 0, 0], [0.2, 0.7, 0.1], [-0.3, -1.4, 0.4]])


def posed(mesh: Mesh, size: int = 64) -> torch.Tensor:
    """The head in three poses, projected: (3, v, 3)."""
    vertices = mesh[0].expand(3, -1, -1)
    return Camera().resized(size).project(place(vertices, POSES, torch.zeros(3, 3)))


def check_same(found: Fragments, expected: Fragments, share: float = 1.0) -> None:
    agree = found.face == expected.face
    assert agree.double().mean() >= share
    covered = agree & (found.face >= 0)
    assert torch.allclose(
        found.barycentric[covered].double(), expected.barycentric[covered].double(), atol=2e-4
    )
    assert torch.allclose(
        found.depth[covered].double(), expected.depth[covered].double(), rtol=1e-5
    )
    nothing = found.face < 0
    assert (found.barycentric[nothing] == 0).all()
    assert found.depth[nothing].isposinf().all()


@pytest.mark.parametrize("cull", [True, False])
def test_it_finds_what_the_reference_finds(small_head: Mesh, cull: bool) -> None:
    points, triangles = posed(small_head), small_head[1]
    found = rasterize(points, triangles, 64, 64, cull_backfaces=cull)
    check_same(found, reference.rasterize(points, triangles, 64, 64, cull_backfaces=cull), 0.9999)
    assert 0.2 < found.coverage.double().mean() < 0.9
    if cull:  # turned away far enough to show its inside
        inside_out = rasterize(points, triangles.flip(1), 64, 64)
        assert not torch.equal(inside_out.face, found.face)


def test_a_full_sized_mesh_agrees_everywhere_it_matters() -> None:
    """36,100 vertices and 71,442 triangles at 224²: at least 99.99 % of the pixels."""
    from results.bench.meshes import head

    mesh = head()
    points = posed(mesh, 224)[1:2]
    found = rasterize(points, mesh[1], 224, 224)
    check_same(found, reference.rasterize(points, mesh[1], 224, 224), 0.9999)


def test_the_budget_changes_nothing(small_head: Mesh) -> None:
    points, triangles = posed(small_head), small_head[1]
    whole = rasterize(points, triangles, 64, 64)
    for budget in (1, 100, 5000):
        if budget == 1:  # one candidate at a time: a few triangles only
            part = rasterize(points, triangles[:40], 64, 64, budget=1)
            check_same(part, rasterize(points, triangles[:40], 64, 64))
        else:
            small = rasterize(points, triangles, 64, 64, budget=budget)
            assert torch.equal(small.face, whole.face)
            assert torch.equal(small.barycentric, whole.barycentric)


def test_images_of_a_batch_do_not_mix(small_head: Mesh) -> None:
    points, triangles = posed(small_head), small_head[1]
    together = rasterize(points, triangles, 64, 48)
    for image in range(3):
        alone = rasterize(points[image : image + 1], triangles, 64, 48)
        assert torch.equal(together.face[image], alone.face[0])
        assert torch.equal(together.depth[image], alone.depth[0])


def test_triangles_larger_than_the_image_are_drawn() -> None:
    points = torch.tensor([[[-500.0, -400, 5], [2000, -400, 8], [-500, 3000, 6]]])
    triangles = torch.tensor([[0, 2, 1]])
    found = rasterize(points, triangles, 40, 30, budget=64)
    assert found.coverage.all()
    check_same(found, reference.rasterize(points, triangles, 40, 30))


def test_weights_are_perspective_correct() -> None:
    """Half way on the screen is not half way in space: compared with the ray's intersection."""
    camera = Camera(size=32, focal=20.0)
    corners = torch.tensor([[[-8.0, -8, -12], [8, -8, 8], [0, 9, 3]]], dtype=torch.float64)
    found = rasterize(camera.project(corners), torch.tensor([[0, 1, 2]]), 32, 32)
    rows, columns = found.coverage[0].nonzero(as_tuple=True)
    assert len(rows) > 100
    weights = found.barycentric[0, rows, columns]
    spot = weights @ corners[0]  # where in space the pixel's centre hits the triangle
    again = camera.project(spot[None])[0]
    assert torch.allclose(again[:, 0], columns.double())
    assert torch.allclose(again[:, 1], rows.double())
    assert torch.allclose(again[:, 2], found.depth[0, rows, columns])
    assert torch.allclose(weights.sum(1), torch.ones(len(rows)).double())


def test_neighbours_leave_no_crack_and_ties_take_the_lower_index() -> None:
    """Pixel centres exactly on edges and corners, and two triangles in one plane."""
    square = torch.tensor([[[1.0, 1, 7], [9, 1, 7], [9, 9, 7], [1, 9, 7], [5, 5, 7]]])
    fan = torch.tensor([[4, 1, 0], [4, 2, 1], [4, 3, 2], [4, 0, 3]])
    found = rasterize(square, fan, 11, 11)
    assert found.coverage[0, 1:10, 1:10].all()
    assert int(found.coverage.sum()) == 81
    assert found.face[0, 5, 5] == 0
    twice = rasterize(square, torch.cat((fan.flip(0), fan)), 11, 11)
    assert int(twice.face.max()) == 3
    # Random triangulations, turned about: never a hole.
    generator = torch.Generator().manual_seed(1)
    for _ in range(20):
        middle = 3 + 4 * torch.rand(2, generator=generator)
        square[0, 4, :2] = middle
        assert rasterize(square, fan, 11, 11).coverage[0, 1:10, 1:10].all()


BROKEN = {
    "a point": [[5.0, 5, 7], [5, 5, 7], [5, 5, 7]],
    "a line": [[1.0, 1, 7], [5, 5, 7], [9, 9, 7]],
    "not a number": [[float("nan"), 1, 7], [9, 9, 7], [9, 1, 7]],
    "infinite": [[float("inf"), 1, 7], [9, 9, 7], [9, 1, 7]],
    "infinite to the left": [[-float("inf"), 1, 7], [9, 9, 7], [9, 1, 7]],
    "endlessly far": [[1.0, 1, float("inf")], [9, 9, 7], [9, 1, 7]],
    "beyond float32's fractions": [[-2e7, 1, 7], [9, 9, 7], [9, 1, 7]],
    "deeper than that": [[1.0, 1, 1e19], [9, 9, 7], [9, 1, 7]],
    "huge": [[-1e30, -1e30, 7], [1e30, 1e30, 7], [1e30, -1e30, 7]],
    "behind the camera": [[1.0, 1, -7], [9, 9, -7], [9, 1, -7]],
    "half behind": [[1.0, 1, 7], [9, 9, -7], [9, 1, 7]],
    "in the lens": [[1.0, 1, 0], [9, 9, 7], [9, 1, 7]],
    "depth unknown": [[1.0, 1, float("nan")], [9, 9, 7], [9, 1, 7]],
}


@pytest.mark.parametrize("cull", [True, False])
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_triangle_is_dropped_and_harms_nothing(kind: str, cull: bool) -> None:
    sound = [[0.0, 0, 8], [0, 12, 8], [12, 0, 8]]
    points = torch.tensor([BROKEN[kind] + sound], requires_grad=True)
    found = rasterize(points, torch.tensor([[0, 1, 2], [3, 4, 5]]), 12, 12, cull_backfaces=cull)
    assert (found.face != 0).all()
    slow = reference.rasterize(points, torch.tensor([[0, 1, 2], [3, 4, 5]]), 12, 12)
    assert torch.equal(found.face, slow.face)
    assert int((found.face == 1).sum()) > 60
    covered = found.coverage
    assert found.barycentric.isfinite().all()
    assert found.depth[covered].isfinite().all()
    (found.barycentric.square().sum() + found.depth[covered].sum()).backward()
    assert points.grad is not None
    assert points.grad.isfinite().all()


@pytest.mark.parametrize("tip", [1.0000001, 1.00001, 1.001])
def test_a_needle_has_finite_weights_and_gradients(tip: float) -> None:
    points = torch.tensor([[[1.0, 1, 7], [9, tip, 9], [5, 1, 8]]], requires_grad=True)
    found = rasterize(points, torch.tensor([[0, 1, 2]]), 12, 12, cull_backfaces=False)
    found.barycentric.square().sum().backward()
    assert ((found.barycentric >= 0) & (found.barycentric <= 1)).all()
    assert points.grad is not None
    assert points.grad.isfinite().all()


def test_a_needle_through_a_pixels_centre_has_no_weights_there() -> None:
    """Float32 gives it an area, but none as seen from (45, 80): 0 / 0 otherwise."""
    corners = [[55.4925422668457, 59.847259521484375], [28.211933135986328, 112.244384765625]]
    corners.append([61.78806686401367, 47.755615234375])
    points = torch.tensor([[[*corner, 7.0] for corner in corners]])
    for triangles in (torch.tensor([[0, 1, 2]]), torch.tensor([[0, 2, 1]])):
        found = rasterize(points, triangles, 120, 120, cull_backfaces=False)
        assert found.face[0, 80, 45] == -1
        assert found.barycentric.isfinite().all()
        assert not found.depth.isnan().any()


def test_nothing_to_draw_is_an_empty_picture() -> None:
    points = torch.zeros(2, 3, 3)
    for mesh in (torch.zeros(0, 3, dtype=torch.int64), torch.tensor([[0, 1, 2]])):
        found = rasterize(points, mesh, 5, 4)
        assert found.face.shape == (2, 5, 4)
        assert not found.coverage.any()
    assert rasterize(points[:0], torch.tensor([[0, 1, 2]]), 5, 4).face.shape == (0, 5, 4)


def test_gradients_agree_with_finite_differences(small_head: Mesh) -> None:
    """Away from edges: moving a vertex by 1e-6 changes no winner here."""
    points, triangles = posed(small_head, 12)[1:2].double(), small_head[1]

    def weights_and_depth(points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = rasterize(points, triangles, 12, 12)
        return found.barycentric, found.depth[found.coverage]

    chosen = rasterize(points, triangles, 12, 12).face.unique()
    used = triangles[chosen[chosen >= 0]].unique()[::7]
    rest = points.clone()

    def of_used(part: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return weights_and_depth(rest.index_copy(1, used, part))

    assert torch.autograd.gradcheck(of_used, (points[:, used].requires_grad_(),))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_cuda_finds_the_same(small_head: Mesh) -> None:
    points, triangles = posed(small_head), small_head[1]
    found = rasterize(points.cuda(), triangles.cuda(), 64, 64)
    expected = rasterize(points, triangles, 64, 64)
    on_cpu = Fragments(found.face.cpu(), found.barycentric.cpu(), found.depth.cpu())
    check_same(on_cpu, expected, 0.9999)

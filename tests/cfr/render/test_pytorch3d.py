"""Against PyTorch3D where it is installed; without it, the message that says how to get it."""

import pytest
import torch

from cfr.camera import Camera, place
from cfr.render import pytorch3d
from cfr.render.rasterizer import rasterize
from protocols.errors import PackageUnavailable

Mesh = tuple[torch.Tensor, torch.Tensor]
needs_pytorch3d = pytest.mark.skipif(
    not pytorch3d.available(), reason="PyTorch3D is not installed (docs/data.md says how)"
)


def posed(mesh: Mesh, height: int, width: int) -> torch.Tensor:
    vertices = mesh[0].expand(2, -1, -1)
    rotation = torch.tensor([[0.1, 0.5, 0.0], [-0.2, -1.2, 0.3]])
    points = (
        Camera().resized(min(height, width)).project(place(vertices, rotation, torch.zeros(2, 3)))
    )
    return points + torch.tensor([(width - min(height, width)) / 2, 0.25, 0])


@needs_pytorch3d
@pytest.mark.parametrize(("height", "width"), [(64, 64), (48, 80), (80, 48)])
@pytest.mark.parametrize("cull", [True, False])
def test_it_finds_the_same(small_head: Mesh, height: int, width: int, cull: bool) -> None:
    points, triangles = posed(small_head, height, width), small_head[1]
    ours = rasterize(points, triangles, height, width, cull_backfaces=cull)
    theirs = pytorch3d.rasterize(points, triangles, height, width, cull_backfaces=cull)
    agree = ours.face == theirs.face
    assert agree.double().mean() >= 0.9999
    covered = agree & ours.coverage
    assert torch.allclose(ours.barycentric[covered], theirs.barycentric[covered], atol=1e-3)
    assert torch.allclose(ours.depth[covered], theirs.depth[covered], rtol=1e-5)
    assert (theirs.barycentric[~theirs.coverage] == 0).all()
    assert theirs.depth[~theirs.coverage].isposinf().all()


@needs_pytorch3d
def test_it_drops_what_ours_drops(small_head: Mesh) -> None:
    points, triangles = posed(small_head, 64, 64), small_head[1]
    points[0, 300, 0], points[1, 250, 2], points[1, 100, 2] = torch.nan, torch.inf, -3
    ours = rasterize(points.double(), triangles.int(), 64, 64)
    theirs = pytorch3d.rasterize(points.double(), triangles.int(), 64, 64)
    assert (ours.face == theirs.face).double().mean() >= 0.999
    assert theirs.depth.dtype == torch.float64
    for nothing in (triangles[:0], triangles[:1] * 0):
        assert not pytorch3d.rasterize(points, nothing, 8, 8).coverage.any()


@needs_pytorch3d
def test_it_has_the_same_gradients(small_head: Mesh) -> None:
    gradients = []
    for rasterizer in (rasterize, pytorch3d.rasterize):
        points = posed(small_head, 64, 64).requires_grad_()
        found = rasterizer(points, small_head[1], 64, 64)
        weight = torch.linspace(0, 1, 64)[:, None]
        (found.barycentric[..., 0] * weight).sum().backward()
        gradients.append(points.grad)
    ours, theirs = gradients
    assert ours is not None
    assert theirs is not None
    assert (ours - theirs).abs().max() < 1e-3 * theirs.abs().max()


@pytest.mark.skipif(pytorch3d.available(), reason="PyTorch3D is installed")
def test_its_absence_says_how_to_get_it(small_head: Mesh) -> None:
    with pytest.raises(
        PackageUnavailable, match=r"PyTorch3D is not installed\. Build it from source"
    ):
        pytorch3d.rasterize(posed(small_head, 16, 16), small_head[1], 16, 16)

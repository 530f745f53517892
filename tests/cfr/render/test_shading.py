from dataclasses import replace

import pytest
import torch

from cfr.camera import Camera, place
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.render import reference
from cfr.render.rasterizer import rasterize
from cfr.render.shading import interpolate, render

Mesh = tuple[torch.Tensor, torch.Tensor]


def test_values_are_blended_from_the_corners(small_head: Mesh) -> None:
    vertices, triangles = small_head
    rotation = torch.tensor([[0.0, 0.4, 0.1], [0.1, -0.8, 0.0]])
    points = (
        Camera().resized(40).project(place(vertices.expand(2, -1, -1), rotation, torch.zeros(2, 3)))
    )
    values = torch.randn(2, len(vertices), 5)
    fragments = rasterize(points, triangles, 40, 40)
    picture = interpolate(fragments, triangles, values)
    assert picture.shape == (2, 5, 40, 40)
    for image, row, column in [(0, 20, 20), (1, 18, 15), (1, 25, 22)]:
        face = int(fragments.face[image, row, column])
        assert face >= 0
        weights = fragments.barycentric[image, row, column]
        expected = weights @ values[image, triangles[face]]
        assert torch.allclose(picture[image, :, row, column], expected, atol=1e-6)
    assert (picture.movedim(1, -1)[~fragments.coverage] == 0).all()


def test_a_picture_is_the_meshs_own_colours(small_model: MorphableModel) -> None:
    """Unlit: an even colour comes out as it went in, at every covered pixel."""
    mesh = reconstruct(small_model, small_model.layout().zeros(1))
    even = replace(mesh, colors=torch.tensor([0.2, 0.5, 0.9]).expand_as(mesh.colors))
    image, coverage = render(even, Camera().resized(48))
    assert coverage.any()
    shown = image.movedim(1, -1)[coverage]
    assert torch.allclose(shown, torch.tensor([0.2, 0.5, 0.9]).expand_as(shown), atol=1e-6)
    by_reference = render(even, Camera().resized(48), reference.rasterize)
    assert torch.allclose(by_reference.image, image, atol=1e-5)


def test_the_mean_face_is_upright_and_in_the_middle(small_model: MorphableModel) -> None:
    """Up is up, and x is the image's right: the vertex with the largest y is drawn on top."""
    mesh = reconstruct(small_model, small_model.layout().zeros(1))
    position = small_model.mean_shape
    for axis, picture_axis, sign in ((0, 1, 1), (1, 0, -1)):
        marked = replace(mesh, colors=position[None, :, axis : axis + 1].expand(-1, -1, 3))
        image, coverage = render(marked, Camera().resized(48))
        where = coverage[0].nonzero()[:, picture_axis].float()
        value = image[0, 0][coverage[0]]
        correlation = torch.corrcoef(torch.stack((where, value)))[0, 1]
        assert sign * correlation > 0.95


def test_values_of_another_batch_are_refused_and_doubles_are_welcome(small_head: Mesh) -> None:
    vertices, triangles = small_head
    points = Camera().resized(20).project(vertices[None].double())
    fragments = rasterize(points, triangles, 20, 20)
    with pytest.raises(ValueError, match="fragments of 1 images, values of 2"):
        interpolate(fragments, triangles, torch.rand(2, len(vertices), 3))
    picture = interpolate(fragments, triangles, torch.rand(1, len(vertices), 3))
    assert picture.dtype == torch.float64


def test_gradients_agree_with_finite_differences(small_head: Mesh) -> None:
    vertices, triangles = small_head
    points = Camera().resized(10).project(vertices[None].double())
    values = torch.randn(1, len(vertices), 2).double()
    face = rasterize(points, triangles, 10, 10).face.unique()
    used = triangles[face[face >= 0]].unique()[::9]

    def picture(moved: torch.Tensor, changed: torch.Tensor) -> torch.Tensor:
        at = points.index_copy(1, used, moved)
        fragments = rasterize(at, triangles, 10, 10)
        return interpolate(fragments, triangles, values.index_copy(1, used, changed))

    parts = (points[:, used].clone().requires_grad_(), values[:, used].clone().requires_grad_())
    assert torch.autograd.gradcheck(picture, parts)


def test_a_picture_leads_back_to_its_coefficients(small_model: MorphableModel) -> None:
    """The gradients lead somewhere: texture and light are found again from one picture."""
    generator = torch.Generator().manual_seed(0)
    layout, camera = small_model.layout(mono_light=True), Camera().resized(48)
    truth = replace(
        layout.zeros(1),
        texture=torch.randn(1, layout.texture, generator=generator),
        lighting=torch.randn(1, 9, generator=generator) / 8,
    )
    target = render(reconstruct(small_model, truth), camera).image
    texture = torch.zeros(1, layout.texture, requires_grad=True)
    lighting = torch.zeros(1, 9, requires_grad=True)
    optimizer = torch.optim.Adam([texture, lighting], lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        guess = replace(layout.zeros(1), texture=texture, lighting=lighting)
        image = render(reconstruct(small_model, guess), camera).image
        (image - target).square().mean().backward()
        optimizer.step()
    assert torch.allclose(texture, truth.texture, atol=0.1)
    sideways = [1, 3, 4, 5, 7, 8]  # the bands of z alone are almost alike from the front
    assert torch.allclose(lighting[:, sideways], truth.lighting[:, sideways], atol=0.02)

"""Texture and light: known ones come back, and what covers a face has no say."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from cfr.camera import Camera
from cfr.coefficients import WrongFaceModel
from cfr.fit import FitSettings, fit, fit_photo
from cfr.fit.parts import kept, spread_vertices
from cfr.lighting import AMBIENT
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from cfr.pictures import to_float
from cfr.render.shading import render
from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import SceneSettings, draw_scenes
from cfr.texture import visible_vertices
from cfr.types import Coefficients
from results.bench.faces import projected_points, textured


@pytest.fixture(scope="module")
def photo(model: MorphableModel, faces: Coefficients) -> Tensor:
    return picture(model, faces)


def picture(model: MorphableModel, faces: Coefficients) -> Tensor:
    """A render before a green wall."""
    drawn = render(reconstruct(model, faces))
    wall = torch.tensor([0.1, 0.9, 0.1])[:, None, None]
    return torch.where(drawn.coverage[:, None], drawn.image, wall).clamp(0, 1)


def differs(model: MorphableModel, found: Coefficients, clean: Tensor, where: Tensor) -> Tensor:
    """Mean absolute difference of each face's render to a picture."""
    drawn = render(reconstruct(model, found))
    where = where & drawn.coverage
    return ((drawn.image - clean).abs().mean(1) * where).sum((1, 2)) / where.sum((1, 2))


def test_a_clean_photo_is_explained(
    model: MorphableModel, faces: Coefficients, photo: Tensor
) -> None:
    blank = replace(faces, texture=0 * faces.texture, lighting=0 * faces.lighting)
    everywhere = torch.ones_like(photo[:, 0], dtype=torch.bool)
    before = differs(model, blank, photo, everywhere)
    trusting = FitSettings(photo_noise=0.02, photo_steps=15)
    found = fit_photo(model, blank, photo, settings=trusting)
    after = differs(model, found.coefficients, photo, everywhere)
    assert after.max() < 0.02
    assert (after < 0.3 * before).all()
    torch.testing.assert_close(found.coefficients.rotation, faces.rotation)


def test_light_alone_is_solved_exactly(faces: Coefficients, model: MorphableModel) -> None:
    """Without texture modes, with no prior to speak of: the light that was used."""
    bare = textured(model, 0)
    known = replace(faces, texture=torch.zeros(12, 0), model=bare.digest)
    vague = FitSettings(
        photo_noise=1e-3, light=(9.0, 9.0, 9.0), tint=(9.0, 9.0, 9.0), facing=0.4, photo_steps=15
    )
    mesh = reconstruct(bare, known)
    inside = ((mesh.colors > 0) & (mesh.colors < 1)).all(-1).float().mean(1) > 0.98
    assert inside.sum() > 3
    found = fit_photo(bare, known, picture(bare, known), settings=vague).coefficients
    assert found.texture.shape == (12, 0)
    lit = reconstruct(bare, found).colors - mesh.colors
    front = visible_vertices(Camera().project(mesh.vertices), bare.triangles)
    assert lit[inside][front[inside]].abs().median() < 0.01


# What is nearly black can pass for a shadow: it is rejected less surely than the others.
@pytest.mark.parametrize(
    ("colour", "say", "share"),
    [((0.1, 0.3, 0.9), 0.3, 0.35), ((0.95, 0.95, 0.95), 0.3, 0.35), ((0.05, 0.05, 0.05), 1, 0.7)],
)
def test_a_patch_over_a_third_of_the_face_has_no_say(
    model: MorphableModel,
    faces: Coefficients,
    photo: Tensor,
    cover: Callable[[Tensor], Tensor],
    colour: tuple[float, float, float],
    say: float,
    share: float,
) -> None:
    there = render(reconstruct(model, faces)).coverage
    where = cover(there)
    covered = torch.where(where[:, None], torch.tensor(colour)[:, None, None], photo)
    found = fit_photo(model, faces, covered)
    points = Camera().project(reconstruct(model, faces).vertices)[:, found.vertices]
    under = where[torch.arange(12)[:, None], points[..., 1].long(), points[..., 0].long()]
    seen = found.weights > 0
    covered_weight = found.weights[seen & under].mean()
    assert covered_weight < say * found.weights[seen & ~under].mean()
    estimated = differs(model, found.coefficients, photo, where & there)
    pasted = ((covered - photo).abs().mean(1) * (where & there)).sum((1, 2))
    pasted = pasted / (where & there).sum((1, 2))
    assert (estimated < pasted).float().mean() >= 0.9
    assert estimated.median() < share * pasted.median()


def test_a_mask_of_paper_is_not_the_skin_however_much_it_covers() -> None:
    """Half of a face in an unlikely light has less say than the other half in a likely one."""
    model, size = load_model("builtin"), 112
    sampler, camera = IdentitySampler(model), Camera().resized(size)
    settings = SceneSettings(size=size, yaw_degrees=15.0, noise=0.0, background=0.0, light=0.1)
    scenes = draw_scenes(model, [sampler.draw(seed) for seed in range(8)], list(range(8)), settings)
    parts = [one.coefficients.parts() for one in scenes]
    faces = Coefficients(
        **{name: torch.cat([one[name] for one in parts]) for name in parts[0]}, model=model.digest
    )
    photos = to_float(np.stack([one.photo for one in scenes]))
    drawn = render(reconstruct(model, faces), camera)
    below = torch.arange(size)[None, :, None] >= torch.tensor(
        [int(one.points[29, 1]) for one in scenes]
    ).view(-1, 1, 1)
    paper = torch.tensor([0.85, 0.92, 0.95])[:, None, None]
    masked, hidden = torch.where(below[:, None], paper, photos), below & drawn.coverage
    assert 0.4 < hidden.sum() / drawn.coverage.sum() < 0.6

    def error(settings: FitSettings) -> Tensor:
        found = fit_photo(model, faces, masked, camera, settings).coefficients
        apart = (render(reconstruct(model, found), camera).image - drawn.image).abs().mean(1)
        return (apart * hidden).sum((1, 2)) / hidden.sum((1, 2))

    trusting = error(FitSettings(likely_light=1.0, tint=(0.5, 0.1, 0.1), first_outlier=0.12))
    found = error(FitSettings())
    assert found.mean() < 0.85 * trusting.mean()
    assert (found < trusting + 0.01).all()


@pytest.fixture(scope="module")
def cover() -> Callable[[Tensor], Tensor]:
    """Hides the lowest third of each face."""

    def lowest(there: Tensor) -> Tensor:
        rows = there.sum(2).cumsum(1) / there.sum((1, 2))[:, None]
        return (rows > 2 / 3)[..., None].expand_as(there)

    return lowest


def test_what_is_not_trusted_does_not_count(
    model: MorphableModel, faces: Coefficients, photo: Tensor, cover: Callable[[Tensor], Tensor]
) -> None:
    there = render(reconstruct(model, faces)).coverage
    where = cover(there)
    one = torch.where(where[:, None], torch.zeros(1, 3, 1, 1), photo)
    other = torch.where(where[:, None], torch.rand(photo.shape), photo)
    trusted = ~torch.nn.functional.max_pool2d(where[:, None].float(), 3, 1, 1)[:, 0].bool()
    a = fit_photo(model, faces, one, trusted=trusted)
    b = fit_photo(model, faces, other, trusted=trusted)
    torch.testing.assert_close(a.coefficients.texture, b.coefficients.texture)
    torch.testing.assert_close(a.coefficients.lighting, b.coefficients.lighting)


def test_hidden_vertices_do_not_count(
    model: MorphableModel, faces: Coefficients, photo: Tensor
) -> None:
    found = fit_photo(model, faces, photo)
    points = Camera().project(reconstruct(model, faces).vertices)
    exact = visible_vertices(points, model.triangles)[:, found.vertices]
    used = found.weights > 0
    # Compared with a picture's depths, not exactly: few may differ.
    assert (used & ~exact).float().mean() < 0.01
    assert used.float().mean() > 0.3


def test_a_batch_equals_its_faces_and_a_rerun(
    model: MorphableModel, faces: Coefficients, photo: Tensor
) -> None:
    points = projected_points(model, faces)
    together, again = fit(model, points, photo), fit(model, points, photo)
    alone = [fit(model, points[one : one + 1], photo[one : one + 1]) for one in range(12)]
    for name in ("texture", "lighting"):
        assert torch.equal(together.parts()[name], again.parts()[name])
        each = torch.cat([one.parts()[name] for one in alone])
        torch.testing.assert_close(together.parts()[name], each, atol=2e-3, rtol=1e-2)


def test_a_photo_without_the_face_leaves_the_prior(
    model: MorphableModel, faces: Coefficients, photo: Tensor
) -> None:
    away = replace(faces, translation=faces.translation + torch.tensor([9.0, 0.0, 0.0]))
    found = fit_photo(model, away, photo)
    assert not found.weights.any()
    assert found.coefficients.texture.abs().max() < 1e-5
    assert found.coefficients.lighting.abs().max() < AMBIENT


def test_what_cannot_be_fitted_is_said(
    model: MorphableModel, faces: Coefficients, photo: Tensor
) -> None:
    with pytest.raises(ValueError, match="expected 112 pixels a side, found 224"):
        fit_photo(model, faces, photo, Camera().resized(112))
    broken = photo.clone()
    broken[0, 0, 0, 0] = torch.inf
    with pytest.raises(ValueError, match="finite"):
        fit_photo(model, faces, broken)
    with pytest.raises(WrongFaceModel):
        fit_photo(model, replace(faces, model="0" * 64), photo)


def test_vertices_are_spread_and_kept(model: MorphableModel) -> None:
    chosen = spread_vertices(model, 300)
    assert 200 < len(chosen) <= 300
    assert torch.equal(chosen, chosen.unique())
    assert torch.equal(spread_vertices(model, 5000), torch.arange(1600))
    distance = torch.cdist(model.mean_shape, model.mean_shape[chosen]).min(1).values
    assert distance.max() < 0.3  # every spot of the face has one nearby
    first = kept(model, "test", 1, lambda: chosen)
    assert kept(model, "test", 1, lambda: pytest.fail("made twice")) is first

"""Drawn occluders in pairs: in the damaged render and the mask, not in guide and photo."""

import pytest
import torch

from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from cfr.pairs.covering import Cover, hidden_too, put_over
from cfr.pairs.swap import make_pairs
from cfr.pictures import to_float
from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import SceneSettings, draw_scenes

RED = torch.tensor([1.0, 0.0, 0.0])[:, None, None]


@pytest.fixture(scope="module")
def builtin() -> MorphableModel:
    return load_model("builtin")


@pytest.fixture(scope="module")
def covered(builtin: MorphableModel) -> tuple[torch.Tensor, Cover]:
    """A face, and a red box in front of it, half of it see-through at one edge."""
    sampler = IdentitySampler(builtin)
    settings = SceneSettings(size=112, yaw_degrees=5.0, noise=0.0)
    scene = draw_scenes(builtin, [sampler.draw(3)], [3], settings)[0]
    photo = to_float(scene.photo[None])
    alpha = torch.zeros(1, 1, 112, 112)
    alpha[..., 60:80, 45:65] = 1
    alpha[..., 60:80, 44] = 0.5
    seen = photo * (1 - alpha) + RED * alpha
    return photo, Cover(seen, alpha, scene.coefficients)


def test_an_occluder_is_laid_over_another_picture(covered: tuple[torch.Tensor, Cover]) -> None:
    photo, cover = covered
    other = torch.rand(1, 3, 112, 112)
    expected = other * (1 - cover.alpha) + RED * cover.alpha
    torch.testing.assert_close(put_over(other, photo, cover), expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(put_over(photo, photo, cover), cover.photo, rtol=0, atol=1e-5)


def test_the_mask_names_it_on_the_face_alone() -> None:
    target = torch.tensor([[[[0.25, 0.25], [0.0, 0.0]]]])
    face = torch.tensor([[[True, True], [True, False]]])
    alpha = torch.tensor([[[[0.5, 0.49], [1.0, 1.0]]]])
    cover = Cover(torch.zeros(1, 3, 2, 2), alpha, None)  # type: ignore[arg-type]
    assert hidden_too(target, face, cover).tolist() == [[[[1.0, 0.25], [1.0, 0.0]]]]


def test_the_generator_sees_it_and_the_photo_has_none(
    covered: tuple[torch.Tensor, Cover], builtin: MorphableModel
) -> None:
    photo, cover = covered
    coefficients = cover.coefficients
    own = coefficients.rotation
    plain = make_pairs(builtin, photo, coefficients, own)
    pairs = make_pairs(builtin, photo, coefficients, own, cover=cover)
    inside = (cover.alpha[0, 0] == 1) & pairs.face[0]
    inside[:, :48] = False  # colours come from vertices: a border of a pixel or two
    inside[:, 62:] = False
    inside[:63], inside[77:] = False, False
    assert inside.sum() > 100
    assert (pairs.damaged[0, 0][inside] > 0.9).float().mean() > 0.95
    assert (pairs.damaged[0, 1][inside] < 0.1).float().mean() > 0.95
    assert torch.equal(pairs.photo, photo)
    assert torch.equal(pairs.guide, plain.guide)
    assert torch.equal(pairs.objects, plain.objects)
    assert (pairs.target[0, 0][inside] == 1).all()
    far = torch.zeros_like(inside)
    far[:40] = True
    apart = (pairs.damaged - plain.damaged).abs().amax(1)[0]
    assert apart[far].max() < 0.02

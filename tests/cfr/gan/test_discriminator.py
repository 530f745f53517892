"""The discriminator: its two forms, and that it looks at two scales."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from cfr.gan.discriminator import Discriminator, Form


@pytest.mark.parametrize(
    ("form", "parameters", "patches"),
    [("release", 2_757_057, 15**2 + 8**2), ("paper", 6_959_553, 17**2 + 10**2)],
)
def test_sizes(form: Form, parameters: int, patches: int) -> None:
    judge = Discriminator(form=form)
    assert sum(one.numel() for one in judge.parameters()) == 2 * parameters
    assert judge(torch.rand(1, 3, 224, 224)).shape == (1, patches)


@pytest.mark.parametrize(("form", "layers"), [("release", 5), ("paper", 6)])
def test_layers_at_each_scale(form: Form, layers: int) -> None:
    judge = Discriminator(4, form)
    for scale in (judge.fine, judge.coarse):
        convolutions = [one for one in scale if isinstance(one, nn.Conv2d)]
        assert len(convolutions) == layers
        assert all(hasattr(one, "parametrizations") for one in convolutions)


@torch.no_grad()
def test_scales_see_the_picture_and_its_half_in_minus_one_to_one() -> None:
    torch.manual_seed(0)
    judge = Discriminator(4).eval()
    faces = torch.rand(2, 3, 64, 64)
    halved = functional.interpolate(faces, scale_factor=0.5, mode="area")
    fine, coarse = judge.fine(2 * faces - 1), judge.coarse(2 * halved - 1)
    expected = torch.cat((fine.reshape(2, -1), coarse.reshape(2, -1)), 1)
    assert torch.allclose(judge(faces), expected, atol=1e-5)

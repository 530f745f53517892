"""Winograd's convolution against PyTorch's, and which layers it takes the place of."""

from typing import Any

import pytest
import torch
from torch import nn

from cfr.gan.generator import Generator, GeneratorSize
from cfr.gan.painting import for_inference
from cfr.gan.winograd import FEWEST, WinogradConv, fits, use_winograd


@torch.no_grad()
@pytest.mark.parametrize(("height", "width"), [(8, 8), (7, 9), (2, 3), (16, 5)])
@pytest.mark.parametrize("border", ["zeros", "reflect"])
@pytest.mark.parametrize("bias", [True, False])
def test_it_is_the_convolution(height: int, width: int, border: Any, bias: bool) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(5, 7, 3, padding=1, padding_mode=border, bias=bias)
    picture = torch.randn(3, 5, height, width)
    found, expected = WinogradConv(conv)(picture), conv(picture)
    assert found.shape == expected.shape
    assert torch.allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize(
    ("change", "taken"),
    [
        ({}, True),
        ({"padding_mode": "reflect"}, True),
        ({"bias": False}, True),
        ({"stride": 2}, False),
        ({"padding": 0}, False),
        ({"dilation": 2}, False),
        ({"groups": 2}, False),
        ({"padding_mode": "circular"}, False),
        ({"kernel_size": 5}, False),
        ({"out_channels": FEWEST - 1}, False),
        ({"in_channels": FEWEST - 2}, False),
    ],
)
def test_it_takes_wide_layers_of_its_kind(change: dict[str, Any], taken: bool) -> None:
    given: dict[str, Any] = {
        "in_channels": FEWEST,
        "out_channels": FEWEST,
        "kernel_size": 3,
        "padding": 1,
    }
    assert fits(nn.Conv2d(**(given | change))) is taken
    assert not fits(nn.ConvTranspose2d(FEWEST, FEWEST, 3, padding=1))


def test_layers_are_replaced_where_they_stand() -> None:
    net = nn.Sequential(nn.Sequential(nn.Conv2d(FEWEST, FEWEST, 3, padding=1)), nn.Conv2d(3, 3, 1))
    use_winograd(net)
    assert isinstance(net[0][0], WinogradConv)  # type: ignore[index]
    assert isinstance(net[1], nn.Conv2d)


@torch.no_grad()
def test_a_wide_generator_paints_the_same_through_all_its_blocks() -> None:
    torch.manual_seed(0)
    net = Generator(GeneratorSize(width=24, blocks=9))
    pair = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    net(*pair)
    net.eval()
    folded = for_inference(net)
    assert sum(isinstance(one, WinogradConv) for one in folded.modules()) == 3 * 9
    for found, expected in zip(folded(*pair), net(*pair), strict=True):
        assert (found - expected).abs().max() < 1e-4

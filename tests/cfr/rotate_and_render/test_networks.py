"""The networks of Rotate-and-Render: shapes, sizes, and the authors' own generator by key map.

The reference is written from the published layer table with PyTorch's old hook for spectral norm,
whose names a published file has.
"""

import itertools
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import spectral_norm

from cfr.gan.building import build_generator, build_nets
from cfr.gan.painting import for_inference
from cfr.gan.presets import PRESETS
from cfr.gan.sizes import RotateSize
from cfr.gan.sources import load_painter
from cfr.gan.weights import load_generator, open_generator, save_generator
from cfr.rotate_and_render import published
from cfr.rotate_and_render.discriminator import FeatureDiscriminator
from cfr.rotate_and_render.generator import RotateGenerator
from protocols.errors import BadInput

SMALL = RotateSize(width=2, blocks=2, downs=2)


def block(*layers: nn.Module) -> nn.Sequential:
    """Spectral norm on the one convolution; instance norm after it."""
    conv = next(one for one in layers if isinstance(one, nn.Conv2d | nn.ConvTranspose2d))
    normed = nn.Sequential(spectral_norm(conv), nn.InstanceNorm2d(conv.out_channels))
    return nn.Sequential(*(normed if one is conv else one for one in layers))


class Adding(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        halves = [
            block(nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3, bias=False), nn.ReLU())
            for _ in range(2)
        ]
        self.conv_block = nn.Sequential(*itertools.chain(*halves))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


class Reference(nn.Module):
    def __init__(self, size: RotateSize) -> None:
        super().__init__()
        widths = [size.width * 2**at for at in range(size.downs + 1)]
        self.first_layer = block(
            nn.ReflectionPad2d(3), nn.Conv2d(3, size.width, 7, bias=False), nn.ReLU()
        )
        downs, ups = [], []
        for one, other in itertools.pairwise(widths):
            downs += block(nn.Conv2d(one, other, 3, 2, 1, bias=False), nn.ReLU())
        for one, other in itertools.pairwise(widths[::-1]):
            raised = nn.ConvTranspose2d(one, other, 3, 2, 1, output_padding=1, bias=False)
            ups += block(raised, nn.ReLU())
        self.downsample_layers, self.upsample_layers = nn.Sequential(*downs), nn.Sequential(*ups)
        self.resnet_layers = nn.Sequential(*(Adding(widths[-1]) for _ in range(size.blocks)))
        self.final_layer = nn.Sequential(
            nn.ReflectionPad2d(3), nn.Conv2d(size.width, 3, 7), nn.Tanh()
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.resnet_layers(self.downsample_layers(self.first_layer(x)))
        return self.final_layer(self.upsample_layers(x))


@pytest.mark.filterwarnings("ignore:.*spectral_norm.* is deprecated")
@torch.no_grad()
def test_a_published_file_paints_as_its_own_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    theirs = Reference(SMALL)
    theirs(torch.rand(1, 3, 32, 32))
    theirs.eval()
    path = tmp_path / "latest_net_G.pth"
    torch.save(theirs.state_dict(), path)
    with pytest.raises(BadInput, match=r"first_layer\.1\.0\.weight_orig \(2 × 3 × 7 × 7, not 64"):
        load_painter(f"published:{path}", kind="rotate-and-render")
    monkeypatch.setattr(published, "RotateSize", lambda: SMALL)
    monkeypatch.setattr(published, "RotateGenerator", lambda: RotateGenerator(SMALL))
    painter = load_painter(f"published:{path}", kind="rotate-and-render")
    assert painter.side == 256
    damaged, guide = torch.rand(2, 1, 3, 32, 32)
    expected = (theirs(2 * damaged - 1) + 1) / 2
    assert expected.std() > 0.01
    for changed in (guide, 1 - guide):
        painted = painter.net(damaged, changed)
        assert torch.allclose(painted.image, expected, atol=1e-5)
        assert not painted.mask.any()


@pytest.mark.filterwarnings("ignore:.*spectral_norm.* is deprecated")
def test_names_and_parameters_are_the_published_ones() -> None:
    with torch.device("meta"):
        theirs = Reference(RotateSize()).state_dict()
    ours = dict(published._prefixes(RotateSize()))
    assert {name.rpartition(".")[0] for name in theirs} == set(ours.values())
    # 7 × 7, four halvings and four doublings of 3 × 3, nine blocks of two, 7 × 7 with biases
    ladder = sum(64 * 2**at * 64 * 2 ** (at + 1) for at in range(4)) * 9
    expected = 3 * 64 * 49 + 2 * ladder + 9 * 2 * 1024**2 * 9 + 64 * 3 * 49 + 3
    found = sum(one.numel() for name, one in theirs.items() if not name.endswith(("_u", "_v")))
    assert found == expected == 182_421_891


def test_the_small_preset_is_as_large_as_cfr_gans() -> None:
    ours, other = (build_nets(PRESETS[one]) for one in ("rotate-and-render-mini", "mini"))
    for name in ("generator", "discriminator"):
        counts = [sum(p.numel() for p in getattr(one, name).parameters()) for one in (ours, other)]
        assert counts[0] == pytest.approx(counts[1], rel=0.03)
    large = PRESETS["rotate-and-render"]
    assert (large.size, large.generator, large.width) == (256, RotateSize(64, 9, 4), 64)
    assert (large.schedule.learning_rate, large.schedule.discriminator) == (1e-4, 4.0)
    assert (large.schedule.betas, large.schedule.weight_decay) == ((0.0, 0.9), 0.0)


@torch.no_grad()
def test_files_come_back_and_are_told_apart(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = build_generator(SMALL)
    path = tmp_path / "small.safetensors"
    save_generator(path, net, {"seed": "0"}, side=64)
    saved = open_generator(path, "rotate-and-render")
    assert (saved.net.size, saved.side, saved.about) == (SMALL, 64, {"seed": "0"})
    pictures = torch.rand(2, 1, 3, 64, 64)
    folded = for_inference(saved.net)
    assert torch.allclose(folded(*pictures).image, saved.net(*pictures).image, atol=1e-4)
    with pytest.raises(BadInput, match="cfr-gan-generator-1"):
        load_generator(path)
    with pytest.raises(ValueError, match="pictures of 66 pixels: expected a multiple of 4"):
        net(*torch.rand(2, 1, 3, 66, 66))
    with pytest.raises(ValueError, match="1 blocks, 0 halvings"):
        RotateSize(2, 1, 0)


@torch.no_grad()
def test_the_discriminator_tells_features_and_logits_of_two_scales() -> None:
    torch.manual_seed(0)
    net = FeatureDiscriminator(2)
    faces = torch.rand(2, 3, 64, 64)
    scales = net(faces)
    assert [[tuple(one.shape[1:]) for one in scale] for scale in scales] == [
        [(2, 33, 33), (4, 17, 17), (8, 9, 9), (16, 10, 10), (1, 11, 11)],
        [(2, 17, 17), (4, 9, 9), (8, 5, 5), (16, 6, 6), (1, 7, 7)],
    ]
    kernel = torch.ones(3, 1, 3, 3)
    ones = functional.conv2d(torch.ones(1, 1, 64, 64), kernel[:1], stride=2, padding=1)
    halved = functional.conv2d(2 * faces - 1, kernel, stride=2, padding=1, groups=3) / ones
    first = net.coarse.layers[0]
    assert torch.allclose(first(halved), scales[1][0], atol=1e-5)

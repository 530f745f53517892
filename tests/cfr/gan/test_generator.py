"""The generator: sizes, what the guide does, and that folding changes nothing but the time."""

from typing import Any

import pytest
import torch
from torch import nn

from cfr.gan.generator import PUBLISHED, Generator, GeneratorSize
from cfr.gan.painting import for_inference

SMALL = GeneratorSize(width=8, blocks=2)


@pytest.fixture
def small() -> Generator:
    torch.manual_seed(0)
    return Generator(SMALL)


def pair(batch: int = 2, side: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.rand(batch, 3, side, side), torch.rand(batch, 3, side, side)


def test_as_many_parameters_as_published() -> None:
    assert sum(one.numel() for one in Generator(PUBLISHED).parameters()) == 18_056_132


@pytest.mark.parametrize("side", [16, 36, 64])
def test_pictures_keep_their_size_and_range(small: Generator, side: int) -> None:
    painted = small(*pair(side=side))
    assert painted.image.shape == (2, 3, side, side)
    assert painted.mask.shape == (2, 1, side, side)
    for one in painted:
        assert 0 <= one.min() < one.max() <= 1


@pytest.mark.parametrize("side", [12, 30])
def test_other_sizes_are_refused(small: Generator, side: int) -> None:
    with pytest.raises(ValueError, match=f"pictures of {side} pixels: expected a multiple of 4"):
        small(*pair(side=side))


@pytest.mark.parametrize(("width", "blocks"), [(0, 1), (1, -1)])
def test_what_is_no_network_is_refused(width: int, blocks: int) -> None:
    with pytest.raises(ValueError, match="a generator of width"):
        GeneratorSize(width, blocks)


@torch.no_grad()
def test_a_face_depends_on_no_other_of_its_batch(small: Generator) -> None:
    damaged, guide = pair()
    small.eval()
    both, one = small(damaged, guide), small(damaged[:1], guide[:1])
    for together, alone in zip(both, one, strict=True):
        assert torch.allclose(together[:1], alone, atol=1e-5)


@torch.no_grad()
def test_the_attention_is_eq_9(small: Generator) -> None:
    """f ← f · (1 − σ(conv((f − g)²))), f of the damaged render and g of the guide."""
    seen: dict[str, torch.Tensor] = {}

    def keep(name: str) -> object:
        return lambda _layer, given, found: seen.update({f"{name} in": given[0], name: found})

    small.eval()
    for name in ("stem_damaged", "stem_guide", "difference", "down.0"):
        small.get_submodule(name).register_forward_hook(keep(name))  # type: ignore[arg-type]
    damaged, guide = pair()
    small(damaged, guide)
    assert torch.equal(seen["stem_damaged in"], 2 * damaged - 1)
    apart = (seen["stem_damaged"] - seen["stem_guide"]) ** 2
    assert torch.allclose(seen["difference in"], apart, atol=1e-6)
    let_in = seen["stem_damaged"] * (1 - torch.sigmoid(seen["difference"]))
    assert torch.allclose(seen["down.0 in"], let_in, atol=1e-6)


@torch.no_grad()
def test_a_gate_closes_where_its_branch_is_high(small: Generator) -> None:
    """The encoder's is 1 − σ, a residual block's σ."""
    x = torch.rand(1, 8, 16, 16)
    down: Any = small.down[0]
    features, gate = down(x)
    assert torch.allclose(features, (1 - torch.sigmoid(gate)) * down.feature(x), atol=1e-5)
    block: Any = small.residual[0].eval()
    x = torch.rand(1, 32, 8, 8)
    gated = x * torch.sigmoid(block.gate(x))
    assert torch.allclose(block(x), gated + block.second(block.first(gated)), atol=1e-5)


@torch.no_grad()
def test_painting_alone_leaves_the_masks_path_as_it_was(small: Generator) -> None:
    before = {name: one.clone() for name, one in small.mask.state_dict().items()}
    painted = small.train().paint(*pair())
    assert painted.shape == (2, 3, 32, 32)
    assert all(torch.equal(one, before[name]) for name, one in small.mask.state_dict().items())
    small(*pair())
    assert not torch.equal(
        small.mask.state_dict()["mix.1.running_mean"], before["mix.1.running_mean"]
    )


def test_spectral_norm_is_where_it_was_published(small: Generator) -> None:
    """Not in the attention, the residual gates and the mask's path."""
    plain = {
        name.removesuffix(".weight")
        for name, one in small.named_parameters()
        if name.endswith(".weight") and one.ndim == 4
    }
    expected = {"difference.0", "mask.coarse.0", "mask.mix.0", "mask.fine.0", "mask.out"}
    assert plain == expected | {f"residual.{block}.gate.0" for block in range(SMALL.blocks)}
    # Largest singular value of each normed weight, after the power method has settled: 1.
    for _ in range(60):
        small(*pair(1, 16))
    small.eval()
    for name, layer in small.named_modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and name not in plain:
            axis = 1 if isinstance(layer, nn.ConvTranspose2d) else 0
            matrix = layer.weight.detach().movedim(axis, 0).flatten(1)
            assert torch.linalg.matrix_norm(matrix, 2).item() == pytest.approx(1, abs=0.02), name


@torch.no_grad()
def test_folded_paints_the_same_and_leaves_the_other_alone(small: Generator) -> None:
    damaged, guide = pair()
    small(damaged, guide)
    small.eval()
    expected, before = small(damaged, guide), torch.random.get_rng_state()
    folded = for_inference(small)
    assert torch.equal(torch.random.get_rng_state(), before)
    for one, other in zip(folded(damaged, guide), expected, strict=True):
        assert torch.allclose(one, other, atol=1e-4)
    assert not any("parametrizations" in name for name in folded.state_dict())
    assert not any(one.requires_grad for one in folded.parameters())
    assert not folded.training
    assert all(one.requires_grad for one in small.parameters())
    for one, other in zip(small.train()(damaged, guide), expected, strict=True):
        assert one.shape == other.shape


def test_without_the_occlusion_path_both_renders_are_seen_and_there_is_no_mask() -> None:
    torch.manual_seed(0)
    net = Generator(GeneratorSize(4, 2, occlusion_path=False)).eval()
    names = set(net.state_dict())
    assert not {name for name in names if name.startswith(("mask", "difference"))}
    assert not {name for name in names if ".gate." in name}
    one, other, third = torch.rand(3, 2, 3, 32, 32)
    painted = net(one, other)
    assert not painted.mask.any()
    assert painted.mask.shape == (2, 1, 32, 32)
    for changed in (net(third, other), net(one, third)):
        assert not torch.allclose(changed.image, painted.image, atol=1e-3)
    folded = for_inference(net)
    torch.testing.assert_close(folded(one, other).image, painted.image, rtol=1e-4, atol=1e-5)

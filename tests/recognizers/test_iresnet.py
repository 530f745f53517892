"""IResNet: its weights by name and number, and its answers against PyTorch's plain functions."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from recognizers.iresnet import ARCHITECTURES, Blocks, IResNet, cells

MINI: Blocks = (2, 1, 1, 1)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def randomised(network: IResNet) -> IResNet:
    """With statistics and slopes unlike those of a new network, so that each one counts."""
    generator = seeded(5)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_mean"):
            tensor.normal_(0, 0.3, generator=generator)
        elif name.endswith("running_var") or tensor.ndim == 1:
            tensor.uniform_(0.5, 1.5, generator=generator)
    return network.eval()


def parameters_by_formula(blocks: Blocks, dimension: int) -> int:
    """Counted from the paper's description, in which a normalisation has two numbers a channel."""
    count, inputs = 3 * 64 * 9 + 2 * 64 + 64, 64
    for layer, number in enumerate(blocks):
        outputs = 64 << layer
        for block in range(number):
            count += 2 * inputs + inputs * outputs * 9  # normalisation, convolution
            count += 2 * outputs + outputs  # normalisation, PReLU
            count += outputs * outputs * 9 + 2 * outputs
            if block == 0:
                count += inputs * outputs + 2 * outputs
            inputs = outputs
    return count + 2 * 512 + 512 * 49 * dimension + dimension + 2 * dimension


@pytest.mark.parametrize(
    ("name", "count"),
    [  # of insightface's own networks
        ("iresnet18", 24_025_600),
        ("iresnet34", 34_139_328),
        ("iresnet50", 43_590_848),
        ("iresnet100", 65_156_160),
        ("iresnet200", 118_833_920),
    ],
)
def test_as_many_parameters_as_published(name: str, count: int) -> None:
    with torch.device("meta"):
        network = IResNet(ARCHITECTURES[name])
    assert sum(one.numel() for one in network.parameters()) == count
    assert count == parameters_by_formula(ARCHITECTURES[name], 512)


def test_weights_have_the_published_names() -> None:
    def norm(name: str) -> set[str]:
        kinds = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
        return {f"{name}.{kind}" for kind in kinds}

    expected = {"conv1.weight", "prelu.weight", "fc.weight", "fc.bias"}
    expected |= norm("bn1") | norm("bn2") | norm("features")
    for block in (f"layer{layer}.{block}" for layer in (1, 2, 3, 4) for block in (0, 1)):
        expected |= {f"{block}.{one}.weight" for one in ("conv1", "conv2", "prelu")}
        expected |= norm(f"{block}.bn1") | norm(f"{block}.bn2") | norm(f"{block}.bn3")
        if block.endswith("0"):
            expected |= {f"{block}.downsample.0.weight"} | norm(f"{block}.downsample.1")
    with torch.device("meta"):
        assert set(IResNet(ARCHITECTURES["iresnet18"]).state_dict()) == expected


@pytest.mark.parametrize("size", [(32, 32), (48, 30)])
def test_equals_plain_functions(size: tuple[int, int]) -> None:
    """The network written out with functions, from the weights by their names."""
    network = randomised(IResNet(MINI, dimension=5, width=4, size=size, generator=seeded()))
    state = network.state_dict()

    def norm(x: Tensor, name: str) -> Tensor:
        mean, variance, scale, shift = (
            state[f"{name}.{kind}"].view(-1, *[1] * (x.ndim - 2))
            for kind in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (variance + 1e-5).sqrt() * scale + shift

    def prelu(x: Tensor, name: str) -> Tensor:
        return x.clamp(min=0) + state[f"{name}.weight"][:, None, None] * x.clamp(max=0)

    x = given = torch.randn(3, 3, size[1], size[0], generator=seeded(1))
    x = functional.conv2d(x, state["conv1.weight"], padding=1)
    x = prelu(norm(x, "bn1"), "prelu")
    for layer, blocks in enumerate(MINI, 1):
        for block in range(blocks):
            name, stride = f"layer{layer}.{block}", 1 if block else 2
            y = functional.conv2d(norm(x, f"{name}.bn1"), state[f"{name}.conv1.weight"], padding=1)
            y = prelu(norm(y, f"{name}.bn2"), f"{name}.prelu")
            y = functional.conv2d(y, state[f"{name}.conv2.weight"], stride=stride, padding=1)
            if not block:
                shortcut = functional.conv2d(x, state[f"{name}.downsample.0.weight"], stride=2)
                x = norm(shortcut, f"{name}.downsample.1")
            x = x + norm(y, f"{name}.bn3")
    flat = norm(x, "bn2").reshape(3, -1)
    expected = norm(flat @ state["fc.weight"].T + state["fc.bias"], "features")
    with torch.inference_mode():
        torch.testing.assert_close(network(given), expected, rtol=1e-4, atol=1e-4)


def test_first_weights_come_from_the_generator_alone() -> None:
    torch.manual_seed(1)
    one = IResNet(MINI, width=8, dimension=16, generator=seeded(3)).state_dict()
    torch.manual_seed(2)
    other = IResNet(MINI, width=8, dimension=16, generator=seeded(3)).state_dict()
    third = IResNet(MINI, width=8, dimension=16, generator=seeded(4)).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    for name in ("conv1.weight", "layer4.0.conv2.weight", "fc.weight", "fc.bias"):
        assert not torch.equal(one[name], third[name]), name


def test_first_weights_are_spread_as_insightface_spreads_them() -> None:
    network = IResNet(MINI, width=16, dimension=64, generator=seeded())
    state = network.state_dict()
    convolutions = [tensor for tensor in state.values() if tensor.ndim == 4]
    for tensor in convolutions:
        assert tensor.std().item() == pytest.approx(0.1, rel=5 / math.sqrt(tensor.numel()))
    bound = 1 / math.sqrt(network.fc.in_features)
    assert state["fc.weight"].abs().max().item() == pytest.approx(bound, rel=1e-3)
    assert state["fc.weight"].mean().abs().item() < bound / 50
    for name, tensor in state.items():
        if ".bn" in name or name.startswith(("bn", "features")):
            assert not name.endswith("weight") or (tensor == 1).all()
            assert not name.endswith("bias") or (tensor == 0).all()


def test_everything_is_trained_but_the_scale_of_the_embedding() -> None:
    network = IResNet(MINI, width=4, dimension=8, size=(32, 32), dropout=0.5, generator=seeded())
    network(torch.randn(4, 3, 32, 32, generator=seeded(1))).square().sum().backward()
    still = [name for name, one in network.named_parameters() if one.grad is None]
    assert still == ["features.weight"]


def test_dropout_is_for_training() -> None:
    faces = torch.randn(2, 3, 32, 32, generator=seeded(1))
    network = IResNet(MINI, width=4, dimension=8, size=(32, 32), dropout=0.5, generator=seeded())
    same = IResNet(MINI, width=4, dimension=8, size=(32, 32), generator=seeded())
    torch.manual_seed(0)
    assert not torch.equal(network.train()(faces), same.train()(faces))
    same.load_state_dict(network.state_dict())
    assert torch.equal(network.eval()(faces), same.eval()(faces))


@pytest.mark.parametrize(
    ("size", "count"), [((112, 112), 49), ((96, 112), 42), ((97, 113), 56), ((16, 1), 1)]
)
def test_cells_of_a_crop(size: tuple[int, int], count: int) -> None:
    assert cells(size) == count
    network = IResNet((1, 1, 1, 1), width=1, dimension=2, size=size).eval()
    assert network(torch.zeros(1, 3, size[1], size[0])).shape == (1, 2)

"""VGG-19 against its layers written down one by one, with drawn weights."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from cfr.gan.losses import perceptual
from cfr.gan.vgg import FILE, WEIGHTS, load_vgg19
from protocols.errors import BadInput, DatasetUnavailable

CPU = torch.device("cpu")
# Number in torchvision's file: channels in and out.
CONVOLUTIONS = {
    0: (3, 64),
    2: (64, 64),
    5: (64, 128),
    7: (128, 128),
    10: (128, 256),
    **dict.fromkeys((12, 14, 16), (256, 256)),
    19: (256, 512),
    **dict.fromkeys((21, 23, 25, 28, 30, 32, 34), (512, 512)),
}
POOLED_BEFORE = (5, 10, 19, 28)
TAPPED = (0, 5, 10, 19, 28)


def published(*, drawn: bool) -> dict[str, Tensor]:
    """What torchvision's file holds; numbers that do not matter take no room on the disk."""

    def tensor(*shape: int) -> Tensor:
        return torch.zeros(1).expand(shape)

    state = {}
    generator = torch.Generator().manual_seed(0)
    for number, (come, go) in CONVOLUTIONS.items():
        weight, bias = tensor(go, come, 3, 3), tensor(go)
        if drawn and number <= TAPPED[-1]:
            weight = torch.randn(weight.shape, generator=generator) * (2 / (9 * come)) ** 0.5
            bias = torch.randn(go, generator=generator) / 10
        state |= {f"features.{number}.weight": weight, f"features.{number}.bias": bias}
    for number, (come, go) in {0: (25088, 4096), 3: (4096, 4096), 6: (4096, 1000)}.items():
        state |= {f"classifier.{number}.weight": tensor(go, come)}
        state |= {f"classifier.{number}.bias": tensor(go)}
    return state


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return published(drawn=True)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, weights: dict[str, Tensor]) -> Path:
    path = tmp_path_factory.mktemp("vgg") / FILE
    torch.save(weights, path)
    return path


def by_hand(weights: dict[str, Tensor], pictures: Tensor) -> list[Tensor]:
    mean = pictures.new_tensor([0.485, 0.456, 0.406])[:, None, None]
    value, maps = (pictures - mean) / pictures.new_tensor([[[0.229]], [[0.224]], [[0.225]]]), []
    for number in (one for one in CONVOLUTIONS if one <= TAPPED[-1]):
        if number in POOLED_BEFORE:
            value = functional.max_pool2d(value, 2)
        weight, bias = (weights[f"features.{number}.{part}"] for part in ("weight", "bias"))
        value = functional.conv2d(value, weight, bias, padding=1).clamp_min(0)
        if number in TAPPED:
            maps.append(value)
    return maps


def test_the_maps_are_those_of_the_five_layers(file: Path, weights: dict[str, Tensor]) -> None:
    before = torch.random.get_rng_state()
    features = load_vgg19(file, CPU)
    assert torch.equal(torch.random.get_rng_state(), before)
    pictures = torch.rand(2, 3, 33, 33, generator=torch.Generator().manual_seed(1))
    given = pictures.clone()
    found, expected = features(pictures), by_hand(weights, pictures)
    sides = [(64, 33), (128, 16), (256, 8), (512, 4), (512, 2)]
    assert [tuple(one.shape) for one in found] == [(2, width, n, n) for width, n in sides]
    for one, other in zip(found, expected, strict=True):
        assert other.std() > 0.1
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    assert torch.equal(pictures, given)
    assert isinstance(features, nn.Module)
    assert not features.training
    assert not any(one.requires_grad for one in features.parameters())


def test_it_serves_the_perceptual_loss(file: Path, weights: dict[str, Tensor]) -> None:
    features = load_vgg19(file, CPU)
    generator = torch.Generator().manual_seed(2)
    painted, photo = torch.rand(2, 1, 3, 16, 16, generator=generator)
    painted.requires_grad_()
    loss = perceptual(features, painted, photo, WEIGHTS)
    pairs = zip(by_hand(weights, painted), by_hand(weights, photo), strict=True)
    parts = [(one - other).abs().mean() for one, other in pairs]
    expected = parts[0] / 32 + parts[1] / 16 + parts[2] / 8 + parts[3] / 4 + parts[4]
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-4)
    (slope,) = torch.autograd.grad(loss, painted)
    (wanted,) = torch.autograd.grad(expected, painted)
    assert wanted.abs().sum() > 0
    torch.testing.assert_close(slope, wanted, rtol=1e-2, atol=1e-4 * wanted.abs().max().item())


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / FILE
    with pytest.raises(DatasetUnavailable, match=r"torchvision's page .*IMAGENET1K_V1"):
        load_vgg19(path, CPU)
    state = published(drawn=False)
    bare = {name: one for name, one in state.items() if name.startswith("features.")}
    torch.save(bare, path)
    load_vgg19(path, CPU)
    for change, complaint in (
        ({"features.34.bias": None}, r"1 missing: features\.34\.bias"),
        ({"features.36.weight": torch.zeros(1)}, r"1 unexpected: features\.36\.weight"),
        ({"features.0.bias": torch.zeros(3)}, r"features\.0\.bias \(3, not 64\)"),
        (
            {"features.0.bias": torch.full((64,), torch.nan)},
            r"NaN or infinity in features\.0\.bias",
        ),
    ):
        changed = {name: one for name, one in {**bare, **change}.items() if one is not None}
        torch.save(changed, path)
        with pytest.raises(BadInput, match=complaint):
            load_vgg19(path, CPU)
    path.write_bytes(b"noise")
    with pytest.raises(BadInput, match="a file that torch"):
        load_vgg19(path, CPU)

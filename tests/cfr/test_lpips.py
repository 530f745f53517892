"""LPIPS against its own paper's recipe, written out once more, on networks of random weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from torch.nn import functional

from cfr.lpips import BACKBONES, Kind, load_lpips, split_option
from protocols.errors import BadInput, BadOption, DatasetUnavailable


def heads(channels: tuple[int, ...]) -> dict[str, torch.Tensor]:
    return {f"lin{at}.model.1.weight": torch.rand(1, n, 1, 1) for at, n in enumerate(channels)}


@pytest.fixture(scope="module")
def alex(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A root with heads, and a backbone, of random weights."""
    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("lpips")
    (root / "v0.1").mkdir()
    torch.save(heads(BACKBONES["alex"].channels), root / "v0.1" / "alex.pth")
    torch.save(torchvision.models.alexnet(weights=None).state_dict(), root / "backbone.pth")
    return root, root / "backbone.pth"


def reference(root: Path, backbone: Path, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The pictures' maps by torchvision's own layers; every step with other functions than ours."""
    net = torchvision.models.alexnet(weights=None)
    net.load_state_dict(torch.load(backbone, weights_only=True))
    net.eval()
    weights = torch.load(root / "v0.1" / "alex.pth", weights_only=True)
    shift = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
    scale = torch.tensor([0.458, 0.448, 0.450])[:, None, None]
    total = torch.zeros(one.shape[-2:])
    for place, end in enumerate((2, 5, 8, 10, 12)):  # after each ReLU
        maps = [
            functional.normalize(net.features[:end](((2 * p - 1 - shift) / scale)[None]), dim=1)
            for p in (one, other)
        ]
        head = weights[f"lin{place}.model.1.weight"]
        apart = functional.conv2d((maps[0] - maps[1]) ** 2, head)
        total += torch.nn.Upsample(one.shape[-2:], mode="bilinear")(apart)[0, 0]
    return total


@torch.no_grad()
def test_it_is_the_published_recipe(alex: tuple[Path, Path]) -> None:
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 256, (2, 70, 80, 3), np.uint8)
    found = load_lpips("alex", alex[1], alex[0]).between(one, other)
    given = [torch.from_numpy(p).permute(2, 0, 1).float() / 255 for p in (one, other)]
    expected = reference(*alex, *given).numpy()
    assert found.shape == (70, 80)
    assert expected.std() > 0.001
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_a_picture_is_no_way_from_itself_and_only_what_differs_counts(
    alex: tuple[Path, Path],
) -> None:
    lpips = load_lpips("alex", alex[1], alex[0])
    one = np.random.default_rng(1).integers(0, 256, (96, 96, 3), np.uint8)
    other = one.copy()
    other[:24, :24] = 255 - other[:24, :24]
    assert lpips.between(one, one).max() == 0
    apart = lpips.between(one, other)
    assert apart[:24, :24].mean() > 5 * apart[60:, 60:].mean()


@pytest.mark.parametrize("kind", ["alex", "vgg", "squeeze"])
def test_every_networks_maps_have_the_heads_channels(kind: Kind) -> None:
    chosen = BACKBONES[kind]
    value = torch.zeros(1, 3, 64, 64)
    features = getattr(torchvision.models, chosen.network)(weights=None).features
    found = []
    with torch.no_grad():
        for place, layer in enumerate(features):
            value = layer(value)
            if place in chosen.ends:
                found.append(value.shape[1])
                assert isinstance(layer, torch.nn.ReLU) or kind == "squeeze"
    assert tuple(found) == chosen.channels


def test_the_published_heads_fit(alex: tuple[Path, Path], shared: Path) -> None:
    root = shared / "networks/lpips/lpips/weights"
    lpips = load_lpips("alex", alex[1], root)
    assert lpips.get_buffer("head4").shape == (1, 256, 1, 1)
    assert (lpips.get_buffer("head0") >= 0).all()  # the paper's projection
    with pytest.raises(BadInput, match="torchvision's vgg16"):
        load_lpips("vgg", alex[1], root)


def test_what_is_absent_says_how_to_get_it(alex: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match=r"alexnet-owt-7be5be79\.pth.*IMAGENET1K_V1"):
        load_lpips("alex", tmp_path / "none.pth", alex[0])
    with pytest.raises(DatasetUnavailable, match=r"fetch\.py lpips"):
        load_lpips("alex", alex[1], tmp_path / "nowhere")
    with pytest.raises(BadOption, match="alex:FILE"):
        split_option("alexnet")
    assert split_option("vgg:a:b.pth") == ("vgg", Path("a:b.pth"))


def test_code_is_not_run(alex: tuple[Path, Path], tmp_path: Path) -> None:
    torch.save(torchvision.models.alexnet(weights=None), tmp_path / "whole.pth")
    with pytest.raises(BadInput, match="holds code"):
        load_lpips("alex", tmp_path / "whole.pth", alex[0])

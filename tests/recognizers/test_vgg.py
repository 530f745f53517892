"""VGG16 for expressions: torchvision's own network and weights, and narrow ones."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import vgg16, vgg16_bn

from protocols.errors import BadInput, DatasetUnavailable
from recognizers.vgg import MEAN, STD, ExpressionNet, VggSize, _as_timm, start_from

NARROW = VggSize(4, 1, normalised=True)


def test_it_is_torchvisions_network_with_the_classifier(tmp_path: Path) -> None:
    torch.manual_seed(0)
    with torch.device("meta"):  # 138 million numbers need not be drawn one by one
        published: nn.Module = vgg16(weights=None).eval()
    drawn = torch.randn(65_537)
    half = {}
    for name, one in published.state_dict().items():
        inputs = max(1, one[0].numel())
        many = drawn.repeat(-(-one.numel() // len(drawn)))[: one.numel()]
        half[name] = (many.reshape(one.shape) * (2 / inputs) ** 0.5).half()
    published.load_state_dict({name: one.float() for name, one in half.items()}, assign=True)
    torch.save(half, tmp_path / "vgg16.pth")
    net = ExpressionNet(VggSize(), 7).eval()
    before = net.state_dict()["classifier.1.weight"].clone()
    start_from(net, tmp_path / "vgg16.pth")
    picture = torch.rand(1, 3, 224, 224)
    scaled = (picture - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    with torch.inference_mode():
        wanted = published(scaled)
        torch.testing.assert_close(net.backbone(scaled), wanted, rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(net(picture), net.classifier(wanted), rtol=1e-3, atol=1e-5)
    assert torch.equal(
        net.state_dict()["classifier.1.weight"], before
    )  # the classifier stays as it was
    kinds = [type(one) for one in net.classifier]
    assert kinds == [nn.Dropout, nn.Linear, nn.ReLU, nn.Dropout, nn.Linear]
    assert [net.classifier[1].in_features, net.classifier[4].in_features] == [1000, 512]
    assert sum(one.numel() for one in net.parameters()) == 138_357_544 + 1001 * 512 + 513 * 7


def test_names_with_batch_normalisation_fit_too() -> None:
    with torch.device("meta"):
        given = _as_timm(vgg16_bn(weights=None).state_dict())
        own = ExpressionNet(VggSize(normalised=True), 7).backbone.state_dict()
    assert {name: one.shape for name, one in given.items()} == {
        name: one.shape for name, one in own.items()
    }


def test_a_narrow_network_says_so_and_answers_in_its_own_sizes() -> None:
    net = ExpressionNet(NARROW, 7).eval()
    assert NARROW.words == "narrow VGG16 with batch normalisation (4 of 64 channels)"
    assert VggSize().words == "VGG16"
    for side in (32, 64):
        assert net(torch.rand(2, 3, side, side)).shape == (2, 7)
    convolutions = [one for one in net.backbone.features if isinstance(one, nn.Conv2d)]
    assert [one.out_channels for one in convolutions] == [
        *(4, 4, 8, 8, 16, 16, 16, 32, 32, 32, 32, 32, 32)
    ]
    shapes = {name: tuple(one.shape) for name, one in net.backbone.state_dict().items()}
    assert shapes["pre_logits.fc1.weight"] == (256, 32, 1, 1)
    assert shapes["pre_logits.fc2.weight"] == (256, 256, 1, 1)
    assert shapes["head.fc.weight"] == (1000, 256)


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    net = ExpressionNet(NARROW, 7)
    state = {name: one.clone() for name, one in net.backbone.state_dict().items()}
    path = tmp_path / "timm.safetensors"
    save_file(state, path)
    other = ExpressionNet(NARROW, 7)
    start_from(other, path)  # timm's own names
    for name, tensor in other.backbone.state_dict().items():
        assert torch.equal(tensor, state[name]), name
    save_file({**state, "head.fc.weight": torch.zeros(10, 256)}, path)
    with pytest.raises(BadInput, match=r"head\.fc\.weight of shape 10 × 256 instead of 1000 × 256"):
        start_from(other, path)
    save_file({**state, "head.fc.bias": torch.full((1000,), torch.nan)}, path)
    with pytest.raises(BadInput, match=r"head\.fc\.bias: expected finite numbers"):
        start_from(other, path)
    save_file({name: one for name, one in state.items() if "features.0." not in name}, path)
    with pytest.raises(BadInput, match=r"missing \(features\.0\.weight"):
        start_from(other, path)
    path.write_bytes(b"nothing")
    with pytest.raises(BadInput, match="a whole safetensors file"):
        start_from(other, path)
    with pytest.raises(DatasetUnavailable):
        start_from(other, tmp_path / "none.pth")

from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn

from cfr.coefficients import Layout
from cfr.regressor.network import MINI, MINI_SIZE, RNet, build
from protocols.errors import BadOption

LAYOUT = Layout(80, 64, 80, 27, model="a" * 64)
SMALL = ("resnet18", "mobilenetv4_conv_small_050", "mobilenetv3_small_100", "regnetx_002")


def crops(size: int, rows: int = 2) -> Tensor:
    return torch.rand(rows, 3, size, size, generator=torch.Generator().manual_seed(1))


def trained(net: RNet) -> RNet:
    """The network with heads that are no longer zero."""
    random = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in net.heads.parameters():
            parameter.normal_(0, 0.1, generator=random)
    return net


@pytest.fixture(scope="module")
def caffe() -> RNet:
    torch.manual_seed(0)
    return build("resnet50", LAYOUT, size=224).eval()


def test_resnet50_has_as_many_parameters_as_published(caffe: RNet) -> None:
    """He et al.'s 25,557,032 without the classifier's 2048 × 1000 + 1000, and 257 outputs."""
    trunk = sum(parameter.numel() for parameter in caffe.trunk.parameters())
    assert trunk == 25_557_032 - 2_049_000 == 23_508_032
    assert sum(one.numel() for one in caffe.heads.parameters()) == 257 * (2048 + 1)


def test_caffes_sides_at_224(caffe: RNet) -> None:
    """(224 + 6 − 7)/2 → 112; (112 − 3)/2 = 54.5, rounded up and one more: 56; then halves."""
    sides: dict[str, int] = {}

    def note(name: str) -> Any:
        return lambda _module, _inputs, output: sides.update({name: output.shape[-1]})

    trunk: Any = caffe.trunk
    watched = {
        "conv1": trunk.conv1,
        "maxpool": trunk.maxpool,
        **{f"layer{n}": getattr(trunk, f"layer{n}") for n in (1, 2, 3, 4)},
        **{f"first of {n}": getattr(trunk, f"layer{n}")[0].conv1 for n in (2, 3, 4)},
    }
    hooks = [module.register_forward_hook(note(name)) for name, module in watched.items()]
    with torch.no_grad():
        features = caffe.look(crops(224, 1))
    for hook in hooks:
        hook.remove()
    assert sides == {
        "conv1": 112,
        "maxpool": 56,
        **{"layer1": 56, "layer2": 28, "layer3": 14, "layer4": 7},
        **{"first of 2": 28, "first of 3": 14, "first of 4": 7},
    }
    assert [tuple(one.shape) for one in features.maps] == [
        (1, 512, 28, 28),
        (1, 1024, 14, 14),
        (1, 2048, 7, 7),
    ]
    mean = nn.functional.avg_pool2d(features.maps[2], 7)  # as published: 7 × 7
    assert torch.allclose(features.pooled, mean.flatten(1), atol=1e-6)


@pytest.mark.parametrize("stage", ["layer2", "layer3", "layer4"])
def test_caffes_stages_skip_every_other_pixel(caffe: RNet, stage: str) -> None:
    """Stride 2 in 1 × 1 convolutions never looks at odd rows and columns; in a 3 × 3 one it does.

    So with the later form's strides this test fails, as its last lines show.
    """
    later = timm.create_model("resnet50", pretrained=False, num_classes=0).eval()
    ours, theirs = (getattr(one, stage)[0] for one in (caffe.trunk, later))
    inputs = torch.rand(1, ours.conv1.in_channels, 8, 8)
    other = inputs.clone()
    other[:, :, 1::2] += 1
    other[:, :, :, 1::2] += 1
    with torch.no_grad():
        for block in (ours, theirs):  # timm starts the last scale of a branch at zero
            block.bn3.weight.fill_(1)
        assert torch.equal(ours(inputs), ours(other))
        assert not torch.allclose(theirs(inputs), theirs(other), atol=0.01)
        ours.bn3.weight.zero_()


def test_caffes_pool_starts_at_the_first_pixel_and_keeps_the_last(caffe: RNet) -> None:
    """Windows at 0, 2, 4, …; the last one reaches out by a pixel. timm's start at −1."""
    trunk: Any = caffe.trunk
    row = torch.zeros(1, 1, 8, 8)
    row[0, 0, 0, 2], row[0, 0, 7, 7] = 1, 2
    assert trunk.maxpool(row)[0, 0].tolist() == [
        [1, 1, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 2],
    ]


def test_an_untrained_network_puts_out_the_mean_face() -> None:
    net = build(MINI, LAYOUT, size=MINI_SIZE)
    assert not any(one.any() for one in net.heads.parameters())
    assert [(name, head.out_features) for name, head in net.heads.items()] == [
        ("identity", 80),
        ("expression", 64),
        ("texture", 80),
        ("rotation", 3),
        ("lighting", 27),
        ("shift", 2),
        ("depth", 1),
    ]
    vector = net(crops(112))
    assert vector.shape == (2, 257)
    assert not vector.any()
    assert (net.backbone, net.size, net.offset) == (MINI, 112, (0.0, 0.0))
    assert all(module.training for module in net.modules())


def test_heads_are_in_the_order_of_the_layout() -> None:
    net = build("timm:mobilenetv3_small_100", LAYOUT, size=64)
    with torch.no_grad():
        for number, head in enumerate(net.heads.values()):
            head.bias.fill_(number + 1)  # type: ignore[union-attr]
        found = LAYOUT.split(net(crops(64))).parts()
    values = {name: part[0].unique().tolist() for name, part in found.items()}
    assert values == {
        "identity": [1],
        "expression": [2],
        "texture": [3],
        "rotation": [4],
        "lighting": [5],
        "translation": [6, 7],
    }
    assert found["translation"][0].tolist() == [6, 6, 7]


def test_a_face_model_without_texture_and_one_light() -> None:
    """ICT-FaceKit has no texture modes; the paper counts nine lighting weights."""
    net = build(MINI, Layout(100, 53, 0, 9, model="b" * 64), size=64)
    assert "texture" not in net.heads
    assert net(crops(64)).shape == (2, 100 + 53 + 3 + 9 + 3)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", SMALL)
def test_backbones_of_timm(name: str, training: bool) -> None:
    net = trained(build(f"timm:{name}", LAYOUT, size=96)).train(training)
    photo = crops(96)
    features = net.look(photo)
    assert [one.shape[2:] for one in features.maps] == [(12, 12), (6, 6), (3, 3)]
    assert features.vector.shape == (2, 257)
    features.vector.square().sum().backward()
    assert all(one.grad is not None and one.grad.isfinite().all() for one in net.parameters())
    if not training:
        assert torch.equal(net(photo), features.vector)
        config = timm.get_pretrained_cfg(name)
        assert config is not None
        mean, std = torch.tensor(config.mean), torch.tensor(config.std)
        pooled = net.trunk((photo - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1))
        assert torch.allclose(features.pooled, pooled, atol=1e-5)


@pytest.mark.parametrize("backbone", ["resnet50", MINI])
def test_channels_last_changes_nothing(backbone: str) -> None:
    net = trained(build(backbone, LAYOUT, size=64)).eval()
    photo = crops(64)
    with torch.no_grad():
        expected = net(photo)
        last: Any = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        found = last(photo.to(memory_format=torch.channels_last))
    assert torch.allclose(found, expected, atol=1e-4)
    assert expected.std() > 1e-3


def test_training_lowers_a_loss() -> None:
    torch.manual_seed(0)
    net = build(MINI, LAYOUT, size=64).train()
    photo, target = crops(64, 8), torch.randn(8, 257)
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    losses = []
    for _ in range(12):
        loss = (net(photo) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize(
    ("backbone", "size", "words"),
    [
        ("resnet18", 112, "expected resnet50, or timm: and the name of one of timm's networks"),
        ("timm:resnet19", 112, "timm:resnet19: expected resnet50, or timm: and the name"),
        ("timm:", 112, "expected resnet50, or timm: and the name"),
        ("timm:hf-hub:someone/net", 112, "expected resnet50, or timm: and the name"),
        ("timm:resnet18.nobodys", 112, "Invalid pretrained tag"),
        (
            "timm:vit_tiny_patch16_224",
            224,
            "strides 8, 16, 32; its feature maps have the strides 16",
        ),
        ("timm:swin_tiny_patch4_window7_224", 112, "it cannot read 112 pixels: Input height"),
        (MINI, 31, "crops of 31 pixels: expected 32 to 1024 pixels"),
        (MINI, 2000, "crops of 2000 pixels: expected 32 to 1024 pixels"),
    ],
)
def test_what_cannot_be_built_is_refused(backbone: str, size: int, words: str) -> None:
    with pytest.raises(BadOption, match=words):
        build(backbone, LAYOUT, size=size)


def test_crops_of_another_size_are_refused() -> None:
    net = build(MINI, LAYOUT, size=112)
    with pytest.raises(ValueError, match="expected crops of 112 pixels, found 224"):
        net(crops(224))

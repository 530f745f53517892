"""BiSeNet in the public layout, against the same computed from the tensors by name."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from cfr.parsing.bisenet import ORDERS, BiSeNet, load_bisenet
from cfr.parsing.types import FaceParser, Label
from protocols.errors import BadInput, DatasetUnavailable

State = dict[str, Tensor]


def conv(name: str, out: int, into: int, side: int, norm: str = "") -> Iterator[tuple[str, Tensor]]:
    """A convolution without bias, and its batch norm where it has one."""
    yield f"{name}.weight", torch.randn(out, into, side, side) * (2 / (into * side**2)) ** 0.5
    if norm:
        for part in ("weight", "bias", "running_mean"):
            yield f"{norm}.{part}", torch.randn(out) / 5 + (part == "weight")
        yield f"{norm}.running_var", torch.rand(out) + 0.5
        yield f"{norm}.num_batches_tracked", torch.tensor(7)


def block(name: str, out: int, into: int, side: int) -> Iterator[tuple[str, Tensor]]:
    return conv(f"{name}.conv", out, into, side, f"{name}.bn")


def as_published() -> State:
    """What the public network's ``state_dict`` holds, written down from it: 191 tensors."""
    torch.manual_seed(0)
    found = list(conv("cp.resnet.conv1", 64, 3, 7, "cp.resnet.bn1"))
    into = 64
    for layer, out in enumerate((64, 128, 256, 512), start=1):
        for place in range(2):
            name = f"cp.resnet.layer{layer}.{place}"
            found += conv(f"{name}.conv1", out, into, 3, f"{name}.bn1")
            found += conv(f"{name}.conv2", out, out, 3, f"{name}.bn2")
            if into != out:
                found += conv(f"{name}.downsample.0", out, into, 1, f"{name}.downsample.1")
            into = out
    for scale, width in ((16, 256), (32, 512)):
        name = f"cp.arm{scale}"
        found += block(f"{name}.conv", 128, width, 3)
        found += conv(f"{name}.conv_atten", 128, 128, 1, f"{name}.bn_atten")
        found += block(f"cp.conv_head{scale}", 128, 128, 3)
    found += block("cp.conv_avg", 128, 512, 1)
    found += block("ffm.convblk", 256, 256, 1)
    found += [*conv("ffm.conv1", 64, 256, 1), *conv("ffm.conv2", 256, 64, 1)]
    for name, width, between in (("", 256, 256), ("16", 128, 64), ("32", 128, 64)):
        found += block(f"conv_out{name}.conv", between, width, 3)
        found += conv(f"conv_out{name}.conv_out", 19, between, 1)
    return dict(found)


class Reference:
    """The network as a sequence of operations on named tensors, in float64."""

    def __init__(self, state: State) -> None:
        self.state = {name: one.double() for name, one in state.items()}

    def conv(self, x: Tensor, name: str, stride: int = 1) -> Tensor:
        weight = self.state[f"{name}.weight"]
        return functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)

    def norm(self, x: Tensor, name: str) -> Tensor:
        parts = ("running_mean", "running_var", "weight", "bias")
        mean, variance, weight, bias = (
            self.state[f"{name}.{part}"].view(-1, 1, 1) for part in parts
        )
        return (x - mean) / (variance + 1e-5).sqrt() * weight + bias

    def block(self, x: Tensor, name: str) -> Tensor:
        return self.norm(self.conv(x, f"{name}.conv"), f"{name}.bn").relu()

    def residual(self, x: Tensor, name: str, stride: int) -> Tensor:
        y = self.norm(self.conv(x, f"{name}.conv1", stride), f"{name}.bn1").relu()
        y = self.norm(self.conv(y, f"{name}.conv2"), f"{name}.bn2")
        if f"{name}.downsample.0.weight" in self.state:
            x = self.norm(self.conv(x, f"{name}.downsample.0", stride), f"{name}.downsample.1")
        return (x + y).relu()

    def refined(self, x: Tensor, name: str) -> Tensor:
        x = self.block(x, f"{name}.conv")
        gate = self.conv(functional.adaptive_avg_pool2d(x, 1), f"{name}.conv_atten")
        return x * torch.sigmoid(self.norm(gate, f"{name}.bn_atten"))

    def __call__(self, photo: Tensor) -> Tensor:
        mean = photo.new_tensor((0.485, 0.456, 0.406)).view(3, 1, 1)
        x = (photo - mean) / photo.new_tensor((0.229, 0.224, 0.225)).view(3, 1, 1)
        x = self.norm(self.conv(x, "cp.resnet.conv1", 2), "cp.resnet.bn1").relu()
        x, levels = functional.max_pool2d(x, 3, 2, 1), []
        for layer in range(1, 5):
            for place in range(2):
                stride = 2 if layer > 1 and place == 0 else 1
                x = self.residual(x, f"cp.resnet.layer{layer}.{place}", stride)
            levels.append(x)
        _, eighth, sixteenth, last = levels
        whole = self.block(functional.adaptive_avg_pool2d(last, 1), "cp.conv_avg")
        x = self.refined(last, "cp.arm32") + whole
        x = self.block(x.repeat_interleave(2, 2).repeat_interleave(2, 3), "cp.conv_head32")
        x = self.refined(sixteenth, "cp.arm16") + x
        x = self.block(x.repeat_interleave(2, 2).repeat_interleave(2, 3), "cp.conv_head16")
        x = self.block(torch.cat((eighth, x), 1), "ffm.convblk")
        gate = self.conv(functional.adaptive_avg_pool2d(x, 1), "ffm.conv1").relu()
        x = x * (1 + torch.sigmoid(self.conv(gate, "ffm.conv2")))
        return self.conv(self.block(x, "conv_out.conv"), "conv_out.conv_out")


@pytest.fixture(scope="module")
def state() -> State:
    return as_published()


@pytest.fixture(scope="module")
def file(state: State, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "bisenet.pth"
    torch.save(state, path)
    return path


def test_names_and_shapes_are_the_public_ones(state: State) -> None:
    own = BiSeNet().state_dict()
    assert len(own) == 191
    assert {name: one.shape for name, one in own.items()} == {
        name: one.shape for name, one in state.items()
    }


@torch.no_grad()
def test_it_computes_what_the_public_one_does(state: State, file: Path) -> None:
    photo = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    network = load_bisenet(file, "public").network
    assert not network.training
    reference = Reference(state)(photo.double())
    assert reference.shape == (2, 19, 8, 12)
    expected = functional.interpolate(reference, (64, 96), mode="bilinear", align_corners=True)
    found = network(photo)
    scale = expected.std().item()
    torch.testing.assert_close(found.double() / scale, expected / scale, rtol=0, atol=1e-4)


def test_orders_give_the_same_classes_other_names(file: Path) -> None:
    photo = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(2))
    data_set, public = (load_bisenet(file, one) for one in ("celebamask-hq", "public"))
    assert isinstance(public, FaceParser)
    classes, found = data_set.parse(photo, None), public.parse(photo, None)
    assert len(classes.unique()) > 1
    # background, skin, brows, eyes, glasses, ears, earring, nose, mouth, lips, neck, necklace,
    # cloth, hair, hat: where each is in CelebAMask-HQ
    places = torch.tensor([0, 1, 6, 7, 4, 5, 3, 8, 9, 15, 2, 10, 11, 12, 17, 16, 18, 13, 14])
    torch.testing.assert_close(found, places[classes])
    assert public.identity != data_set.identity
    assert public.identity["weights"] == data_set.identity["weights"]
    assert str(file) not in str(public.identity)


def test_both_orders_have_every_label_once() -> None:
    for order in ORDERS.values():
        assert sorted(order) == list(Label)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda one: one.pop("cp.arm16.bn_atten.bias"), "1 missing: cp.arm16.bn_atten.bias"),
        (lambda one: one.update(extra=torch.ones(1)), "1 unexpected: extra"),
        (
            lambda one: one.update({"conv_out.conv_out.weight": torch.ones(11, 256, 1, 1)}),
            r"conv_out.conv_out.weight \(11 × 256 × 1 × 1, not 19 × 256 × 1 × 1\)",
        ),
    ],
)
def test_another_network_s_file_is_refused(state: State, tmp_path: Path, change, words) -> None:
    other = dict(state)
    change(other)
    torch.save(other, tmp_path / "other.pth")
    with pytest.raises(BadInput, match=words):
        load_bisenet(tmp_path / "other.pth", "public")


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match=r"absent\.pth"):
        load_bisenet(tmp_path / "absent.pth", "public")

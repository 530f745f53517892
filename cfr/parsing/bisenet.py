"""The BiSeNet that most face parsing uses: a ResNet-18, two refined scales, and their fusion.

Yu et al., BiSeNet, ECCV 2018, without its spatial path: ResNet-18's features at an eighth of the
size take its place. Names of the weights are those of zllrunning/face-parsing.PyTorch, of
CFR-GAN's retrained file and of their many descendants.
"""

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from cfr.parsing.network import NetworkParser, load_network
from cfr.parsing.types import Label

if TYPE_CHECKING:
    from torchvision.models import ResNet

SIZE = 512
"""Pixels a side of the photos that the networks were trained on."""
Order = Literal["celebamask-hq", "public"]
ORDERS: Mapping[Order, tuple[Label, ...]] = {
    # yeongjoonJu/CFR-GAN trained anew, in the data set's order.
    "celebamask-hq": tuple(Label),
    # zllrunning/face-parsing.PyTorch, prepropess_data.py (sic)
    "public": (
        Label.BACKGROUND,
        Label.SKIN,
        Label.LEFT_BROW,
        Label.RIGHT_BROW,
        Label.LEFT_EYE,
        Label.RIGHT_EYE,
        Label.GLASSES,
        Label.LEFT_EAR,
        Label.RIGHT_EAR,
        Label.EARRING,
        Label.NOSE,
        Label.INNER_MOUTH,
        Label.UPPER_LIP,
        Label.LOWER_LIP,
        Label.NECK,
        Label.NECKLACE,
        Label.CLOTH,
        Label.HAIR,
        Label.HAT,
    ),
}
"""What the classes are, by who trained the network."""
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


class BiSeNet(nn.Module):
    """RGB in [0, 1] → scores of the classes at the size of the photo; ImageNet's scaling inside.

    Args:
        classes: How many there are.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, classes: int = len(Label)) -> None:
        super().__init__()
        self.cp = _Context()
        self.ffm = _Fusion(256, 256)
        self.conv_out = _head(256, 256, classes)
        # Only training listened to these two; files have their weights.
        self.conv_out16 = _head(128, 64, classes)
        self.conv_out32 = _head(128, 64, classes)
        for name, values in (("mean", _MEAN), ("deviation", _DEVIATION)):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)

    def forward(self, photo: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """Scores of the classes.

        Args:
            photo: RGB in [0, 1].
        """
        detail, context = self.cp((photo - self.mean) / self.deviation)
        scores = self.conv_out(self.ffm(torch.cat((detail, context), dim=1)))
        return functional.interpolate(scores, photo.shape[-2:], mode="bilinear", align_corners=True)


class _Context(nn.Module):
    """Features at an eighth of the size: the trunk's own, and what larger scales know."""

    def __init__(self) -> None:
        super().__init__()
        self.resnet = _trunk()
        self.arm16 = _Refinement(256, 128)
        self.arm32 = _Refinement(512, 128)
        self.conv_head32 = _conv(128, 128, 3)
        self.conv_head16 = _conv(128, 128, 3)
        self.conv_avg = _conv(512, 128, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        trunk = self.resnet
        x = trunk.layer1(trunk.maxpool(trunk.relu(trunk.bn1(trunk.conv1(x)))))
        eighth = trunk.layer2(x)
        sixteenth = trunk.layer3(eighth)
        last = trunk.layer4(sixteenth)
        deep = self.arm32(last) + self.conv_avg(_average(last))
        deep = self.conv_head32(_enlarged(deep, sixteenth))
        middle = self.arm16(sixteenth) + deep
        return eighth, self.conv_head16(_enlarged(middle, eighth))


class _Refinement(nn.Module):
    """Weigh features by what they are in the mean over the picture."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = _conv(inputs, outputs, 3)
        self.conv_atten = nn.Conv2d(outputs, outputs, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x * self.bn_atten(self.conv_atten(_average(x))).sigmoid()


class _Fusion(nn.Module):
    """Merge features, and add to them what their mean over the picture lets through."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convblk = _conv(inputs, outputs, 1)
        self.conv1 = nn.Conv2d(outputs, outputs // 4, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs // 4, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.convblk(x)
        return x + x * self.conv2(self.conv1(_average(x)).relu()).sigmoid()


def load_bisenet(path: Path, order: Order, device: torch.device | str = "cpu") -> NetworkParser:
    """Import a BiSeNet of 19 classes.

    Args:
        path: Its weights: a file of ``torch.save`` (read without running code from it) or
            safetensors; DataParallel's ``module.`` may stand before the names.
        order: What the classes are. A file does not say; a wrong order gives wrong labels.
        device: Where it computes.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged or another network's; lists missing and unexpected names and
            other shapes.
    """
    net, digest = load_network(BiSeNet(), path, "the weights of a face-parsing BiSeNet", device)
    return NetworkParser("bisenet", net, SIZE, ORDERS[order], digest)


def _trunk() -> "ResNet":
    """The ResNet-18 of torchvision without its head, which has no name in the weights."""
    from torchvision.models import resnet18

    trunk = resnet18(weights=None)
    del trunk.fc
    return trunk


def _conv(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """A convolution that keeps the size, batch norm, and a ReLU."""
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, bn=nn.BatchNorm2d(outputs), active=nn.ReLU()))


def _head(inputs: int, between: int, classes: int) -> nn.Sequential:
    scores = nn.Conv2d(between, classes, 1, bias=False)
    return nn.Sequential(OrderedDict(conv=_conv(inputs, between, 3), conv_out=scores))


def _average(x: Tensor) -> Tensor:
    return x.mean((2, 3), keepdim=True)


def _enlarged(x: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(x, like.shape[-2:], mode="nearest")

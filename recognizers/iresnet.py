"""IResNet: the residual networks that insightface trains with ArcFace, and loads from ``.pth``.

Duta et al., Improved Residual Networks, ICPR 2020, as deepinsight/insightface has them
(``recognition/arcface_torch/backbones/iresnet.py``). Layers are named as there, so that published
weights load. A network takes RGB that is scaled already, usually to −1 … 1.
"""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

Blocks = tuple[int, int, int, int]

ARCHITECTURES: Mapping[str, Blocks] = {
    "iresnet18": (2, 2, 2, 2),
    "iresnet34": (3, 4, 6, 3),
    "iresnet50": (3, 4, 14, 3),
    "iresnet100": (3, 13, 30, 3),
    "iresnet200": (6, 26, 60, 6),
}
"""Name → residual blocks in each of the four layers."""


class Block(nn.Module):
    """Two convolutions, normalised before, between and after, beside a shortcut.

    Args:
        inputs: Channels that come in.
        outputs: Channels that go out.
        stride: Of the second convolution. Above 1 the shortcut has a convolution of its own.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.prelu = nn.PReLU(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, planes: Float[Tensor, "n i h w"]) -> Float[Tensor, "n o p q"]:
        """Channels in, channels out; height and width shrink by the stride, rounded up."""
        branch = self.prelu(self.bn2(self.conv1(self.bn1(planes))))
        branch = self.bn3(self.conv2(branch))
        return branch + (planes if self.downsample is None else self.downsample(planes))


class IResNet(nn.Module):
    """A recognizer's network, from scaled RGB to an embedding.

    Args:
        blocks: Residual blocks in each layer, such as ``ARCHITECTURES["iresnet18"]``.
        dimension: Numbers of an embedding.
        width: Channels of the first layer; the others have 2, 4 and 8 times as many. insightface's
            networks have 64.
        size: Width and height of the crop, in pixels; 112 × 112 as insightface has it.
        dropout: Share of the last layer's inputs that is left out in training.
        generator: Draws the first weights, as insightface's trainer does: convolutions normal with
            deviation 0.1. Without it they are as PyTorch makes them: for weights that are loaded.
    """

    def __init__(
        self,
        blocks: Blocks,
        *,
        dimension: int = 512,
        width: int = 64,
        size: tuple[int, int] = (112, 112),
        dropout: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.prelu = nn.PReLU(width)
        self.layer1 = _layer(width, width, blocks[0])
        self.layer2 = _layer(width, 2 * width, blocks[1])
        self.layer3 = _layer(2 * width, 4 * width, blocks[2])
        self.layer4 = _layer(4 * width, 8 * width, blocks[3])
        self.bn2 = nn.BatchNorm2d(8 * width)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(8 * width * cells(size), dimension)
        self.features = nn.BatchNorm1d(dimension)
        # The embedding's scale is the loss's to choose: insightface does not train this one.
        self.features.weight.requires_grad = False
        if generator is not None:
            self._draw(generator)

    def _draw(self, generator: torch.Generator) -> None:
        """First weights; normalisations and PReLUs already are what they have to be."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0.0, 0.1, generator=generator)
        bound = 1 / math.sqrt(self.fc.in_features)  # as PyTorch draws a linear layer
        nn.init.uniform_(self.fc.weight, -bound, bound, generator=generator)
        nn.init.uniform_(self.fc.bias, -bound, bound, generator=generator)

    def forward(self, faces: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n d"]:
        """Embed scaled RGB crops; the rows are not of length 1."""
        planes = self.prelu(self.bn1(self.conv1(faces)))
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            planes = layer(planes)
        return self.features(self.fc(self.dropout(self.bn2(planes).flatten(1))))


def cells(size: tuple[int, int]) -> int:
    """How many pixels a crop's width and height have after four halvings, each rounded up."""
    width, height = size
    return math.ceil(width / 16) * math.ceil(height / 16)


def _layer(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    first = Block(inputs, outputs, 2)
    return nn.Sequential(first, *(Block(outputs, outputs, 1) for _ in range(blocks - 1)))

"""VGG16 for expressions: timm's network with its 1000-way layer, and a small classifier behind it.

Simonyan and Zisserman, Very Deep Convolutional Networks, ICLR 2015, configuration D. The classifier
behind the 1000 numbers is that of the CFR-GAN authors' code (``model/networks.py``,
ExpressionClassifier), which is built on torchvision's VGG16; timm's has the same layers.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from timm.layers.classifier import ClassifierHead
from timm.models.vgg import VGG, ConvMlp
from torch import Tensor, nn

from protocols.errors import BadInput
from recognizers.checkpoints import load_state, read_state

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, RGB in [0, 1]; subtracted and divided by in the network itself."""
FILE = "vgg16-397923af.pth"
"""What torchvision calls its weights."""

_IMAGENET = 1000
_HIDDEN = 512
_DROPOUT = 0.5
_PUBLISHED = 64
_STAGES = ((2, 1), (2, 2), (3, 4), (3, 8), (3, 8))  # convolutions, and channels in widths
_TIMM_NAMES = {
    "classifier.0.": "pre_logits.fc1.",
    "classifier.3.": "pre_logits.fc2.",
    "classifier.6.": "head.fc.",
}


@dataclass(frozen=True)
class VggSize:
    """How large a network is.

    A narrower one than published has no dropout in its own two hidden layers: it learned far more
    slowly with it. The classifier's is as published in all.

    Attributes:
        width: Channels of its first layer, 64 at most. The two hidden layers have 64 times as many.
        cells: Rows and columns of the last map that the first hidden layer sees; 7 as published.
        normalised: Whether batch normalisation follows each convolution, as in timm's vgg16_bn. The
            published network has none, and is hard to train from scratch.
    """

    width: int = 64
    cells: int = 7
    normalised: bool = False

    @property
    def narrow(self) -> bool:
        """Whether it is narrower than published."""
        return self.width < _PUBLISHED

    @property
    def words(self) -> str:
        """For cards and tables."""
        name = f"VGG16{' with batch normalisation' if self.normalised else ''}"
        return f"narrow {name} ({self.width} of {_PUBLISHED} channels)" if self.narrow else name


class ExpressionNet(nn.Module):
    """VGG16 and the classifier: dropout, 512, ReLU, dropout, a number a class.

    Args:
        size: How large.
        classes: Expressions.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, size: VggSize, classes: int) -> None:
        super().__init__()
        self.size, self.classes = size, classes
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1), persistent=False)
        self.backbone = _backbone(size)
        self.classifier = nn.Sequential(
            nn.Dropout(_DROPOUT),
            nn.Linear(_IMAGENET, _HIDDEN),
            nn.ReLU(),
            nn.Dropout(_DROPOUT),
            nn.Linear(_HIDDEN, classes),
        )

    def forward(self, pictures: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c"]:
        """How much each expression is seen: a number each, before the softmax.

        Args:
            pictures: RGB in [0, 1], at least 32 pixels a side.
        """
        return self.classifier(self.backbone((pictures - self.mean) / self.std))


def start_from(net: ExpressionNet, path: Path) -> None:
    """Load ImageNet's weights into the part that is VGG16; the classifier stays as it is.

    Args:
        net: Changed in place; as wide as published.
        path: torchvision's ``vgg16`` weights, or timm's; ``.pth`` (nothing in it is run) or
            ``.safetensors``.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged, holds code, or is another network's: names and shapes are listed.
    """
    state = dict(_as_timm(read_state(path)))
    load_state(net.backbone, state, path, f"ImageNet's {net.size.words}, 1000 classes")
    strange = [name for name, one in state.items() if not one.isfinite().all()]
    if strange:
        raise BadInput(path, strange[0], "finite numbers", "NaN or infinity")


def _as_timm(state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """By timm's names; its hidden layers are convolutions, torchvision's are matrices."""
    found = {}
    for name, tensor in state.items():
        called = re.sub(r"^classifier\.[036]\.", lambda match: _TIMM_NAMES[match[0]], name)
        if called == "pre_logits.fc1.weight" and tensor.ndim == 2 and tensor.shape[1] % 49 == 0:
            tensor = tensor.reshape(len(tensor), -1, 7, 7)
        if called == "pre_logits.fc2.weight" and tensor.ndim == 2:
            tensor = tensor[:, :, None, None]
        found[called] = tensor
    return found


def _backbone(size: VggSize) -> VGG:
    """Timm's VGG16, its hidden layers as wide as its convolutions ask for."""
    plan: list[int | str] = []
    for count, times in _STAGES:
        plan += [*[times * size.width] * count, "M"]
    norm = nn.BatchNorm2d if size.normalised else None
    dropout = 0.0 if size.narrow else _DROPOUT
    net = VGG(plan, num_classes=_IMAGENET, drop_rate=dropout, norm_layer=norm)
    if size.narrow or size.cells != VggSize().cells:
        last, hidden = _STAGES[-1][1] * size.width, 64 * size.width
        net.pre_logits = ConvMlp(last, hidden, size.cells, drop_rate=dropout)
        net.head = ClassifierHead(hidden, _IMAGENET, drop_rate=dropout)
        for layer in (*net.pre_logits.modules(), net.head.fc):
            _draw(layer)
    return net


def _draw(layer: nn.Module) -> None:
    """First weights that neither swell nor shrink what goes through layers this narrow.

    timm's are for 4096 hidden numbers: deviation 0.01 in the last layer, from whose scale comes
    that of the others.
    """
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    elif isinstance(layer, nn.Linear):
        nn.init.normal_(layer.weight, 0, 0.01 * math.sqrt(4096 / layer.in_features))
    if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
        nn.init.zeros_(layer.bias)

"""LPIPS: how far apart two pictures look to a network, pixel by pixel.

Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018,
version 0.1 of richzhang/PerceptualSimilarity (``lpips/lpips.py``): maps of a network that was
trained on ImageNet, each position scaled to length 1; squared differences, weighted a channel by a
linear head. The heads are published there, the networks are torchvision's; both are files that a
user has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

from cfr.pictures import to_float
from cfr.weight_files import install, read_tensors
from protocols.errors import BadOption, DatasetUnavailable
from protocols.roots import is_file, require_root

Kind = Literal["alex", "vgg", "squeeze"]
TITLE = "LPIPS's linear heads"
HOW = "Get them with: python scripts/fetch.py lpips."
HOW_BACKBONE = (
    "Get it from torchvision's page of pretrained weights (IMAGENET1K_V1) and say where it lies: "
    "--lpips alex:FILE. Nothing downloads it for you."
)
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of RGB in [−1, 1]
_TINY = 1e-10


@dataclass(frozen=True)
class _Backbone:
    """A torchvision network, the last layers of its maps, and how many channels these have."""

    network: str
    file: str
    ends: tuple[int, ...]
    channels: tuple[int, ...]


BACKBONES: dict[str, _Backbone] = {
    "alex": _Backbone(
        "alexnet", "alexnet-owt-7be5be79.pth", (1, 4, 7, 9, 11), (64, 192, 384, 256, 256)
    ),
    "vgg": _Backbone("vgg16", "vgg16-397923af.pth", (3, 8, 15, 22, 29), (64, 128, 256, 512, 512)),
    "squeeze": _Backbone(
        "squeezenet1_1",
        "squeezenet1_1-b8a52dc0.pth",
        (1, 4, 7, 9, 10, 11, 12),
        (64, 128, 256, 384, 384, 512, 512),
    ),
}
"""Name of the heads' file → the network that they were trained on."""


class Lpips(nn.Module):
    """The distance; made by :func:`load_lpips`.

    Args:
        features: The network's layers.
        ends: The last layer of each map.
        heads: ``(c,)`` weights of each map's channels.
    """

    shift: Tensor
    scale: Tensor

    def __init__(
        self, features: nn.Sequential, ends: Sequence[int], heads: Sequence[Tensor]
    ) -> None:
        super().__init__()
        self.features, self.ends = features[: ends[-1] + 1], tuple(ends)
        for layer in self.features.modules():
            if isinstance(layer, nn.ReLU):
                layer.inplace = False
        for place, head in enumerate(heads):
            self.register_buffer(f"head{place}", head.reshape(1, -1, 1, 1))
        self.register_buffer("shift", torch.tensor(_SHIFT).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor(_SCALE).view(1, 3, 1, 1))

    def forward(
        self, one: Float[Tensor, "b 3 h w"], other: Float[Tensor, "b 3 h w"]
    ) -> Float[Tensor, "b h w"]:
        """The distance around each pixel; the mean over all is the ``spatial`` LPIPS.

        Args:
            one: RGB in [0, 1].
            other: Likewise.
        """
        total = one.new_zeros(len(one), 1, *one.shape[2:])
        pairs = zip(self._maps(one), self._maps(other), strict=True)
        for place, (left, right) in enumerate(pairs):
            apart = ((left - right).square() * self.get_buffer(f"head{place}")).sum(1, keepdim=True)
            total = total + functional.interpolate(
                apart, one.shape[2:], mode="bilinear", align_corners=False
            )
        return total[:, 0]

    def _maps(self, picture: Tensor) -> list[Tensor]:
        value, maps = (2 * picture - 1 - self.shift) / self.scale, []
        for place, layer in enumerate(self.features):
            value = layer(value)
            if place in self.ends:
                maps.append(value / (value.square().sum(1, keepdim=True).sqrt() + _TINY))
        return maps

    @torch.no_grad()
    def between(
        self, one: UInt8[np.ndarray, "h w 3"], other: UInt8[np.ndarray, "h w 3"]
    ) -> Float[np.ndarray, "h w"]:
        """The same for two pictures, RGB."""
        device = self.shift.device
        return self(to_float(one[None], device), to_float(other[None], device))[0].cpu().numpy()


def split_option(text: str) -> tuple[Kind, Path]:
    """What ``--lpips KIND:FILE`` means.

    Raises:
        BadOption: It is no such thing.
    """
    kind, colon, file = text.partition(":")
    for known in ("alex", "vgg", "squeeze"):
        if kind == known and colon and file:
            return known, Path(file).expanduser()
    raise BadOption(f"--lpips {text}", "alex:FILE, vgg:FILE or squeeze:FILE")


def load_lpips(
    kind: Kind, backbone: Path, root: Path | None = None, *, device: str = "cpu"
) -> Lpips:
    """Load the distance, frozen.

    Args:
        kind: Which network.
        backbone: torchvision's weights of it; the classifier's are not used, and may be absent.
        root: Holds ``v0.1/KIND.pth``; by default the usual places.
        device: Where it runs.

    Raises:
        DatasetUnavailable: A file is absent; says how to get it.
        BadInput: A file is damaged, holds code, or belongs to another network.
    """
    import torchvision

    chosen = BACKBONES[kind]
    if not is_file(backbone):
        what = f"LPIPS's network ({chosen.network}, {chosen.file})"
        raise DatasetUnavailable(what, backbone, HOW_BACKBONE)
    heads = _read_heads(heads_file(kind, root), chosen)
    with torch.device("meta"):  # weights that are replaced need not be drawn
        network = getattr(torchvision.models, chosen.network)(weights=None)
    del network.classifier
    network.to_empty(device="cpu")
    state = {
        name: one
        for name, one in read_tensors(backbone).items()
        if not name.startswith("classifier.")
    }
    install(network, state, backbone, f"the weights of torchvision's {chosen.network}")
    layers = nn.Sequential(*network.features.children())
    return Lpips(layers, chosen.ends, heads).to(device).eval().requires_grad_(False)


def heads_file(kind: Kind, root: Path | None = None) -> Path:
    """Where the linear heads lie.

    Raises:
        DatasetUnavailable: They are absent.
    """
    path = require_root("lpips", TITLE, HOW, root) / "v0.1" / f"{kind}.pth"
    if not is_file(path):
        raise DatasetUnavailable(TITLE, path, HOW)
    return path


class _Heads(nn.Module):
    """The heads as the file names them: ``lin0.model.1.weight``, …."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        for place, count in enumerate(channels):
            inner = nn.ModuleDict({"1": nn.Conv2d(count, 1, 1, bias=False)})
            self.add_module(f"lin{place}", nn.ModuleDict({"model": inner}))


def _read_heads(path: Path, chosen: _Backbone) -> list[Tensor]:
    heads = _Heads(chosen.channels)
    install(heads, read_tensors(path), path, f"LPIPS's heads for {chosen.network}")
    return [one.detach() for one in heads.parameters()]

"""A recognizer's network with ArcFace's head, as the training loop takes it."""

import warnings
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from protocols.errors import BadOption
from recognizers import timm_models
from recognizers.arcface import ArcFaceHead
from recognizers.iresnet import ARCHITECTURES, IResNet
from recognizers.training.drawing import LabelledBatch
from recognizers.training.loop import Learner
from recognizers.training.presets import TIMM, NetworkSize, RecognizerPreset

LEVEL = 127.5
"""Grey levels less this, by this, are what a network sees, as insightface has it."""
_CHANNELS = 16


def build_network(size: NetworkSize, generator: torch.Generator) -> nn.Module:
    """A network with random weights, from scaled RGB to embeddings.

    A network of timm ends in a linear layer in place of its classifier.

    Args:
        size: Which.
        generator: Draws an iresnet's weights; timm draws its own by PyTorch's.

    Raises:
        BadOption: There is none of this name.
    """
    sides = size.size, size.size
    name = size.architecture
    if name in ARCHITECTURES:
        blocks = ARCHITECTURES[name]
        how = {"dimension": size.dimension, "width": size.width, "size": sides}
        return IResNet(blocks, generator=generator, **how)
    model = timm_models.find_model(name.removeprefix(TIMM)) if name.startswith(TIMM) else None
    if model is None:
        raise BadOption(f"--architecture {name}", f"{', '.join(ARCHITECTURES)}, or timm:NAME")
    return timm_models.build(model, size.dimension, sides)


class ArcFaceLearner(Learner):
    """A network, and the head that trains it.

    Args:
        preset: Says which.
        classes: How many identities.
        seed: Of the first weights.

    Attributes:
        network: From RGB in −1 … 1 to embeddings.
        head: The centres.
    """

    def __init__(self, preset: RecognizerPreset, classes: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        self.network = build_network(preset.network, generator)
        self.head = ArcFaceHead(
            classes,
            preset.network.dimension,
            scale=preset.scale,
            margin=preset.margin,
            share=preset.share,
            generator=generator,
        )
        self.changes = Changes(preset.augmented) if preset.augmented else None
        # Channels last is a quarter faster, but of other widths the backward pass of an iresnet
        # ends in a segmentation fault (PyTorch 2.15, CPUs with AVX-512).
        if preset.network.width % _CHANNELS:
            self.layout = torch.contiguous_format

    def forward(self, batch: LabelledBatch) -> dict[str, Tensor]:
        """Loss, mean cosine with the right centre, and how often that is the nearest."""
        images = scaled(batch.images)
        if self.changes is not None:
            images = self.changes(images)
        images = images.contiguous(memory_format=self.layout)
        judged = self.head(self.network(images), batch.labels)
        return {
            "loss": judged.loss,
            "cosine with the centre": judged.cosine.detach(),
            "nearest centre is the right one": judged.accuracy,
        }


def scaled(images: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """RGB levels to −1 … 1."""
    return (images.float() - LEVEL) / LEVEL


@dataclass(eq=False)
class Changes:
    """More augmentation than the mirror, each change on its own share of photos, by kornia.

    Attributes:
        share: Of the photos.
    """

    share: float
    _all: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Build what draws its changes from PyTorch's generator."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from kornia import augmentation as kinds

            self._all = nn.Sequential(
                kinds.ColorJiggle(0.4, 0.4, 0.4, 0.02, p=self.share),
                kinds.RandomGaussianBlur((7, 7), (0.5, 2.0), p=self.share),
                kinds.RandomAffine(5.0, (0.05, 0.05), (0.9, 1.1), p=self.share),
                kinds.RandomErasing((0.02, 0.2), p=self.share),
            )

    @torch.no_grad()
    def __call__(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """Change some photos, RGB in −1 … 1."""
        with torch.autocast(images.device.type, enabled=False):
            return 2 * self._all((images + 1) / 2).clamp(0, 1) - 1

"""How VGG16 learns expressions: presets, what happens to photos, the loss.

``paper`` is a guess: neither the paper nor its authors' code says how their classifier was trained
beyond its layers. ``mini`` and ``tiny`` are our own narrower networks, for two cores; they have
batch normalisation, without which they did not leave chance in short trials.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float32, Int64, UInt8
from torch import Tensor
from torch.nn import functional

from recognizers.training.drawing import LabelledBatch
from recognizers.training.loop import LOSS, Learner
from recognizers.training.schedule import SgdSchedule
from recognizers.vgg import ExpressionNet, VggSize

Choice = Literal["tiny", "mini", "paper"]


@dataclass(frozen=True)
class FaceAugmentation:
    """How photos are changed; but for ``flip``, the largest amount to either side, 0 for none."""

    flip: float = 0.5
    """Share that is mirrored: no expression has a side."""
    tilt_degrees: float = 0.0
    zoom: float = 0.0
    """Share of the size."""
    shift: float = 0.0
    """Share of the side, right and down."""
    light: float = 0.0
    """Share of brightness, and of contrast."""

    @property
    def words(self) -> str:
        """For a card."""
        said = {
            "share mirrored": self.flip,
            "degrees of tilt": self.tilt_degrees,
            "zoom": self.zoom,
            "shift": self.shift,
            "brightness and contrast": self.light,
        }
        return ", ".join(f"{what} {one:g}" for what, one in said.items() if one) or "none"


@dataclass(frozen=True)
class ExpressionPreset:
    """What a network is trained with.

    Attributes:
        width: Channels of its first layer.
        side: Pixels along each side of what it sees.
        batch_norm: Whether it has batch normalisation.
        schedule: SGD's numbers.
        started: How many times the schedule's rate layers with ImageNet's weights learn at.
        amounts: How photos are changed.
    """

    width: int
    side: int
    batch_norm: bool
    schedule: SgdSchedule
    started: float
    amounts: FaceAugmentation

    @property
    def size(self) -> VggSize:
        """Of the network: as published, its hidden layers see 7 × 7 cells, whatever the side."""
        cells = 7 if self.width == VggSize().width else max(1, self.side // 32)
        return VggSize(self.width, cells, self.batch_norm)


_MINI = ExpressionPreset(
    width=16,
    side=96,
    batch_norm=True,
    schedule=SgdSchedule(
        batch=32,
        learning_rate=0.02,
        epochs=30,
        decay="polynomial",
        power=1.0,
        warmup=50,
        clip=5.0,
    ),
    started=1.0,
    amounts=FaceAugmentation(tilt_degrees=10.0, zoom=0.1, shift=0.05, light=0.2),
)
PRESETS: Mapping[Choice, ExpressionPreset] = {
    "paper": ExpressionPreset(
        width=64,
        side=224,
        batch_norm=False,
        schedule=SgdSchedule(batch=64, learning_rate=1e-2, epochs=60, drops=(0.5, 0.75)),
        started=0.1,
        amounts=FaceAugmentation(),
    ),
    "mini": _MINI,
    "tiny": replace(_MINI, width=8, side=64, schedule=replace(_MINI.schedule, epochs=20)),
}


class ExpressionLearner(Learner):
    """Cross entropy of a network's answers, each photo weighted by its class if that is asked for.

    Args:
        net: The network.
        weights: ``(c,)`` of the classes; None for 1 each.
        started: How many times the rate its VGG16 learns at; the classifier learns at the rate.
    """

    weights: Tensor

    def __init__(
        self, net: ExpressionNet, weights: Float32[np.ndarray, " c"] | None, started: float = 1.0
    ) -> None:
        super().__init__()
        self.net, self._started = net, started
        given = np.ones(net.classes, np.float32) if weights is None else weights
        self.register_buffer("weights", torch.from_numpy(given), persistent=False)

    def forward(self, batch: LabelledBatch) -> dict[str, Tensor]:
        """The loss, a mean over the batch, and the share of right answers."""
        answers = self.net(batch.images.float() / 255)
        each = functional.cross_entropy(answers, batch.labels, reduction="none")
        right = (answers.detach().argmax(dim=1) == batch.labels).float().mean()
        return {LOSS: (self.weights[batch.labels] * each).mean(), "right": right}

    def pace(self, name: str) -> float:
        """That of VGG16, or that of the classifier."""
        return self._started if name.startswith("net.backbone.") else 1.0


def class_weights(labels: Int64[np.ndarray, " n"], classes: int) -> Float32[np.ndarray, " c"]:
    """Weights with which each class counts alike, 1 on average over the photos.

    Args:
        labels: Of all photos, from 0; every class occurs.
        classes: How many there are.
    """
    from sklearn.utils.class_weight import compute_class_weight

    found = compute_class_weight("balanced", classes=np.arange(classes), y=labels)
    return found.astype(np.float32)


def answers_of(
    net: ExpressionNet, images: UInt8[np.ndarray, "n s s 3"], device: torch.device
) -> Int64[np.ndarray, " n"]:
    """The class that a network sees in each picture; in evaluation mode, in single precision.

    Args:
        net: On the device.
        images: RGB, some dozens at most.
        device: Where it runs.
    """
    planes = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).to(device)
    with torch.inference_mode():
        return net(planes.float() / 255).argmax(dim=1).cpu().numpy()

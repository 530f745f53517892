"""ArcFace: classes as directions, told apart with a margin added to the angle.

Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", CVPR 2019. With many
identities a step may look at a part of them: An et al., "Partial FC: Training 10 Million Identities
on a Single Machine", ICCV Workshops 2021.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

_FLATTEST = 1e-6  # of a squared sine: its root has no finite slope at 0


class Judged(NamedTuple):
    """What a head says of a batch.

    Attributes:
        loss: Cross-entropy with the margin, a mean over the batch.
        cosine: Mean cosine of an embedding with its class's centre, without the margin.
        accuracy: Share of embeddings whose class's centre, of those looked at, is the nearest.
    """

    loss: Tensor
    cosine: Tensor
    accuracy: Tensor


class ArcFaceHead(nn.Module):
    """A centre for each class; scores are cosines, the right one's with a margin.

    Args:
        classes: How many.
        dimension: Numbers of an embedding.
        scale: s: what cosines are multiplied by before the softmax.
        margin: m, in radians.
        share: Of all centres, how many a step looks at: those of its own classes, and others drawn
            at random by PyTorch's generator. 1 looks at all.
        generator: Draws the first centres.
    """

    def __init__(
        self,
        classes: int,
        dimension: int,
        *,
        scale: float = 64.0,
        margin: float = 0.5,
        share: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.scale, self.margin, self.share = scale, margin, share
        self.weight = nn.Parameter(torch.empty(classes, dimension))
        nn.init.normal_(self.weight, 0.0, 0.01, generator=generator)

    def forward(self, embeddings: Float[Tensor, "b d"], labels: Int64[Tensor, " b"]) -> Judged:
        """Judge embeddings of any length, in full precision.

        Args:
            embeddings: A row a face.
            labels: The class of each.
        """
        with torch.autocast(embeddings.device.type, enabled=False):
            centres = self.weight.float()
            if self.share < 1:
                chosen = draw_classes(labels, len(centres), self.share)
                # Both are in ascending order.
                centres, labels = centres[chosen], torch.searchsorted(chosen, labels)
            directions = functional.normalize(embeddings.float())
            cosines = (directions @ functional.normalize(centres).mT).clamp(-1, 1)
            own = cosines.gather(1, labels[:, None])
            logits = self.scale * cosines.scatter(1, labels[:, None], add_margin(own, self.margin))
            right = (cosines.argmax(1) == labels).float().mean()
            return Judged(functional.cross_entropy(logits, labels), own.mean(), right)


def add_margin(cosine: Float[Tensor, "*b"], margin: float) -> Float[Tensor, "*b"]:
    """cos(θ + m) of cos θ (Eq. 3 of ArcFace).

    Where θ + m would pass π, and the cosine rise again, it is cos θ − m·sin m, which goes on
    falling. Source: deepinsight/insightface, ``recognition/_deprecated_/arcface_mxnet``.

    Args:
        cosine: −1 to 1.
        margin: m in radians, 0 to π.
    """
    if margin == 0:
        return cosine
    sine = (1 - cosine.square()).clamp_min(_FLATTEST).sqrt()
    shifted = cosine * math.cos(margin) - sine * math.sin(margin)
    beyond = cosine <= math.cos(math.pi - margin)
    return torch.where(beyond, cosine - margin * math.sin(margin), shifted)


def draw_classes(labels: Int64[Tensor, " b"], classes: int, share: float) -> Int64[Tensor, " k"]:
    """The classes that a step looks at: all of the batch, and others at random.

    Args:
        labels: Of the batch.
        classes: How many there are.
        share: Of them, how many to look at; more if the batch has more.

    Returns:
        In ascending order, each once.
    """
    present = labels.unique()
    wanted = max(len(present), min(classes, math.ceil(share * classes)))
    chance = torch.rand(classes, device=labels.device)
    chance[present] = 2.0
    return chance.topk(wanted).indices.sort().values

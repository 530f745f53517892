"""The losses of Rotate-and-Render (Zhou et al., CVPR 2020, Section 3.4).

Hinge, feature matching and perceptual, as ``rotate_model.py`` of Hangz-nju-cuhk/Rotate-and-Render
weighs them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from cfr.gan.batch_norm import processes
from cfr.gan.batches import PairBatch
from cfr.gan.losses import perceptual
from cfr.gan.objective import GanCost, PerceptualNetwork, require_networks, weighed
from cfr.gan.painting import Painted
from cfr.gan.presets import RotateLosses

Scales = Sequence[Sequence[Tensor]]
"""Of each scale of a discriminator: its feature maps, then its logits."""

FeatureJudge = Callable[[Tensor], Scales]
"""Pictures, RGB in [0, 1], to what each scale says."""


def hinge(said: Scales, *, real: bool) -> Float[Tensor, ""]:
    """What a discriminator pays: its logits should be above 1 for photos, below −1 for paintings.

    The mean over patches and pictures, and over scales.

    Args:
        said: The discriminator's.
        real: Whether the pictures are photos.
    """
    sign = 1 if real else -1
    return _mean_of_scales([functional.relu(1 - sign * one[-1]).mean() for one in said])


def convincing(said: Scales) -> Float[Tensor, ""]:
    """What a generator pays for paintings that look painted: minus the mean of the logits."""
    return _mean_of_scales([-one[-1].mean() for one in said])


def feature_matching(painted: Scales, photo: Scales) -> Float[Tensor, ""]:
    """How far a discriminator's feature maps of paintings are from those of photos.

    The mean absolute difference of each map, summed over the layers before the logits; the mean
    over scales.

    Args:
        painted: Of the paintings.
        photo: Of the photos; no gradient.
    """
    apart = [
        torch.stack(
            [
                functional.l1_loss(found, wanted.detach())
                for found, wanted in zip(one[:-1], other[:-1], strict=True)
            ]
        ).sum()
        for one, other in zip(painted, photo, strict=True)
    ]
    return _mean_of_scales(apart)


@dataclass(frozen=True, eq=False)
class RotateObjective:
    """The losses of both networks; a :class:`cfr.gan.objective.Objective`.

    Attributes:
        weights: What each counts.
        perceptual: A network for the perceptual loss; needed unless its weight is 0.
    """

    weights: RotateLosses
    perceptual: PerceptualNetwork | None = None

    def __post_init__(self) -> None:
        """A loss that counts has to have its network."""
        require_networks(self.weights.terms(), {"perceptual": self.perceptual})

    def judging(
        self, judge: FeatureJudge, photo: Float[Tensor, "b 3 s s"], painted: Tensor
    ) -> Mapping[str, Float[Tensor, ""]]:
        """The discriminator's losses, this process's share of them; see the protocol."""
        if not (self.weights.adversarial or self.weights.features):
            return {}
        count, share = len(photo), 1 / processes()
        both = judge(torch.cat((photo, painted.detach())))
        real = [[layer[:count] for layer in scale] for scale in both]
        made = [[layer[count:] for layer in scale] for scale in both]
        return {
            "hinge, photos": share * hinge(real, real=True),
            "hinge, paintings": share * hinge(made, real=False),
        }

    def __call__(self, painted: Painted, batch: PairBatch, judge: FeatureJudge) -> GanCost:
        """The generator's cost of a batch, or of this process's equal part of it."""
        image, photo, share = painted.image.float(), batch.photo, 1 / processes()
        counted: dict[str, Tensor] = {}
        if self.weights.adversarial or self.weights.features:
            said = judge(image)
            if self.weights.adversarial:
                counted["adversarial"] = share * convincing(said)
            if self.weights.features:
                with torch.no_grad():
                    wanted = judge(photo)
                counted["features"] = share * feature_matching(said, wanted)
        if self.weights.perceptual and self.perceptual is not None:
            network = self.perceptual
            apart = perceptual(network.features, image, photo, network.weights)
            counted["perceptual"] = share * apart
        return weighed(counted, self.weights.terms())


def _mean_of_scales(values: Sequence[Tensor]) -> Float[Tensor, ""]:
    return torch.stack(list(values)).mean()

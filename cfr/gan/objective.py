"""What a batch costs both networks: Eq. 7 and 14, on one process or on a part of several."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from cfr.gan import losses
from cfr.gan.batch_norm import processes, shared
from cfr.gan.batches import PairBatch
from cfr.gan.painting import Painted
from cfr.gan.presets import GanLosses
from cfr.identity_crops import fixed_crop


@dataclass(frozen=True, eq=False)
class PerceptualNetwork:
    """A frozen network for the perceptual loss.

    Attributes:
        features: Pictures, RGB in [0, 1], to feature maps.
        weights: What each map counts.
    """

    features: losses.FeatureMaps
    weights: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class GanCost:
    """What this process's part of a batch costs; the sum over processes is the batch's cost.

    Attributes:
        total: What is minimised.
        terms: The losses by name, unweighted, for curves.
    """

    total: Float[Tensor, ""]
    terms: Mapping[str, Float[Tensor, ""]]


@runtime_checkable
class Objective(Protocol):
    """The losses of both networks."""

    def judging(
        self, judge: Any, photo: Float[Tensor, "b 3 s s"], painted: Float[Tensor, "b 3 s s"]
    ) -> Mapping[str, Float[Tensor, ""]]:
        """What the discriminator pays: the sum of these losses, by name.

        Args:
            judge: The discriminator, of the form that the losses look at.
            photo: Photos, RGB in [0, 1].
            painted: Painted faces; no gradient goes back to what painted them.

        Returns:
            This process's share of each loss; nothing where no discriminator is asked.
        """
        ...

    def __call__(self, painted: Painted, batch: PairBatch, judge: Any) -> GanCost:
        """The generator's cost of a batch, or of this process's equal part of it.

        Args:
            painted: The generator's.
            batch: The pairs that it was given.
            judge: The discriminator.
        """
        ...


@dataclass(frozen=True, eq=False)
class GeneratorObjective:
    """The losses of CFR-GAN; an :class:`Objective`.

    Attributes:
        weights: Of Eq. 14.
        perceptual: A network for Eq. 12; needed unless its weight is 0.
        embed: A face recognizer for Eq. 13; likewise.
    """

    weights: GanLosses
    perceptual: PerceptualNetwork | None = None
    embed: losses.Embed | None = None

    def __post_init__(self) -> None:
        """A loss that counts has to have its network."""
        networks = {"perceptual": self.perceptual, "identity": self.embed}
        require_networks(self.weights.terms(), networks)

    def judging(
        self,
        judge: losses.Judge,
        photo: Float[Tensor, "b 3 s s"],
        painted: Float[Tensor, "b 3 s s"],
    ) -> Mapping[str, Float[Tensor, ""]]:
        """The discriminator's losses (Eq. 7), this process's share of them; see the protocol."""
        if not self.weights.adversarial:
            return {}
        told = losses.divergence(
            judge,
            photo,
            painted,
            factor=self.weights.factor,
            power=self.weights.power,
            slope_of=self.weights.slope_of,
        )
        share = 1 / processes()
        return {"distance": share * told.distance, "penalty": share * told.penalty}

    def __call__(self, painted: Painted, batch: PairBatch, judge: losses.Judge | None) -> GanCost:
        """The cost of a batch, or of this process's equal part of it.

        Args:
            painted: The generator's.
            batch: The pairs that it was given.
            judge: The discriminator; needed unless the adversarial loss's weight is 0.
        """
        image, photo, share = painted.image.float(), batch.photo, 1 / processes()
        counted: dict[str, Tensor] = {}
        if self.weights.adversarial and judge is not None:
            counted["adversarial"] = share * losses.adversarial(judge(image))
        if self.weights.perceptual and self.perceptual is not None:
            network, form = self.perceptual, self.weights.perceptual_form
            counted["perceptual"] = share * losses.perceptual(
                network.features, image, photo, network.weights, form=form
            )
        if self.weights.reconstruction:
            area = shared(batch.mask.sum())
            counted["reconstruction"] = losses.reconstruction(image, photo, batch.mask, area)
        if self.weights.mask:
            counted["mask"] = share * losses.mask_error(painted.mask.float(), batch.mask)
        if self.weights.identity and self.embed is not None:
            crops = fixed_crop(image), fixed_crop(photo)
            counted["identity"] = share * losses.identity(self.embed, *crops)
        return weighed(counted, self.weights.terms())


def require_networks(weights: Mapping[str, float], networks: Mapping[str, object]) -> None:
    """Refuse a loss that counts and has no network.

    Args:
        weights: Of the losses, by name.
        networks: What losses look through, by name; None where there is none.

    Raises:
        ValueError: Names the loss.
    """
    for name, network in networks.items():
        if weights[name] and network is None:
            raise ValueError(f"the {name} loss counts, but there is no network for it")


def weighed(terms: Mapping[str, Float[Tensor, ""]], weights: Mapping[str, float]) -> GanCost:
    """The weighted sum of losses.

    Args:
        terms: By name; at least one.
        weights: Of these names and perhaps of others.
    """
    total = next(iter(terms.values())).new_zeros(()) if terms else torch.zeros(())
    for name, value in terms.items():
        total = total + weights[name] * value
    return GanCost(total, terms)

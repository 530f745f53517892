"""What a batch costs the generator: Eq. 14, on one process or on a part of several."""

from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from cfr.gan import losses
from cfr.gan.batch_norm import processes, shared
from cfr.gan.batches import PairBatch
from cfr.gan.generator import Painted
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


@dataclass(frozen=True, eq=False)
class GeneratorObjective:
    """The generator's losses.

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
        for name, network in (("perceptual", self.perceptual), ("identity", self.embed)):
            if getattr(self.weights, name) and network is None:
                raise ValueError(f"the {name} loss counts, but there is no network for it")

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
        total = image.new_zeros(())
        weights = self.weights.terms()
        for name, value in counted.items():
            total = total + weights[name] * value
        return GanCost(total, counted)

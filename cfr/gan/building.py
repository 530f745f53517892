"""Networks and losses of a preset, whichever method it is of."""

from dataclasses import dataclass

from torch import nn

from cfr.gan.discriminator import Discriminator
from cfr.gan.generator import Generator
from cfr.gan.losses import Embed
from cfr.gan.objective import GeneratorObjective, Objective, PerceptualNetwork
from cfr.gan.painting import FaceGenerator
from cfr.gan.presets import GanPreset, RotateLosses
from cfr.gan.sizes import AnySize, RotateSize
from cfr.rotate_and_render.discriminator import FeatureDiscriminator
from cfr.rotate_and_render.generator import RotateGenerator
from cfr.rotate_and_render.objective import RotateObjective


@dataclass(frozen=True, eq=False)
class Nets:
    """Both networks, on the device of training; the same on every process.

    Attributes:
        generator: What is trained.
        discriminator: What it is trained against.
    """

    generator: FaceGenerator
    discriminator: nn.Module


def build_generator(size: AnySize) -> FaceGenerator:
    """A generator of this size, with weights drawn anew."""
    return RotateGenerator(size) if isinstance(size, RotateSize) else Generator(size)


def build_nets(preset: GanPreset) -> Nets:
    """Both networks of a preset, with weights drawn anew, on the CPU."""
    generator = build_generator(preset.generator)
    if preset.form == "features":
        return Nets(generator, FeatureDiscriminator(preset.width))
    return Nets(generator, Discriminator(preset.width, preset.form))


def build_objective(
    preset: GanPreset, perceptual: PerceptualNetwork | None, embed: Embed | None
) -> Objective:
    """The losses of a preset.

    Args:
        preset: The preset.
        perceptual: The network of the perceptual loss; needed unless its weight is 0.
        embed: That of the identity loss, likewise; Rotate-and-Render has none.

    Raises:
        ValueError: A loss counts and has no network.
    """
    if isinstance(preset.losses, RotateLosses):
        return RotateObjective(preset.losses, perceptual)
    return GeneratorObjective(preset.losses, perceptual, embed)

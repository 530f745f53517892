"""What generators are trained with: the losses' weights, the schedule, what happens to pictures.

``release`` is ``train.py`` and ``tools/datasets.py`` of yeongjoonJu/CFR-GAN (its VGG form);
``paper`` is Ju et al., WACV 2022, Section 3.3, and the code where that is silent. ``mini`` is our
own: small enough for two cores. ``rotate-and-render`` is the baseline, Zhou et al., CVPR 2020, with
the numbers of Hangz-nju-cuhk/Rotate-and-Render; ``rotate-and-render-mini`` is as small as ``mini``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from cfr.gan.sizes import AnySize, Form, GeneratorSize, RotateSize
from protocols.errors import BadOption

Choice = Literal["mini", "paper", "release", "rotate-and-render", "rotate-and-render-mini"]


@dataclass(frozen=True)
class GanLosses:
    """Weights of Eq. 14, and which form the losses have. A weight of 0 leaves a loss out."""

    adversarial: float = 1.0
    perceptual: float = 0.9
    reconstruction: float = 2.4
    """Published: 0.3, by which the code multiplied a sum over all pairs of a process's pictures
    and masks; for eight pictures, as published a process, that is 0.3 × 8 of Eq. 11."""
    mask: float = 3.0
    identity: float = 2.5
    perceptual_form: Literal["l1", "mse"] = "l1"
    factor: float = 2.0
    """k of Eq. 7."""
    power: float = 6.0
    """p of Eq. 7."""
    slope_of: Literal["both", "real"] = "both"
    """real: the code's gradient of painted faces is multiplied by zero."""

    def terms(self) -> dict[str, float]:
        """The weight of each loss by name."""
        names = "adversarial", "perceptual", "reconstruction", "mask", "identity"
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class RotateLosses:
    """Weights of Rotate-and-Render's losses. A weight of 0 leaves a loss out."""

    adversarial: float = 1.0
    features: float = 10.0
    """Of the discriminator's feature maps."""
    perceptual: float = 10.0

    def terms(self) -> dict[str, float]:
        """The weight of each loss by name."""
        names = "adversarial", "features", "perceptual"
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class GanSchedule:
    """AdamW and how long it runs; without weight decay it is Adam."""

    learning_rate: float = 2e-4
    """The generator's."""
    discriminator: float = 1.0
    """How many times the generator's rate the discriminator's is."""
    betas: tuple[float, float] = (0.5, 0.99)
    weight_decay: float = 1e-2
    """AdamW's own default: the code's option of 1e-4 is not used."""
    batch: int = 32
    epochs: int | None = 80
    steps: int | None = None
    """Instead of epochs."""
    decay: Literal["oscillating", "cosine", "constant", "linear"] = "oscillating"
    """oscillating: from the full rate to the least one in ``half_period`` epochs, and back, as the
    code's scheduler does behind its T_max. cosine: once, over the whole run. linear: the full rate
    for a share of the run, then evenly down to 0 at its end."""
    full: float = 0.5
    """That share."""
    half_period: float = 5.0
    least: float = 1e-8


@dataclass(frozen=True)
class GanAugmentation:
    """What happens to pairs; pixels are those of 224, a share is a probability."""

    coarse: float = 0.25
    """Share of damaged renders at half their resolution."""
    erased: float = 0.4
    """Share whose face loses a box or an edge; the target mask says so."""
    misaligned: float = 0.5
    """Share of the erased ones that lose an edge, as if the fit were off."""
    flip: float = 0.5
    """Share mirrored."""


@dataclass(frozen=True)
class GanPreset:
    """A way to train."""

    size: int
    """Pixels a side; pairs of another size are resized."""
    generator: AnySize
    width: int
    """Of the discriminator."""
    form: Form | Literal["features"]
    """Of the discriminator; features: Rotate-and-Render's, which tells its feature maps."""
    losses: GanLosses | RotateLosses
    schedule: GanSchedule
    augmentation: GanAugmentation = GanAugmentation()
    binary: bool = False
    """Whether the target mask is 0 or 1, whatever levels the pairs have."""


_FLIP = GanAugmentation(coarse=0.0, erased=0.0)
"""All that Rotate-and-Render does to its pictures."""


def _rotate(batch: int, epochs: int | None, steps: int | None, full: float) -> GanSchedule:
    """Adam as Rotate-and-Render has it: 1e-4, four times that for the discriminator."""
    return GanSchedule(1e-4, 4.0, (0.0, 0.9), 0.0, batch, epochs, steps, "linear", full)


PRESETS: Mapping[Choice, GanPreset] = {
    "paper": GanPreset(224, GeneratorSize(), 64, "paper", GanLosses(), GanSchedule(), binary=True),
    "release": GanPreset(
        224, GeneratorSize(), 64, "release", GanLosses(perceptual_form="mse"), GanSchedule()
    ),
    "mini": GanPreset(
        112,
        GeneratorSize(width=24, blocks=6),
        24,
        "release",
        GanLosses(),
        GanSchedule(batch=8, epochs=None, steps=2000, decay="cosine"),
    ),
    "rotate-and-render": GanPreset(
        256, RotateSize(), 64, "features", RotateLosses(), _rotate(18, 1050, None, 50 / 1050), _FLIP
    ),
    "rotate-and-render-mini": GanPreset(
        112,
        RotateSize(width=24, blocks=10, downs=2),
        24,
        "features",
        RotateLosses(),
        _rotate(8, None, 2000, 0.5),
        _FLIP,
    ),
}
"""The presets by name."""

Part = Literal[
    "adversarial",
    "features",
    "perceptual",
    "reconstruction",
    "mask",
    "identity",
    "augmentation",
    "occlusion-path",
]
"""What a run can do without."""


def without(preset: GanPreset, parts: tuple[Part, ...]) -> GanPreset:
    """A preset without some of its parts: ablations (Ju et al., Fig. 9).

    Without the occlusion path, the generator has no attention, no gates and no mask: it sees both
    renders and paints.

    Raises:
        BadOption: The preset has no such part.
    """
    for part in parts:
        if part == "augmentation":
            none = GanAugmentation(coarse=0.0, erased=0.0, flip=0.0)
            preset = replace(preset, augmentation=none)
        elif part in preset.losses.terms():
            preset = replace(preset, losses=replace(preset.losses, **{part: 0.0}))
        elif part == "occlusion-path" and isinstance(preset.generator, GeneratorSize):
            plain = replace(preset.generator, occlusion_path=False)
            losses = replace(preset.losses, mask=0.0)
            preset = replace(preset, generator=plain, losses=losses)
        else:
            raise BadOption(f"--without {part}", "a part of the preset")
    return preset

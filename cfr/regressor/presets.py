"""What the baseline and the two stages are trained with, as published: weights, steps, pictures.

``paper`` is what the papers say, and the code where they are silent; ``release`` is the code.
Repositories: M microsoft/Deep3DFaceReconstruction, S sicxu/Deep3DFaceRecon_pytorch, O
yeongjoonJu/Occlusion-Robust-3D-Face-CFR-GAN. The paper starts from the weights of M, so M is the
``paper`` of the baseline; its ``release`` is S. A number without a remark is the default of the
optimizer or means that the code does no such thing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Weighting = Literal["deep3d", "stage1-release", "stage2-paper", "stage2-release", "even"]
"""Which of the 68 landmarks weigh more than others: :data:`HEAVY_POINTS`."""

Choice = Literal["paper", "release"]

_NOSE, _EYES, _MOUTH = range(28, 31), range(36, 48), range(60, 68)
_LATE_EYES = range(37, 49)

HEAVY_POINTS: dict[Weighting, tuple[tuple[range, float], ...]] = {
    # M losses.py, S models/losses.py.
    "deep3d": ((_NOSE, 20.0), (_MOUTH, 20.0)),
    # O train_stage1.py, where the eyes begin one point late and end in a corner of the mouth.
    "stage1-release": ((_NOSE, 20.0), (_LATE_EYES, 5.0), (_MOUTH, 20.0)),
    # Ju et al., Eq. 4: the eyes and the inside of the mouth.
    "stage2-paper": ((_EYES, 20.0), (_MOUTH, 20.0)),
    # O train_stage2.py, with the same late eyes.
    "stage2-release": ((_NOSE, 5.0), (_LATE_EYES, 3.0), (_MOUTH, 5.0)),
    "even": (),
}
"""iBUG-68 points, counted from 0, and what they weigh; all others weigh 1."""


def point_weights(weighting: Weighting, device: torch.device | str = "cpu") -> Float[Tensor, "68"]:
    """What each landmark weighs."""
    weights = torch.ones(68, device=device)
    for points, weight in HEAVY_POINTS[weighting]:
        weights[points.start : points.stop] = weight
    return weights


@dataclass(frozen=True)
class FaceWeights:
    """Weights of the losses of ``cfr.regressor.losses``; the defaults are those of M options.py."""

    forms: Literal["deep3d", "release"] = "deep3d"
    """release: ``reconstruction``, ``coefficient_norms`` and a lit ``reflectance``, as in O."""
    photometric: float = 1.92
    """Of ``photometric``, or of ``reconstruction``."""
    landmarks: float = 1.6e-3
    identity: float = 0.2
    prior: float = 3e-4
    """Of ``prior``, or of ``coefficient_norms``."""
    reflectance: float = 5.0
    gamma: float = 10.0
    prior_identity: float = 1.0
    prior_expression: float = 0.8
    prior_texture: float = 1.7e-2
    """M and S; O has a tenth of it."""
    points: Weighting = "deep3d"
    trust: float = 1.0
    """What the landmark loss of a photo is multiplied by whose points were estimated."""

    def terms(self) -> dict[str, float]:
        """The weight of each loss by name."""
        names = "photometric", "landmarks", "identity", "prior", "reflectance", "gamma"
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class StudentWeights:
    """Weights of the losses of ``cfr.regressor.distillation``. The defaults are the paper's."""

    features: float = 1.0  # Ju et al., Section 3.1; O train_stage2.py
    coefficients: float = 0.1  # the same
    landmarks: float = 0.01  # the same
    levels: tuple[float, ...] = (1 / 8, 1 / 4, 1 / 2, 1.0)
    """Of layer2, layer3, layer4 and the pooled features: O train_stage2.py."""
    divide: bool = True
    """Whether their sum is divided by their number, as Eq. 2 has it (1/K)."""
    points: Weighting = "stage2-paper"

    def terms(self) -> dict[str, float]:
        """The weight of each loss by name."""
        return {name: getattr(self, name) for name in ("features", "coefficients", "landmarks")}


@dataclass(frozen=True)
class PartWeights:
    """Weights of the squared errors of coefficients, for renders. Our own: nothing is published.

    Each error is a mean over a part's numbers: deviations, radians or decimetres.
    """

    identity: float = 1.0
    expression: float = 1.0
    texture: float = 1.0
    rotation: float = 1.0
    lighting: float = 1.0
    translation: float = 1.0


@dataclass(frozen=True)
class Schedule:
    """An optimizer and how long it runs."""

    optimizer: Literal["adam", "adamw"]
    learning_rate: float
    batch: int
    epochs: int | None = None
    steps: int | None = None
    """Instead of epochs."""
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    decay: Literal["cosine", "drop"] = "cosine"
    """cosine: after each step, to 0 at the end. drop: once, at ``drop_at``, by ``drop``."""
    drop_at: float = 0.5
    """Share of the run."""
    drop: float = 0.2
    settled: float = 1.0
    """Share of the run after which batch normalisation keeps the statistics that it has. The last
    steps then train the network as it will be used: with those, and not with a batch's."""


@dataclass(frozen=True)
class Augmentation:
    """What happens to training pictures. Pixels are those of a 224 crop, a share a probability."""

    occluded: float = 0.0
    """Share of inputs that are the occluded (masked) picture and not the clean one."""
    occluders: tuple[tuple[str, float], ...] = (("hand", 1.0),)
    """Kinds of ``cfr.occluders.kinds`` and how often each is drawn in front of those; ``worn`` is
    the sample's own masked picture."""
    jitter: float = 0.0
    """Share with other colours; the same ones in the input and in its target."""
    jitter_by: tuple[float, float, float, float] = (0.3, 0.3, 0.3, 0.0)
    """Brightness, contrast, saturation as factors of 1 ± x; hue as a share of the circle."""
    coarse: float = 0.0
    """Share of inputs at a lower resolution."""
    coarse_by: int = 4
    """How many times coarser."""
    turned: float = 0.0
    """Share turned in the plane, with the target and its points."""
    turned_by: float = 45.0
    """Degrees to either side at most."""
    framed: float = 0.0
    """Share of inputs with black borders: above and left of a drawn point, and in the corner
    right of and below a second one."""
    framed_first: tuple[int, int] = (0, 56)
    """Least and greatest row, and column, of the first point."""
    framed_second: tuple[int, int] = (112, 168)
    """Least and greatest distance of the second from it, in rows and in columns."""
    shift: float = 0.0
    """Pixels in each direction at most."""
    scale: float = 0.0
    """By a factor of 1 ± x at most."""
    tilt: float = 0.0
    """Degrees to either side at most; every picture."""
    flip: float = 0.0
    """Share mirrored, with the target."""
    erased: float = 0.0
    """Share of inputs with a random rectangle of noise."""
    erased_area: tuple[float, float] = (0.05, 0.1)
    erased_aspect: tuple[float, float] = (0.1, 3.3)


@dataclass(frozen=True)
class Mix:
    """What a batch is made of: shares of the kinds of samples. As published: photos."""

    photo: float = 1.0
    turned: float = 0.0
    render: float = 0.0
    pairs: bool = False
    """Whether only samples with a masked picture are used."""


@dataclass(frozen=True)
class KnownWeights:
    """What is made of coefficients that are known: those of renders, turned photos and fits.

    Our own: nothing is published.
    """

    parts: PartWeights = PartWeights(rotation=5.0)
    landmarks: float = 0.1
    """Of the mean distance of all samples' landmarks, in pixels of a 224 crop."""
    faces: float = 0.1
    """What the losses of photos (``FaceWeights``) are multiplied by beside them."""
    rendered: int = 1
    """How many photos of a batch those losses look at, on each process: rendering is dear."""


@dataclass(frozen=True)
class FacePreset:
    """The baseline or stage 1."""

    weights: FaceWeights
    schedule: Schedule
    augmentation: Augmentation
    mix: Mix = Mix()
    known: KnownWeights | None = None
    """None: weakly supervised alone."""


@dataclass(frozen=True)
class StudentPreset:
    """Stage 2."""

    weights: StudentWeights
    schedule: Schedule
    augmentation: Augmentation
    mix: Mix = Mix()


BASELINE: dict[Choice, FacePreset] = {
    "paper": FacePreset(
        FaceWeights(),
        # M options.py: 1e-4, after 100,000 of 200,000 steps 2e-5; batch 16.
        Schedule("adam", 1e-4, batch=16, steps=200_000, decay="drop"),
        Augmentation(),  # M data_loader.py: none
    ),
    "release": FacePreset(
        FaceWeights(),  # S models/facerecon_model.py: the same numbers
        # S options/train_options.py; models/networks.py: a fifth after 10 of 20 epochs.
        Schedule("adam", 1e-4, batch=32, epochs=20, decay="drop"),
        # S models/facerecon_model.py and data/base_dataset.py.
        Augmentation(shift=10.0, scale=0.1, tilt=10.0, flip=0.5),
    ),
}

# O train_stage1.py, for both; the weight decay is AdamW's own default.
_STAGE1_SCHEDULE = Schedule(
    "adamw", 2e-6, batch=48, epochs=50, betas=(0.5, 0.999), weight_decay=1e-2
)
# O datasets.py, FirstStageDataset.
_STAGE1_AUGMENTATION = Augmentation(occluded=0.5, jitter=0.5, coarse=0.25, turned=0.25, framed=0.25)

STAGE1: dict[Choice, FacePreset] = {
    # Ju et al., Section 3.1: the baseline's losses; 0.7 on the points of CelebA and Multi-PIE.
    "paper": FacePreset(FaceWeights(trust=0.7), _STAGE1_SCHEDULE, _STAGE1_AUGMENTATION),
    "release": FacePreset(
        FaceWeights(  # O train_stage1.py
            forms="release",
            photometric=0.01,  # as written; the broadcast made it about a batch times as strong
            landmarks=0.007,
            identity=0.2,
            prior=1e-4,
            reflectance=1e-5,  # as written; a uint8 mask made it 255 times as strong
            gamma=10.0,
            prior_identity=1.0,
            prior_expression=0.1,
            prior_texture=1.7e-3,
            points="stage1-release",
            trust=0.7,  # O datasets.py has 0.9 (before: 0.8, 0.7) and never gets to use it
        ),
        _STAGE1_SCHEDULE,
        _STAGE1_AUGMENTATION,
    ),
}

# O train_stage2.py, for both; the weight decay is AdamW's own default.
_STAGE2_SCHEDULE = Schedule(
    "adamw", 1e-6, batch=32, epochs=5, betas=(0.5, 0.999), weight_decay=1e-2
)
# O datasets.py, MaskedFaceDataset: every picture is jittered, the hue by 0.2 / 3.14.
_STAGE2_AUGMENTATION = Augmentation(
    occluded=0.5,
    occluders=(("worn", 1.0),),
    jitter=1.0,
    jitter_by=(0.3, 0.3, 0.3, 0.2 / 3.14),
    coarse=0.25,
    flip=0.5,
)
_PAIRS = Mix(pairs=True)

STAGE2: dict[Choice, StudentPreset] = {
    # Ju et al., Section 3.1 erases at random; how is a comment of O datasets.py.
    "paper": StudentPreset(
        StudentWeights(), _STAGE2_SCHEDULE, replace(_STAGE2_AUGMENTATION, erased=0.5), _PAIRS
    ),
    "release": StudentPreset(
        StudentWeights(divide=False, points="stage2-release"),  # O train_stage2.py
        _STAGE2_SCHEDULE,
        _STAGE2_AUGMENTATION,
        _PAIRS,
    ),
}


def usable(
    weights: FaceWeights, *, recognizer: bool, texture: bool
) -> tuple[FaceWeights, tuple[str, ...]]:
    """Weights of what a run can compute, and a sentence for each loss that it leaves out.

    Args:
        weights: As published.
        recognizer: Whether there is something that embeds faces.
        texture: Whether the face model has texture modes.

    Returns:
        The weights, 0 for what is left out, and the sentences, for the run's record.
    """
    left_out = {}
    if not recognizer and weights.identity:
        left_out["identity"] = "no identity loss: no recognizer was given"
    if not texture and weights.reflectance and weights.forms == "deep3d":
        left_out["reflectance"] = "no reflectance loss: the face model has no texture modes"
    return replace(weights, **dict.fromkeys(left_out, 0.0)), tuple(left_out.values())


def total(
    terms: Mapping[str, Float[Tensor, ""]], weights: FaceWeights | StudentWeights
) -> Float[Tensor, ""]:
    """The weighted sum of the losses.

    Args:
        terms: Losses by name.
        weights: A loss that weighs 0 may be absent.

    Raises:
        ValueError: A loss that weighs something is absent, or there is one without a weight.
    """
    wanted = weights.terms()
    needed = {name for name, weight in wanted.items() if weight}
    if not terms or not needed <= set(terms) <= set(wanted):
        expected, found = ", ".join(sorted(needed)), ", ".join(sorted(terms))
        raise ValueError(f"expected the losses {expected}, found {found}")
    return torch.stack([wanted[name] * terms[name] for name in sorted(terms)]).sum()

"""Numbers of a recognizer's training: ArcFace's on CASIA-WebFace, and our own for two cores."""

from dataclasses import dataclass

from recognizers.training.schedule import SgdSchedule

IRESNETS = ("iresnet18", "iresnet34", "iresnet50", "iresnet100", "iresnet200")
"""Those of :mod:`recognizers.iresnet`, whose import takes seconds."""
TIMM = "timm:"
"""What the name of a network of timm begins with."""


@dataclass(frozen=True)
class NetworkSize:
    """Which network.

    Attributes:
        architecture: ``iresnet18`` and the like, or ``timm:resnet18`` and the like.
        width: Channels of an iresnet's first layer; the published ones have 64.
        size: Pixels a side of the crops.
        dimension: Numbers of an embedding.
    """

    architecture: str = "iresnet18"
    width: int = 64
    size: int = 112
    dimension: int = 512


@dataclass(frozen=True)
class RecognizerPreset:
    """Everything that decides a run but the data.

    Attributes:
        network: Which.
        schedule: Optimizer and learning rate.
        scale: s of ArcFace.
        margin: m of ArcFace, radians.
        share: Of the classes' centres, how many a step looks at.
        flip: Share of photos that are mirrored.
        augmented: Share of photos whose colours change, and likewise of those that are blurred, of
            those that are moved, and of those that lose a box.
        balanced: Draw each identity as often as any other.
        hold_out: Every so-manieth identity is for validation alone; 0 for none.
    """

    network: NetworkSize
    schedule: SgdSchedule
    scale: float = 64.0
    margin: float = 0.5
    share: float = 1.0
    flip: float = 0.5
    augmented: float = 0.0
    balanced: bool = False
    hold_out: int = 0


_PAPER = RecognizerPreset(
    network=NetworkSize(),
    schedule=SgdSchedule(batch=512, learning_rate=0.1, steps=32_000, drops=(20 / 32, 28 / 32)),
)
_MINI = RecognizerPreset(
    network=NetworkSize(width=16, size=64, dimension=128),
    schedule=SgdSchedule(
        batch=64, learning_rate=0.1, steps=3000, drops=(0.6, 0.85), warmup=100, clip=5.0
    ),
    scale=32.0,
    margin=0.3,
    hold_out=20,
)
PRESETS: dict[str, RecognizerPreset] = {"mini": _MINI, "paper": _PAPER}
"""``paper``: ArcFace's schedule on CASIA-WebFace. ``mini``: our own, for two cores."""

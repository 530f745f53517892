"""What a training run of a recognizer is told: the command line of ``train_recognizer.py``."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import tyro

from protocols.errors import BadOption
from recognizers.training.presets import (
    IRESNETS,
    PRESETS,
    TIMM,
    NetworkSize,
    RecognizerPreset,
)
from recognizers.training.schedule import SgdSchedule
from results.option_checks import require_least, require_share, require_trainable

_Numbers = TypeVar("_Numbers", RecognizerPreset, NetworkSize, SgdSchedule)
Layout = Literal["auto", "records", "folders"]
CASIA = "casia"
"""DATA that is looked for where the manifest says, and counted."""
_LEAST_SIZE = 32


@dataclass(frozen=True)
class TrainRecognizer:
    """Train a face recognizer by ArcFace on labelled, aligned crops.

    A run that was killed goes on where it was. Under torchrun, give --devices the number of its
    processes.
    """

    data: Annotated[str, tyro.conf.Positional]
    """Folder with train.rec, train.idx and property, or with a folder of pictures for each person:
    square crops, aligned as ArcFace has them. Or casia, as doctor.py knows it."""
    preset: Literal["mini", "paper"] = "mini"
    """mini: our own, for two cores, a quarter as wide, on crops of 64 pixels. paper: ArcFace's
    schedule on CASIA-WebFace with iresnet18."""
    layout: Layout = "auto"
    """Which of the two DATA is; train.rec counts by default where it is there."""
    architecture: str | None = None
    """iresnet18, 34, 50, 100, 200, or timm:NAME, such as timm:resnet18; by default the preset's."""
    width: int | None = None
    """Channels of an iresnet's first layer; likewise."""
    size: int | None = None
    """Pixels a side of the crops that the network sees; likewise."""
    dimension: int | None = None
    """Numbers of an embedding; likewise."""
    scale: float | None = None
    """s of ArcFace; likewise."""
    margin: float | None = None
    """m of ArcFace, in radians; likewise."""
    share: float | None = None
    """Of all identities' centres, how many a step looks at beside those of its own photos
    (partial class sampling); 1, all, by default."""
    augmented: float | None = None
    """Beside the mirror: share of photos whose colours change, and of those blurred, moved, or
    that lose a box; 0 by default."""
    balanced: bool = False
    """Draw each identity as often as any other, whatever photos it has."""
    hold_out: int | None = None
    """Every so-manieth identity is not trained on but validated with, in pairs; 0 for none. By
    default the preset's."""
    validate_on: tuple[str, ...] = ()
    """Protocols of verification to validate on, as evaluate.py knows them: lfw, a .bin, a .csv."""
    landmarks: str = "auto"
    """Where the facial points of these come from, likewise."""
    steps: int | None = None
    """By default the preset's."""
    batch: int | None = None
    """Photos a step, over all processes; by default the preset's."""
    learning_rate: float | None = None
    """By default the preset's."""
    seed: int = 0
    """Of everything drawn."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the network is trained."""
    devices: int = 1
    """Processes, a device each."""
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    """Of Lightning Fabric; 16-mixed is for CUDA. The head is always in full precision."""
    threads: int = 0
    """CPU threads of each process; 0 for PyTorch's own choice. Another number moves last bits."""
    workers: int = 1
    """Processes that draw batches."""
    checkpoint_every: int = 500
    """Steps."""
    validate_every: int = 1000
    """Steps."""
    name: str | None = None
    """Of the run and its files; by default the preset's."""
    out: Path | None = None
    """The run's folder; artifacts/recognizer/NAME by default."""

    def __post_init__(self) -> None:
        """Refuse what no run could use, before any file is read."""
        least = {"steps": 1, "batch": 2, "devices": 1, "width": 1, "dimension": 2}
        least |= {"size": _LEAST_SIZE, "checkpoint_every": 1, "validate_every": 1}
        least |= {"seed": 0, "threads": 0, "workers": 0, "hold_out": 0}
        require_least(self, least)
        require_trainable(self.learning_rate, self.batch, self.devices)
        if self.precision == "16-mixed" and self.device == "cpu":
            raise BadOption("--precision 16-mixed --device cpu", "bf16-mixed on a CPU")
        if self.name is not None and (Path(self.name).name != self.name or self.name == ".."):
            raise BadOption(f"--name {self.name}", "a name without slashes")
        self._check_head()
        self._check_network()
        self._check_validation()

    def _check_head(self) -> None:
        if self.scale is not None and not 0 < self.scale < math.inf:
            raise BadOption(f"--scale {self.scale:g}", "a positive number")
        if self.margin is not None and not 0 <= self.margin <= math.pi / 2:
            raise BadOption(f"--margin {self.margin:g}", "0 to π/2, in radians")
        if self.share is not None and not 0 < self.share <= 1:
            raise BadOption(f"--share {self.share:g}", "more than 0, up to 1")
        if self.augmented is not None:
            require_share("augmented", self.augmented)

    def _check_network(self) -> None:
        name = self.numbers.network.architecture
        if name not in IRESNETS and name.removeprefix(TIMM) in (name, ""):
            raise BadOption(f"--architecture {name}", f"{', '.join(IRESNETS)}, or timm:NAME")
        if name.startswith(TIMM) and self.width is not None:
            raise BadOption(f"--width {self.width}", "an iresnet, whose width may be chosen")

    def _check_validation(self) -> None:
        from results.loading import Source

        for one in self.validate_on:
            Source(one)
        if self.numbers.hold_out == 1:
            raise BadOption("--hold-out 1", "0, or 2 and more: some identities have to be left")
        if not self.numbers.hold_out and not self.validate_on:
            expected = "a protocol to --validate-on, or --hold-out 20 for every twentieth identity"
            raise BadOption("nothing to validate on", expected)

    @property
    def called(self) -> str:
        """The run's name."""
        return self.preset if self.name is None else self.name

    @property
    def numbers(self) -> RecognizerPreset:
        """The preset, with the options' own numbers in it."""
        preset = PRESETS[self.preset]
        network = _with(preset.network, self, ("architecture", "width", "size", "dimension"))
        schedule = _with(preset.schedule, self, ("batch", "learning_rate"))
        if self.steps is not None:
            warmup = min(schedule.warmup, self.steps // 4)
            schedule = replace(schedule, steps=self.steps, epochs=None, warmup=warmup)
        own = ("scale", "margin", "share", "augmented", "hold_out")
        preset = _with(preset, self, own)
        return replace(preset, network=network, schedule=schedule, balanced=self.balanced)


def _with(numbers: _Numbers, options: TrainRecognizer, names: tuple[str, ...]) -> _Numbers:
    """The numbers, with those options in it that were given."""
    given = {name: getattr(options, name) for name in names}
    return replace(numbers, **{name: one for name, one in given.items() if one is not None})

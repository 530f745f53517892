"""What a training run of an expression classifier is told: ``train_expression.py``."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from protocols.errors import BadOption
from results.option_checks import require_least, require_trainable
from results.training.options import Precision

if TYPE_CHECKING:  # PyTorch is imported when a run begins
    from recognizers.training.expression import ExpressionPreset

_LEAST_SIDE, _WIDEST = 32, 64


@dataclass(frozen=True)
class TrainExpression:
    """Train VGG16 to tell the seven expressions of RAF-DB apart, and measure it.

    A run that was killed goes on where it was. Under torchrun, give --devices the number of its
    processes.
    """

    data: Annotated[Path, tyro.conf.Positional]
    """Folder in RAF-DB's layout (docs/expression-training.md)."""
    preset: Literal["tiny", "mini", "paper"] = "mini"
    """tiny and mini: narrower networks with batch normalisation, our own, for two cores. paper:
    VGG16 at 224; how the paper trained it is unknown, so that its numbers are a guess."""
    start: Path | None = None
    """Weights to start from: ImageNet's, as torchvision or timm has them for the preset's network
    (paper: vgg16-397923af.pth), or a .safetensors file that this command wrote. Without, a network
    is trained from scratch, and its card and its row of Table 3 say so."""
    weighted: bool = False
    """Weight each photo's loss so that every class counts alike."""
    batch_norm: bool = False
    """Give the network of paper batch normalisation, too (timm's vgg16_bn): from scratch, plain
    VGG16 is hard to train."""
    lists: Path | None = None
    """Folder of the lists of occluded faces and turned heads; the data's own by default."""
    size: int | None = None
    """Pixels a side that the network sees; by default the preset's."""
    width: int | None = None
    """Channels of its first layer; likewise. 64 is VGG16."""
    epochs: int | None = None
    """Likewise."""
    steps: int | None = None
    """In place of epochs."""
    batch: int | None = None
    """Photos a step, over all processes; by default the preset's."""
    learning_rate: float | None = None
    """By default the preset's."""
    seeds: tuple[int, ...] = (0,)
    """A run for each; with several, means and their intervals are told as well."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where networks run."""
    devices: int = 1
    """Processes, a device each."""
    precision: Precision = "32-true"
    """Of Lightning Fabric."""
    threads: int = 0
    """CPU threads of each process; 0 for PyTorch's own choice. Another number moves last bits."""
    workers: int = 1
    """Processes that draw batches."""
    jobs: int = 0
    """Processes that measure the exported network; 0 for one a core."""
    checkpoint_every: int = 500
    """Steps."""
    validate_every: int = 500
    """Steps. Validations are watched only: the weights kept are those of the last step."""
    name: str | None = None
    """Of the files; vgg16-PRESET by default. Table 3 looks for vgg16 and vgg16-cfr-gan."""
    cache: Path | None = None
    """Folder of what was measured before; artifacts/cache by default."""
    out: Path | None = None
    """The folder of the runs; artifacts/expression/NAME by default."""

    def __post_init__(self) -> None:
        """Refuse what no run could use, before any file is read."""
        least = {"size": _LEAST_SIDE, "checkpoint_every": 1, "validate_every": 1}
        least |= dict.fromkeys(("width", "epochs", "steps", "batch", "devices"), 1)
        least |= dict.fromkeys(("threads", "workers", "jobs"), 0)
        require_least(self, least)
        require_trainable(self.learning_rate, self.batch, self.devices)
        if not self.seeds or min(self.seeds) < 0 or len(set(self.seeds)) < len(self.seeds):
            words = " ".join(map(str, self.seeds))
            raise BadOption(f"--seeds {words}", "one or more, none negative and none twice")
        if self.width is not None and self.width > _WIDEST:
            raise BadOption(f"--width {self.width}", f"{_WIDEST} at most, which is VGG16")
        if self.epochs is not None and self.steps is not None:
            raise BadOption(f"--epochs {self.epochs} and --steps {self.steps}", "one of them")
        if self.name is not None and (Path(self.name).name != self.name or self.name == ".."):
            raise BadOption(f"--name {self.name}", "a name without slashes")

    @property
    def called(self) -> str:
        """What the files are called."""
        return self.name if self.name is not None else f"vgg16-{self.preset}"

    @property
    def numbers(self) -> "ExpressionPreset":
        """The preset, with the options' own numbers in it."""
        from recognizers.training.expression import PRESETS

        preset = PRESETS[self.preset]
        schedule = preset.schedule
        if self.steps is not None:
            schedule = replace(schedule, steps=self.steps, epochs=None)
        if self.epochs is not None:
            schedule = replace(schedule, steps=None, epochs=self.epochs)
        if self.batch is not None:
            schedule = replace(schedule, batch=self.batch)
        if self.learning_rate is not None:
            schedule = replace(schedule, learning_rate=self.learning_rate)
        return replace(
            preset,
            width=preset.width if self.width is None else self.width,
            side=preset.side if self.size is None else self.size,
            batch_norm=preset.batch_norm or self.batch_norm,
            schedule=schedule,
        )

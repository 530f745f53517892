"""What a training run of a generator is told: the command line of ``train_gan.py``."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from cfr.gan.presets import PRESETS, Choice, GanPreset, Part, without
from cfr.gan.sizes import RotateSize
from protocols.errors import BadOption
from results.option_checks import require_least, require_trainable

PERCEPTUAL = ("mobilefacenet", "onnx", "vgg19")
"""Kinds of networks for the perceptual loss; the last two are files."""


@dataclass(frozen=True)
class TrainGan:
    """Train CFR-GAN, or the baseline Rotate-and-Render, on pairs that make_pairs.py made.

    A run that was killed goes on where it was. Under torchrun, give --devices the number of its
    processes.
    """

    pairs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Folder of pairs, or several of the same photos, such as one with drawn occluders."""
    preset: Choice = "mini"
    """mini: our own, for two cores. paper and release: as published, at 224. rotate-and-render: the
    baseline as published, at 256; rotate-and-render-mini: our own, as small as mini."""
    without: tuple[Part, ...] = ()
    """Ablations. Without the swap, and with parsing alone, is for make_pairs.py to say."""
    start: str | None = None
    """Weights of a generator to start from, by name or file, as frontalize.py --weights knows them;
    the discriminator and both optimisers begin anew."""
    live: bool = False
    """Make each pair anew, with another rotation, whenever it is drawn; slower."""
    model: str = "builtin"
    """The face model of --live: the one that the pairs were made with."""
    parser: str = "none"
    """The face parser of --live, likewise, as make_pairs.py knows it."""
    perceptual: str = "mobilefacenet"
    """The network of the perceptual loss: mobilefacenet, onnx:FILE for another recognizer, or
    vgg19:FILE with torchvision's weights, as published."""
    recognizer: Path | None = None
    """The network of the identity loss, an .onnx or a PyTorch checkpoint; MobileFaceNet without.
    Where a method has no such loss, its validation is measured with it all the same."""
    size: int | None = None
    """Pixels a side, a multiple of 4 (of what the generator halves to, with --downs); by default
    the preset's."""
    width: int | None = None
    """Channels of the generator's and the discriminator's first layers; likewise."""
    blocks: int | None = None
    """Residual blocks; likewise."""
    downs: int | None = None
    """How often Rotate-and-Render's generator halves the sides; likewise."""
    steps: int | None = None
    """By default the preset's."""
    batch: int | None = None
    """Pairs a step, over all processes; by default the preset's."""
    learning_rate: float | None = None
    """By default the preset's."""
    seed: int = 0
    """Of everything drawn."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the networks are trained."""
    devices: int = 1
    """Processes, a device each."""
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    """Of Lightning Fabric; the discriminator's own step is always in full precision."""
    threads: int = 0
    """CPU threads of each process; 0 for PyTorch's own choice. Another number moves last bits."""
    workers: int = 1
    """Processes that draw batches."""
    checkpoint_every: int = 250
    """Steps."""
    validate_every: int = 500
    """Steps; also how often pictures are drawn."""
    name: str | None = None
    """Of the run and its files; by default the preset's, with what it is without."""
    out: Path | None = None
    """The run's folder; artifacts/gan/NAME by default."""

    def __post_init__(self) -> None:
        """Refuse what no run could use, before any file is read."""
        if not self.pairs:
            raise BadOption("no folder of pairs", "one that make_pairs.py made, or several")
        if self.live and len(self.pairs) > 1:
            raise BadOption(f"--live and {len(self.pairs)} folders of pairs", "one of them")
        kind, _, file = self.perceptual.partition(":")
        if kind not in PERCEPTUAL or bool(file) == (kind == PERCEPTUAL[0]):
            expected = f"{PERCEPTUAL[0]}, {', '.join(f'{one}:FILE' for one in PERCEPTUAL[1:])}"
            raise BadOption(f"--perceptual {self.perceptual}", expected)
        least = {"size": 64, "width": 1, "blocks": 0, "downs": 1}
        least |= {"steps": 1, "batch": 1, "devices": 1}
        least |= {"checkpoint_every": 1, "validate_every": 1, "seed": 0, "threads": 0, "workers": 0}
        require_least(self, least)
        require_trainable(self.learning_rate, self.batch, self.devices)
        numbers = self.numbers
        if numbers.size % numbers.generator.step:
            raise BadOption(f"--size {numbers.size}", f"a multiple of {numbers.generator.step}")
        if self.name is not None and (Path(self.name).name != self.name or self.name == ".."):
            raise BadOption(f"--name {self.name}", "a name without slashes")

    @property
    def called(self) -> str:
        """The run's name."""
        if self.name is not None:
            return self.name
        parts = [self.preset, *(f"without-{one}" for one in sorted(set(self.without)))]
        return "-".join(parts)

    @property
    def numbers(self) -> GanPreset:
        """The preset without what it is without, with the options' own numbers in it."""
        preset = without(PRESETS[self.preset], self.without)
        generator, schedule = preset.generator, preset.schedule
        if self.width is not None:
            generator = replace(generator, width=self.width)
            preset = replace(preset, width=self.width)
        if self.blocks is not None:
            generator = replace(generator, blocks=self.blocks)
        if self.downs is not None:
            if not isinstance(generator, RotateSize):
                raise BadOption(f"--downs {self.downs}", "a preset of Rotate-and-Render")
            generator = replace(generator, downs=self.downs)
        if self.steps is not None:
            schedule = replace(schedule, steps=self.steps, epochs=None)
        if self.batch is not None:
            schedule = replace(schedule, batch=self.batch)
        if self.learning_rate is not None:
            schedule = replace(schedule, learning_rate=self.learning_rate)
        size = preset.size if self.size is None else self.size
        return replace(preset, size=size, generator=generator, schedule=schedule)

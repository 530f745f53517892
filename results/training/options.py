"""What a training run of the regressor is told: the command line of ``train_regressor.py``."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from protocols.errors import BadOption
from protocols.training_photos import KINDS
from results.option_checks import require_least, require_trainable

if TYPE_CHECKING:  # PyTorch is imported when a run begins
    from cfr.regressor.preparing import Preparing
    from cfr.regressor.presets import FacePreset, Schedule, StudentPreset
    from cfr.regressor.samples import Frame

Stage = Literal["baseline", "stage1", "stage2"]
Preset = Literal["mini", "paper", "release"]
Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
BEFORE: dict[Stage, Stage] = {"stage1": "baseline", "stage2": "stage1"}
"""What a stage starts from."""


@dataclass(frozen=True)
class TrainRegressor:
    """Train the 3D face regressor: the baseline, then stage 1, then stage 2.

    Photos are prepared once and kept; a run that was killed goes on where it was.
    """

    stage: Annotated[Stage, tyro.conf.Positional]
    """baseline: clean photos. stage1: occluded ones with clean targets. stage2: a student that sees
    occluded faces learns from a teacher that sees them without."""
    photos: tuple[str, ...] = ()
    """Photos as KIND=FOLDER; KIND is folder, 300w-lp, celeba, multi-pie or masked."""
    list: Path | None = None
    """Names of the photos to take, a line each, relative to FOLDER; for one KIND=FOLDER only."""
    preset: Preset = "mini"
    """mini: our own, for two cores. paper and release: as published, with ResNet-50 at 224."""
    landmarks: Literal["tddfa", "dlib"] = "tddfa"
    """Who estimates the 68 points of photos without: 3DDFA-V2, as in the paper, or dlib, whose
    points slide along the jaw and fail on turned faces."""
    renders: int | None = None
    """Made-up people among the samples; 4,096 with mini, none as published."""
    start: str | None = None
    """Weights to start from: FILE of this project, KIND:FILE as published (deep3d, cfr-gan,
    deep3d-pytorch), or imagenet:FILE for the backbone alone. By default, stage1 starts from the
    baseline in artifacts/ or assets/, stage2 from stage1, the baseline from nothing."""
    recognizer: Path | None = None
    """A PyTorch face recognizer for the identity loss (an iresnet or timm checkpoint); without it
    that loss is left out, and the card says so."""
    backbone: str | None = None
    """resnet50 or timm:NAME, for a baseline that starts from nothing; by default the preset's."""
    size: int | None = None
    """Pixels a side of the crops, likewise."""
    steps: int | None = None
    """By default the preset's."""
    batch: int | None = None
    """Samples a step, over all processes; by default the preset's."""
    learning_rate: float | None = None
    """By default the preset's."""
    model: str = "builtin"
    """Face model, as draw_model.py knows it."""
    seed: int = 0
    """Of everything drawn."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the network is trained."""
    devices: int = 1
    """Processes, a device each."""
    precision: Precision = "32-true"
    """Of Lightning Fabric."""
    threads: int = 0
    """CPU threads of each process; 0 for PyTorch's own choice. Another number moves last bits."""
    jobs: int = 0
    """Processes that prepare photos; 0 for one a core."""
    workers: int = 1
    """Processes that draw batches."""
    checkpoint_every: int = 500
    """Steps."""
    validate_every: int = 1000
    """Steps; also how often pictures are drawn."""
    samples: Path | None = None
    """Where prepared photos are kept; artifacts/samples by default."""
    out: Path | None = None
    """The run's folder; artifacts/regressor/STAGE by default."""

    def __post_init__(self) -> None:
        """Refuse what no run could use, before any file is read."""
        for one in self.photos:
            kind, _, folder = one.partition("=")
            if kind not in KINDS or not folder:
                raise BadOption(f"--photos {one}", f"KIND=FOLDER, KIND one of {', '.join(KINDS)}")
        if self.list is not None and len(self.photos) != 1:
            raise BadOption("--list", "one --photos KIND=FOLDER beside it")
        if not self.photos and (not self.people or self.preset != "mini"):
            raise BadOption("no --photos", "photos: renders alone are for --preset mini")
        if self.photos and self.preset == "mini" and not self.people:
            raise BadOption("--renders 0", "some made-up people, or a published --preset")
        if self.stage != "baseline" and (self.backbone or self.size):
            raise BadOption("--backbone, --size", "neither: a stage has those it starts from")
        self._check_numbers()

    def _check_numbers(self) -> None:
        least = {"steps": 1, "batch": 2, "checkpoint_every": 1, "validate_every": 1, "devices": 1}
        least |= dict.fromkeys(("renders", "seed", "threads", "jobs", "workers"), 0)
        require_least(self, least)
        require_trainable(self.learning_rate, self.batch, self.devices)

    @property
    def people(self) -> int:
        """Made-up people among the samples."""
        if self.renders is not None:
            return self.renders
        return 4096 if self.preset == "mini" else 0

    @property
    def architecture(self) -> tuple[str, int]:
        """Backbone and size of a network that starts from nothing."""
        from cfr.regressor.network import MINI, MINI_SIZE

        mine = self.preset == "mini"
        return self.backbone or (MINI if mine else "resnet50"), self.size or (
            MINI_SIZE if mine else 224
        )

    @property
    def preparing(self) -> "Preparing":
        """How photos become samples: turned with ``mini``, as they are as published."""
        from cfr.regressor.preparing import Preparing

        if self.preset == "mini":
            return Preparing()
        masks = 1.0 if self.stage == "stage2" else 0.0
        return Preparing(views=0, mirrored=False, masks=masks)

    @property
    def numbers(self) -> "FacePreset | StudentPreset":
        """The preset, with the options' own numbers in it."""
        from cfr.regressor import mini, presets

        own = {"baseline": mini.BASELINE, "stage1": mini.STAGE1, "stage2": mini.STAGE2}
        published = {
            "baseline": presets.BASELINE,
            "stage1": presets.STAGE1,
            "stage2": presets.STAGE2,
        }
        chosen: FacePreset | StudentPreset = (
            own[self.stage] if self.preset == "mini" else published[self.stage][self.preset]
        )
        if not self.photos:  # renders alone
            chosen = replace(chosen, mix=presets.Mix(photo=0.0, render=1.0))
        schedule: Schedule = chosen.schedule
        if self.steps is not None:
            schedule = replace(schedule, steps=self.steps, epochs=None)
        if self.batch is not None:
            schedule = replace(schedule, batch=self.batch)
        if self.learning_rate is not None:
            schedule = replace(schedule, learning_rate=self.learning_rate)
        return replace(chosen, schedule=schedule)


def frame_of(size: int) -> "Frame":
    """The frame of a network's crop: two sevenths wider than it."""
    from cfr.regressor.samples import Frame

    return Frame(size, size + 2 * round(size / 7))

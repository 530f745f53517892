"""The options of ``scripts/frontalize.py``, and what they mean."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from protocols.errors import BadOption

if TYPE_CHECKING:  # --help needs none of it
    from cfr.frontalizers.coefficients import CoefficientSource
    from cfr.morphable.model import MorphableModel
    from results.frontalizing.methods import Method

_WITH_MASK = ("cfr-gan",)
_WITH_GENERATOR = (*_WITH_MASK, "rotate-and-render")


@dataclass(frozen=True)
class Frontalize:
    """Which photos, by what, to which pose."""

    photos: Annotated[Path, tyro.conf.Positional]
    """A photo, or a folder; its subfolders count."""
    out: Annotated[Path, tyro.conf.Positional]
    """The folder to write to; a killed run goes on there."""
    method: Literal["none", "render", "cfr-gan", "rotate-and-render"] = "render"
    """render: a fitted face model, no network. cfr-gan: that, and a trained generator.
    rotate-and-render: likewise, the baseline's. none: the aligned crop."""
    weights: str | None = None
    """Of the generator: mini (the default of cfr-gan), rotate-and-render-mini or another NAME that
    was trained here, a FILE of this project, or published:FILE for the authors' own."""
    coefficients: Literal["fit", "regressor"] | None = None
    """How a generator's method finds the face model's coefficients: fitted to the points (the
    default), or by the regressor of assets/."""
    deocclude: bool = False
    """With cfr-gan: write each photo without what hides the face as well, in its own pose."""
    model: str = "builtin"
    """Face model: builtin, ict:DIR or bfm09:FILE."""
    yaw: float = 0.0
    """Degrees; positive turns the nose to the image's right."""
    pitch: float | None = None
    """Degrees; positive lowers it. By default 0; 5 with cfr-gan; with rotate-and-render each face's
    own, 0 where that is negative."""
    keep_pitch: bool = False
    """With a generator: each face keeps its own pitch."""
    landmarks: Literal["dlib", "dlib-hog", "insightface", "retinaface", "sidecar", "tddfa"] = "dlib"
    """What finds faces and their 68 points (docs/landmarks.md)."""
    landmarks_root: Path | None = None
    """Folder of its weights, or of the points' files; beats CFR_DATA, data.toml and data/NAME."""
    several: Literal["largest", "centre", "all", "error"] = "all"
    """Which of several faces."""
    missing: Literal["error", "skip"] = "error"
    """What to do about a photo without a face."""
    damaged: Literal["error", "skip"] = "error"
    """What to do about a photo that cannot be read."""
    size: int = 224
    """Pixels along each side of the pictures."""

    def __post_init__(self) -> None:
        """Refuse what is out of range, and what does not fit the method."""
        if not 32 <= self.size <= 1024:
            raise BadOption(f"--size {self.size}", "32 to 1024 pixels")
        pitch = self.pitch or 0.0
        if not (-90 <= self.yaw <= 90 and -90 <= pitch <= 90):
            raise BadOption(f"--yaw {self.yaw} --pitch {pitch}", "−90 to 90 degrees")
        for name, given in self._of_generators.items():
            fitting = _WITH_MASK if name == "deocclude" else _WITH_GENERATOR
            if given and self.method not in fitting:
                expected = " or ".join(f"--method {one}" for one in fitting)
                raise BadOption(f"--{name} with --method {self.method}", expected)
        if self.method == "none" and (self.yaw or self.pitch is not None):
            raise BadOption("--yaw, --pitch with --method none", "a method that turns faces")
        if self.keep_pitch and self.pitch is not None:
            raise BadOption("--pitch with --keep-pitch", "one of them")

    @property
    def _of_generators(self) -> dict[str, bool]:
        return {
            "weights": self.weights is not None,
            "coefficients": self.coefficients is not None,
            "deocclude": self.deocclude,
            "keep-pitch": self.keep_pitch,
        }


def load_method(config: Frontalize) -> "tuple[Method, str]":
    """What the options ask for, and in words what it works with.

    Raises:
        BadOption: There is no face model of this name.
        DatasetUnavailable: Weights or the face model's files are absent.
        BadInput: They are damaged.
    """
    from cfr.morphable.sources import load_model
    from results.frontalizing.methods import ByNothing, ByRender

    if config.method == "none":
        return ByNothing(config.size), "crops as the regressor sees them"
    model = load_model(config.model)
    if config.method in _WITH_GENERATOR:
        return _by_generator(config, model)
    from cfr.frontalizers.render import RenderFrontalizer

    yaw, pitch = math.radians(config.yaw), math.radians(config.pitch or 0.0)
    return ByRender(RenderFrontalizer(model, yaw, pitch, config.size)), str(model)


def _by_generator(config: Frontalize, model: "MorphableModel") -> "tuple[Method, str]":
    from cfr.frontalizers.cfr_gan import PITCH, CfrGanFrontalizer
    from cfr.frontalizers.rotate_and_render import RotateAndRenderFrontalizer
    from cfr.frontalizers.sources import ROTATE_AND_RENDER, title
    from cfr.gan.sources import DEFAULTS, load_painter
    from results.frontalizing.methods import ByGenerator

    baseline = config.method == ROTATE_AND_RENDER
    kind = "rotate-and-render" if baseline else "cfr-gan"
    weights, pitch = config.weights or DEFAULTS[kind], config.pitch
    common: dict[str, Any] = {
        "model": model,
        "painter": load_painter(weights, kind=kind),
        "yaw": math.radians(config.yaw),
        "keep_pitch": config.keep_pitch,
        "size": config.size,
        "source": _source(config, model),
    }
    asked = None if pitch is None else math.radians(pitch)
    ours = (
        RotateAndRenderFrontalizer(**common, pitch=asked)
        if baseline
        else CfrGanFrontalizer(**common, pitch=PITCH if asked is None else asked)
    )
    called = title(f"{kind}:{weights}").removeprefix(f"{kind}:")
    return ByGenerator(ours, called, config.deocclude), f"{model}; generator {called}"


def _source(config: Frontalize, model: "MorphableModel") -> "CoefficientSource":
    from cfr.frontalizers.coefficients import ByFit, load_regressor

    return load_regressor(model) if config.coefficients == "regressor" else ByFit()

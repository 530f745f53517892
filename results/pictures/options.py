"""The options of each figure; the dictionary that commands know them by."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from protocols.errors import BadOption

Data = Literal["real", "synthetic"]
Kind = Literal["plain", "turned", "occluded", "both"]
"""What faces a figure is about; of those that a user brings, nobody asks."""
MOST = 100
_SEEDS = 1_000


@dataclass(frozen=True)
class Pictures:
    """Which photos a figure shows, and where it goes."""

    figure: ClassVar[str] = ""
    kind: ClassVar[Kind] = "both"

    photos: tuple[Path, ...] = ()
    """Your own photos or folders of them; of many, some are taken, spread evenly over their order.
    Of several photos the largest face counts, of a single one every face."""
    data: Data | None = None
    """Without --photos: real, photos of the data roots that are there (else insightface's group
    photo), or synthetic, made-up people. By default real if there are such roots."""
    count: int = 3
    """Faces, at most."""
    out: Path | None = None
    """The folder to write to; artifacts/NAME by default."""
    landmarks: Literal["dlib", "dlib-hog", "insightface", "retinaface", "sidecar", "tddfa"] = "dlib"
    """What finds faces and their 68 points where they are not known (docs/landmarks.md)."""
    landmarks_root: Path | None = None
    """Folder of its weights, or of the points' files; beats CFR_DATA, data.toml and data/NAME."""
    seed: int = 0
    """Of the people and all that is drawn."""
    size: int = 224
    """Pixels along each side of a picture."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where networks and pictures are computed."""

    def __post_init__(self) -> None:
        """Refuse what nothing could be drawn with, before any file is read."""
        if not 1 <= self.count <= MOST:
            raise BadOption(f"--count {self.count}", f"1 to {MOST}")
        if not 0 <= self.seed < _SEEDS:
            raise BadOption(f"--seed {self.seed}", f"0 to {_SEEDS - 1}")
        if not 64 <= self.size <= 1024:
            raise BadOption(f"--size {self.size}", "64 to 1024 pixels")
        if self.photos and self.data == "synthetic":
            raise BadOption("--data synthetic with --photos", "one of them")


@dataclass(frozen=True)
class Painted(Pictures):
    """A figure of what CFR-GAN paints."""

    weights: str = "mini"
    """Of CFR-GAN: a NAME that was trained here, a FILE, or published:FILE."""


@dataclass(frozen=True)
class Fig1(Painted):
    """Fig. 1: occluded and turned faces, from the front and without what hides them."""

    figure: ClassVar[str] = "fig1"


@dataclass(frozen=True)
class Fig2(Pictures):
    """Fig. 2: the stages of Swap-R&R, from a photo to a pair to learn from."""

    figure: ClassVar[str] = "fig2"
    kind: ClassVar[Kind] = "occluded"


@dataclass(frozen=True)
class Fig5(Painted):
    """Fig. 5: rotation and de-occlusion at once, in several poses; de-occlusion alone."""

    figure: ClassVar[str] = "fig5"
    yaws: tuple[float, ...] = (-50.0, -25.0, 0.0, 25.0, 50.0)
    """Degrees that faces are turned to; positive turns the nose to the image's right."""

    def __post_init__(self) -> None:
        """Refuse poses that show no face, too."""
        super().__post_init__()
        if not self.yaws or not all(-90 <= one <= 90 for one in self.yaws):
            yaws = " ".join(f"{one:g}" for one in self.yaws)
            raise BadOption(f"--yaws {yaws}", "some angles from −90 to 90 degrees")


@dataclass(frozen=True)
class Compared(Painted):
    """A figure that compares methods."""

    count: int = 4
    """Faces, at most."""
    rotate_and_render: str | None = None
    """Weights of Rotate-and-Render; its own default otherwise."""


@dataclass(frozen=True)
class Fig6(Compared):
    """Fig. 6: methods compared on turned faces."""

    figure: ClassVar[str] = "fig6"
    kind: ClassVar[Kind] = "turned"


@dataclass(frozen=True)
class Fig7(Compared):
    """Fig. 7: methods compared on occluded faces."""

    figure: ClassVar[str] = "fig7"
    kind: ClassVar[Kind] = "occluded"


@dataclass(frozen=True)
class Fig8(Pictures):
    """Fig. 8: landmarks and fits by regressors, without and with hands in front of the faces."""

    figure: ClassVar[str] = "fig8"
    kind: ClassVar[Kind] = "plain"
    weights: tuple[str, ...] = ("baseline", "stage2")
    """Of regressors: the baseline and others, each baseline, stage1, stage2 or a FILE."""

    def __post_init__(self) -> None:
        """Refuse no regressor, or one twice."""
        super().__post_init__()
        if not self.weights or len(set(self.weights)) < len(self.weights):
            raise BadOption(f"--weights {' '.join(self.weights)}", "regressors, each once")


@dataclass(frozen=True)
class Fig9(Pictures):
    """Fig. 9: what is lost without a part of the method."""

    figure: ClassVar[str] = "fig9"
    kind: ClassVar[Kind] = "occluded"
    count: int = 4
    """Faces, at most."""
    weights: tuple[str, ...] = ()
    """Of CFR-GAN, ours last: NAMEs that were trained here or FILEs. By default the ablations that
    are there, and mini."""


FIGURES: Mapping[str, type[Pictures]] = {
    one.figure: one for one in (Fig1, Fig2, Fig5, Fig6, Fig7, Fig8, Fig9)
}
"""Name → options."""

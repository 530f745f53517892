"""The options of ``scripts/augment.py``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from protocols.errors import BadOption
from results.option_checks import require_least, require_share

if TYPE_CHECKING:
    from results.augmenting.versions import Poses

Method = Literal["cfr-gan", "rotate-and-render", "render"]
SetKind = Literal["auto", "records", "folders", "rafdb"]
_LARGEST_EACH = 100


@dataclass(frozen=True)
class Augment:
    """Add turned and de-occluded versions of each training picture, under the same label.

    A run that was killed goes on where it was, and ends with the same bytes.
    """

    dataset: Annotated[Path, tyro.conf.Positional]
    """A set of faces as RecordIO or one folder an identity, cut as for ArcFace; or RAF-DB."""
    out: Annotated[Path, tyro.conf.Positional]
    """The folder to write to: the pictures as they are, and their versions."""
    kind: SetKind = "auto"
    """What the set is; auto looks."""
    to: Literal["same", "records", "folders"] = "same"
    """What to write: as it was read, RecordIO (train.rec, train.idx, property), or folders."""
    method: Method = "cfr-gan"
    """cfr-gan or rotate-and-render: a fitted face model and a trained generator. render: the fitted
    face model with the picture's own colours, no network."""
    weights: str | None = None
    """Of the generator: mini (the default of cfr-gan), rotate-and-render-mini, another NAME that
    was trained here, a FILE of this project, or published:FILE."""
    coefficients: Literal["fit", "regressor"] | None = None
    """How a generator's method finds the face model's coefficients: fitted to the points (the
    default), or by the regressor of assets/."""
    model: str = "builtin"
    """Face model: builtin, ict:DIR or bfm09:FILE."""
    each: int = 1
    """Versions of a picture."""
    share: float = 1.0
    """Share of pictures that get them."""
    frontal: float = 0.5
    """Share of versions that are turned to the front."""
    deoccluded: float = 0.0
    """With cfr-gan: share of versions in the picture's own pose, without what hides the face."""
    yaw: tuple[float, float] = (-28.6, 28.6)
    """Degrees, from and to, that the yaw of all other versions is drawn from; positive turns the
    nose to the image's right."""
    yaws: tuple[float, ...] = ()
    """Degrees that it is chosen from instead."""
    pitch: tuple[float, float] | None = None
    """Degrees, from and to; positive lowers the nose. By default what the method does by itself: 5
    with cfr-gan, 0 with render, each face's own (0 if negative) with rotate-and-render."""
    pitches: tuple[float, ...] = ()
    """Degrees that it is chosen from instead."""
    alignment: Literal["auto", "arcface", "measured"] = "auto"
    """Where a version's eyes, nose and mouth are put: ArcFace's places, or where those of the set's
    pictures are (median). auto: ArcFace's, and for RAF-DB measured."""
    beside: Literal["black", "painted"] = "black"
    """What stands beside a turned face: nothing, or what the generator paints there, which means
    nothing unless its weights were trained to paint it."""
    missing: Literal["keep", "drop", "error"] = "keep"
    """A picture whose face is not found, or missed by the fit: it stays as it is without versions,
    is left out, or ends the run."""
    damaged: Literal["error", "drop"] = "error"
    """A picture that cannot be read ends the run, or is left out."""
    worst: float = 4.0
    """The fit misses a face if its points lie farther from it, in pixels of a 224 crop."""
    quality: int = 95
    """Of the versions' JPEG."""
    landmarks: Literal[
        "auto", "aligned", "dlib", "dlib-hog", "insightface", "retinaface", "sidecar", "tddfa"
    ] = "auto"
    """What finds faces and their 68 points (docs/landmarks.md). auto: tddfa where its weights are,
    else dlib. aligned: dlib's predictor at ArcFace's places; it finds a face in any picture."""
    landmarks_root: Path | None = None
    """Folder of its weights, or of the points' files; beats CFR_DATA, data.toml and data/NAME."""
    seed: int = 0
    """Of everything that is drawn."""
    jobs: int = 0
    """Processes; 0 for one a core. On a GPU this process does it all."""
    cluster: str | None = None
    """Address of a Dask scheduler to work on instead, such as tcp://10.0.0.5:8786."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where networks and pictures are computed; another one moves last bits."""
    cache: Path | None = None
    """Folder of the facial points that were found before; artifacts/cache by default."""

    def __post_init__(self) -> None:
        """Refuse what no run could use, before any file is read."""
        require_least(self, {"each": 1, "seed": 0, "jobs": 0})
        if self.each > _LARGEST_EACH:
            raise BadOption(f"--each {self.each}", f"at most {_LARGEST_EACH}")
        for name in ("share", "frontal", "deoccluded"):
            require_share(name, getattr(self, name))
        if self.share == 0:
            raise BadOption("--share 0", "more than 0: nothing would be added")
        if self.frontal + self.deoccluded > 1:
            told = f"--frontal {self.frontal:g} --deoccluded {self.deoccluded:g}"
            raise BadOption(told, "shares whose sum is at most 1")
        if not 1 <= self.quality <= 100:
            raise BadOption(f"--quality {self.quality}", "1 to 100")
        if not 0 < self.worst < float("inf"):
            raise BadOption(f"--worst {self.worst:g}", "a positive number of pixels")
        self._check_angles("yaw", self.yaw, self.yaws)
        self._check_angles("pitch", self.pitch or (0.0, 0.0), self.pitches)
        self._check_method()
        self._check_set()

    def _check_angles(
        self, name: str, limits: tuple[float, float], listed: tuple[float, ...]
    ) -> None:
        for told, angles in ((name, limits), (f"{name}{'e' * (name[-1] == 'h')}s", listed)):
            if not all(-90 <= angle <= 90 for angle in angles):
                typed = " ".join(f"{angle:g}" for angle in angles)
                raise BadOption(f"--{told} {typed}", "−90 to 90 degrees")
        if limits[0] > limits[1]:
            raise BadOption(f"--{name} {limits[0]:g} {limits[1]:g}", "the smaller angle first")

    def _check_method(self) -> None:
        if self.method == "render" and (self.weights is not None or self.coefficients is not None):
            raise BadOption("--weights, --coefficients with --method render", "none: no network")
        if self.deoccluded and self.method != "cfr-gan":
            told = f"--deoccluded {self.deoccluded:g} with --method {self.method}"
            raise BadOption(told, "--method cfr-gan, which knows what hides a face")

    def _check_set(self) -> None:
        if self.out.resolve().is_relative_to(self.dataset.expanduser().resolve()):
            raise BadOption(str(self.out), "a folder that is not within the data set")
        if self.kind == "rafdb" and self.to != "same":
            raise BadOption(f"--to {self.to} with --kind rafdb", "--to same: its own layout")
        if self.cluster is not None and self.device == "cuda":
            raise BadOption("--cluster with --device cuda", "one of them")

    @property
    def poses(self) -> "Poses":
        """What versions are drawn from."""
        from results.augmenting.versions import Poses

        return Poses(
            each=self.each,
            share=self.share,
            frontal=self.frontal,
            deoccluded=self.deoccluded,
            yaw=self.yaw,
            yaws=self.yaws,
            pitch=self.pitch,
            pitches=self.pitches,
        )

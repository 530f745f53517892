"""Table 4: landmark error on AFLW2000-3D by yaw, original and occluded (paper, section 4.4).

Of the paper's conventions none is stated in print; these reproduce its digits exactly: original
68 points, yaw bins of the ``new-pose`` file, and the square root of the landmark box's area as
the normaliser.
"""

import itertools
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Int64

from eval.nme import box_size, normalised_mean_error
from protocols.aflw2000 import HOW, Bins, Truth, load, load_folder, load_predictions
from protocols.errors import BadInput, BadOption
from protocols.roots import require_root
from protocols.types import InputFile, LandmarkProtocol
from recognizers.types import Device
from results.environment import current_environment
from results.export.work import Show
from results.paper import BASELINE, BASELINE_OCCLUDED, OURS, OURS_OCCLUDED, TABLES, paper_value
from results.record import RunRecord, World
from results.reproducing.profiles import Data, ProfileName
from results.tables.landmark_scores import FEWEST_IMAGES, PER_IMAGE, LandmarkScores
from results.tables.result import Result

__all__ = ["PER_IMAGE", "Table4", "compute"]

FEWEST_RESAMPLES = 100
Other = Literal["tddfa", "fit", "controls"]
Crop = Literal["truth", "detected"]
Detector = Literal["retinaface", "dlib", "dlib-hog"]
FitPoints = Literal["tddfa", "dlib"]
_RELEASED = {
    BASELINE: "released_predictions/AFLW2000_pts68_Y_deng.npy",
    OURS: "released_predictions/AFLW2000_pts68_ours.npy",
    BASELINE_OCCLUDED: "released_predictions/AFLW2000_pts68_Y_deng_occluded.npy",
    OURS_OCCLUDED: "released_predictions/AFLW2000_pts68_ours_occluded.npy",
}


@dataclass(frozen=True)
class Table4:
    """Table 4: landmark error (NME) on AFLW2000-3D by yaw bin, original and occluded photos.

    The options from --regressor on belong to --source models.
    """

    data: Data | None = None
    """real, or synthetic: people who do not exist, drawn here, and models at work on them. By
    default real if AFLW2000-3D is there."""
    profile: ProfileName | None = None
    """How many synthetic photos: tiny and mini 120, paper 2,000."""
    source: Literal["released", "models"] | None = None
    """Whose landmarks: those that the paper's authors released, or models' at work here. By default
    the released ones, and models' on made-up photos, of which nobody released any."""
    root: Path | None = None
    """Folder of AFLW2000-3D; beats CFR_DATA, data.toml and data/aflw2000."""
    bins: Bins = "new-pose"
    """Which published yaw file makes the bins; the paper used new-pose."""
    truth: Truth = "original"
    """Which ground-truth points; the paper used the original ones."""
    labels: Literal["npy", "mat"] = "npy"
    """Read the npy labels, or the official .mat files (original points, pose bins only)."""
    subset: Path | None = None
    """Score only the images that this file lists, one name a line."""
    resamples: int = 10_000
    """Bootstrap resamples behind each 95 % interval."""
    seed: int = 0
    """Seed of the bootstrap, and of the hands in front of the faces."""
    regressor: tuple[str, ...] = ()
    """Regressors as NAME=FILE, or NAME=KIND:FILE for published weights (deep3d, cfr-gan,
    deep3d-pytorch); by default baseline, stage1 and stage2 of assets/."""
    others: tuple[Other, ...] = ("tddfa", "fit", "controls")
    """What else: 3DDFA-V2, the fit without a network, the two controls."""
    crop: Crop = "truth"
    """What places a regressor's crop: five labelled points, as the authors did, or a detector."""
    detector: Detector = "retinaface"
    """Finds faces for --crop detected, and for 3DDFA-V2 and the fit in any case."""
    fit_points: FitPoints = "tddfa"
    """Whose 68 points are fitted; dlib's fail on turned faces."""
    model: str = "builtin"
    """Face model of the regressors, the fit and the controls, as draw_model.py knows it; published
    weights take bfm09 in any case."""
    device: Device = "cpu"
    """Where networks run."""
    cache: Path | None = None
    """Where predictions are kept; artifacts/cache by default."""
    world: World = "real"
    """What the photos are, for the record: synthetic for those of make_synthetic.py."""

    def __post_init__(self) -> None:
        """Refuse what no computation could use, before any file is read."""
        if self.resamples < FEWEST_RESAMPLES:
            raise BadOption(f"--resamples {self.resamples}", f"at least {FEWEST_RESAMPLES}")
        if self.seed < 0:
            raise BadOption(f"--seed {self.seed}", "a number that is not negative")
        if self.labels == "mat" and (self.truth, self.bins) != ("original", "pose"):
            raise BadOption(
                f"--labels mat --truth {self.truth} --bins {self.bins}",
                "--truth original --bins pose, because the .mat files hold nothing else",
            )
        if self.regressor and self.source != "models":
            raise BadOption(f"--regressor {self.regressor[0]}", "--source models beside it")
        for one in self.regressor:
            if not all(one.partition("=")):
                raise BadOption(f"--regressor {one}", "NAME=FILE, or NAME=KIND:FILE")
        names = [one.partition("=")[0] for one in self.regressor]
        if len(set(names)) < len(names):
            raise BadOption("--regressor", "another name for each regressor")


def compute(config: Table4, show: Show | None = None) -> Result:
    """Score the released landmarks, or those of models; the figures are cumulative error curves.

    Raises:
        DatasetUnavailable: Labels, predictions or photos are absent.
        BadInput: They are not what they have to be.
    """
    if config.source == "models":
        from results.tables.table4_models import compute_models

        return compute_models(config, show)
    started = time.perf_counter()
    root = require_root("aflw2000", "AFLW2000-3D", HOW, config.root)
    protocol = read_protocol(root, config)
    normaliser = box_size(protocol.landmarks)
    errors = {
        row: normalised_mean_error(
            load_predictions(root / file, protocol), protocol.landmarks, normaliser
        )
        for row, file in _RELEASED.items()
    }
    bin_of = bins_of(protocol, config.subset or root)
    scores = LandmarkScores(errors, bin_of, tuple(protocol.subsets), config.resamples, config.seed)
    inputs = (*protocol.inputs, *(InputFile.of(root / file) for file in _RELEASED.values()))
    record = RunRecord(
        table="table4",
        title=TABLES["table4"].title,
        rule=f"{rule_of(protocol)}; landmarks released by the authors",
        columns=scores.columns,
        rows=tuple(errors),
        cells=tuple(scores.cells(_printed)),
        comparisons=tuple(scores.compare(itertools.combinations(errors, 2))),
        notes=_notes(protocol, config, with_intervals=scores.samples is not None),
        config=plain(config),
        inputs={below(root, file.path): file.sha256 for file in inputs},
        seed=config.seed,
        seconds=time.perf_counter() - started,
        environment=current_environment(),
        status="complete" if protocol.complete else f"a subset of {len(protocol.images)} images",
    )
    return Result(record, tuple(scores.figures()))


def _printed(row: str, column: str) -> float | None:
    paper = paper_value("table4", row, column)
    return paper.value if paper else None


def read_protocol(root: Path, config: Table4) -> LandmarkProtocol:
    """The labels that the options ask for; errors as of their loaders."""
    if config.labels == "mat":
        return load_folder(root, subset=config.subset)
    return load(root, truth=config.truth, bins=config.bins, subset=config.subset)


def bins_of(protocol: LandmarkProtocol, chosen_by: Path) -> Int64[np.ndarray, " n"]:
    """Each image's bin.

    Args:
        protocol: Images and bins.
        chosen_by: The list or folder that decides which images there are, for the message.

    Raises:
        BadInput: A bin is empty.
    """
    bin_of = np.zeros(len(protocol.images), dtype=np.int64)
    for index, (name, positions) in enumerate(protocol.subsets.items()):
        if not len(positions):
            raise BadInput(chosen_by, "", f"images in every yaw bin ({name} too)", "none there")
        bin_of[positions] = index
    return bin_of


def rule_of(protocol: LandmarkProtocol) -> str:
    """Labels, bins and normaliser in words."""
    return f"{protocol.rule}; normaliser √(width · height) of the ground-truth landmark box"


def _notes(protocol: LandmarkProtocol, config: Table4, *, with_intervals: bool) -> tuple[str, ...]:
    notes = [*label_notes(protocol), interval_note(config, with_intervals=with_intervals)]
    if (config.truth, config.bins) != ("original", "new-pose"):
        notes.append("The paper used --truth original --bins new-pose: its numbers are not these.")
    if not protocol.complete:
        notes.append(
            f"Only {len(protocol.images):,} of the 2,000 images were scored, those that "
            f"{config.subset.name if config.subset else 'its list'} names: the paper's numbers are "
            f"for all."
        )
    return tuple(notes)


def label_notes(protocol: LandmarkProtocol) -> tuple[str, ...]:
    """What a reader has to know of the columns."""
    beyond = int((np.abs(protocol.yaw_degrees) > 90).sum())
    return (
        TABLES["table4"].note + f" {beyond} of these images have |yaw| above 90°, as published.",
        f"'{PER_IMAGE}' weighs every image alike and is not in the paper.",
    )


def interval_note(config: Table4, *, with_intervals: bool) -> str:
    """What the intervals are, or why there are none."""
    if not with_intervals:
        return f"No intervals: a yaw bin holds fewer than {FEWEST_IMAGES} images."
    return (
        f"Intervals: bootstrap over images within each bin, {config.resamples:,} resamples, "
        f"seed {config.seed}, percentiles. Differences resample the same images for both rows; "
        f"'real' means that the 95 % interval excludes 0, without correction for the number of "
        f"pairs."
    )


def plain(config: Table4) -> dict[str, str | int]:
    """The configuration without paths of this machine."""
    return {
        "source": config.source or "released",
        "bins": config.bins,
        "truth": config.truth,
        "labels": config.labels,
        "subset": config.subset.name if config.subset else "",
        "resamples": config.resamples,
        "seed": config.seed,
    }


def below(root: Path, path: Path) -> str:
    """A path as the record names it: below the root, or the file's name."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else path.name

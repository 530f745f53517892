"""Table 4: landmark error on AFLW2000-3D by yaw, original and occluded (paper, section 4.4).

Of the paper's conventions none is stated in print; these reproduce its digits exactly: original
68 points, yaw bins of the ``new-pose`` file, and the square root of the landmark box's area as
the normaliser.
"""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float64, Int64

from eval.intervals import bootstrap_means, percentile_interval
from eval.nme import box_size, normalised_mean_error, summarise_bins
from protocols.aflw2000 import HOW, Bins, Truth, load, load_folder, load_predictions
from protocols.errors import BadInput, BadOption
from protocols.roots import require_root
from protocols.types import InputFile, LandmarkProtocol
from results.environment import current_environment
from results.paper import BASELINE, BASELINE_OCCLUDED, OURS, OURS_OCCLUDED, TABLES, paper_value
from results.record import Cell, Comparison, RunRecord
from results.tables.result import Result, TableFigure

PER_IMAGE = "Per-image mean"
_DERIVED = ("Mean", "Std", PER_IMAGE)
# With fewer images in a bin an interval would say more about luck than about the method.
FEWEST_IMAGES = 10
FEWEST_RESAMPLES = 100
_RELEASED = {
    BASELINE: "released_predictions/AFLW2000_pts68_Y_deng.npy",
    OURS: "released_predictions/AFLW2000_pts68_ours.npy",
    BASELINE_OCCLUDED: "released_predictions/AFLW2000_pts68_Y_deng_occluded.npy",
    OURS_OCCLUDED: "released_predictions/AFLW2000_pts68_ours_occluded.npy",
}


@dataclass(frozen=True)
class Table4:
    """Table 4: landmark error (NME) on AFLW2000-3D by yaw bin, original and occluded photos."""

    source: Literal["released"] = "released"
    """Whose landmarks: those that the paper's authors released."""
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
    """Seed of the bootstrap."""

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


def compute(config: Table4) -> Result:
    """Score the released landmarks; the figures are their cumulative error curves.

    Raises:
        DatasetUnavailable: Labels or predictions are absent.
        BadInput: They are not what they have to be.
    """
    started = time.perf_counter()
    root = require_root("aflw2000", "AFLW2000-3D", HOW, config.root)
    protocol = _protocol(root, config)
    names, bin_of = _bins(protocol, config)
    normaliser = box_size(protocol.landmarks)
    errors = {
        row: normalised_mean_error(
            load_predictions(root / file, protocol), protocol.landmarks, normaliser
        )
        for row, file in _RELEASED.items()
    }
    columns = (*names, *_DERIVED)
    values = {row: _values(of_row, bin_of) for row, of_row in errors.items()}
    counts = np.bincount(bin_of).tolist()
    sizes = [*counts, *[len(bin_of)] * len(_DERIVED)]
    samples = None
    if min(counts) >= FEWEST_IMAGES:
        samples = _resample(np.stack(list(errors.values())), bin_of, config)
    inputs = (*protocol.inputs, *(InputFile.of(root / file) for file in _RELEASED.values()))
    record = RunRecord(
        table="table4",
        title=TABLES["table4"].title,
        rule=f"{protocol.rule}; normaliser √(width · height) of the ground-truth landmark box; "
        f"landmarks released by the authors",
        columns=columns,
        rows=tuple(errors),
        cells=tuple(_cells(values, columns, sizes, samples)),
        comparisons=tuple(_comparisons(values, columns, samples)),
        notes=_notes(protocol, config, with_intervals=samples is not None),
        config=_plain(config),
        inputs={_below(root, file.path): file.sha256 for file in inputs},
        seed=config.seed,
        seconds=time.perf_counter() - started,
        environment=current_environment(),
        status="complete" if protocol.complete else f"a subset of {len(protocol.images)} images",
    )
    return Result(record, tuple(_figures(errors, bin_of, names)))


def _figures(
    errors: dict[str, Float64[np.ndarray, " n"]],
    bin_of: Int64[np.ndarray, " n"],
    bin_names: tuple[str, ...],
) -> Iterator[TableFigure]:
    """The curves of every row by yaw bin, and all rows in one figure."""
    from results.figures.cumulative import draw_cumulative

    for row, of_row in errors.items():
        bins = {f"|yaw| {name}°": of_row[bin_of == index] for index, name in enumerate(bin_names)}
        yield TableFigure(row, partial(draw_cumulative, row, {"all images": of_row} | bins))
    title = f"AFLW2000-3D, {len(bin_of):,} images"
    yield TableFigure(None, partial(draw_cumulative, title, errors))


def _protocol(root: Path, config: Table4) -> LandmarkProtocol:
    if config.labels == "mat":
        return load_folder(root, subset=config.subset)
    return load(root, truth=config.truth, bins=config.bins, subset=config.subset)


def _bins(
    protocol: LandmarkProtocol, config: Table4
) -> tuple[tuple[str, ...], Int64[np.ndarray, " n"]]:
    """The bins' names, and each image's bin."""
    bin_of = np.zeros(len(protocol.images), dtype=np.int64)
    for index, (name, positions) in enumerate(protocol.subsets.items()):
        if not len(positions) and config.subset is not None:
            raise BadInput(config.subset, "", f"images in every yaw bin ({name} too)", "none there")
        bin_of[positions] = index
    return tuple(protocol.subsets), bin_of


def _resample(
    errors: Float64[np.ndarray, "rows n"], bin_of: Int64[np.ndarray, " n"], config: Table4
) -> Float64[np.ndarray, "rows columns resamples"]:
    """Every column of every row under the bootstrap; one resample is the same for all rows."""
    rng = np.random.default_rng(config.seed)
    bins = bootstrap_means(errors, bin_of, resamples=config.resamples, rng=rng)
    sizes = np.bincount(bin_of)
    derived = (bins.mean(axis=2), bins.std(axis=2), bins @ (sizes / sizes.sum()))
    return np.concatenate([bins, np.stack(derived, axis=2)], axis=2).transpose(1, 2, 0)


def _values(errors: Float64[np.ndarray, " n"], bin_of: Int64[np.ndarray, " n"]) -> list[float]:
    summary = summarise_bins(errors, bin_of)
    return [*summary.bins.tolist(), summary.mean, summary.std, summary.per_image]


def _cells(
    values: dict[str, list[float]],
    columns: tuple[str, ...],
    sizes: list[int],
    samples: Float64[np.ndarray, "rows columns resamples"] | None,
) -> Iterator[Cell]:
    for row, name in enumerate(values):
        for column, title in enumerate(columns):
            paper = paper_value("table4", name, title)
            yield Cell(
                row=name,
                column=title,
                value=values[name][column],
                origin="measured on real data",
                n=sizes[column],
                interval=None if samples is None else percentile_interval(samples[row, column]),
                paper=paper.value if paper else None,
            )


def _comparisons(
    values: dict[str, list[float]],
    columns: tuple[str, ...],
    samples: Float64[np.ndarray, "rows columns resamples"] | None,
) -> Iterator[Comparison]:
    for (a, left), (b, right) in itertools.combinations(enumerate(values), 2):
        for column, title in enumerate(columns):
            interval = real = None
            if samples is not None:
                interval = percentile_interval(samples[a, column] - samples[b, column])
                real = interval.excludes(0.0)
            difference = values[left][column] - values[right][column]
            yield Comparison(left, right, title, difference, interval, real)


def _notes(protocol: LandmarkProtocol, config: Table4, *, with_intervals: bool) -> tuple[str, ...]:
    beyond = int((np.abs(protocol.yaw_degrees) > 90).sum())
    notes = [
        TABLES["table4"].note + f" {beyond} of these images have |yaw| above 90°, as published.",
        f"'{PER_IMAGE}' weighs every image alike and is not in the paper.",
    ]
    if with_intervals:
        notes.append(
            f"Intervals: bootstrap over images within each bin, {config.resamples:,} resamples, "
            f"seed {config.seed}, percentiles. Differences resample the same images for both rows; "
            f"'real' means that the 95 % interval excludes 0, without correction for the number of "
            f"pairs."
        )
    else:
        notes.append(f"No intervals: a yaw bin holds fewer than {FEWEST_IMAGES} images.")
    if (config.truth, config.bins) != ("original", "new-pose"):
        notes.append("The paper used --truth original --bins new-pose: its numbers are not these.")
    if not protocol.complete:
        notes.append(
            f"Only {len(protocol.images):,} of the 2,000 images were scored, those that "
            f"{config.subset} lists: the paper's numbers are for all."
        )
    return tuple(notes)


def _plain(config: Table4) -> dict[str, str | int]:
    """The configuration without paths of this machine."""
    return {
        "source": config.source,
        "bins": config.bins,
        "truth": config.truth,
        "labels": config.labels,
        "subset": config.subset.name if config.subset else "",
        "resamples": config.resamples,
        "seed": config.seed,
    }


def _below(root: Path, path: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else path.name

"""Table 4 from models at work: regressors, 3DDFA-V2, the fit and two controls, on the photos.

Each sees the photos as they are and with recorded hands in front of the faces. What a method
answered is kept by the content of what it saw, its weights and its code, so that a killed run goes
on where it was.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64

from cfr.landmarks.sources import load_landmarker, weight_files
from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from eval.nme import box_size, normalised_mean_error
from protocols.aflw2000 import HOW, image_folder, load
from protocols.errors import BadOption, DataError, DatasetUnavailable, PackageUnavailable
from protocols.roots import artifacts_folder, require_root
from protocols.types import InputFile, LandmarkProtocol
from results.console import bars_of
from results.environment import current_environment
from results.export.ground import torch_device
from results.export.work import Show
from results.paper import TABLES
from results.record import MEASURED, Cell, RunRecord, World
from results.tables import table4
from results.tables.landmark_scores import LandmarkScores
from results.tables.result import Result, TableFigure
from results.tables.table4_crops import FaceFinder
from results.tables.table4_loading import (
    chosen_regressors,
    load_methods,
    published_names,
    row_names,
)
from results.tables.table4_methods import (
    FITTED_TO_FIVE,
    IN_CROP,
    TDDFA,
    TDDFA_TO_FIVE,
    Method,
    OfTddfa,
    mean_fitted,
)
from results.tables.table4_photos import CONDITIONS, LabelledPhotos, at_hand, write_draws
from results.tables.table4_running import Predicted, finder_cache, predict
from results.tables.table4_words import (
    conditions_of,
    crop_rule,
    differences,
    notes,
    plain,
    printed,
    row_of,
    rows_of,
    told_names,
)

if TYPE_CHECKING:  # matplotlib is imported when something is drawn
    from matplotlib.figure import Figure

_OF_EACH_BIN = 2  # photos in the figure
_HANDS = "table4-hands"
_WHOSE: Mapping[World, str] = {
    "real": "Not to be passed on: the photos are licensed.",
    "synthetic": "Nobody is shown: these people do not exist.",
}


@dataclass(frozen=True, eq=False)
class _Run:
    """What was asked for, loaded, and answered.

    Attributes:
        config: The options.
        root: AFLW2000-3D's folder.
        protocol: The images that are there, with the labels that score.
        photos: The photos, with the labels that place hands and crops.
        model: The face model.
        finder: The detector, if one was needed and is there.
        methods: What could be loaded.
        reasons: Row → why it could not.
        predicted: The methods' answers.
    """

    config: table4.Table4
    root: Path
    protocol: LandmarkProtocol
    photos: LabelledPhotos
    model: MorphableModel
    finder: FaceFinder | None
    methods: Sequence[Method]
    reasons: Mapping[str, str]
    predicted: Predicted

    @property
    def names(self) -> tuple[str, ...]:
        """The table's methods and controls, in order."""
        return (*row_names(self.config), *told_names(self.config))

    @property
    def measured(self) -> list[str]:
        """Those of them that could be computed."""
        return [name for name in self.names if name not in self.reasons]

    @property
    def compared(self) -> list[str]:
        """The measured methods, without controls."""
        return [one.name for one in self.methods if one.name != IN_CROP]

    @property
    def regressors(self) -> list[str]:
        """The measured regressors."""
        chosen = chosen_regressors(self.config)
        return [name for name in self.compared if name in chosen]


def compute_models(config: table4.Table4, show: Show | None = None) -> Result:
    """Place the points of all photos that are there by every method, and score them.

    Raises:
        DatasetUnavailable: Labels, photos or the face model are absent; or the detector, where it
            places the crops.
        BadInput: Labels, a photo or weights are broken, or a yaw bin is empty.
    """
    started = time.perf_counter()
    run = _run(config, show)
    protocol = run.protocol
    bin_of = table4.bins_of(protocol, config.subset or run.photos.folder)
    scores = LandmarkScores(
        _errors(run),
        bin_of,
        tuple(protocol.subsets),
        config.resamples,
        config.seed,
        MEASURED[config.world],
    )
    drawn, digest = write_draws(artifacts_folder() / _HANDS, run.predicted.draws)
    record = RunRecord(
        table="table4",
        title=TABLES["table4"].title,
        rule=f"{table4.rule_of(protocol)}; {crop_rule(config)}",
        columns=scores.columns,
        rows=tuple(row for name in run.names for row in rows_of(name)),
        cells=tuple(_cells(run, scores)),
        comparisons=tuple(differences(scores, run.compared, run.regressors)),
        notes=tuple(notes(config, protocol, scores, run.predicted, run.regressors)),
        config=plain(config, chosen_regressors(config)),
        inputs=_inputs(run) | {f"{_HANDS}/{drawn.name}": digest},
        seed=config.seed,
        seconds=time.perf_counter() - started,
        environment=current_environment(device=torch_device(config.device)),
        weights=_weights(run),
        status=_status(run),
    )
    return Result(record, tuple(_figures(run, scores)))


def _run(config: table4.Table4, show: Show | None) -> _Run:
    """Load what was asked for, and let it answer."""
    _check_names(config)
    root = require_root("aflw2000", "AFLW2000-3D", HOW, config.root)
    folder = image_folder(root)
    listed = config.subset is not None
    protocol = at_hand(table4.read_protocol(root, config), folder, listed=listed)
    table4.bins_of(protocol, config.subset or folder)  # an empty bin is told before the work
    placing = protocol.landmarks
    if config.truth != "original":
        original = load(root, bins=config.bins, subset=config.subset)
        placing = at_hand(original, folder, listed=listed).landmarks
    photos = LabelledPhotos(folder, protocol.images, placing, config.seed)
    device = torch_device(config.device)
    model = load_model(config.model).to(device)
    cache = config.cache or artifacts_folder() / "cache"
    finder, absent = _finder(config, device, cache)
    methods, reasons = load_methods(config, model, absent)
    if TDDFA_TO_FIVE in told_names(config) and TDDFA in reasons:
        reasons[TDDFA_TO_FIVE] = reasons[TDDFA]
    detected = config.crop == "detected"
    with bars_of(show) as bars:
        predicted = predict(photos, methods, finder, cache, bars, detected=detected)
    return _Run(config, root, protocol, photos, model, finder, methods, reasons, predicted)


def _check_names(config: table4.Table4) -> None:
    """Refuse a regressor's name that another row has."""
    names = (*row_names(config), FITTED_TO_FIVE, TDDFA_TO_FIVE)
    rows = [row for name in names for row in rows_of(name)]
    for name in chosen_regressors(config):
        if any(rows.count(row) > 1 for row in rows_of(name)):
            raise BadOption(f"--regressor {name}=…", "a name that no other row has")


def _finder(
    config: table4.Table4, device: str, cache: Path
) -> tuple[FaceFinder | None, DataError | None]:
    """The detector, if anything needs one; or why there is none."""
    if config.crop == "truth" and not {"tddfa", "fit"} & set(config.others):
        return None, None
    try:
        landmarker = load_landmarker(config.detector, device=device)
        files = weight_files(config.detector)
    except (DatasetUnavailable, PackageUnavailable) as error:
        if config.crop == "detected":
            raise
        return None, error
    return FaceFinder(landmarker, finder_cache(config.detector, files, device, cache)), None


def _errors(run: _Run) -> dict[str, Float64[np.ndarray, " n"]]:
    """Each measured row's errors of the images, in percent, in the table's order."""
    truth = run.protocol.landmarks
    size = box_size(truth)
    told = _told(run)
    errors = {}
    for name in run.measured:
        for condition in conditions_of(name):
            points = told[name] if name in told else run.predicted.points[condition][name]
            errors[row_of(name, condition)] = normalised_mean_error(points, truth, size)
    return errors


def _told(run: _Run) -> dict[str, Float64[np.ndarray, "n 68 2"]]:
    """The points of the controls that are told five labelled points."""
    model = run.model
    means = {FITTED_TO_FIVE: model.mean_shape[model.landmarks].double().cpu().numpy()}
    for one in run.methods:
        if isinstance(one, OfTddfa):
            means[TDDFA_TO_FIVE] = one.mean
    return {name: mean_fitted(mean, run.photos.points) for name, mean in means.items()}


def _cells(run: _Run, scores: LandmarkScores) -> Iterator[Cell]:
    values = printed(run.config, run.protocol, published_names(run.config))
    yield from scores.cells(lambda row, column: values.get((row, column)))
    for name, reason in run.reasons.items():
        for row in rows_of(name):
            for column in scores.columns:
                yield Cell(row, column, None, "unavailable", reason=reason)


def _inputs(run: _Run) -> dict[str, str]:
    """Digests of the labels; thousands of photos have one together."""
    content = hashlib.sha256()
    for index, name in enumerate(run.photos.images):
        content.update(f"{InputFile.of(run.photos.path(index)).sha256}  {name}.jpg\n".encode())
    files = {table4.below(run.root, one.path): one.sha256 for one in run.protocol.inputs}
    if run.config.labels == "mat":
        files = {"AFLW2000-3D (points and subset)": run.protocol.digest}
    return files | {"photos": content.hexdigest(), "face model": run.model.digest}


def _weights(run: _Run) -> dict[str, str]:
    """Digests of all weight files, by row and file."""
    found = {
        f"{one.name}: {file.name}": InputFile.of(file).sha256
        for one in run.methods
        for file in one.files
    }
    if run.finder is None:
        return found
    name = run.config.detector
    return found | {
        f"{name}: {file.name}": InputFile.of(file).sha256 for file in weight_files(name)
    }


def _status(run: _Run) -> str:
    missing = []
    if not run.protocol.complete:
        missing.append(f"{len(run.protocol.images):,} of the 2,000 images")
    if run.reasons:
        missing.append(f"without {', '.join(run.reasons)}")
    return "; ".join(missing) or "complete"


def _figures(run: _Run, scores: LandmarkScores) -> Iterator[TableFigure]:
    """Cumulative curves, and points on photos."""
    together = {
        f"{condition} photos": [
            row_of(name, condition) for name in run.measured if condition in conditions_of(name)
        ]
        for condition in CONDITIONS
    }
    if run.measured:
        yield from scores.figures(together)
    if run.compared:
        yield TableFigure(None, partial(_draw_photos, run), "points on photos")


def _draw_photos(run: _Run) -> "Figure":
    """Fig. 8's layout: the regressors, or what else was measured, on photos with hands."""
    from results.figures.landmarks import LandmarkRow, draw_landmarks, evenly_chosen

    shown = run.regressors or run.compared
    points = run.predicted.points["occluded"]
    chosen = [
        row
        for positions in run.protocol.subsets.values()
        for row in evenly_chosen(positions, _OF_EACH_BIN)
    ]
    rows = [
        LandmarkRow(
            name=f"{run.photos.images[row]}.jpg",
            photo=run.photos.show(row, "occluded"),
            truth=run.protocol.landmarks[row],
            points={name: points[name][row] for name in shown},
        )
        for row in chosen
    ]
    caption = (
        f"AFLW2000-3D, {_OF_EACH_BIN} photos of each yaw bin, spread evenly over the bin in the "
        f"order of the data set's list, whoever does well on them: "
        f"{', '.join(row.name for row in rows)}. {_WHOSE[run.config.world]}"
    )
    return draw_landmarks("Landmarks on photos with hands", rows, caption)

"""The rows that Table 4 was asked for, loaded; what cannot be loaded says why."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from cfr.coefficients import WrongFaceModel
from cfr.fit import FitSettings
from cfr.landmarks import tddfa, with_dlib
from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from protocols.errors import DataError, DatasetUnavailable, PackageUnavailable
from protocols.roots import project_root, require_root
from results.export.ground import torch_device
from results.tables.table4_methods import (
    IN_CROP,
    TDDFA,
    MeanInCrop,
    Method,
    OfDlib,
    OfFit,
    OfRegressor,
    OfTddfa,
)

if TYPE_CHECKING:
    from results.tables.table4 import Table4

STAGES = ("baseline", "stage1", "stage2")
"""The regressors of the project, in the order of their training."""
_ABSENT = (DatasetUnavailable, PackageUnavailable, WrongFaceModel)


def load_methods(
    config: "Table4", model: MorphableModel, no_detector: DataError | None
) -> tuple[list[Method], dict[str, str]]:
    """Load every row's method.

    Args:
        config: The options.
        model: Their face model.
        no_detector: Why there is no detector, if there is none.

    Returns:
        The methods in the table's order, and the reason of each row that cannot be computed.

    Raises:
        BadInput: A weight file is damaged.
        BadOption: Published weights of an unknown kind, or a device that is not there.
    """
    methods: list[Method] = []
    reasons: dict[str, str] = {}
    for name, load in _rows(config, model, no_detector):
        try:
            methods.append(load())
        except _ABSENT as error:
            reasons[name] = str(error)
    return methods, reasons


def row_names(config: "Table4") -> tuple[str, ...]:
    """The rows' names in the table's order, without the controls that need labels."""
    names = list(chosen_regressors(config))
    if "tddfa" in config.others:
        names.append(TDDFA)
    if "fit" in config.others:
        names.append(_fit_name(config))
    return (*names, IN_CROP) if "controls" in config.others else tuple(names)


def published_names(config: "Table4") -> tuple[str, ...]:
    """The rows that are published weights."""
    return tuple(name for name, file in chosen_regressors(config).items() if _split(file)[0])


def chosen_regressors(config: "Table4") -> dict[str, str]:
    """Name and file of each regressor, as typed."""
    if not config.regressor:
        return {name: str(regressor_file(name)) for name in STAGES}
    return {one.partition("=")[0]: one.partition("=")[2] for one in config.regressor}


def regressor_files(config: "Table4") -> tuple[Path, ...]:
    """The files of the chosen regressors; they need not be there."""
    return tuple(_split(file)[1] for file in chosen_regressors(config).values())


def _rows(
    config: "Table4", model: MorphableModel, no_detector: DataError | None
) -> Iterator[tuple[str, Callable[[], Method]]]:
    """Each row's name, and what loads it."""
    device = torch_device(config.device)

    def of_tddfa() -> OfTddfa:
        _require_detector(no_detector)
        folder = require_root("tddfa", tddfa.TITLE, tddfa.HOW)
        files = tuple(
            folder / one for one in (tddfa.NETWORK_FILE, tddfa.STATISTICS_FILE, *tddfa.BASIS_FILES)
        )
        return OfTddfa(tddfa.load_regressor(folder, device), files)

    def of_fit() -> OfFit:
        name = _fit_name(config)
        if config.fit_points == "dlib":
            _require_detector(no_detector)
            file = with_dlib.weights(with_dlib.PREDICTOR_FILE)
            place, files = OfDlib(with_dlib.load_predictor()).place, (file,)
            settings, source = FitSettings(contour="sliding"), {"points": "dlib"}
        else:
            points = tddfa_once()
            place, files, source = points.place, points.files, {"points": TDDFA}
            settings = FitSettings()
        identity = {"method": "fit", "face model": model.digest, "device": device, **source}
        return OfFit(model, place, name, identity, files, settings)

    tddfa_once = lru_cache(of_tddfa)
    loaders: dict[str, Callable[[], Method]] = {
        TDDFA: tddfa_once,
        _fit_name(config): of_fit,
        IN_CROP: lambda: MeanInCrop(model),
    }
    regressors = chosen_regressors(config)
    for name in row_names(config):
        if name in regressors:
            yield name, lambda name=name: _regressor(name, regressors[name], model, device)
        else:
            yield name, loaders[name]


def _regressor(name: str, file: str, model: MorphableModel, device: str) -> OfRegressor:
    from cfr.regressor.published import FACE_MODEL, load_published
    from cfr.regressor.weights import load

    kind, path = _split(file)
    if kind:
        theirs = model if model.name == FACE_MODEL else load_model(FACE_MODEL).to(device)
        return OfRegressor(name, load_published(path, theirs, kind).to(device), theirs, (path,))
    if not path.is_file() and path == regressor_file(name):
        how = f"It is trained by: python scripts/train_regressor.py {name}."
        raise DatasetUnavailable(f"the regressor {name}", path, how)
    return OfRegressor(name, load(path, model.layout()).to(device), model, (path,))


def _split(file: str) -> tuple[str, Path]:
    """The kind of published weights, empty for the project's own; and the file."""
    from cfr.regressor.published import KINDS

    kind, colon, path = file.partition(":")
    if colon and kind in KINDS:
        return kind, Path(path).expanduser()
    return "", Path(file).expanduser()


def regressor_file(name: str) -> Path:
    """Where a regressor of the project lies: one of :data:`STAGES`."""
    return project_root() / "assets" / f"regressor-{name}.safetensors"


def _fit_name(config: "Table4") -> str:
    return f"fit of {TDDFA if config.fit_points == 'tddfa' else 'dlib'}'s points"


def _require_detector(no_detector: DataError | None) -> None:
    if no_detector is not None:
        raise no_detector

"""From a table's name to its numbers: what it is made from is made first, and nothing twice."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from cfr.frontalizers.sources import weight_file
from cfr.landmarks.sources import SOURCES, weight_files
from cfr.morphable.builtin import FILE as FACE_MODEL
from protocols.errors import BadOption, DatasetUnavailable, PackageUnavailable
from protocols.roots import artifacts_folder
from results.export.work import Show
from results.paper import BASELINE, OURS
from results.publish import ROW_FIGURES, publish, publish_again, write
from results.reproducing.experiment import ROWS, Experiment, lacking_roots
from results.reproducing.profiles import Data, ProfileName
from results.reproducing.stages import Site, Stage
from results.reproducing.workshop import Workshop
from results.tables import table1, table2, table3, table4_words
from results.tables.places import Places
from results.tables.result import Result
from results.tables.rows import Options
from results.tables.table4 import Table4
from results.tables.table4 import compute as compute_table4
from results.tables.table4_loading import chosen_regressors, regressor_file, regressor_files
from results.tables.verified import Verified

Table = Literal["table1", "table2", "table3", "table4"]
TABLES: tuple[Table, ...] = ("table1", "table2", "table3", "table4")
_COMPUTING: dict[str, Callable[[Any, Places, Show | None], Result]] = {
    "table1": table1.compute,
    "table2": table2.compute,
    "table3": table3.compute,
}
_DEFAULTS: dict[str, Callable[[], Options]] = {
    "table1": table1.Table1,
    "table2": table2.Table2,
    "table3": table3.Table3,
}
_FILES, _TRACKED = "files", ".tracked"
_PACKAGES = ("numpy", "onnxruntime", "opencv-python", "pandas", "scikit-learn", "scipy", "torch")
_SECONDS = {"table1": 60.0, "table2": 300.0, "table3": 10.0, "table4": 20.0}


@dataclass(frozen=True)
class Wanted:
    """A table, and how it is to be measured.

    Attributes:
        table: Its name.
        options: Its options; None for the defaults.
    """

    table: Table
    options: Any = None


def choose(
    tables: Sequence[Table], data: Data | None, profile: ProfileName | None
) -> tuple[Experiment, str]:
    """What tables are measured on: what was asked for, else what is there.

    Returns:
        It, and a sentence that says so.
    """
    lacking = list(dict.fromkeys(name for one in tables for name in lacking_roots(one)))
    why = "as asked for"
    if data is None:
        data = "synthetic" if lacking else "real"
        why = "since the roots are there"
        if lacking:
            why = f"since there is no root here of {', '.join(lacking)}"
    experiment = Experiment(data, profile or ("tiny" if data == "synthetic" else "paper"))
    return experiment, f"{experiment.sentence} Data {why}."


def reproduce(
    wanted: Sequence[Wanted], experiment: Experiment, console: Console, *, jobs: int = 0
) -> list[Path]:
    """Make what tables need, measure them, print, write and track them.

    Args:
        wanted: The tables.
        experiment: On what, and how large.
        console: Where everything is told.
        jobs: Processes; 0 for one a core.

    Returns:
        The folder of each table's files; of several tables, one whose real data are absent is told
        and left out.

    Raises:
        DataError: Something is absent, broken or in use; what was finished stays.
    """
    base = artifacts_folder() / "reproduce"
    for one in wanted:
        _options(one, experiment, base, jobs)  # what cannot be is refused before anything is made
    shop = Workshop(base, jobs, console)
    shop.make([stage for one in wanted for stage in _needs(experiment, one.table)])
    folders = []
    for one in wanted:
        if experiment.data == "real":
            try:
                result = _compute(one, experiment, base, jobs)
            except DatasetUnavailable as error:
                if len(wanted) == 1:
                    raise
                console.print(f"{one.table} was not measured: {error}", highlight=False)
                continue
            folders.append(publish(result, console))
            continue
        stage = table_stage(one, experiment, base)
        shop.make([stage])
        tracked = stage.folder(base) / _TRACKED
        files = stage.folder(base) / _FILES
        folders.append(publish_again(files, console, track_it=not tracked.exists()))
        tracked.touch()
    return folders


def _needs(experiment: Experiment, table: Table) -> list[Stage]:
    every = list(experiment.tests(table).values())
    return every + [one for some in experiment.trainings(table).values() for one in some]


def table_stage(wanted: Wanted, experiment: Experiment, base: Path) -> Stage:
    """A table on the synthetic world as a stage: its record and figures."""
    table = wanted.table
    options = _options(wanted, experiment, base, jobs=0)
    plain = (
        table4_words.plain(options, chosen_regressors(options))
        if table == "table4"
        else options.plain()
    )
    return Stage(
        title=table,
        config={"what": table, "options": plain, "size": experiment.size},
        make=partial(_make_table, wanted, experiment, base),
        seconds=_SECONDS[table],
        modules=("results.reproducing.running",),
        packages=_PACKAGES,
        files=tuple(_weights(table, options)),
        needs=tuple(_needs(experiment, table)),
        many=True,
    )


def _weights(table: Table, options: Any) -> Iterator[Path]:
    """Those that a table's rows use and no stage makes."""
    yield FACE_MODEL
    if table == "table4":
        yield from (one for one in regressor_files(options) if one.is_file())
        _, _, model = options.model.partition(":")
        if model and Path(model).is_file():
            yield Path(model)
        yield from _detector_files({options.detector, options.fit_points, *options.others})
    elif (points := getattr(options, "embedding", None)) is not None:
        yield from _detector_files({points.landmarks, "dlib"})
        if points.landmarks_root is not None and points.landmarks_root.is_file():
            yield points.landmarks_root
    for method in dict.fromkeys(row.frontalizer for row in ROWS.get(table, ())):
        with suppress(DatasetUnavailable):  # its row says what is absent
            if (file := weight_file(method)) is not None:
                yield file


def _detector_files(names: set[str]) -> Iterator[Path]:
    """Detectors' weights, as far as they are there: with more, a table is measured anew."""
    for name in sorted(names & SOURCES.keys()):
        with suppress(DatasetUnavailable, PackageUnavailable):
            yield from weight_files(name)


def _make_table(wanted: Wanted, experiment: Experiment, base: Path, site: Site) -> None:
    result = _compute(wanted, experiment, base, site.jobs, site.show)
    folder = site.folder / _FILES
    folder.mkdir(exist_ok=True)
    row_figures = write(result, folder)
    names = {row: [path.name for path in paths] for row, paths in row_figures.items()}
    (folder / ROW_FIGURES).write_text(json.dumps(names, indent=1), encoding="utf-8")


def _compute(
    wanted: Wanted, experiment: Experiment, base: Path, jobs: int, show: Show | None = None
) -> Result:
    options = _options(wanted, experiment, base, jobs)
    if wanted.table == "table4":
        return compute_table4(options, show)
    places = experiment.places(wanted.table, base)
    return _COMPUTING[wanted.table](options, places, show)


def _options(wanted: Wanted, experiment: Experiment, base: Path, jobs: int) -> Any:
    """A table's options, with what the experiment decides in them."""
    if wanted.table == "table4":
        return _table4(wanted.options or Table4(), experiment, base)
    options = wanted.options or replace(
        _DEFAULTS[wanted.table](), resamples=experiment.profile.resamples
    )
    if experiment.data == "synthetic":
        options = replace(options, world="synthetic")
    if isinstance(options, Verified):
        return replace(options, embedding=replace(options.embedding, jobs=jobs))
    return replace(options, jobs=jobs)


def _table4(options: Table4, experiment: Experiment, base: Path) -> Table4:
    """On made-up photos our small regressors stand in the paper's rows; the labels are exact.

    Other methods need a detector, and are asked for by name.
    """
    if experiment.data == "real":
        return options
    asked = {name: getattr(options, name) for name in ("root", "truth", "source", "subset")}
    for name, given in asked.items():
        if given not in (None, "original", "models"):
            raise BadOption(f"--{name} {given} with synthetic data", "--data real")
    root = experiment.tests("table4")["aflw2000"].folder(base) / "aflw2000"
    roles = {BASELINE: "baseline", OURS: "stage2"}
    return replace(
        options,
        source="models",
        root=root,
        labels="mat",
        bins="pose",
        subset=root / "subset.txt",
        regressor=options.regressor
        or tuple(f"{row}={regressor_file(stage)}" for row, stage in roles.items()),
        others=() if options.others == Table4().others else options.others,
        world="synthetic",
    )

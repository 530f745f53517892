"""A watched training run: curves go on where its checkpoint is, in the same MLflow run."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results.publish import artifacts_folder
from results.tracking import TrackedRun
from results.training.curves import Curves, remember

if TYPE_CHECKING:
    from lightning.fabric import Fabric


def watch_run(
    folder: Path,
    experiment: str,
    name: str,
    config: Any,
    told: Mapping[str, Any],
    fabric: "Fabric",
    done: int,
) -> tuple[TrackedRun | None, Curves]:
    """Open the curves of a run, and its MLflow run on the first process.

    Args:
        folder: Of the run; the MLflow run's id is kept in it.
        experiment: MLflow's.
        name: Of the MLflow run.
        config: The options, a dataclass.
        told: More parameters.
        fabric: Launched.
        done: The step that the run goes on from, 0 for a new one.
    """
    if not fabric.is_global_zero:
        return None, Curves(folder / f".curves-{fabric.global_rank}.csv", 0, None)
    note, plain = folder / "tracked.json", _plain(config)
    known = _remembered(note) if done else ""
    tracked = TrackedRun(experiment, name, {**plain, **told}, artifacts_folder(), known)
    remember(note, {"mlflow": tracked.id or known, "options": plain})
    return tracked, Curves(folder / "curves.csv", done, tracked)


def finish(tracked: TrackedRun | None, files: Iterable[Path]) -> tuple[str, ...]:
    """End a run in MLflow with its files; what a user has to know of that.

    Args:
        tracked: The run; None on other processes than the first.
        files: What it made.
    """
    if tracked is None:
        return ()
    for path in files:
        tracked.keep(path)
    tracked.end()
    return (tracked.refused,) if tracked.refused else ()


def _remembered(note: Path) -> str:
    try:
        return str(json.loads(note.read_text(encoding="utf-8"))["mlflow"])
    except (OSError, ValueError, KeyError):
        return ""


def _plain(config: Any) -> dict[str, Any]:
    return {
        name: [_plain_value(one) for one in value]
        if isinstance(value, tuple)
        else _plain_value(value)
        for name, value in asdict(config).items()
    }


def _plain_value(value: Any) -> Any:
    return value if isinstance(value, int | float | str | bool | None) else str(value)

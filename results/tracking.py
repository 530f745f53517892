"""MLflow: every table is a run, every row of it a child run.

The store is a local SQLite file under ``artifacts/`` unless ``MLFLOW_TRACKING_URI`` names
another. MLflow's usage telemetry is turned off before it is imported, and its process-wide state
is left alone: everything goes through a client of our own.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from protocols.errors import DataError
from results.record import RunRecord

if TYPE_CHECKING:  # importing MLflow takes more than a second
    from mlflow import MlflowClient

# Set before MLflow is imported, unless the user set them: no usage telemetry, and minutes of
# silent retries shortened for a server that does not answer.
_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}


class TrackingFailed(DataError):
    """The MLflow store refused; the table's files are on disk all the same."""


def track(
    record: RunRecord,
    folder: Path,
    row_figures: Mapping[str, Sequence[Path]],
    artifacts: Path,
) -> str:
    """Log a record as one parent run with a child for each row.

    Args:
        record: What was computed.
        folder: The table's files (CSV, Markdown, …), logged with the parent.
        row_figures: The figures of each row that has one, logged with its child.
        artifacts: Where the local store lies, if there is no ``MLFLOW_TRACKING_URI``.

    Returns:
        The parent run's id.

    Raises:
        TrackingFailed: The store cannot be reached, or refuses.
    """
    store = store_address(artifacts)
    try:
        client, experiment = _open(record.table, store, artifacts)
        return _log(client, experiment, record, folder, row_figures)
    except Exception as error:  # MLflow passes on what its database, driver or network raises
        raise TrackingFailed(
            f"MLflow at {masked(store)} did not take the run: {masked(str(error))}"
        ) from error


class TrackedRun:
    """A run that is logged while it goes; what the store refuses is told once and never stops it.

    Args:
        experiment: Its experiment's name.
        name: The run's.
        params: Options.
        artifacts: Where the local store lies, if there is no ``MLFLOW_TRACKING_URI``.
        going_on: The id of a run that goes on; one that is not there any more is begun anew.

    Attributes:
        id: The run's id, empty if the store refused from the start.
        refused: What the store said when it refused, empty if it did not.
    """

    def __init__(
        self,
        experiment: str,
        name: str,
        params: Mapping[str, object],
        artifacts: Path,
        going_on: str = "",
    ) -> None:
        self.id, self.refused = "", ""
        self._store = store_address(artifacts)
        self._client: Any = None

        def begin() -> None:
            self._client, number = _open(experiment, self._store, artifacts)
            if going_on and self._known(going_on):
                self.id = going_on
                self._client.set_terminated(going_on, "RUNNING")
            else:
                self.id = self._client.create_run(number, run_name=name).info.run_id
                _log_numbers(self._client, self.id, params, {})

        self._ask(begin)

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Add a point to curves."""
        from mlflow.entities import Metric

        now = time.time_ns() // 1_000_000
        metrics = [Metric(name, value, now, step) for name, value in values.items()]
        self._ask(lambda: self._client.log_batch(self.id, metrics=metrics))

    def keep(self, path: Path) -> None:
        """Log a file."""
        self._ask(lambda: self._client.log_artifact(self.id, str(path)))

    def end(self, status: str = "FINISHED") -> None:
        """The run is over."""
        self._ask(lambda: self._client.set_terminated(self.id, status))

    def _known(self, run: str) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_run(run).info.lifecycle_stage == "active"
        except MlflowException:
            return False

    def _ask(self, question: Callable[[], object]) -> None:
        """Ask the store; after the first refusal nothing is asked any more."""
        if self.refused:
            return
        try:
            question()
        except Exception as error:  # MLflow passes on what its database, driver or network raises
            self.refused = f"MLflow at {masked(self._store)} refused: {masked(str(error))}"


def _open(experiment: str, store: str, artifacts: Path) -> tuple[MlflowClient, str]:
    """A client, and the experiment's id."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for name in ("mlflow.store.db.utils", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # MLflow makes a fresh store in many steps, which two runs at once would mix up.
    with FileLock(artifacts / ".mlflow.lock"):
        client = MlflowClient(store)
        return client, _experiment(client, experiment, store, artifacts)


def store_address(artifacts: Path) -> str:
    """The store's address: ``MLFLOW_TRACKING_URI``, or SQLite below ``artifacts``."""
    local = f"sqlite:///{(artifacts / 'mlflow.db').resolve()}"
    return os.environ.get("MLFLOW_TRACKING_URI") or local


def masked(text: str) -> str:
    """The text without the name and password that an address in it may hold."""
    return re.sub(r"//[^/@\s]+@", "//***@", text)


def metric_name(column: str) -> str:
    """A column's name in the characters that MLflow allows."""
    return re.sub(r"[^A-Za-z0-9./-]+", "_", column.replace("–", "-")).strip("_")


def _experiment(client: MlflowClient, name: str, store: str, artifacts: Path) -> str:
    """The experiment's id; its files go where the server says, else below ``artifacts/mlruns``.

    MLflow's own default would be the folder that the command was called in.
    """
    found = client.get_experiment_by_name(name)
    if found is not None:
        return found.experiment_id
    served = store.startswith(("http://", "https://", "databricks"))
    where = None if served else (artifacts / "mlruns" / name).resolve().as_uri()
    return client.create_experiment(name, artifact_location=where)


def _log(
    client: MlflowClient,
    experiment: str,
    record: RunRecord,
    folder: Path,
    row_figures: Mapping[str, Sequence[Path]],
) -> str:
    environment = record.environment
    tags = {
        "rule": record.rule,
        "status": record.status,
        "git.commit": environment.git_commit or "unknown",
        "git.dirty": str(environment.git_dirty),
        "device": environment.device,
    }
    if environment.git_commit:  # what MLflow's own pages show as the version
        tags["mlflow.source.git.commit"] = environment.git_commit
    with _run(client, experiment, _run_name(record), tags) as parent:
        _log_numbers(client, parent, record.config, {"seconds": record.seconds})
        client.log_dict(parent, dict(record.inputs), "inputs.sha256.json")
        client.log_dict(parent, asdict(environment), "environment.json")
        client.log_artifacts(parent, str(folder))
        for row in record.rows:
            of_row = {**tags, "row": row, "mlflow.parentRunId": parent}
            with _run(client, experiment, row, of_row) as child:
                _log_numbers(client, child, record.config, _metrics(record, row))
                for path in row_figures.get(row, ()):
                    client.log_artifact(child, str(path))
    return parent


@contextmanager
def _run(
    client: MlflowClient, experiment: str, name: str, tags: Mapping[str, str]
) -> Iterator[str]:
    """A run that ends as finished, or as failed if the block does not."""
    run = client.create_run(experiment, run_name=name, tags=dict(tags)).info.run_id
    status = "FAILED"
    try:
        yield run
        status = "FINISHED"
    finally:
        client.set_terminated(run, status)


def _log_numbers(
    client: MlflowClient,
    run: str,
    params: Mapping[str, object],
    metrics: Mapping[str, float],
) -> None:
    from mlflow.entities import Metric, Param

    now = time.time_ns() // 1_000_000
    client.log_batch(
        run,
        metrics=[Metric(name, value, now, 0) for name, value in metrics.items()],
        params=[Param(name, str(value)) for name, value in params.items()],
    )


def _run_name(record: RunRecord) -> str:
    """The table and its options that are words, which tell runs apart in a list."""
    words = (value for value in record.config.values() if isinstance(value, str) and value)
    return " ".join([record.table, *words])


def _metrics(record: RunRecord, row: str) -> dict[str, float]:
    metrics = {
        f"{metric_name(one.column)}.minus.{metric_name(one.right)}": one.difference
        for one in record.comparisons
        if one.left == row
    }
    for column in record.columns:
        cell, name = record.cell(row, column), metric_name(column)
        if cell.value is not None:
            metrics[name] = cell.value
        if cell.difference is not None:
            metrics[f"{name}.minus_paper"] = cell.difference
        if cell.interval is not None:
            metrics[f"{name}.low"], metrics[f"{name}.high"] = cell.interval
    return metrics

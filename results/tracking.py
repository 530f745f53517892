"""MLflow: every table is a run, every row of it a child run.

The store is a local SQLite file under ``artifacts/`` unless ``MLFLOW_TRACKING_URI`` names
another. MLflow's usage telemetry is turned off before it is imported.
"""

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from results.record import RunRecord

_TELEMETRY = ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK")


def track(
    record: RunRecord, folder: Path, row_figures: Mapping[str, Path], artifacts: Path
) -> tuple[str, str]:
    """Log a record as one parent run with a child for each row.

    Args:
        record: What was computed.
        folder: The table's files (CSV, Markdown, …), logged with the parent.
        row_figures: The figure of each row that has one, logged with its child.
        artifacts: Where the local store lies, if there is no ``MLFLOW_TRACKING_URI``.

    Returns:
        The parent run's id, and the address of the store that holds it.
    """
    for name in _TELEMETRY:
        os.environ.setdefault(name, "true")
    import mlflow

    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    _open_store(record.table, artifacts)
    environment = record.environment
    tags = {
        "rule": record.rule,
        "status": record.status,
        "git.commit": environment.git_commit or "unknown",
        "git.dirty": str(environment.git_dirty),
        "device": environment.device,
    }
    with mlflow.start_run(run_name=_run_name(record), tags=tags) as parent:
        mlflow.log_params({**record.config})
        mlflow.log_metric("seconds", record.seconds)
        mlflow.log_dict(dict(record.inputs), "inputs.sha256.json")
        mlflow.log_dict(asdict(environment), "environment.json")
        mlflow.log_artifacts(str(folder))
        for row in record.rows:
            with mlflow.start_run(run_name=row, nested=True, tags={**tags, "row": row}):
                mlflow.log_params({**record.config})
                mlflow.log_metrics(_metrics(record, row))
                if row in row_figures:
                    mlflow.log_artifact(str(row_figures[row]))
    return parent.info.run_id, mlflow.get_tracking_uri()


def store_uri(artifacts: Path) -> str:
    """The local store's address."""
    return f"sqlite:///{(artifacts / 'mlflow.db').resolve()}"


def metric_name(column: str) -> str:
    """A column's name in the characters that MLflow allows."""
    return re.sub(r"[^\w./-]+", "_", column.replace("–", "-")).strip("_")


def _open_store(experiment: str, artifacts: Path) -> None:
    import mlflow

    if os.environ.get("MLFLOW_TRACKING_URI"):
        mlflow.set_experiment(experiment)
        return
    artifacts.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(store_uri(artifacts))
    if mlflow.get_experiment_by_name(experiment) is None:
        where = (artifacts / "mlruns" / experiment).resolve().as_uri()
        mlflow.create_experiment(experiment, artifact_location=where)
    mlflow.set_experiment(experiment)


def _run_name(record: RunRecord) -> str:
    words = (str(record.config.get(key, "")) for key in ("source", "truth", "bins", "subset"))
    return " ".join([record.table, *(word for word in words if word)])


def _metrics(record: RunRecord, row: str) -> dict[str, float]:
    metrics = {}
    for column in record.columns:
        cell, name = record.cell(row, column), metric_name(column)
        if cell.value is not None:
            metrics[name] = cell.value
        if cell.difference is not None:
            metrics[f"{name}.minus_paper"] = cell.difference
        if cell.interval is not None:
            metrics[f"{name}.low"], metrics[f"{name}.high"] = cell.interval
    return metrics

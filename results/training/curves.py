"""Curves of a training run: a CSV file that goes on where a killed run was, and MLflow."""

import csv
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from results.tracking import TrackedRun, metric_name

_COLUMNS = ("step", "name", "value")


class Curves:
    """What a run tells while it goes.

    A run that goes on at step n forgets what was told after n, and goes on in the same MLflow run.

    Args:
        path: The CSV file.
        step: Where the run goes on: 0 for a new one.
        tracked: The MLflow run, if there is one.
    """

    def __init__(self, path: Path, step: int, tracked: TrackedRun | None) -> None:
        self.path, self._tracked = path, tracked
        kept = _read(path) if path.is_file() else []
        kept = [row for row in kept if step and row[0] <= step]
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([_COLUMNS, *kept])

    def __call__(self, step: int, values: Mapping[str, float]) -> None:
        """Add a point to curves."""
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([(step, name, value) for name, value in values.items()])
        if self._tracked is not None:
            named = {metric_name(name): value for name, value in values.items()}
            self._tracked.log(named, step)

    def table(self) -> pd.DataFrame:
        """All points: columns step, name, value."""
        return pd.DataFrame(_read(self.path), columns=list(_COLUMNS))


def remember(path: Path, content: Mapping[str, Any]) -> None:
    """Write a small JSON file, whole or not at all."""
    half = path.with_name(f".{path.name}.{time.time_ns()}")
    half.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    half.replace(path)


def _read(path: Path) -> list[tuple[int, str, float]]:
    """The points of a file; a line that a killed run left half written does not count."""
    found = []
    with path.open(newline="", encoding="utf-8") as file:
        for row in list(csv.reader(file))[1:]:
            try:
                step, name, value = row
                found.append((int(step), name, float(value)))
            except ValueError:
                continue
    return found

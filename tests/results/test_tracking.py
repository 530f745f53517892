"""What a table leaves in MLflow, read back through MLflow's own client."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from results.publish import ROW_FIGURES, publish, publish_again, write
from results.record import RunRecord, read_record
from results.tables.result import Result, TableFigure
from results.tracking import TrackingFailed, metric_name, store_address


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for this module: making one takes seconds."""
    return tmp_path_factory.mktemp("artifacts")


def figure(name: str):
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(1, 1))
    drawn.suptitle(name)
    return drawn


@pytest.fixture
def result(record: RunRecord) -> Result:
    rows = [TableFigure(row, partial(figure, row)) for row in record.rows]
    return Result(record, (*rows, TableFigure(None, partial(figure, "all"))))


def test_one_parent_a_child_a_row_and_every_file(
    result: Result, artifacts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from mlflow import MlflowClient
    from rich.console import Console

    publish(result, Console(), artifacts)
    shown = capsys.readouterr().out
    client = MlflowClient(store_address(artifacts))
    experiment = client.get_experiment_by_name("table9")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    parent = next(run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    children = [run for run in runs if run is not parent]
    assert parent.info.run_id in shown
    assert {run.data.tags["row"] for run in children} == set(result.record.rows)
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert all(run.info.status == "FINISHED" for run in runs)
    assert parent.data.params == {"source": "ruler", "seed": "3"}
    assert parent.data.tags["git.commit"] == "abc"
    assert parent.data.tags["git.dirty"] == "True"
    assert parent.data.tags["rule"] == result.record.rule
    assert parent.data.metrics["seconds"] == 0.25
    logged = {file.path for file in client.list_artifacts(parent.info.run_id)}
    assert logged >= {
        "record.json", "table9.csv", "table9-differences.csv", "table9.md", "table9.tex",
        "table9.html", "table9.png", "inputs.sha256.json", "environment.json",
    }  # fmt: skip
    inputs = client.download_artifacts(parent.info.run_id, "inputs.sha256.json")
    assert json.loads(Path(inputs).read_text()) == {"a.txt": "00"}
    first = next(run for run in children if run.data.tags["row"] == "first & foremost")
    assert first.data.metrics == {
        "0-30": 1.23456,
        "0-30.low": 1.0,
        "0-30.high": 1.5,
        "0-30.minus_paper": pytest.approx(0.00046),
        "0-30.minus.second": 1.73456,
        "50_wide.minus.second": -0.001,
    }
    assert [file.path for file in client.list_artifacts(first.info.run_id)] == [
        "first-foremost.png"
    ]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, in which nothing may appear."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_a_second_result_replaces_the_files(
    result: Result, artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.console import Console

    monkeypatch.setenv("MLFLOW_TRACKING_URI", store_address(artifacts))
    folder = publish(result, Console(), tmp_path / "out")
    (folder / "stale.txt").touch()
    assert publish(result, Console(), tmp_path / "out") == folder
    assert {path.name for path in folder.iterdir()} == {
        "record.json", "table9.csv", "table9-differences.csv", "table9.md", "table9.tex",
        "table9.html", "table9.png", "first-foremost.png", "second.png",
    }  # fmt: skip
    assert {path.name for path in (tmp_path / "out").iterdir()} <= {"table9", ".mlflow.lock"}


@pytest.fixture
def saved(record: RunRecord, tmp_path: Path) -> str:
    """The record on disk, for another process to publish."""
    path = tmp_path / "saved.json"
    path.write_text(record.to_json(), encoding="utf-8")
    return str(path)


def test_runs_at_the_same_time_track_their_own_files(saved: str, tmp_path: Path) -> None:
    """Four processes publish different seeds: each run's record is the one of its own seed."""
    code = (
        "import sys; from dataclasses import replace; from pathlib import Path\n"
        "from rich.console import Console; from results.publish import publish\n"
        "from results.record import read_record; from results.tables.result import Result\n"
        "record = read_record(Path(sys.argv[1])); seed = int(sys.argv[2])\n"
        "record = replace(record, table='table8', seed=seed, config={'seed': seed})\n"
        "publish(Result(record), Console(), Path(sys.argv[3]))"
    )
    from mlflow import MlflowClient

    artifacts = tmp_path / "artifacts"  # not even the store exists when the four start
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, saved, str(seed), str(artifacts)],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for seed in range(4)
    ]
    for process in processes:
        shown, _ = process.communicate(timeout=120)
        assert process.returncode == 0, shown
    client = MlflowClient(store_address(artifacts))
    experiment = client.get_experiment_by_name("table8")
    assert experiment is not None
    parents = client.search_runs([experiment.experiment_id], "params.seed != 'x'")
    parents = [run for run in parents if "mlflow.parentRunId" not in run.data.tags]
    assert {run.data.params["seed"] for run in parents} == {"0", "1", "2", "3"}
    for run in parents:
        logged = Path(client.download_artifacts(run.info.run_id, "record.json"))
        assert str(json.loads(logged.read_text())["seed"]) == run.data.params["seed"]
    assert (artifacts / "table8" / "record.json").is_file()
    assert not [path for path in artifacts.iterdir() if path.name.startswith(".table8")]


@pytest.mark.parametrize(
    "store", ["nonsense://host/store", "postgresql://user:hunter2@127.0.0.1:1/db", "databricks"]
)
def test_a_store_that_refuses_is_one_error_and_loses_nothing(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, store: str
) -> None:
    from rich.console import Console

    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    with pytest.raises(TrackingFailed, match="did not take the run") as error:
        publish(result, Console(), tmp_path)
    assert "hunter2" not in str(error.value)
    assert (tmp_path / "table9" / "record.json").is_file()
    shown = capsys.readouterr().out
    assert "first & foremost" in shown
    assert "hunter2" not in shown


def test_a_corrupt_store_is_one_error(result: Result, tmp_path: Path) -> None:
    from rich.console import Console

    (tmp_path / "mlflow.db").write_bytes(b"no database" * 1000)
    with pytest.raises(TrackingFailed, match=r"mlflow\.db did not take the run"):
        publish(result, Console(), tmp_path)


def test_a_table_made_before_takes_the_place_of_a_broken_one(
    result: Result, artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.console import Console

    monkeypatch.setenv("MLFLOW_TRACKING_URI", store_address(artifacts))
    (tmp_path / "made").mkdir()
    figures = write(result, tmp_path / "made")
    names = {row: [path.name for path in paths] for row, paths in figures.items()}
    (tmp_path / "made" / ROW_FIGURES).write_text(json.dumps(names))
    (tmp_path / "out" / "table9").mkdir(parents=True)
    (tmp_path / "out" / "table9" / "record.json").write_text("{}")
    folder = publish_again(tmp_path / "made", Console(quiet=True), tmp_path / "out", track_it=False)
    assert read_record(folder / "record.json") == result.record
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["table9"]


def test_a_failed_write_leaves_the_last_whole_result(
    result: Result, artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    from dataclasses import replace

    from rich.console import Console

    monkeypatch.setenv("MLFLOW_TRACKING_URI", store_address(artifacts))
    folder = publish(result, Console(), tmp_path / "out")
    before = (folder / "record.json").read_text()

    def fail():
        raise OSError("no space left")

    capsys.readouterr()
    broken = Result(replace(result.record, seed=99), (TableFigure(None, fail),))
    with pytest.raises(OSError, match="no space left"):
        publish(broken, Console(), tmp_path / "out")
    assert (folder / "record.json").read_text() == before
    assert {path.name for path in (tmp_path / "out").iterdir()} <= {"table9", ".mlflow.lock"}
    assert "first & foremost" in capsys.readouterr().out  # printed before it was written


def test_the_environment_names_another_store(
    result: Result, artifacts: Path, tmp_path: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the variable set, no store is made beside the results or in the current folder."""
    from mlflow import MlflowClient
    from rich.console import Console

    monkeypatch.setenv("MLFLOW_TRACKING_URI", store_address(artifacts))
    client = MlflowClient(store_address(artifacts))

    def runs() -> int:
        experiment = client.get_experiment_by_name("table9")
        return len(client.search_runs([experiment.experiment_id])) if experiment else 0

    before = runs()
    publish(result, Console(), tmp_path / "other")
    assert runs() == before + 3
    assert not (tmp_path / "other" / "mlflow.db").exists()
    assert list(here.iterdir()) == []


def test_telemetry_is_off_before_mlflow_is_imported(saved: str, artifacts: Path) -> None:
    """In a process whose environment says nothing about it."""
    code = (
        "import os, sys; from pathlib import Path; from rich.console import Console\n"
        "from results.publish import publish; from results.record import read_record\n"
        "from results.tables.result import Result\n"
        "publish(Result(read_record(Path(sys.argv[1]))), Console(), Path(sys.argv[2]))\n"
        "from mlflow.telemetry.utils import is_telemetry_disabled\n"
        "print('disabled:', is_telemetry_disabled())"
    )
    named = ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "CI", "PYTEST_CURRENT_TEST")
    answer = subprocess.run(
        [sys.executable, "-c", code, saved, str(artifacts)],
        cwd=Path(__file__).parents[2],
        env={name: value for name, value in os.environ.items() if name not in named},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.splitlines()[-1] == "disabled: True"


def test_a_fresh_store_elsewhere_leaves_nothing_in_the_current_folder(
    result: Result, tmp_path: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.console import Console

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'store.db'}")
    publish(result, Console(), tmp_path / "out")
    assert list(here.iterdir()) == []
    assert list((tmp_path / "out/mlruns/table9").rglob("table9.html"))


def test_metric_names_are_what_mlflow_allows() -> None:
    assert metric_name("0–30") == "0-30"
    assert metric_name("IJB-A TAR@FAR=.01") == "IJB-A_TAR_FAR_.01"
    assert metric_name("pose > 30°") == "pose_30"

"""Curves on disk and in MLflow, while a run goes and after it was killed."""

import json
import math
from pathlib import Path

import pytest

from results.tracking import TrackedRun, store_address
from results.training.curves import Curves, remember


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "curves.csv"


@pytest.fixture
def told(path: Path) -> list[tuple[int, str, float]]:
    """What is on disk of a run that was told of steps 0, 50 and 100."""
    curves = Curves(path, 0, None)
    curves(0, {"validation: others, occluded": 12.5})
    curves(50, {"total": 1 / 3, "a “name”": 1e-30})
    curves(100, {"total": 0.25})
    return [
        (0, "validation: others, occluded", 12.5),
        (50, "total", 1 / 3),
        (50, "a “name”", 1e-30),
        (100, "total", 0.25),
    ]


def rows(curves: Curves) -> list[tuple[int, str, float]]:
    table = curves.table()
    assert list(table.columns) == ["step", "name", "value"]
    return list(table.itertuples(index=False, name=None))


def test_what_was_told_is_read_back(path: Path, told: list[tuple[int, str, float]]) -> None:
    assert rows(Curves(path, 100, None)) == told
    assert path.read_text(encoding="utf-8").splitlines()[:2] == [
        "step,name,value",
        '0,"validation: others, occluded",12.5',
    ]


@pytest.mark.parametrize(("step", "kept"), [(99, 3), (50, 3), (49, 1), (1, 1), (0, 0)])
def test_what_came_after_the_checkpoint_is_forgotten(
    path: Path, told: list[tuple[int, str, float]], step: int, kept: int
) -> None:
    curves = Curves(path, step, None)
    assert rows(curves) == told[:kept]
    curves(75, {"total": 0.5})
    assert rows(curves) == [*told[:kept], (75, "total", 0.5)]
    assert rows(Curves(path, 75, None)) == rows(curves)


@pytest.mark.parametrize(
    "last", ["150", "150,total", "150,total,", '150,"tot', "150,total,0.2-", "1"]
)
def test_a_half_written_line_does_not_count(
    path: Path, told: list[tuple[int, str, float]], last: str
) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(last)
    curves = Curves(path, 200, None)
    assert rows(curves) == told
    curves(250, {"total": 0.125})
    assert rows(curves) == [*told, (250, "total", 0.125)]


def test_numbers_that_are_none_are_kept(path: Path) -> None:
    curves = Curves(path, 0, None)
    curves(1, {"total": math.nan})
    ((step, name, value),) = rows(curves)
    assert (step, name) == (1, "total")
    assert math.isnan(value)


def test_a_note_is_written_whole(tmp_path: Path) -> None:
    note = tmp_path / "tracked.json"
    for content in ({"mlflow": "a", "options": {"seed": 1}}, {"mlflow": "b"}):
        remember(note, content)
        assert json.loads(note.read_text(encoding="utf-8")) == content
    assert [one.name for one in tmp_path.iterdir()] == ["tracked.json"]


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for this module: making one takes seconds."""
    return tmp_path_factory.mktemp("artifacts")


def test_points_arrive_with_their_steps_and_a_run_goes_on(artifacts: Path, path: Path) -> None:
    from mlflow import MlflowClient

    begun = TrackedRun("trained", "stage1", {"seed": 3, "photos": None}, artifacts)
    assert begun.refused == ""
    curves = Curves(path, 0, begun)
    curves(0, {"validation: others, occluded": 9.0})
    curves(50, {"total": 0.5, "error of rotation": 0.1})
    client = MlflowClient(store_address(artifacts))
    assert client.get_run(begun.id).info.status == "RUNNING"
    begun.end("FAILED")
    assert client.get_run(begun.id).info.status == "FAILED"

    again = TrackedRun("trained", "stage1", {"seed": 3, "photos": None}, artifacts, begun.id)
    assert (again.id, again.refused) == (begun.id, "")
    assert client.get_run(begun.id).info.status == "RUNNING"
    Curves(path, 50, again)(100, {"total": 0.25})
    again.keep(path)
    again.end()
    run = client.get_run(begun.id)
    assert run.info.run_name == "stage1"
    assert run.info.status == "FINISHED"
    assert run.data.params == {"seed": "3", "photos": "None"}
    history = client.get_metric_history(begun.id, "total")
    assert [(one.step, one.value) for one in history] == [(50, 0.5), (100, 0.25)]
    names = {"validation_others_occluded", "total", "error_of_rotation"}
    assert set(run.data.metrics) == names
    logged = client.download_artifacts(begun.id, "curves.csv")
    assert Path(logged).read_bytes() == path.read_bytes()


def test_a_run_that_is_not_there_any_more_begins_anew(artifacts: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(store_address(artifacts))
    deleted = TrackedRun("trained", "stage2", {}, artifacts).id
    client.delete_run(deleted)
    for gone in (deleted, "0123456789abcdef0123456789abcdef"):
        run = TrackedRun("trained", "stage2", {"seed": 1}, artifacts, gone)
        assert run.refused == ""
        assert run.id not in ("", gone)
        assert client.get_run(run.id).data.params == {"seed": "1"}


def test_after_a_refusal_nothing_is_asked_any_more(artifacts: Path, path: Path) -> None:
    from mlflow import MlflowClient

    run = TrackedRun("trained", "stage1", {}, artifacts)
    run.log({"no such name!": 1.0}, 1)
    first = run.refused
    assert first.startswith(f"MLflow at {store_address(artifacts)} refused: ")
    assert "no such name!" in first
    Curves(path, 0, run)(2, {"total": 1.0})
    run.keep(path.with_name("absent"))
    assert run.refused == first
    found = MlflowClient(store_address(artifacts)).get_run(run.id)
    assert found.data.metrics == {}


@pytest.mark.parametrize(
    ("store", "shown"),
    [
        ("sqlite:////proc/nowhere/x.db", "sqlite:////proc/nowhere/x.db"),
        ("http://somebody:secret@127.0.0.1:9", "http://***@127.0.0.1:9"),
        ("nonsense://x", "nonsense://x"),
    ],
)
def test_a_store_that_cannot_be_reached_stops_nothing(
    store: str, shown: str, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    run = TrackedRun("trained", "stage1", {"seed": 3}, tmp_path, "0123456789abcdef")
    assert run.id == ""
    assert run.refused.startswith(f"MLflow at {shown} refused: ")
    assert "secret" not in run.refused
    curves = Curves(path, 0, run)
    curves(50, {"total": 0.5})
    run.keep(path)
    run.end()
    assert rows(curves) == [(50, "total", 0.5)]
    assert not (tmp_path / "mlflow.db").exists()

"""The recognition tables as data: the paper's own rows and columns, and reasons that are whole."""

import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cfr.frontalizers.sources import check_name
from protocols.errors import BadOption, DatasetUnavailable
from protocols.manifest import inspect, read_manifest
from results.loading import NAMES
from results.paper import TABLES
from results.record import RunRecord, read_record
from results.systems import Measured
from results.tables import rows, table1, table2, table3
from results.tables.rows import Column, Found, Options, Ready, Row, fill

MODULES = {"table1": table1, "table2": table2, "table3": table3}


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Roots without anything in them."""
    monkeypatch.setenv("CFR_DATA", str(tmp_path))
    return tmp_path


def test_rows_and_columns_are_the_papers() -> None:
    for name, module in MODULES.items():
        paper = TABLES[name]
        assert tuple(column.name for column in module.COLUMNS) == paper.columns
        assert tuple(row.name for row in module.ROWS) == tuple(paper.rows)
        assert tuple(row.name for row in module.ROWS if row.reported) == paper.reported
        assert {column.protocol for column in module.COLUMNS} <= set(NAMES)


def test_rates_are_those_in_the_columns_names() -> None:
    for module in (table1, table2):
        for column in module.COLUMNS:
            _, _, far = column.name.partition("FAR=")
            assert column.far == (float(far) if far else None)


def test_every_weight_file_is_in_the_manifest() -> None:
    entry = read_manifest()[rows.RECOGNIZERS]
    listed = [file.path for part in entry.parts for file in part.files]
    weights = {row.weights for module in MODULES.values() for row in module.ROWS if row.weights}
    assert sorted(f"{one}.onnx" for one in weights) == sorted(listed)
    assert {part.get for part in entry.parts} == {rows.HOW_WEIGHTS}


def test_each_weight_file_can_be_there_alone(empty: Path) -> None:
    (empty / "recognizers").mkdir()
    (empty / "recognizers/casia.onnx").write_bytes(b"any")
    states = [one.state for one in inspect(read_manifest()[rows.RECOGNIZERS])]
    assert sorted(states) == ["found", *["missing"] * (len(states) - 1)]


@pytest.mark.parametrize("name", MODULES)
def test_every_frontalizer_of_a_row_is_known(name: str) -> None:
    for row in MODULES[name].ROWS:
        check_name(row.frontalizer)


@pytest.mark.parametrize("name", MODULES)
def test_without_anything_nothing_is_computed(
    empty: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every cell is empty and says why; the paper's values are there; no loader is called."""

    def refuse(*_: object) -> None:
        pytest.fail("something was loaded")

    monkeypatch.setattr(rows, "load", refuse)
    module = MODULES[name]
    options = {"table1": table1.Table1, "table2": table2.Table2, "table3": table3.Table3}[name]
    record: RunRecord = module.compute(options()).record
    for row in module.ROWS:
        for column in module.COLUMNS:
            cell = record.cell(row.name, column.name)
            printed = TABLES[name].rows[row.name][column.name].value
            if row.reported:
                assert cell.value == printed
                continue
            assert (cell.value, cell.paper, cell.origin) == (None, printed, "unavailable")
            parts = cell.reason.removeprefix("absent: ").split("; ")
            title = read_manifest()[column.protocol].title
            assert parts[0].startswith(f"{title} (")
            assert parts[1] == f"recognizers/{row.weights}.onnx ({rows.HOW_WEIGHTS})"
            how = rows.lacking(row.frontalizer)
            assert parts[2:] == ([f"the frontalizer {row.frontalizer} ({how})"] if how else [])
    assert (record.weights, record.inputs, record.comparisons) == ({}, {}, ())
    assert record.rule == "nothing was measured"
    assert str(empty) not in record.to_json()
    assert any(note.startswith("Where everything is looked for: python") for note in record.notes)


ROWS = (Row("VGG16", "vgg16"), Row("VGG16 + ours", "vgg16-cfr-gan"), Row("GACNN"))
COLUMNS = (Column("total", "rafdb", subset="test"), Column("occlusion", "lfw"))


def numbers(name: str, ready: Sequence[Ready], columns: Sequence[Column]) -> Found:
    """Half a percent for everything that is asked for."""
    assert all(column.protocol == name for column in columns)
    return Found(
        {row.name: {c.name: Measured(0.5, 4, (0.1, 0.9)) for c in columns} for row in ready}
    )


def filled(measure: rows.Measure) -> RunRecord:
    return fill("table3", ROWS, COLUMNS, measure, Options()).record


def test_a_cell_is_measured_where_all_is_there(empty: Path) -> None:
    for name in ("rafdb", "recognizers"):
        (empty / name).mkdir()
    (empty / "recognizers/vgg16.onnx").write_bytes(b"any")
    record = filled(numbers)
    cell = record.cell("VGG16", "total")
    assert (cell.value, cell.n, cell.interval) == (0.5, 4, (0.1, 0.9))
    assert record.cell("VGG16", "occlusion").reason == (
        "absent: Labeled Faces in the Wild (python scripts/fetch.py lfw)"
    )
    assert record.cell("VGG16 + ours", "total").reason.startswith("absent: recognizers/vgg16-cfr")
    assert record.status == "4 of 6 cells are unavailable"
    assert list(record.weights) == ["vgg16.onnx"]


def test_several_trainings_of_a_row_are_one(empty: Path) -> None:
    for name in ("rafdb", "recognizers"):
        (empty / name).mkdir()
    for seed in (10, 2):
        (empty / f"recognizers/vgg16-seed-{seed}.onnx").write_bytes(f"{seed}".encode())
    seen: list[Ready] = []

    def measure(name: str, ready: Sequence[Ready], columns: Sequence[Column]) -> Found:
        seen.extend(ready)
        values = {c.name: Measured(0.5, 4, (0.1, 0.9), seeds=len(ready[0].files)) for c in columns}
        return Found({"VGG16": values})

    record = filled(measure)
    assert [file.stem for file in seen[0].files] == ["vgg16-seed-2", "vgg16-seed-10"]
    assert seen[0].titles == ("VGG16 #2", "VGG16 #10")
    assert record.cell("VGG16", "total").seeds == 2
    assert list(record.weights) == ["vgg16 #2", "vgg16 #10"]
    assert "VGG16: 2 trainings of one kind." in record.notes
    assert any("Student's half-width over the 2 trainings" in note for note in record.notes)


def test_trainings_of_one_seed_are_compared() -> None:
    def ready(*names: str) -> Ready:
        return Ready(ROWS[0], tuple(Path(f"{name}.onnx") for name in names))

    one, other = (
        ready("a-seed-0", "a-seed-1", "a-seed-2"),
        ready("b-seed-1", "b-seed-2", "b-seed-3"),
    )
    assert other.beside(one) == [(0, 1), (1, 2)]
    assert ready("a").beside(ready("b")) == [(0, 0)]
    assert ready("a-seed-5").beside(one) == [(0, 0)]  # no seed in common


def test_what_measuring_misses_is_the_reason(empty: Path) -> None:
    for name in ("rafdb", "lfw", "recognizers"):
        (empty / name).mkdir()
    (empty / "recognizers/vgg16.onnx").write_bytes(b"any")

    def miss(*_: object) -> Found:
        raise DatasetUnavailable("the detector", empty / "here", "Get it.")

    assert filled(miss).weights == {}  # the file is there, and nothing was measured with it
    reason = filled(miss).cell("VGG16", "total").reason
    assert reason == "absent: the detector (Get it)"
    reason = filled(miss).cell("VGG16 + ours", "total").reason
    assert reason.startswith("absent: the detector (Get it); recognizers/vgg16-cfr-gan.onnx (")


def test_reasons_are_whole_where_a_root_is_there_and_half_empty(empty: Path) -> None:
    """No row can be measured, but whoever gets the weights shall know what else is absent."""
    (empty / "lfw").mkdir()
    (empty / "rafdb").mkdir()

    def refuse(*_: object) -> Found:
        pytest.fail("nothing can be measured")

    record = filled(refuse)
    assert record.cell("VGG16", "occlusion").reason.startswith("absent: LFW's list of pairs (Get")
    assert "RAF-DB's list of labels (Apply" in record.cell("VGG16", "total").reason
    assert "recognizers/vgg16.onnx" in record.cell("VGG16", "total").reason


@pytest.mark.parametrize(
    ("words", "told"),
    [({"resamples": 5}, "--resamples 5: expected 0, or 100"), ({"seed": -1}, "--seed -1")],
)
def test_options_are_refused_early(words: dict[str, int], told: str) -> None:
    with pytest.raises(BadOption, match=told):
        Options(**words)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", MODULES)
def test_the_command_ends_well_without_anything(
    empty: Path,
    project: Path,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It prints the paper's values and every reason, in 80 columns, and writes the record."""
    monkeypatch.setenv("CFR_ARTIFACTS", str(empty / "artifacts"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{empty / 'store.db'}")
    monkeypatch.setattr(sys, "argv", ["reproduce.py", name, "--data", "real"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(project / "scripts/reproduce.py"), run_name="__main__")
    assert end.value.code == 0
    out = capsys.readouterr().out
    record = read_record(empty / f"artifacts/{name}/record.json")
    assert {cell.reason for cell in record.cells if cell.value is None} <= set(reasons_in(out))
    for cell in record.cells:
        assert cell.paper is None or f"{cell.paper:.3f}" in out
    table = out[: out.index("Origin:")]
    assert max(len(line) for line in table.splitlines()) <= 80


def reasons_in(out: str) -> list[str]:
    """What follows the names of cells in the remarks."""
    return [line.partition(": ")[2] for line in out.splitlines() if line.startswith("· ")]

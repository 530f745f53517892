"""From nothing to tables: every row that is trained or restored is filled, and nothing twice."""

import io
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from results.paper import TABLES as PAPER
from results.record import RunRecord, read_record
from results.reproducing.experiment import ROWS, Experiment
from results.reproducing.running import TABLES, Table, Wanted, reproduce

SYNTHETIC = Experiment("synthetic", "tiny")


def run(tables: Sequence[Table]) -> tuple[list[RunRecord], str]:
    told = io.StringIO()
    console = Console(file=told, width=200)
    folders = reproduce([Wanted(one) for one in tables], SYNTHETIC, console, jobs=2)
    return [read_record(folder / "record.json") for folder in folders], told.getvalue()


def test_table3_from_nothing(smallest: Path) -> None:
    """A made-up set, its augmented copy and six trainings; then nothing is left to do."""
    (record,), told = run(["table3"])
    assert "made made-up rafdb tiny in" in told
    for row in ("VGG16", "VGG16 + ours"):
        for column in record.columns:
            cell = record.cell(row, column)
            assert (cell.origin, cell.seeds) == ("measured on the synthetic world", 3)
            assert cell.interval is not None
            assert cell.paper == PAPER["table3"].rows[row][column].value
    assert record.cell("GACNN", "occlusion").origin == "reported by the paper"
    assert {(one.left, one.right, one.seeds) for one in record.comparisons} == {
        ("VGG16 + ours", "VGG16", 3)
    }
    assert (record.config["data"], record.config["profile"]) == ("synthetic", "tiny")
    assert str(smallest) not in record.to_json()

    shutil.rmtree(smallest / "table3")
    (again,), told = run(["table3"])
    assert "made " not in told.replace("made before", "").replace("Made-up", "").lower().replace(
        "made-up", ""
    )
    assert again == record  # the time that it took, too: it was not measured again
    assert (smallest / "table3/table3.md").is_file()


@pytest.mark.slow
def test_every_trained_and_preprocessing_row_is_filled(
    smallest: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With none of the committed records, as on a machine that has this code and nothing else."""
    monkeypatch.setattr("results.kept.RECORDS", tmp_path / "deleted")
    records, _ = run(TABLES)
    assert [one.table for one in records] == list(TABLES)
    for record in records[:3]:
        for row in ROWS[record.table]:
            for column in record.columns:
                cell = record.cell(row.name, column)
                if row.reported:
                    continue
                if cell.value is None:  # FAR .001 needs more strangers than these few people give
                    assert column.endswith(".001")
                    assert "impostor scores within FAR 0.001, 10 are needed" in cell.reason
                    continue
                assert (cell.origin, cell.seeds) == ("measured on the synthetic world", 3)
    for row in PAPER["table4"].rows:
        for column in PAPER["table4"].columns:
            cell = records[3].cell(row, column)
            assert cell.origin == "measured on the synthetic world"
            assert cell.paper == PAPER["table4"].rows[row][column].value

"""Kept records: read whole, and only what is evidence, and tells of no machine, is kept."""

from dataclasses import replace
from pathlib import Path

import pytest

from protocols.errors import BadInput, BadOption
from results.cache.durable import CacheFailed
from results.kept import RECORDS, keep, kept_records
from results.record import Cell, Environment, RunRecord

CLEAN = Environment("c" * 40, False, "cpu", {}, "python scripts/reproduce.py table9")


@pytest.fixture
def clean(record: RunRecord) -> RunRecord:
    return replace(record, environment=CLEAN)


def folder_of(record: RunRecord, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "record.json").write_text(record.to_json(), encoding="utf-8")
    return folder


def test_kept_records_come_back_by_name(clean: RunRecord, tmp_path: Path) -> None:
    folder, records = folder_of(clean, tmp_path / "table9"), tmp_path / "records"
    assert kept_records(records) == {}
    for name in ("table9-real", "a1"):
        assert keep(folder, name, records=records) == records / f"{name}.json"
    assert list(kept_records(records)) == ["a1", "table9-real"]
    folder_of(replace(clean, title="Newer"), folder)
    keep(folder, "a1", records=records)
    assert [one.title for one in kept_records(records).values()] == ["Newer", clean.title]
    assert sorted(one.name for one in records.iterdir()) == ["a1.json", "table9-real.json"]


def test_a_damaged_record_is_one_error(clean: RunRecord, tmp_path: Path) -> None:
    keep(folder_of(clean, tmp_path / "table9"), "whole", records=tmp_path)
    text = (tmp_path / "whole.json").read_text()
    (tmp_path / "half.json").write_text(text[: len(text) // 2])
    with pytest.raises(BadInput, match=r"half\.json: expected a run record"):
        kept_records(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"row": "second"', '"row": "third"', "second, 0–30: expected a cell, found none"),
        ('"value": 4.0', '"value": "four"', "expected a (run record|number), found "),
        ('"value": 4.0', '"value": NaN', "expected a number, found nan"),
        ('"difference": 1.73456', '"difference": null', "expected a (run record|number), found "),
    ],
)
def test_a_record_that_is_not_whole_is_one_error(
    clean: RunRecord, tmp_path: Path, old: str, new: str, told: str
) -> None:
    """Shape checks refuse types before the numbers are looked at."""
    text = clean.to_json()
    assert old in text
    (tmp_path / "record.json").write_text(text.replace(old, new))
    with pytest.raises(BadInput, match=told):
        kept_records(tmp_path)
    with pytest.raises(BadInput, match=told):
        keep(tmp_path, "one", records=tmp_path / "records")


@pytest.mark.parametrize("name", ["", "Table1", "a_b", "../a", "a-", "-a", "a b", "a.json"])
def test_a_name_is_no_path(clean: RunRecord, tmp_path: Path, name: str) -> None:
    with pytest.raises(BadOption, match="small letters"):
        keep(folder_of(clean, tmp_path / "table9"), name, records=tmp_path / "records")
    assert not (tmp_path / "records").exists()


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        (replace(CLEAN, git_dirty=True), "found changed files"),
        (replace(CLEAN, git_dirty=None), "found changed files"),
        (replace(CLEAN, git_commit=None, git_dirty=None), "found no commit"),
        (replace(CLEAN, command=""), "expected the command that made it"),
    ],
)
def test_what_nobody_can_make_again_is_refused(
    clean: RunRecord, tmp_path: Path, environment: Environment, told: str
) -> None:
    folder = folder_of(replace(clean, environment=environment), tmp_path / "table9")
    with pytest.raises(BadInput, match=told):
        keep(folder, "one", records=tmp_path / "records")
    assert not (tmp_path / "records").exists()


def test_changed_files_are_kept_if_told_so(clean: RunRecord, tmp_path: Path) -> None:
    changed = replace(clean, environment=replace(CLEAN, git_dirty=True))
    path = keep(folder_of(changed, tmp_path / "t"), "one", changed_files=True, records=tmp_path)
    assert kept_records(path.parent)["one"].environment.git_dirty


def test_a_table_without_a_number_of_ours_is_refused(clean: RunRecord, tmp_path: Path) -> None:
    cells = tuple(
        Cell(one.row, one.column, None, "unavailable", reason="no ruler") for one in clean.cells
    )
    folder = folder_of(replace(clean, cells=cells), tmp_path / "table9")
    with pytest.raises(BadInput, match="a number that was measured"):
        keep(folder, "one", records=tmp_path)


@pytest.mark.parametrize(
    "told",
    [
        "Files: /home/someone/data.",
        "read '/data/lfw'",
        "~/lfw",
        r"C:\Users\someone",
        "(/tmp/a-b/c.npy)",
    ],
)
def test_a_path_of_a_machine_is_refused(clean: RunRecord, tmp_path: Path, told: str) -> None:
    for other in (
        replace(clean, notes=(*clean.notes, told)),
        replace(clean, inputs={told: "00"}),
        replace(clean, config={"deep": [{"er": told}]}),
    ):
        folder = folder_of(other, tmp_path / "table9")
        with pytest.raises(BadInput, match="no path of a machine"):
            keep(folder, "one", records=tmp_path / "records")


def test_addresses_and_fractions_are_no_paths(clean: RunRecord, tmp_path: Path) -> None:
    told = "and/or 1/2 of https://example.org/a/b; data/lfw/pairs.txt, 30–60 / 60–90, √(w/h)"
    folder = folder_of(replace(clean, notes=(told,)), tmp_path / "table9")
    assert keep(folder, "one", records=tmp_path).is_file()


def test_no_record_and_a_folder_that_cannot_be_written(clean: RunRecord, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"record\.json: expected a run record"):
        keep(tmp_path, "one", records=tmp_path)
    (tmp_path / "one.json").mkdir()  # in the place of the file
    with pytest.raises(CacheFailed, match=r"one\.json could not be written"):
        keep(folder_of(clean, tmp_path / "table9"), "one", records=tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["one.json", "table9"]


def test_what_is_kept_could_be_kept_again(tmp_path: Path) -> None:
    """Every committed record is evidence by the rules of today, written as they are."""
    paths = sorted(RECORDS.glob("*.json"))
    assert paths
    for path in paths:
        (tmp_path / "record.json").write_bytes(path.read_bytes())
        assert keep(tmp_path, path.stem, records=tmp_path / "again").read_bytes() == (
            path.read_bytes()
        )

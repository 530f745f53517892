"""report.py as a user calls it: the page, what is kept, and how it ends."""

from collections.abc import Callable
from pathlib import Path

import pytest

from results.record import Cell, Environment, RunRecord

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(call_script: Callable[[str], Call]) -> Call:
    """Run report.py with these words: its status, and what it printed on both streams."""
    return call_script("report.py")


@pytest.fixture
def small() -> RunRecord:
    made = Environment("c" * 40, True, "cpu", {}, "python scripts/reproduce.py table9")
    cell = Cell("a", "b", 1.0, "measured on real data")
    return RunRecord("table9", "Sizes", "ruler", ("b",), ("a",), (cell,), {}, {}, 0, 1.0, made)


@pytest.mark.parametrize("words", [(), ("page",)])
def test_a_page_is_written_and_what_is_missing_is_said(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CFR_ARTIFACTS", str(tmp_path))
    status, out, err = call(*words)
    assert (status, err) == (0, "")
    assert "Table 3 was not run: python scripts/reproduce.py table3" in out
    assert f"Report: {tmp_path / 'report' / 'index.html'}" in out
    assert (tmp_path / "report" / "index.html").is_file()


def test_a_damaged_record_is_told_and_the_page_is_written(call: Call, tmp_path: Path) -> None:
    (tmp_path / "table2").mkdir()
    (tmp_path / "table2" / "record.json").write_text("{")
    status, out, _ = call("page", "--artifacts", str(tmp_path))
    assert status == 0
    assert "Problem: table2/record.json: expected a run record" in out
    assert "table2/record.json" in (tmp_path / "report" / "index.html").read_text()


def test_what_nobody_could_make_again_is_not_kept(
    call: Call, project: Path, tmp_path: Path, small: RunRecord
) -> None:
    (tmp_path / "record.json").write_text(small.to_json())
    status, _, err = call("keep", str(tmp_path), "table9-small")
    assert status == 2
    assert "a run of a clean checkout" in err
    assert len(err.strip().splitlines()) == 1
    assert not (project / "results" / "records" / "table9-small.json").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("page", "--artifacts", "/no/such"), "--artifacts /no/such: expected a folder"),
        (("keep", "/no/such", "name"), "/no/such/record.json: expected a run record"),
        (("keep", "/no/such", "../name"), "expected small letters and digits"),
    ],
)
def test_what_cannot_be_done_is_one_line(call: Call, words: tuple[str, ...], told: str) -> None:
    status, _, err = call(*words)
    assert status == 2
    assert told in err
    assert len(err.strip().splitlines()) == 1

"""TABLES.md is what the kept records say; nothing of a record gets lost or is read as Markdown."""

from dataclasses import replace
from pathlib import Path

import pytest

from results.kept import kept_records
from results.paper import CLAIMS
from results.record import RunRecord
from results.tables_file import TABLES_FILE, tables_markdown, write_tables


@pytest.fixture(scope="module")
def text(record: RunRecord) -> str:
    return tables_markdown({"first": record, "second": replace(record, comparisons=())})


def lines_of(text: str, name: str) -> list[str]:
    """What stands below the heading of a record."""
    return text.partition(f"\n## {name}\n")[2].partition("\n## ")[0].splitlines()


def test_the_file_is_what_the_records_say(project: Path) -> None:
    """If this fails: python scripts/report.py tables."""
    expected = tables_markdown(kept_records())
    assert (project / TABLES_FILE).read_text(encoding="utf-8") == expected


def test_it_is_written_whole(tmp_path: Path) -> None:
    path = write_tables(tmp_path / "T.md")
    assert path.read_text(encoding="utf-8") == tables_markdown(kept_records())
    assert [one.name for one in tmp_path.iterdir()] == ["T.md"]


def test_cells_stand_beside_the_papers_numbers(text: str) -> None:
    lines = lines_of(text, "first")
    assert "|  | 0–30 (n=7) | 50%\\_wide |" in lines
    assert "| first & foremost | 1.235 (1.000 to 1.500); paper 1.234 | – |" in lines
    assert "| second | −0.500 | reported 4.000 |" in lines


def test_differences_that_are_real_are_bold(text: str) -> None:
    lines = lines_of(text, "first")
    bold = "**+1.735 (+1.500 to +2.000)**"
    assert f"| first & foremost − second | {bold} | −0.001 (−0.200 to +0.300) |" in lines
    assert "Differences" not in "\n".join(lines_of(text, "second"))


def test_rule_notes_reasons_and_provenance_are_there(text: str) -> None:
    whole = "\n".join(lines_of(text, "first"))
    assert 'by ruler \\<&> "eye".' in whole
    assert "- Mind the gap." in whole
    assert "- first & foremost, 50%\\_wide: no ruler." in whole
    assert "measured on real data, measured on the synthetic world, reported by" in whole
    assert "`no command of ours` at commit abc with changed files, seed 3, cpu: 0.2 s." in whole


def test_every_claim_has_its_verdicts_on_top(text: str, record: RunRecord) -> None:
    top = text.partition("\n## first\n")[0]
    for claim in CLAIMS:
        assert f"({claim.name})" in top
        assert f"| {claim.name} | *not testable here* | – |" in top
    assert top.count("*not testable here* (–). ") == len(CLAIMS)
    table1 = replace(record, table="table1", rows=("Res18",), cells=(), columns=(), comparisons=())
    top = tables_markdown({"mine": table1}).partition("\n## mine\n")[0]
    assert "- *not testable here* (–, [mine](#mine)). Not measured: Res18 + ours − Res18" in top


def test_a_hostile_record_breaks_no_table(record: RunRecord) -> None:
    evil = "a|b\n<script>*x*"
    cells = tuple(replace(one, row=evil) if one.row == "second" else one for one in record.cells)
    other = replace(record, rows=("first & foremost", evil), cells=cells, notes=("# no\nheading",))
    text = tables_markdown({"first": other})
    assert "<script" not in text.replace("\\<script", "")
    table = [one for one in lines_of(text, "first") if one.startswith("|")]
    assert len({one.replace("\\|", "").count("|") for one in table}) == 1
    assert "- \\# no heading." in lines_of(text, "first")  # a line, and no heading in it

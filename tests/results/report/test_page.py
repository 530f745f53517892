"""The page holds every part, needs nothing else, escapes, and tells what is missing or damaged."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from results.report.page import make_report, write_report

EVIL = '<script>alert("&")</script>'
Reader = Callable[[Path], Any]


def test_every_part_is_there_in_order(artifacts: Path, records: Path, read: Reader) -> None:
    text = read(write_report(artifacts, records)).text
    parts = (
        "Where the numbers come from",
        "Of the paper’s 16 claims",
        "Table 1 Face verification",
        "Paired differences",
        "Table 2",
        "Table 3 was not run: python scripts/reproduce.py table3",
        "Table 4",
        "ROC and DET",
        "evaluate-x-1-1, ROC",
        "evaluate-x-1-1, DET",
        "Cumulative errors (CED)",
        "Table 4, all rows",
        "Table 4, first & foremost",
        "Table 4, points on photos",
        "Fig. 1 was not drawn: python scripts/reproduce.py fig1",
        "Fig. 5 Turned & cleared",
        "python scripts/reproduce.py fig5 --seed 3",
        "Other records",
        "evaluate-x-1-1, second: scores",
        "How to make it again",
        "make demo",
    )
    places = []
    for part in parts:
        places.append(text.find(part, places[-1] if places else 0))
        assert places[-1] >= 0, part


def test_the_paper_this_run_and_the_longer_one_stand_together(
    artifacts: Path, records: Path, read: Reader
) -> None:
    text = read(write_report(artifacts, records)).text
    table = text[text.index("Table 1 Face") : text.index("Paired differences")]
    counts = table[: table.index("Res18")]
    assert "n, this run 600 600 600" in counts
    assert "n, longer run synthetic-mini 6,000 6,000 6,000" in counts
    assert table[table.index("Res18 + ours") :].strip() == (
        "Res18 + ours paper 99.23 – – "
        "this run tiny ◆ 90.00 [88.50, 91.50] ◆ 90.00 [88.50, 91.50] ◆ 90.00 [88.50, 91.50] "
        "− paper −9.23 "
        "longer run synthetic-mini, 3 seeds "
        "◆ 95.50 [94.00, 97.00] ◆ 95.50 [94.00, 97.00] ◆ 95.50 [94.00, 97.00] − paper −3.73"
    )


def test_a_number_opens_all_that_it_came_from(artifacts: Path, records: Path, read: Reader) -> None:
    boxes = read(write_report(artifacts, records)).boxes.values()
    (box,) = (one for one in boxes if one.startswith("Res18 + ours, LFW accuracy: this run"))
    for part in (
        "origin measured on the synthetic world", "95 % interval 88.5 to 91.5", "paper 99.23",
        "difference to paper −9.2300", "n 600", "trainings (seeds) 1", "rule ten folds",
        "command python scripts/reproduce.py table1", f"commit {'c' * 40} (clean)", "seconds 12.5",
        "versions numpy 2.0", f"weights (sha256) res18 {'ab' * 6} versions",
    ):  # fmt: skip
        assert part in box, part
    (box,) = (one for one in boxes if one.startswith("Res18 + ours, LFW accuracy: paper"))
    assert "an exact number of the 6,000 pairs" in box
    kept = [one for one in boxes if one.startswith("LFW accuracy: longer run")]
    assert "difference Res18 + ours − Res18 value +0.75 95 % interval +0.25 to +1.25" in kept[0]
    (box,) = (one for one in boxes if one.startswith("Res18 + R&R, LFW accuracy: this run"))
    assert f"reason absent: {EVIL}" in box


def test_it_needs_no_other_file_and_is_well_formed(
    artifacts: Path, records: Path, read: Reader
) -> None:
    page = read(write_report(artifacts, records))
    assert page.errors == []
    ids = page.all_of("id")
    assert len(ids) == len(set(ids))
    assert all(source.startswith("data:image/webp;base64,") for source in page.all_of("src"))
    assert len(page.all_of("src")) == 7
    links = page.all_of("href")
    assert links
    assert {link[1:] for link in links} <= set(ids)
    assert all(link.startswith("#") for link in links)
    opened = page.all_of("popovertarget")
    assert len(opened) > 20
    assert set(opened) <= set(ids)
    assert {tag for tag, _ in page.attributes} & {"link", "iframe", "object", "base"} == set()
    assert not re.search(r"url\(|@import|https?://", path_text(artifacts))


def path_text(artifacts: Path) -> str:
    return (artifacts / "report" / "index.html").read_text(encoding="utf-8")


def test_all_text_is_escaped(artifacts: Path, records: Path, read: Reader) -> None:
    page = read(write_report(artifacts, records))
    assert EVIL not in path_text(artifacts)
    assert page.text.count(EVIL) > 4  # a reason, a note, a caption
    assert sum(tag == "script" for tag, _ in page.attributes) == 1


def test_what_is_unavailable_says_why(artifacts: Path, records: Path, read: Reader) -> None:
    page = read(write_report(artifacts, records))
    assert f"unavailable: absent: {EVIL}" in page.text
    spans = [
        found["colspan"] for tag, found in page.attributes if tag == "td" and "colspan" in found
    ]
    assert spans.count("3") == 2  # one line for the whole row, in each of the two runs
    assert "measured on real data on photos of real people 2 0" in page.text
    assert "○ unavailable not measured; the cell says what is missing 5 3" in page.text


def test_nothing_at_all_is_a_page_as_well(tmp_path: Path, read: Reader) -> None:
    report = make_report(tmp_path / "none", tmp_path / "no records")
    page = read(report.path)
    assert page.errors == []
    assert report.problems == ()
    assert len(report.missing) == 4 + 7
    assert "Of the paper’s 16 claims: 0 reproduced, 0 not reproduced, 16 not testable" in page.text
    assert "99.23" in page.text  # the paper's numbers are there all the same
    assert "Not everything could be read" not in page.text
    assert not re.search(r"class=\"pictures\"", report.path.read_text())


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("artifacts/table2/record.json", "{"),
        ("artifacts/table2/record.json", "[]"),
        ("artifacts/table4/table4.png", "no picture"),
        ("artifacts/fig5/fig5.json", "[1]"),
        ("records/table3-kept.json", '{"table": "table3"}'),
    ],
)
def test_a_damaged_file_is_one_note(
    artifacts: Path, records: Path, read: Reader, file: str, content: str
) -> None:
    path = artifacts.parent / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    report = make_report(artifacts, records)
    page = read(report.path)
    assert len(report.problems) == 1
    assert path.name in report.problems[0]
    assert str(artifacts) not in report.problems[0]
    assert page.text.count("Not everything could be read") == 1
    assert "95.50" in page.text  # everything else is there
    assert any(line.startswith("Problem: ") for line in report.sentences())


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("cells", 0, "value"), "90"),
        (("cells", 0, "origin"), "guessed"),
        (("cells", 0, "n"), True),
        (("comparisons", 0, "difference"), None),
        (("rows",), [1, 2, 3]),
        (("seconds",), "long"),
        (("weights",), []),
    ],
)
def test_a_record_of_other_types_is_one_note(
    artifacts: Path, records: Path, where: tuple[Any, ...], value: object
) -> None:
    path = artifacts / "table1" / "record.json"
    told = json.loads(path.read_text())
    inner = told
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    path.write_text(json.dumps(told))
    report = make_report(artifacts, records)
    assert len(report.problems) == 1
    assert "table1/record.json" in report.problems[0]


def test_the_same_files_give_the_same_page(artifacts: Path, records: Path) -> None:
    first = write_report(artifacts, records).read_bytes()
    assert write_report(artifacts, records).read_bytes() == first
    assert [one.name for one in (artifacts / "report").iterdir()] == ["index.html"]


def test_folders_of_unfinished_runs_are_left_out(
    artifacts: Path, records: Path, read: Reader
) -> None:
    (artifacts / "table1").rename(artifacts / ".table1-abc")
    report = make_report(artifacts, records)
    assert "Table 1 was not run: python scripts/reproduce.py table1" in report.missing
    assert "95.50" in read(report.path).text

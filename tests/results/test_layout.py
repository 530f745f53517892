"""Every format holds every number, names gaps, and escapes what its syntax would swallow."""

import csv
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from rich.console import Console

from results.record import Cell, RunRecord
from results.tables import layout


def printed(record: RunRecord, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    layout.print_record(record, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_terminal_shows_value_paper_difference_interval_n_origin_and_rule(
    record: RunRecord,
) -> None:
    text = printed(record)
    for expected in (
        "first & foremost", "(n=7)", "1.235", "1.234", "+0.0005", "1.000", "1.500", "–", "−0.500",
        "measured on the synthetic world", "unavailable", 'by ruler <&> "eye"', "Mind the gap.",
        "first & foremost − second", "+1.735", "yes", "no", "no ruler",
    ):  # fmt: skip
        assert expected in text, expected
    assert "…" not in text  # nothing was cut off
    assert max(len(line) for line in text.splitlines()) <= 80


def test_csv_has_full_precision_and_a_line_a_cell(record: RunRecord) -> None:
    lines = list(csv.DictReader(io.StringIO(layout.long(record).to_csv(index=False))))
    assert len(lines) == 4
    assert float(lines[0]["value"]) == 1.23456
    assert float(lines[0]["difference"]) == 1.23456 - 1.2341
    assert (lines[0]["low"], lines[0]["high"]) == ("1.0", "1.5")
    assert (lines[1]["value"], lines[1]["reason"]) == ("", "no ruler")
    assert lines[1]["origin"] == "unavailable"


class Cells(HTMLParser):
    """Every table cell's text and title."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.titles: list[str | None] = []
        self.tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tables += tag == "table"
        if tag in ("td", "th"):
            self.texts.append("")
            self.titles.append(dict(attrs).get("title"))

    def handle_data(self, data: str) -> None:
        if self.texts:
            self.texts[-1] += data


def test_html_reads_back(record: RunRecord) -> None:
    text = layout.to_html(record)
    cells = Cells()
    cells.feed(text)
    assert cells.tables == 2
    titles = dict(zip(cells.texts, cells.titles, strict=True))
    assert titles["1.235"] == "measured on real data"
    assert titles["−0.500"] == "measured on the synthetic world"
    assert "unavailable: no ruler" in cells.titles
    assert "first & foremost" in cells.texts
    assert "<&>" not in text  # the rule's own signs are escaped


def test_latex_is_escaped_and_ascii(record: RunRecord) -> None:
    text = layout.to_latex(record)
    assert r"first \& foremost" in text
    assert r"50\%\_wide" in text
    assert r"$-$0.500" in text
    assert text.split("\n", 1)[1].isascii()
    assert text.startswith("% table9: Sizes, cm. Origin: measured on real data")
    assert text.count(r"\\") == (1 + 5 * len(record.rows)) + (1 + 4)
    assert text.count(r"\begin{tabular}") == 2


def test_markdown_has_a_line_a_quantity(record: RunRecord) -> None:
    text = layout.to_markdown(record)
    assert sum(line.startswith("|") for line in text.splitlines()) == 2 + 10 + 2 + 4
    assert "first & foremost" in text
    assert "no ruler" in text


@pytest.mark.parametrize(("tolerance", "equal"), [(5e-4, 1), (1e-4, 0)])
def test_agreement_counts(record: RunRecord, tolerance: float, equal: int) -> None:
    """What was measured; a number that is the paper's own does not count."""
    assert layout.agreement(record, tolerance).startswith(f"{equal} of 1 values equal")


def test_numbers() -> None:
    assert layout.number(None) == "–"
    assert layout.number(2.0) == "2.000"
    assert layout.number(-0.12345, "+.4f") == "−0.1235"


def test_a_table_without_comparisons_is_a_table_all_the_same(record: RunRecord) -> None:
    from dataclasses import replace

    alone = replace(record, comparisons=(), notes=())
    assert "Paired" not in printed(alone) + layout.to_html(alone) + layout.to_latex(alone)
    assert "real" not in layout.to_markdown(alone).replace("real data", "")
    assert layout.long_comparisons(alone).empty


def test_differences_have_full_precision_too(record: RunRecord) -> None:
    lines = list(csv.DictReader(io.StringIO(layout.long_comparisons(record).to_csv(index=False))))
    assert [line["real"] for line in lines] == ["True", "False"]
    assert float(lines[0]["left_minus_right"]) == 1.73456
    assert (lines[1]["low"], lines[1]["high"]) == ("-0.2", "0.3")


def test_blocks_of_large_numbers_keep_their_distance(record: RunRecord) -> None:
    cells = tuple(
        replace(
            cell,
            value=-1234.5,
            interval=(-1300.0, 1300.0),
            n=1234567,
            origin="measured on real data",
            reason="",
        )
        for cell in record.cells
    )
    text = printed(replace(record, cells=cells))
    assert re.search(r"−1234\.500 {2,}−1234\.500", text)
    assert "(n=1234567)" in text


def test_many_columns_stand_below_each_other(record: RunRecord) -> None:
    """Nine columns of a large benchmark: nothing is cut off, and every part has its headers."""
    columns = tuple(f"TAR@{number}e-{number}" for number in range(1, 10))
    cells = tuple(
        Cell(row, column, 12.345, "measured on real data", 15_658_489)
        for row in record.rows
        for column in columns
    )
    text = printed(replace(record, columns=columns, cells=cells, comparisons=()))
    assert "…" not in text
    assert max(len(line) for line in text.splitlines()[:30]) <= 80
    assert text.count("(n=15658489)") == 18
    assert text.count("first & foremost (continued)") == 1


def test_a_reason_is_told_once(record: RunRecord) -> None:
    cells = tuple(
        Cell(row, column, None, "unavailable", reason="no ruler")
        for row in record.rows
        for column in record.columns
    )
    text = layout.to_markdown(replace(record, cells=cells, comparisons=()))
    assert text.count("no ruler") == 1
    assert "first & foremost; second: no ruler" in text


def test_a_column_without_numbers_is_named_once(record: RunRecord) -> None:
    cells = tuple(
        Cell(row, column, None, "unavailable", reason="no ruler")
        if column == "50%_wide"
        else Cell(row, column, 1.0, "measured on real data")
        for row in record.rows
        for column in record.columns
    )
    text = layout.to_markdown(replace(record, cells=cells, comparisons=()))
    assert "- 50%_wide: no ruler" in text

"""A run record as a table: on the terminal, and as CSV, Markdown, LaTeX and HTML."""

import html
from collections.abc import Iterator, Mapping

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from results.record import Cell, RunRecord
from results.tables.remarks import remarks

MEASURED, PAPER, DIFFERENCE = "measured", "paper", "difference"
LOW, HIGH = "95 % from", "95 % to"
_QUANTITY, _COLUMN, _WIDE_COLUMN = 12, 11, 13
"""Widths, so that six columns stand side by side in 80 characters, or five with long headers."""
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em }
div { overflow-x: auto }
table { border-collapse: collapse; margin: 1em 0 }
tbody { border-top: 1px solid #333 }
th, td { padding: .25em .8em; text-align: right; vertical-align: top }
td, tbody th { white-space: nowrap; border-bottom: 1px solid #eee }
tbody th { text-align: left; font-weight: normal }
tbody th[rowspan] { font-weight: bold; white-space: normal; min-width: 10em; max-width: 18em }
p { max-width: 60em }
"""


def number(value: float | None, form: str = ".3f") -> str:
    """Three decimals, as the paper prints, with a real minus; – where there is no number."""
    return "–" if value is None else format(value, form).replace("-", "−")


def wide(record: RunRecord) -> pd.DataFrame:
    """One line a row and quantity (measured, paper, difference, interval), as text.

    The paper and the difference are left out where the paper has no number in the whole table.
    """

    def lines(cell: Cell) -> list[str]:
        low, high = cell.interval or (None, None)
        # Four decimals show the paper's rounding.
        gap = number(cell.difference, "+.4f")
        beside = [number(cell.paper), gap] if printed else []
        own = None if cell.origin == "reported by the paper" else cell.value
        return [number(own), *beside, number(low), number(high)]

    printed = any(cell.paper is not None for cell in record.cells)
    index = [MEASURED, *([PAPER, DIFFERENCE] if printed else []), LOW, HIGH]
    blocks = {
        row: pd.DataFrame(
            {
                header: lines(record.cell(row, column))
                for header, column in zip(_headers(record), record.columns, strict=True)
            },
            index=index,
        )
        for row in record.rows
    }
    return pd.concat(blocks, names=["row", "value"])


def comparisons(record: RunRecord) -> pd.DataFrame:
    """One line a pair of rows and quantity (difference, interval, whether it is real), as text.

    Raises:
        ValueError: The record compares no rows.
    """
    return pd.concat(_pairs(record), names=["row − row", "value"])


def long_comparisons(record: RunRecord) -> pd.DataFrame:
    """One line a pair of rows and column, numbers in full precision."""
    return pd.DataFrame(
        [
            {
                "table": record.table,
                "left": one.left,
                "right": one.right,
                "column": one.column,
                "left_minus_right": one.difference,
                "low": one.interval[0] if one.interval else None,
                "high": one.interval[1] if one.interval else None,
                "real": one.real,
            }
            for one in record.comparisons
        ]
    )


def long(record: RunRecord) -> pd.DataFrame:
    """One line a cell, numbers in full precision: the form for other programs."""
    return pd.DataFrame([_long(record, cell) for cell in record.cells])


def agreement(record: RunRecord, tolerance: float = 5e-4) -> str:
    """How many of the paper's values the measured ones equal, in a sentence."""
    gaps = [abs(cell.difference) for cell in record.cells if cell.difference is not None]
    if not gaps:
        return "No value was measured that the paper has a number for."
    equal = sum(gap <= tolerance for gap in gaps)
    return (
        f"{equal} of {len(gaps)} values equal the paper's to {tolerance:g} "
        f"(largest difference {max(gaps):.6f})."
    )


def print_record(record: RunRecord, console: Console) -> None:
    """Print the table, its rule, the paired differences and the notes, 80 columns wide."""
    console.print(f"{record.table}: {record.title}", style="bold", markup=False)
    frame = wide(record)
    for row in record.rows:
        for block in _blocks(row, frame.loc[row], headed=row == record.rows[0]):
            console.print(block)
    console.print(_provenance(record), markup=False)
    console.print(agreement(record), style="bold")
    if record.comparisons:
        console.print("\nPaired differences of rows", style="bold")
        for index, (title, lines) in enumerate(_pairs(record).items()):
            for block in _blocks(title, lines, headed=index == 0):
                console.print(block)
    for note in remarks(record):
        console.print(f"· {note}", markup=False)


def to_markdown(record: RunRecord) -> str:
    """The table, its rule and notes as Markdown."""
    parts = [
        f"# {record.table}: {record.title}",
        _markdown(wide(record)),
        f"{_provenance(record)} {agreement(record)}",
    ]
    if record.comparisons:
        parts.append(_markdown(comparisons(record)))
    parts.append("\n".join(f"- {note}" for note in remarks(record)))
    return "\n\n".join(parts) + "\n"


def _markdown(frame: pd.DataFrame) -> str:
    """Text stays as it is: read as numbers, 50.000 would come out as 50."""
    sides = ("left", "left", *["right"] * len(frame.columns))
    return _flat(frame).to_markdown(index=False, disable_numparse=True, colalign=sides)


def to_latex(record: RunRecord) -> str:
    """The table, and the paired differences, as LaTeX for booktabs."""
    parts = [f"% {record.table}: {record.title}. {_provenance(record)}\n", _latex(wide(record))]
    if record.comparisons:
        parts += ["\n% Paired differences of rows\n", _latex(comparisons(record))]
    return "".join(parts)


def _latex(frame: pd.DataFrame) -> str:
    styler = _flat(frame).style
    styler.hide(axis="index")
    styler.format(escape="latex")
    styler.format_index(escape="latex", axis="columns")
    text = styler.to_latex(hrules=True, column_format="ll" + "r" * len(frame.columns))
    return text.translate({ord("−"): "$-$", ord("–"): "--"})


def to_html(record: RunRecord) -> str:
    """The table as one self-contained page; a cell's origin shows on hover."""
    frame = wide(record)
    origins = {
        (cell.row, cell.column): f"{cell.origin}: {cell.reason}" if cell.reason else cell.origin
        for cell in record.cells
    }
    table = _html_table(
        {row: frame.loc[row] for row in record.rows},
        {row: [origins[row, column] for column in record.columns] for row in record.rows},
    )
    differences = ""
    if record.comparisons:
        differences = f"<h2>Paired differences of rows</h2>{_html_table(_pairs(record))}"
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in remarks(record))
    title = html.escape(f"{record.table}: {record.title}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{title}</h1>{table}"
        f"<p>{html.escape(_provenance(record))} {html.escape(agreement(record))}</p>"
        f"{differences}<ul>{notes}</ul></html>\n"
    )


def _html_table(
    blocks: Mapping[str, pd.DataFrame], hover: Mapping[str, list[str]] | None = None
) -> str:
    """One body a block: its title spans its lines; ``hover`` titles the columns of a block."""
    columns = next(iter(blocks.values())).columns
    heads = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    bodies = []
    for title, lines in blocks.items():
        told = hover[title] if hover else [""] * len(columns)
        rows = [
            f"<th>{html.escape(str(quantity))}</th>"
            + "".join(
                f'<td title="{html.escape(tip)}">{html.escape(value)}</td>'
                for value, tip in zip(values, told, strict=True)
            )
            for quantity, values in lines.iterrows()
        ]
        rows[0] = f'<th rowspan="{len(rows)}">{html.escape(title)}</th>{rows[0]}'
        bodies.append("<tbody>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</tbody>")
    head = f"<thead><tr><th></th><th></th>{heads}</tr></thead>"
    return f"<div><table>{head}{''.join(bodies)}</table></div>"


def _provenance(record: RunRecord) -> str:
    """Where the numbers come from, and by which rule."""
    origins = ", ".join(sorted({cell.origin for cell in record.cells}))
    return f"Origin: {origins}. Rule: {record.rule}."


def _headers(record: RunRecord) -> list[str]:
    """Column names with the number of units, taken from the first row."""
    sizes = [record.cell(record.rows[0], column).n for column in record.columns]
    return [
        f"{column} (n={n})" if n is not None else column
        for column, n in zip(record.columns, sizes, strict=True)
    ]


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Index levels as columns, a block's name only on its first line."""
    name = frame.index.names[0]
    flat = frame.reset_index()
    flat[name] = flat[name].where(~flat[name].duplicated(), "")
    return flat


def _long(record: RunRecord, cell: Cell) -> dict[str, object]:
    low, high = cell.interval if cell.interval else (None, None)
    return {
        "table": record.table,
        "row": cell.row,
        "column": cell.column,
        "value": cell.value,
        "paper": cell.paper,
        "difference": cell.difference,
        "n": cell.n,
        "low": low,
        "high": high,
        "origin": cell.origin,
        "reason": cell.reason,
        "rule": record.rule,
    }


def _pairs(record: RunRecord) -> dict[str, pd.DataFrame]:
    """The differences of every pair of rows, by its title; columns as in the table."""
    pairs: dict[str, dict[str, list[str]]] = {}
    for one in record.comparisons:
        low, high = one.interval or (None, None)
        numbers = [number(value, "+.3f") for value in (one.difference, low, high)]
        verdict = {True: "yes", False: "no", None: "–"}[one.real]
        pairs.setdefault(f"{one.left} − {one.right}", {})[one.column] = [*numbers, verdict]
    index = [DIFFERENCE, LOW, HIGH, "real"]
    return {title: pd.DataFrame(values, index=index) for title, values in pairs.items()}


def _blocks(title: str, lines: pd.DataFrame, *, headed: bool) -> Iterator[Table]:
    """A titled block, or several below each other where one would be wider than the terminal.

    Several each need their own headers.
    """
    count = len(lines.columns)
    longest = max(len(word) for header in lines.columns for word in header.split(" "))
    width = _COLUMN if longest < _COLUMN else _WIDE_COLUMN
    across = (80 - _QUANTITY) // width
    for start in range(0, count, across):
        part = lines.iloc[:, start : start + across]
        name = title if not start else f"{title} (continued)"
        yield _block(name, part, width, headed=headed or count > across)


def _block(title: str, lines: pd.DataFrame, width: int, *, headed: bool) -> Table:
    """A titled block, quantities down and columns across; all blocks have the same widths."""
    block = Table(box=None, padding=(0, 0), show_header=headed)
    block.title, block.title_justify, block.title_style = Text(title), "left", "bold cyan"
    block.add_column("", width=_QUANTITY, no_wrap=True)
    for header in lines.columns:
        block.add_column(Text(header.replace(" (n", "\n(n")), justify="right", width=width)
    for quantity, values in lines.iterrows():
        block.add_row(str(quantity), *values, style="bold" if quantity == MEASURED else None)
    return block

"""A run record as a table: on the terminal, and as CSV, Markdown, LaTeX and HTML."""

import html

import pandas as pd
from rich.console import Console
from rich.table import Table

from results.record import Cell, RunRecord

MEASURED, PAPER, DIFFERENCE, INTERVAL = "measured", "paper", "difference", "95 % interval"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0 }
th, td { padding: .25em .7em; text-align: right; border-bottom: 1px solid #ddd }
th { text-align: left } thead th { border-bottom: 2px solid #333 }
p { max-width: 60em }
"""


def number(value: float | None) -> str:
    """Three decimals, as the paper prints; – where there is no number."""
    return "–" if value is None else f"{value:.3f}"


def difference(value: float | None) -> str:
    """Signed, four decimals: fine enough to show the paper's rounding."""
    return "–" if value is None else f"{value:+.4f}".replace("-", "−")


def interval(bounds: tuple[float, float] | None) -> str:
    """Both ends, two decimals."""
    return "–" if bounds is None else f"{bounds[0]:.2f}…{bounds[1]:.2f}".replace("-", "−")


def wide(record: RunRecord) -> pd.DataFrame:
    """One line a row and quantity (measured, paper, difference, interval), as text."""
    quantities = {
        MEASURED: lambda cell: number(cell.value),
        PAPER: lambda cell: number(cell.paper),
        DIFFERENCE: lambda cell: difference(cell.difference),
        INTERVAL: lambda cell: interval(cell.interval),
    }
    lines = {
        (row, quantity): [show(record.cell(row, column)) for column in record.columns]
        for row in record.rows
        for quantity, show in quantities.items()
    }
    frame = pd.DataFrame.from_dict(lines, orient="index", columns=_headers(record))
    frame.index = pd.MultiIndex.from_tuples(frame.index, names=["row", "value"])
    return frame


def comparisons(record: RunRecord) -> pd.DataFrame:
    """One line a pair of rows and quantity (difference, interval, whether it is real), as text."""
    pairs = {f"{left} − {right}": lines for (left, right), lines in _pairs(record).items()}
    return pd.concat(pairs, names=["row − row", "value"]) if pairs else pd.DataFrame()


def long(record: RunRecord) -> pd.DataFrame:
    """One line a cell, numbers in full precision: the form for other programs."""
    return pd.DataFrame([_long(record, cell) for cell in record.cells])


def agreement(record: RunRecord, tolerance: float = 5e-4) -> str:
    """How many of the paper's values the measured ones equal, in a sentence."""
    gaps = [abs(cell.difference) for cell in record.cells if cell.difference is not None]
    if not gaps:
        return "The paper has no number to compare with."
    equal = sum(gap <= tolerance for gap in gaps)
    return (
        f"{equal} of {len(gaps)} values equal the paper's to {tolerance:g} "
        f"(largest difference {max(gaps):.6f})."
    )


def print_record(record: RunRecord, console: Console) -> None:
    """Print the table, its rule, the paired differences and the notes, 80 columns wide."""
    console.print(f"[bold]{record.table}: {record.title}[/]")
    frame = wide(record)
    for row in record.rows:
        console.print(_block(row, frame.loc[row], headed=row == record.rows[0]))
    console.print(f"Origin: {', '.join(sorted({cell.origin for cell in record.cells}))}")
    console.print(f"Rule: {record.rule}")
    console.print(agreement(record), style="bold green")
    if record.comparisons:
        console.print("\n[bold]Paired differences of rows[/]")
        for index, ((left, right), lines) in enumerate(_pairs(record).items()):
            console.print(_block(f"{left} − {right}", lines, headed=index == 0))
    for note in record.notes:
        console.print(f"· {note}")


def to_markdown(record: RunRecord) -> str:
    """The table, its rule and notes as Markdown."""
    notes = "\n".join(f"- {note}" for note in record.notes)
    return (
        f"# {record.table}: {record.title}\n\n{_flat(wide(record)).to_markdown(index=False)}\n\n"
        f"Rule: {record.rule}. {agreement(record)}\n\n"
        f"{comparisons(record).reset_index().to_markdown(index=False)}\n\n{notes}\n"
    )


def to_latex(record: RunRecord) -> str:
    """The table as LaTeX, for booktabs."""
    styler = _flat(wide(record)).style
    styler.hide(axis="index")
    styler.format(escape="latex")
    styler.format_index(escape="latex", axis="columns")
    text = styler.to_latex(hrules=True, column_format="ll" + "r" * len(record.columns))
    return text.translate({ord("−"): "$-$", ord("–"): "--", ord("…"): r"\,\ldots\,"})


def to_html(record: RunRecord) -> str:
    """The table as one self-contained page; a cell's origin shows on hover."""
    origins = {(cell.row, cell.column): cell.origin for cell in record.cells}
    frame = wide(record)
    body = []
    for (row, quantity), values in frame.iterrows():  # type: ignore[misc]
        head = f"<th>{html.escape(row if quantity == MEASURED else '')}</th><th>{quantity}</th>"
        cells = "".join(
            f'<td title="{html.escape(origins[row, column])}">{html.escape(value)}</td>'
            for column, value in zip(record.columns, values, strict=True)
        )
        body.append(f"<tr>{head}{cells}</tr>")
    heads = "".join(f"<th>{html.escape(header)}</th>" for header in ("row", "", *frame.columns))
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in record.notes)
    title = html.escape(f"{record.table}: {record.title}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style><h1>{title}</h1>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table>"
        f"<p>Rule: {html.escape(record.rule)}. {html.escape(agreement(record))}</p>"
        f"{comparisons(record).to_html(border=0)}<ul>{notes}</ul></html>\n"
    )


def _headers(record: RunRecord) -> list[str]:
    """Column names with the number of units, taken from the first row."""
    sizes = [record.cell(record.rows[0], column).n for column in record.columns]
    return [
        f"{column} (n={n})" if n is not None else column
        for column, n in zip(record.columns, sizes, strict=True)
    ]


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Index levels as columns, a row's name only on its first line."""
    flat = frame.reset_index()
    flat.loc[flat["value"] != MEASURED, "row"] = ""
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


def _pairs(record: RunRecord) -> dict[tuple[str, str], pd.DataFrame]:
    """Every pair of rows with its differences, one column a column of the table."""
    pairs: dict[tuple[str, str], dict[str, list[str]]] = {}
    for one in record.comparisons:
        numbers = [f"{x:+.3f}".replace("-", "−") for x in (one.difference, *one.interval)]
        verdict = "yes" if one.real else "no"
        pairs.setdefault((one.left, one.right), {})[one.column] = [*numbers, verdict]
    index = [DIFFERENCE, "95 % from", "95 % to", "real"]
    return {pair: pd.DataFrame(values, index=index) for pair, values in pairs.items()}


def _block(title: str, lines: pd.DataFrame, *, headed: bool) -> Table:
    """A titled block, quantities down and columns across; all blocks have the same widths."""
    block = Table(box=None, padding=(0, 0), show_header=headed)
    block.title, block.title_justify, block.title_style = title, "left", "bold cyan"
    block.add_column("", width=14, no_wrap=True)
    for header in lines.columns:
        block.add_column(header, justify="right", width=11)
    for quantity, values in lines.iterrows():
        block.add_row(str(quantity), *values, style="bold" if quantity == MEASURED else None)
    return block

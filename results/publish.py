"""Write a result's files, print it, track it: in this order, so that nothing computed is lost."""

import re
import shutil
from pathlib import Path

from rich.console import Console

from protocols.roots import project_root
from results.tables import layout
from results.tables.result import Result
from results.tracking import track


def publish(result: Result, console: Console, artifacts: Path | None = None) -> Path:
    """Write, print and track a table.

    Args:
        result: What was computed.
        console: Where to print.
        artifacts: The folder of outputs; ``artifacts/`` of the checkout by default.

    Returns:
        The folder that holds the table's files.
    """
    artifacts = project_root() / "artifacts" if artifacts is None else artifacts
    folder, row_figures = write(result, artifacts)
    layout.print_record(result.record, console)
    console.print(f"Files: {folder}")
    run, store = track(result.record, folder, row_figures, artifacts)
    console.print(f"MLflow run {run} in {store}")
    return folder


def write(result: Result, artifacts: Path) -> tuple[Path, dict[str, Path]]:
    """Write the record, the table in every format and the figures into ``artifacts/TABLE``.

    The folder holds one result at a time: it is made beside and put in place when it is whole.

    Returns:
        The folder, and the figure of each row that has one.
    """
    record = result.record
    files = {
        "record.json": record.to_json(),
        f"{record.table}.csv": layout.long(record).to_csv(index=False),
        f"{record.table}.md": layout.to_markdown(record),
        f"{record.table}.tex": layout.to_latex(record),
        f"{record.table}.html": layout.to_html(record),
    }
    folder, making = artifacts / record.table, artifacts / f".{record.table}.making"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    for name, text in files.items():
        (making / name).write_text(text, encoding="utf-8")
    row_figures = {}
    for figure in result.figures:
        name = f"{_file_name(figure.row or record.table)}.png"
        figure.draw().savefig(making / name)
        if figure.row is not None:
            row_figures[figure.row] = folder / name
    shutil.rmtree(folder, ignore_errors=True)
    making.replace(folder)
    return folder, row_figures


def _file_name(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")

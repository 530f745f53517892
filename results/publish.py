"""Print a result, write its files, track it: in this order, so that nothing computed is lost."""

import json
import re
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from protocols.errors import BadInput
from protocols.roots import artifacts_folder
from results.record import MEASURED, RunRecord, read_record
from results.tables import layout
from results.tables.result import Result
from results.tracking import masked, store_address, track

RECORD = "record.json"
ROW_FIGURES = "row-figures.json"


def publish(
    result: Result, console: Console, artifacts: Path | None = None, *, folder: str = ""
) -> Path:
    """Print, write and track a table.

    Several runs may publish at the same time: each tracks the files that it wrote itself, and the
    last one's stay in ``artifacts/TABLE``.

    Args:
        result: What was computed.
        console: Where to print.
        artifacts: The folder of outputs; :func:`protocols.roots.artifacts_folder` by default.
        folder: The table's there; its name by default.

    Returns:
        The folder that holds the table's files.
    """
    artifacts = artifacts_folder() if artifacts is None else artifacts
    layout.print_record(result.record, console)
    own = _own_folder(artifacts, result.record.table)
    try:
        row_figures = write(result, own)
    except BaseException:  # a half-written folder never takes the place of a whole one
        shutil.rmtree(own)
        raise
    place = artifacts / (folder or result.record.table)
    return _put(result.record, own, row_figures, console, place)


def publish_again(
    kept: Path, console: Console, artifacts: Path | None = None, *, track_it: bool
) -> Path:
    """Print and put in place a table whose files were written before.

    Args:
        kept: The folder that :func:`write` filled, with the figures of each row in
            ``row-figures.json``; it stays as it is.
        console: Where to print.
        artifacts: As of :func:`publish`.
        track_it: Whether it is a run that was not tracked yet.

    Returns:
        The folder that holds the table's files.
    """
    artifacts = artifacts_folder() if artifacts is None else artifacts
    record = read_record(kept / RECORD)
    layout.print_record(record, console)
    _keep_real(artifacts / record.table, console)
    own = _own_folder(artifacts, record.table)
    names = json.loads((kept / ROW_FIGURES).read_bytes())
    row_figures = {row: [own / name for name in of_row] for row, of_row in names.items()}
    try:
        for path in kept.iterdir():
            if path.name != ROW_FIGURES:
                shutil.copyfile(path, own / path.name)
    except BaseException:
        shutil.rmtree(own)
        raise
    if not track_it:
        folder = artifacts / record.table
        _put_in_place(own, folder)
        console.print(f"Files: {folder}, made before")
        return folder
    return _put(record, own, row_figures, console, artifacts / record.table)


def _keep_real(folder: Path, console: Console) -> None:
    """Move a table of real data out of the way of one of made-up people."""
    try:
        before = read_record(folder / RECORD)
    except (BadInput, OSError):  # there is none, or none that is worth keeping
        return
    if MEASURED["real"] in (cell.origin for cell in before.cells):
        aside = folder.with_name(f"{folder.name}-real")
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
        console.print(f"The table of real data that was there is now in {aside}", highlight=False)


def _own_folder(artifacts: Path, table: str) -> Path:
    artifacts.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f".{table}-", dir=artifacts))


def _put(
    record: RunRecord,
    own: Path,
    row_figures: Mapping[str, Sequence[Path]],
    console: Console,
    folder: Path,
) -> Path:
    """Track the files of a folder of one's own, and put it in its place."""
    artifacts = folder.parent
    try:
        console.print(f"Files: {folder}")
        console.print(f"MLflow store: {masked(store_address(artifacts))}")
        run = track(record, own, row_figures, artifacts)
        console.print(f"MLflow run: {run}")
    finally:
        _put_in_place(own, folder)
    return folder


def write(result: Result, folder: Path) -> dict[str, list[Path]]:
    """Write the record, the table in every format and the figures into a folder.

    Returns:
        The figures of each row that has one.
    """
    record = result.record
    files = {
        RECORD: record.to_json(),
        f"{record.table}.csv": layout.long(record).to_csv(index=False),
        f"{record.table}-differences.csv": layout.long_comparisons(record).to_csv(index=False),
        f"{record.table}.md": layout.to_markdown(record),
        f"{record.table}.tex": layout.to_latex(record),
        f"{record.table}.html": layout.to_html(record),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    row_figures: dict[str, list[Path]] = {}
    for figure in result.figures:
        path = folder / f"{file_name(f'{figure.row or record.table} {figure.name}')}.png"
        with warnings.catch_warnings():  # a name in a script that the font lacks shows boxes
            warnings.filterwarnings("ignore", r"Glyph .* missing from")
            figure.draw().savefig(path)
        if figure.row is not None:
            row_figures.setdefault(figure.row, []).append(path)
    return row_figures


def _put_in_place(own: Path, folder: Path) -> None:
    """Make ``own`` the folder, whatever stood there, and whoever else does the same just now."""
    own.chmod(0o755)
    refused: OSError | None = None
    for attempt in range(20):
        aside = own.with_name(f"{own.name}.old{attempt}")
        try:
            if folder.exists():
                folder.rename(aside)
            own.rename(folder)
        except OSError as error:  # another run put its own there between the two steps
            refused = error
            continue
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return
    raise OSError(f"{folder} could not be replaced, this run's files are in {own}: {refused}")


def file_name(title: str) -> str:
    """A title in small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")

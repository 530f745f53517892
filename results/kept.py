"""Records that are kept for good: ``results/records/NAME.json``, in git and in the wheel."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from protocols.errors import BadInput, BadOption
from results.cache.durable import write_durably
from results.record import MEASURED, RunRecord, read_record

RECORDS = Path(__file__).resolve().parent / "records"
"""Where they lie."""
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# A path from the root, such as /home/someone/…, or of a drive; no part of an address or a fraction.
_MACHINE = re.compile(r"(?<![\w./~-])(?:/[\w.@+-]+){2,}|(?<!\w)~/\w|\b[A-Za-z]:\\")


def kept_records(folder: Path = RECORDS) -> dict[str, RunRecord]:
    """The kept records by name, in the order of names; none where the folder is absent.

    Args:
        folder: Holds a JSON file a record.

    Raises:
        BadInput: A file of it is no record, or not whole.
    """
    return {path.stem: _read(path) for path in sorted(folder.glob("*.json"))}


def keep(folder: Path, name: str, *, changed_files: bool = False, records: Path = RECORDS) -> Path:
    """Keep the record of a table for good, in the place of one of the same name.

    Args:
        folder: Of the table, such as ``artifacts/table1``; holds ``record.json``.
        name: What to call it: small letters, digits and hyphens.
        changed_files: Also if files differed from the commit that it names.
        records: Where to keep it.

    Returns:
        The file.

    Raises:
        BadOption: The name is none.
        BadInput: There is no record; nobody could make it again; or it tells of this machine.
        CacheFailed: The file could not be written; what stood there before still does.
    """
    if not _NAME.fullmatch(name):
        raise BadOption(f"name {name!r}", "small letters and digits, with hyphens between them")
    path = folder / "record.json"
    record = _read(path)
    _check(path, record, changed_files=changed_files)
    records.mkdir(parents=True, exist_ok=True)
    kept = records / f"{name}.json"
    write_durably(kept, f"{record.to_json()}\n".encode())
    return kept


def _read(path: Path) -> RunRecord:
    """A record with a cell for each row and column."""
    record = read_record(path)
    there = {(cell.row, cell.column) for cell in record.cells}
    for row, column in itertools.product(record.rows, record.columns):
        if (row, column) not in there:
            raise BadInput(path, f"{row}, {column}", "a cell", "none")
    return record


def _check(path: Path, record: RunRecord, *, changed_files: bool) -> None:
    """Refuse what would be no evidence."""
    environment = record.environment
    if environment.git_commit is None or (environment.git_dirty is not False and not changed_files):
        found = "changed files" if environment.git_commit else "no commit"
        raise BadInput(path, "environment", "a run of a clean checkout", found)
    if not environment.command:
        raise BadInput(path, "environment", "the command that made it", "none")
    if not any(cell.origin in MEASURED.values() for cell in record.cells):
        raise BadInput(path, "cells", "a number that was measured", "none")
    for where, text in _texts(json.loads(record.to_json())):
        if match := _MACHINE.search(text):
            raise BadInput(path, where, "no path of a machine", f"{match[0]} in {text!r}")


def _texts(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Every text of plain values, keys too, and where it stands."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield where, key
            yield from _texts(one, f"{where}.{key}".lstrip("."))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _texts(one, f"{where}[{index}]")

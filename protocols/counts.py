"""How many photos, templates and pairs a protocol must have: the official numbers, or a user's own.

A root may hold a part of a data set, or a made-up one in its format. Then a ``counts.json`` beside
the data says what has to be there, and every table says that it was asked instead of the official
numbers::

    {"why": "synthetic world, seed 3", "counts": {"photos": 7701, "pairs": 6000}}
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from protocols.errors import BadInput
from protocols.types import InputFile

FILE = "counts.json"
OFFICIAL = "official counts"
Expected = int | tuple[int, int]
"""A number, or the least and the most (where only the range over all splits is known)."""


@dataclass(frozen=True)
class Counted:
    """By what a protocol's counts were checked.

    Attributes:
        against: In words for a table.
        inputs: The ``counts.json``, if it was one.
    """

    against: str
    inputs: tuple[InputFile, ...] = ()


def check_counts(
    root: Path, found: Mapping[str, int], official: Mapping[str, Expected], file: Path
) -> Counted:
    """Compare counts with the official ones, or with the root's ``counts.json`` if there is one.

    Args:
        root: The data set's folder.
        found: What was counted, by name; a ``counts.json`` has to have every one of these names
            (it may have others, of the root's other protocols).
        official: The official number of each.
        file: The list that was counted, for messages.

    Raises:
        BadInput: A count is off, or ``counts.json`` is malformed or lacks a name.
    """
    own = root / FILE
    if not own.is_file():
        _compare(found, official, file, f"official count; a {FILE} in {root} may say otherwise")
        return Counted(OFFICIAL)
    why, counts = read_counts(own)
    lacking = [name for name in found if name not in counts]
    if lacking:
        raise BadInput(own, "counts", f"an entry {lacking[0]!r}", ", ".join(counts) or "none")
    _compare(found, counts, file, f"as {FILE} says")
    return Counted(f"{FILE} ({why})", (InputFile.of(own),))


def read_counts(path: Path) -> tuple[str, dict[str, int]]:
    """The reason and the numbers of a ``counts.json``.

    Raises:
        BadInput: It is no JSON, or of another form.
    """
    form = 'JSON such as {"why": "synthetic world", "counts": {"pairs": 600}}'
    try:
        content = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, OSError, RecursionError) as error:
        raise BadInput(path, "", form, str(error) or type(error).__name__) from error
    why = content.get("why") if isinstance(content, dict) else None
    counts = content.get("counts") if isinstance(content, dict) else None
    if not (isinstance(why, str) and why and isinstance(counts, dict)):
        raise BadInput(path, "", form, repr(content)[:80])
    for name, count in counts.items():
        if type(count) is not int or count < 0:
            raise BadInput(path, f"counts, {name}", "a whole number from 0", repr(count)[:80])
    return why, counts


def _compare(
    found: Mapping[str, int], expected: Mapping[str, Expected], file: Path, origin: str
) -> None:
    for name, count in found.items():
        wanted = expected[name]
        low, high = wanted if isinstance(wanted, tuple) else (wanted, wanted)
        if not low <= count <= high:
            told = f"{low:,}" if low == high else f"{low:,} to {high:,}"
            raise BadInput(file, f"number of {name}", f"{told} ({origin})", f"{count:,}")

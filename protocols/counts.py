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
MOST_WORDS = 200
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
    if not _is_there(own):
        _compare(found, official, file, f"official count; a {FILE} in {root} may say otherwise")
        return Counted(OFFICIAL)
    why, counts = read_counts(own)
    lacking = [name for name in found if name not in counts]
    if lacking:
        raise BadInput(own, "counts", f"an entry {lacking[0]!r}", ", ".join(counts)[:200] or "none")
    _compare(found, counts, file, f"as {FILE} says")
    return Counted(f"{FILE} ({why})", (InputFile.of(own),))


def read_counts(path: Path) -> tuple[str, dict[str, int]]:
    """The reason and the numbers of a ``counts.json``.

    Raises:
        BadInput: It is no JSON, or of another form.
    """
    form = 'JSON such as {"why": "synthetic world", "counts": {"pairs": 600}}'
    try:
        text = path.read_bytes().decode("utf-8-sig")
        content = json.loads(text, object_pairs_hook=_once_each)
    except (ValueError, OSError, RecursionError) as error:
        raise BadInput(path, "", form, str(error) or type(error).__name__) from error
    why = content.get("why") if isinstance(content, dict) else None
    counts = content.get("counts") if isinstance(content, dict) else None
    if not (isinstance(why, str) and why and isinstance(counts, dict)):
        raise BadInput(path, "", form, "JSON of another form")
    if not why.isprintable() or len(why) > MOST_WORDS:
        expected = f"one line of at most {MOST_WORDS} characters: tables print it"
        raise BadInput(path, "why", expected, repr(why[:80]))
    for name, count in counts.items():
        if not name.isprintable():
            raise BadInput(path, "counts", "names that can be printed", ascii(name[:80]))
        if type(count) is not int or not 0 <= count < 1 << 63:
            found = repr(count)[:80] if isinstance(count, int | float | str) else "another thing"
            raise BadInput(path, f"counts, {name[:80]}", "a whole number from 0", found)
    return why, counts


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:  # the folder may not be read, its name is too long, …
        raise BadInput(path, "", "a folder that can be read", error.strerror or "") from error


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Python's own reader takes the last of several values with one name."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a name that stands there twice")
    return values


def _compare(
    found: Mapping[str, int], expected: Mapping[str, Expected], file: Path, origin: str
) -> None:
    for name, count in found.items():
        wanted = expected[name]
        low, high = wanted if isinstance(wanted, tuple) else (wanted, wanted)
        if not low <= count <= high:
            told = f"{low:,}" if low == high else f"{low:,} to {high:,}"
            raise BadInput(file, f"number of {name}", f"{told} ({origin})", f"{count:,}")

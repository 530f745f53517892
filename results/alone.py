"""One run at a time writes to a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from protocols.errors import BadInput


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Keep a folder for this run.

    Raises:
        BadInput: Another run has it.
    """
    from filelock import FileLock, Timeout

    try:
        with FileLock(out / ".lock", timeout=0):
            yield
    except Timeout as error:
        raise BadInput(out, "", "a folder that no other run writes to", "one that does") from error

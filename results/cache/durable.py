"""Files that are there wholly or not at all, whoever is killed while writing them."""

import contextlib
import hashlib
import os
import platform
import re
import time
import uuid
from pathlib import Path

from protocols.errors import DataError

_PART = re.compile(r"\.([0-9a-f]{12})-(\d+)-[0-9a-f]{32}\.part")
_DAY = 86_400.0


class CacheFailed(DataError):
    """A block could not be written; what was stored before is whole.

    Args:
        path: What was to be written.
        why: What the system says.
    """

    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        super().__init__(
            f"{path} could not be written: {why}. What was stored before is kept; make room, or "
            "name another folder, and run the command again."
        )


def write_durably(path: Path, content: bytes) -> None:
    """Put a file in its place, wholly or not at all, also if the power fails.

    Raises:
        CacheFailed: The system refused; what stood there before still does.
    """
    own = path.with_name(f".{_host()}-{os.getpid()}-{uuid.uuid4().hex}.part")
    try:
        try:
            with own.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            own.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                own.unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise CacheFailed(path, error.strerror or str(error)) from error


def _host() -> str:
    """Names where process numbers mean the same: this boot of this machine or container."""
    parts = [platform.node()]
    with contextlib.suppress(OSError):  # Linux alone has these
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def remove_leftovers(folder: Path) -> None:
    """Remove the parts that no process will finish; those of another host after a day."""
    for path in folder.iterdir():
        part = _PART.fullmatch(path.name)
        if part is None:
            continue
        ours = part[1] == _host()
        with contextlib.suppress(OSError):  # it was finished meanwhile, or is not ours to remove
            old = time.time() - path.lstat().st_mtime > _DAY
            if old or (ours and not _alive(int(part[2]))):
                path.unlink()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True

"""How much memory a process takes at most: Linux tells, and lets the peak be reset."""

import subprocess
import sys
from pathlib import Path

from protocols.roots import project_root


def reset_peak() -> None:
    """Forget how high this process's memory has been.

    Raises:
        OSError: The system does not let it.
    """
    Path("/proc/self/clear_refs").write_text("5")


def resident() -> int:
    """This process's memory now, in kilobytes.

    Raises:
        OSError: The system does not tell.
    """
    return _status("VmRSS")


def peak() -> int:
    """This process's highest memory since :func:`reset_peak`, in kilobytes.

    Raises:
        OSError: The system does not tell.
    """
    return _status("VmHWM")


def in_own_process(expression: str, module: str) -> str:
    """What an expression of a module prints in a process whose memory nobody has used before."""
    name = expression.partition("(")[0]
    code = f"from {module} import {name}; print({expression})"
    answer = subprocess.run(  # noqa: S603 (our own interpreter, fixed words)
        [sys.executable, "-c", code], cwd=project_root(), check=True, capture_output=True, text=True
    )
    return answer.stdout.strip()


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise OSError(f"no {field} in /proc/self/status")

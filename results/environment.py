"""Commit, dirty flag, device and versions: how a number can be traced to what made it."""

import importlib.metadata
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from protocols.roots import project_root
from results.record import Environment

# A path from the root: a word of its own, or after NAME= or KIND:; its last name.
_ABSOLUTE = re.compile(r"(?:(?<=[=:])|^)/(?!/)(?:[^/]*/)*([^/]+)/?$")
# Packages whose version can change a number.
_PACKAGES = ("numpy", "scipy", "pandas", "scikit-learn", "torch", "timm", "insightface", "mlflow")


def current_environment(*, device: str = "cpu", project: Path | None = None) -> Environment:
    """Describe this process.

    Args:
        device: What the numbers were computed on.
        project: The folder whose git state is recorded; the checkout by default.
    """
    project = project_root() if project is None else project
    commit = status = None
    if (project / ".git").exists():  # else the git state of some folder above would be recorded
        commit = _git(project, "rev-parse", "HEAD")
        status = _git(project, "status", "--porcelain")
    return Environment(
        git_commit=commit,
        git_dirty=None if status is None else bool(status),
        device=f"{device} ({platform.machine()}, {sys.platform})",
        versions={"python": platform.python_version(), **versions(_PACKAGES)},
        command=typed(sys.argv),
    )


def typed(words: Sequence[str]) -> str:
    """A command of ours as it was typed, absolute paths cut down to their last name.

    Args:
        words: As ``sys.argv`` has them.

    Returns:
        Empty if it is no script of ours.
    """
    script = Path(words[0]) if words else Path()
    if script.parent.name != "scripts" or script.suffix != ".py":
        return ""
    return shlex.join(["python", f"scripts/{script.name}", *map(_told, words[1:])])


def _told(word: str) -> str:
    return _ABSOLUTE.sub(r"\1", word)


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The versions of those packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _git(project: Path, *words: str) -> str | None:
    """What git says, or None outside a repository, before its first commit, or without git."""
    try:
        answer = subprocess.run(  # noqa: S603 (fixed words, no shell)
            ["git", "-C", str(project), *words],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None

"""Where a data set lies: ``--root`` beats ``CFR_DATA`` beats ``data.toml`` beats ``data/NAME``.

The first of these that is *set* decides, even if nothing lies there: a mistyped root is an error
and never falls through to another copy of the data.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from protocols.errors import BadInput, DatasetUnavailable


@dataclass(frozen=True)
class Root:
    """A folder, and what decided for it.

    Attributes:
        path: The folder; it need not exist.
        origin: ``--root``, ``CFR_DATA``, the path of a ``data.toml``, or ``default``.
    """

    path: Path
    origin: str


def project_root() -> Path:
    """The checkout that this code runs from, or the current folder when it is installed."""
    checkout = Path(__file__).resolve().parent.parent
    return checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()


def artifacts_folder() -> Path:
    """Where outputs go: ``CFR_ARTIFACTS``, or the git-ignored ``artifacts/`` of the checkout."""
    named = os.environ.get("CFR_ARTIFACTS")
    return Path(named).expanduser() if named else project_root() / "artifacts"


def resolve_root(
    name: str,
    override: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    project: Path | None = None,
) -> Root:
    """Decide where the data set ``name`` lies; the folder need not exist.

    Args:
        name: The data set's name in the manifest, for example ``aflw2000``.
        override: The value of ``--root``, if it was given.
        environ: The environment; the process's own by default.
        project: The folder that holds ``data.toml`` and ``data/``; the checkout by default.

    Raises:
        BadInput: ``data.toml`` cannot be read, or its entry is no path.
    """
    environ = os.environ if environ is None else environ
    project = project_root() if project is None else project
    if override is not None:
        return Root(override.expanduser(), "--root")
    if environ.get("CFR_DATA"):
        return Root(Path(environ["CFR_DATA"]).expanduser() / name, "CFR_DATA")
    listed = read_data_toml(project / "data.toml")
    if name in listed:
        return Root(listed[name], str(project / "data.toml"))
    return Root(project / "data" / name, "default")


def require_root(name: str, title: str, get: str, override: Path | None = None) -> Path:
    """The folder of a data set that has to be there.

    Args:
        name: The data set's name in the manifest.
        title: Its name in words, for the message.
        get: How to get it, for the message.
        override: The value of ``--root``, if it was given.

    Raises:
        DatasetUnavailable: There is no such folder.
        BadInput: It cannot be looked at.
    """
    root = resolve_root(name, override)
    if not is_dir(root.path):
        how = f"(The place was set by {root.origin}.) {get}"
        if root.origin == "default":
            how = f"{get} If you have it elsewhere: --root, CFR_DATA or data.toml say where."
        raise DatasetUnavailable(title, root.path, how)
    return root.path


def is_file(path: Path) -> bool:
    """Whether a file is there; a link is followed.

    Raises:
        BadInput: It cannot be told: a folder on the way may not be read, a name is too long, ….
    """
    try:
        return path.is_file()
    except OSError as error:
        raise _unseen(path, error) from error


def is_dir(path: Path) -> bool:
    """Whether a folder is there; a link is followed.

    Raises:
        BadInput: It cannot be told: a folder on the way may not be read, a name is too long, ….
    """
    try:
        return path.is_dir()
    except OSError as error:
        raise _unseen(path, error) from error


def _unseen(path: Path, error: OSError) -> BadInput:
    return BadInput(path, "", "a path that can be looked at", error.strerror or str(error))


def inside_root(root: Path, name: str, file: Path, record: str) -> Path:
    """A path that a list names, if it stays within the root.

    Args:
        root: The folder that it has to stay in.
        name: The path as the list has it.
        file: The list, for the message.
        record: Which entry of the list, for the message.

    Raises:
        BadInput: It is absolute, or leads out of the root (by ``..`` or a link).
    """
    expected = f"a path within {root}"
    try:
        found = (root / name).resolve()
    except (OSError, ValueError, RuntimeError) as error:  # a NUL, or links in a circle
        raise BadInput(file, record, expected, repr(name[:80])) from error
    if Path(name).is_absolute() or not found.is_relative_to(root.resolve()):
        raise BadInput(file, record, expected, repr(name[:80]))
    return root / name


def read_data_toml(path: Path) -> dict[str, Path]:
    """Read ``name = "path"`` lines; relative paths start at the file's own folder.

    Returns an empty dictionary when there is no such file.

    Raises:
        BadInput: The file cannot be read, is no TOML, or an entry is no string.
    """
    if not is_file(path):
        return {}
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadInput(path, "", 'lines such as aflw2000 = "/data/aflw2000"', str(error)) from error
    for name, value in entries.items():
        if not isinstance(value, str) or not value:
            raise BadInput(path, f"entry {name}", "a path in quotes", repr(value))
    return {name: path.parent / Path(value).expanduser() for name, value in entries.items()}

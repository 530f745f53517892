"""The manifest: every data set, weight file and optional package, and whether it is here."""

import importlib.metadata
import importlib.util
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from protocols.errors import BadInput
from protocols.roots import Root, project_root, read_data_toml, resolve_root
from protocols.types import InputFile

MANIFEST = Path(__file__).with_name("manifest.toml")
State = Literal["found", "missing", "wrong"]
_T = TypeVar("_T")


@dataclass(frozen=True)
class ManifestFile:
    """One file below an entry's root; see the head of ``manifest.toml``."""

    path: str
    sha256: str | None = None
    bytes: int | None = None
    source: str | None = None
    url: str | None = None
    transient: bool = False


@dataclass(frozen=True)
class Count:
    """How many files (or lines) the first matching pattern of ``any_of`` has to hold."""

    any_of: tuple[str, ...]
    expected: int
    lines: bool = False


@dataclass(frozen=True)
class Part:
    """A piece of an entry that can be there or not on its own."""

    name: str
    get: str
    base: str | None = None
    finish: Literal["unpack-lfw"] | None = None
    files: tuple[ManifestFile, ...] = ()
    counts: tuple[Count, ...] = ()

    @property
    def free(self) -> bool:
        """Whether any of it may be downloaded freely."""
        return any(True for _ in self.downloads())

    def downloads(self) -> Iterator[tuple[ManifestFile, str]]:
        """The files that may be downloaded freely, each with its address."""
        for file in self.files:
            if file.url:
                yield file, file.url
            elif file.source and self.base:
                yield file, self.base + file.source


@dataclass(frozen=True)
class Entry:
    """A data set, a set of weights, or an optional package."""

    name: str
    kind: Literal["dataset", "weights", "package"]
    title: str
    used_by: str
    licence: str
    parts: tuple[Part, ...] = ()
    module: str = ""
    distribution: str = ""
    get: str = ""


@dataclass(frozen=True)
class Finding:
    """What was found of one part.

    Attributes:
        entry: The entry's name, with the part's name where it has several.
        title: What it is, and what uses it.
        state: ``found``, ``missing`` (nothing of it is there) or ``wrong`` (something is off).
        looked: Where it was looked for, and what decided for that place.
        detail: What is there, or what is off.
        get: How to get it.
        licence: Under which terms.
    """

    entry: str
    title: str
    state: State
    looked: str
    detail: str
    get: str
    licence: str


def read_manifest(path: Path = MANIFEST) -> dict[str, Entry]:
    """Read a manifest.

    Raises:
        BadInput: It is no TOML, or an entry has a field that does not exist or lacks one.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(path, "", "a manifest in TOML", str(error)) from error
    return {name: _entry(path, name, table) for name, table in tables.items()}


def unknown_roots(manifest: dict[str, Entry], project: Path | None = None) -> list[Finding]:
    """Entries of ``data.toml`` that no one will ever read, because their name is misspelt."""
    listed = (project_root() if project is None else project) / "data.toml"
    return [
        Finding(
            entry=name,
            title="an entry of data.toml",
            state="wrong",
            looked=str(listed),
            detail=f"nothing is called so; known: {', '.join(manifest)}",
            get="mend the name, or remove the line",
            licence="",
        )
        for name in read_data_toml(listed)
        if name not in manifest
    ]


def inspect(entry: Entry, override: Path | None = None) -> list[Finding]:
    """Look for every part of an entry.

    Args:
        entry: The manifest's entry.
        override: A root that beats ``CFR_DATA`` and ``data.toml``.
    """
    if entry.kind == "package":
        return [_inspect_package(entry)]
    root = resolve_root(entry.name, override)
    return [_inspect_part(entry, part, root) for part in entry.parts]


def _inspect_package(entry: Entry) -> Finding:
    """Find a package without importing it: an optional package may fail at import."""
    if importlib.util.find_spec(entry.module) is None:
        state, detail = "missing", "not installed"
    else:
        try:
            state, detail = "found", importlib.metadata.version(entry.distribution)
        except importlib.metadata.PackageNotFoundError:
            state, detail = "found", "its own build, version not recorded"
    return Finding(
        entry.name, _title(entry), state, "this environment", detail, entry.get, entry.licence
    )


def _inspect_part(entry: Entry, part: Part, root: Root) -> Finding:
    there: list[str] = []
    off: list[str] = []
    for file in part.files:
        path = root.path / file.path
        if not path.is_file():
            if not file.transient:
                off.append(f"{file.path} is absent")
        elif file.bytes is not None and path.stat().st_size != file.bytes:
            there.append(file.path)
            off.append(f"{file.path} has {path.stat().st_size:,} of {file.bytes:,} bytes")
        elif file.sha256 and InputFile.of(path).sha256 != file.sha256:
            there.append(file.path)
            off.append(f"{file.path} is not the published file (sha256)")
        else:
            there.append(file.path)
    for count in part.counts:
        pattern, number = _count(root.path, count)
        unit = "lines" if count.lines else "files"
        if number:
            there.append(f"{number:,} {unit} {pattern}")
        if number != count.expected:
            off.append(f"{number:,} of {count.expected:,} {unit} {pattern}")
    if not off:
        state, detail = "found", f"{len(there)} of {len(there)} checks hold"
    elif there:
        state, detail = "wrong", "; ".join(off)
    else:
        state, detail = "missing", ""
    name = entry.name if len(entry.parts) == 1 else f"{entry.name}: {part.name}"
    looked = f"{root.path} ({root.origin})"
    return Finding(name, _title(entry), state, looked, detail, part.get, entry.licence)


def _title(entry: Entry) -> str:
    return f"{entry.title} ({entry.used_by})"


def _count(root: Path, count: Count) -> tuple[str, int]:
    """The first pattern that matches anything, and how much of it there is."""
    for pattern in count.any_of:
        matches = sorted(root.glob(pattern)) if root.is_dir() else []
        if matches and count.lines:
            return pattern, _lines(matches[0])
        if matches:
            return pattern, len(matches)
    return count.any_of[0], 0


def _lines(path: Path) -> int:
    """Lines of a text file, with or without an end at the last one."""
    number, last = 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            number, last = number + block.count(b"\n"), block[-1:]
    return number + (last != b"\n")


def _entry(path: Path, name: str, table: Any) -> Entry:
    if not isinstance(table, dict):
        raise BadInput(path, f"entry {name}", "a table", repr(table))
    parts = tuple(
        _part(path, f"{name}.parts", part) for part in _tables(path, name, table, "parts")
    )
    return _build(path, name, Entry, {**table, "name": name, "parts": parts})


def _part(path: Path, record: str, table: dict[str, Any]) -> Part:
    files = tuple(
        _build(path, record, ManifestFile, file) for file in _tables(path, record, table, "files")
    )
    for file in files:
        below = PurePosixPath(file.path)
        if below.is_absolute() or ".." in below.parts:
            raise BadInput(path, record, "a path below the root", file.path)
        if file.sha256 and not re.fullmatch(r"[0-9a-f]{64}", file.sha256):
            raise BadInput(path, record, "a sha256 of 64 lower-case digits", file.sha256)
    counts = tuple(
        _build(path, record, Count, count) for count in _tables(path, record, table, "counts")
    )
    return _build(path, record, Part, {**table, "files": files, "counts": counts})


def _tables(path: Path, record: str, table: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The list of tables under a key; none where the key is absent."""
    tables = table.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise BadInput(path, record, f"{key} as a list of tables", repr(tables))
    return tables


def _fits(value: object, hint: Any) -> bool:
    """Whether a value is of a field's type: a class, a literal, a tuple, or one of several."""
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_fits(one, get_args(hint)[0]) for one in value)
    if get_args(hint):
        return any(_fits(value, one) for one in get_args(hint))
    return type(value) is hint


def _build(path: Path, record: str, kind: type[_T], table: dict[str, Any]) -> _T:
    """Make a dataclass of a TOML table, refusing fields that do not exist or are absent."""
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(table) - known)
    if unknown:
        raise BadInput(path, record, f"fields among {sorted(known)}", f"{unknown}")
    hints = get_type_hints(kind)
    table = {name: tuple(v) if isinstance(v, list) else v for name, v in table.items()}
    for name, value in table.items():
        if not _fits(value, hints[name]):
            raise BadInput(path, record, f"{name} as {hints[name]}", repr(value))
    try:
        return kind(**table)
    except TypeError as error:
        raise BadInput(path, record, f"the fields of a {kind.__name__}", str(error)) from error

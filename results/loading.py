"""One way to name any protocol: a data set that the manifest knows, or a file of the user's own."""

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from protocols.errors import BadOption
from protocols.manifest import read_manifest
from protocols.photos import Missing
from protocols.roots import require_root
from protocols.types import (
    ExpressionProtocol,
    IdentificationProtocol,
    Samples,
    TrainingFaces,
    VerificationProtocol,
)

Task = Literal["1:1", "1:N"]
Anything = VerificationProtocol | IdentificationProtocol | ExpressionProtocol | TrainingFaces
SPLIT = "{split}"
"""Stands for the split's number in the name of a file."""
NAMES = ("lfw", "ijba", "ijbb", "ijbc", "rafdb", "casia")
_DATASETS = {"ijbb": "IJB-B", "ijbc": "IJB-C"}


@dataclass(frozen=True)
class Source:
    """Which protocol, and where it lies."""

    protocol: Annotated[str, tyro.conf.Positional]
    """lfw, ijba, ijbb, ijbc, rafdb, casia, or a file: a .bin of insightface, or a .csv with pairs
    or with templates (docs/own-data.md)."""
    root: Path | None = None
    """Folder of the data set; beats CFR_DATA, data.toml and data/NAME. Of a .csv: where its paths
    start; its own folder by default."""
    pairs: Path | None = None
    """Another list of pairs for lfw; comparisons of templates for a .csv of templates."""
    missing: Missing | None = None
    """What to do about photos that are named and not there: refuse, count each as a failure to
    enrol, or not look (not-needed). Scoring does not look, everything else refuses, by default."""
    task: Task = "1:1"
    """Verification (1:1) or identification (1:N), where the protocol has both."""

    def __post_init__(self) -> None:
        """Refuse what no loader could work with."""
        if self.protocol not in NAMES and self.file is None:
            raise BadOption(self.protocol, f"any of {', '.join(NAMES)}, or a .csv or .bin file")
        if self.task == "1:N" and not (
            self.protocol.startswith("ijb") or self.protocol.endswith(".csv")
        ):
            raise BadOption(f"{self.protocol} --task 1:N", "ijba, ijbb, ijbc, or a templates .csv")

    @property
    def file(self) -> Path | None:
        """The user's own file, where the protocol is one."""
        path = Path(self.protocol).expanduser()
        return path if path.suffix.lower() in (".csv", ".bin") else None

    @property
    def name(self) -> str:
        """Its name without a path of this machine."""
        return self.protocol if self.file is None else self.file.name


def load(source: Source, missing: Missing = "refuse") -> tuple[Anything, ...]:
    """The protocol that was asked for; several where it has splits.

    Args:
        source: What was asked for.
        missing: What becomes of absent photos where the source does not say.

    Raises:
        DatasetUnavailable: It, or a photo of it, is not there.
        BadInput: A file of it is malformed, or a count is off.
    """
    source = replace(source, missing=source.missing or missing)
    if source.file is not None:
        return (_load_file(source, source.file),)
    entry = read_manifest()[source.protocol]
    root = require_root(entry.name, entry.title, _how(entry.parts[0].get), source.root)
    return _LOADERS[source.protocol](source, root)


def load_verification(
    source: Source, missing: Missing = "refuse"
) -> tuple[VerificationProtocol, ...]:
    """Likewise, if it is one of verification.

    Raises:
        BadOption: It is another one.
    """
    found = load(source, missing)
    kept = tuple(one for one in found if isinstance(one, VerificationProtocol))
    if not kept:
        raise BadOption(source.name, "a protocol of verification (1:1)")
    return kept


def load_identification(
    source: Source, missing: Missing = "refuse"
) -> tuple[IdentificationProtocol, ...]:
    """Likewise, if it is one of identification.

    Raises:
        BadOption: It is another one.
    """
    found = load(source, missing)
    kept = tuple(one for one in found if isinstance(one, IdentificationProtocol))
    if not kept:
        raise BadOption(source.name, "a protocol of identification (1:N)")
    return kept


def samples_of(protocol: Anything) -> Samples | None:
    """The faces that a protocol asks for; None for training data, which has photos alone."""
    return None if isinstance(protocol, TrainingFaces) else protocol.samples


def _missing(source: Source) -> Missing:
    return source.missing or "refuse"


def _how(get: str) -> str:
    """How to get a data set, as a sentence."""
    return f"Get it: {get}."


def _lfw(source: Source, root: Path) -> tuple[Anything, ...]:
    from protocols import lfw

    return (lfw.load(root, pairs=source.pairs, missing=_missing(source)),)


def _ijba(source: Source, root: Path) -> tuple[Anything, ...]:
    from protocols import ijba

    chosen = ijba.load_verification if source.task == "1:1" else ijba.load_identification
    return tuple(chosen(root, missing=_missing(source)))


def _ijb(source: Source, root: Path) -> tuple[Anything, ...]:
    """IJB-B and IJB-C: insightface's layout if there is a folder ``meta``, else NIST's."""
    from protocols import ijb_nist, ijb_release

    dataset: Any = _DATASETS[source.protocol]
    released = (root / source.protocol.upper() / "meta").is_dir() or (root / "meta").is_dir()
    layout = ijb_release if released else ijb_nist
    chosen = layout.load_verification if source.task == "1:1" else layout.load_identification
    return (chosen(root, dataset, missing=_missing(source)),)


def _rafdb(source: Source, root: Path) -> tuple[Anything, ...]:
    from protocols import rafdb

    return (rafdb.load(root, missing=_missing(source)),)


def _casia(source: Source, root: Path) -> tuple[Anything, ...]:
    from protocols import casia

    return (casia.load(root),)


_LOADERS: dict[str, Callable[[Source, Path], tuple[Anything, ...]]] = {
    "lfw": _lfw,
    "ijba": _ijba,
    "ijbb": _ijb,
    "ijbc": _ijb,
    "rafdb": _rafdb,
    "casia": _casia,
}


def _load_file(source: Source, path: Path) -> Anything:
    """A user's own file; of a .csv, the header tells what it is."""
    from protocols import insightface_bin, pairs_csv, templates_csv

    if path.suffix.lower() == ".bin":
        return insightface_bin.load(path)
    if not _has_templates(path):
        return pairs_csv.load(path, root=source.root, missing=_missing(source))
    if source.task == "1:N":
        return templates_csv.load_identification(path, root=source.root, missing=_missing(source))
    return templates_csv.load_verification(
        path, comparisons=source.pairs, root=source.root, missing=_missing(source)
    )


def _has_templates(path: Path) -> bool:
    """Whether the first line of a file names a column ``template``; absent files have none."""
    try:
        with path.open("rb") as file:
            header = file.readline(65_536).decode("utf-8-sig", "replace")
    except OSError:
        return False
    try:
        names = next(csv.reader([header]), [])  # of a quoted header too
    except csv.Error:  # whoever reads the file says what is wrong
        return False
    return "template" in [name.strip().lower() for name in names]

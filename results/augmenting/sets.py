"""The training set that versions are added to, whichever format it has."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Int64

from protocols import casia, rafdb
from protocols.errors import BadInput
from protocols.photos import Photos
from protocols.roots import is_dir, is_file
from protocols.types import ExpressionProtocol
from results.augmenting.options import SetKind

_NAME = "the training set"


@dataclass(frozen=True, eq=False)
class SourceSet:
    """Labelled pictures to train on, in the order in which they are written.

    Attributes:
        kind: What format it has.
        source: The folder of the pictures, or the file that holds them.
        photos: Where the pictures are.
        rows: ``(n,)`` the place of each picture among the photos: its number.
        labels: ``(n,)``, ascending but for RAF-DB, which keeps its list's order.
        identities: What each label is called.
        rule: What it is, in words.
        digest: Of names, labels and sizes.
        expression: RAF-DB, whole.
    """

    kind: Literal["records", "folders", "rafdb"]
    source: Path
    photos: Photos
    rows: Int64[np.ndarray, " n"]
    labels: Int64[np.ndarray, " n"]
    identities: tuple[str, ...]
    rule: str
    digest: str
    expression: ExpressionProtocol | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def name(self, at: int) -> str:
        """What a picture is called: a path, or ``record 17``."""
        return self.photos.names[int(self.rows[at])]

    def place(self, at: int) -> tuple[Path, str]:
        """The file that a picture is in, and the record in it, for messages."""
        if self.kind == "records":
            return self.source, self.name(at)
        return self.source / self.name(at), ""


def load_set(root: Path, kind: SetKind) -> SourceSet:
    """Read a training set's lists; pictures are read when they are used.

    Raises:
        DatasetUnavailable: It is absent.
        BadInput: It is malformed; names the file and the record.
    """
    found = _detect(root) if kind == "auto" else kind
    if found == "rafdb":
        return _rafdb(root)
    if found == "records":
        places = (root / one for one in casia.RECORDS_FOLDERS)
        place = next((one for one in places if is_file(one / "train.rec")), root)
        faces, source = casia.load_records(place, _NAME), place / "train.rec"
        sizes = [str(_size(source)), *(one.sha256 for one in faces.inputs if one.path != source)]
    else:
        source = next((one for one in (root / casia.NAME, root) if is_dir(one)), root)
        faces = casia.load_folders(source, _NAME)
        sizes = _sizes(source, faces.photos.names)
    order = np.argsort(faces.labels, kind="stable")
    return SourceSet(
        kind=found,
        source=source,
        photos=faces.photos,
        rows=order.astype(np.int64),
        labels=faces.labels[order].astype(np.int64),
        identities=tuple(faces.identities),
        rule=f"{len(order):,} pictures of {len(faces.identities):,} identities, {faces.rule}",
        digest=_digest(faces.labels, sizes),
    )


def _rafdb(root: Path) -> SourceSet:
    protocol = rafdb.load(root)
    photos, train = protocol.samples.photos, protocol.subsets["train"]
    source = photos.root  # type: ignore[attr-defined] (loaded from a folder)
    return SourceSet(
        kind="rafdb",
        source=source,
        photos=photos,
        rows=protocol.samples.photo[train].astype(np.int64),
        labels=protocol.labels[train].astype(np.int64),
        identities=protocol.classes,
        rule=f"{len(train):,} training photos of RAF-DB",
        digest=_digest(protocol.labels, _sizes(source, photos.names)),
        expression=protocol,
    )


def _detect(root: Path) -> Literal["records", "folders", "rafdb"]:
    if rafdb.find_partition(root) is not None:
        return "rafdb"
    packed = any(is_file(root / one / "train.rec") for one in casia.RECORDS_FOLDERS)
    return "records" if packed else "folders"


def _digest(labels: np.ndarray, sizes: list[str]) -> str:
    content = hashlib.sha256(np.ascontiguousarray(labels, "<i8").tobytes())
    content.update("\n".join(sizes).encode())
    return content.hexdigest()


def _sizes(folder: Path, names: Sequence[str]) -> list[str]:
    return [f"{name}\0{_size(folder / name)}" for name in names]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise BadInput(path, "", "a picture", error.strerror or str(error)) from error

"""The face models that commands know by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cfr.morphable import bfm09, builtin, ict
from cfr.morphable.model import MorphableModel
from protocols.errors import BadOption
from protocols.roots import require_root


@dataclass(frozen=True)
class Source:
    """Where a face model comes from.

    Attributes:
        title: For messages.
        how: How to get it.
        load: Reads a file or folder.
        file: Where it is if it is part of the project.
    """

    title: str
    how: str
    load: Callable[[Path], MorphableModel]
    file: Path | None = None


SOURCES: Mapping[str, Source] = {
    "builtin": Source(builtin.TITLE, builtin.HOW, builtin.load, builtin.FILE),
    "bfm09": Source(bfm09.TITLE, bfm09.HOW, bfm09.load),
    "ict": Source(ict.TITLE, ict.HOW, ict.load),
}


def load_model(name: str, root: Path | None = None) -> MorphableModel:
    """Load a face model by name, from its root (``--root``, CFR_DATA, data.toml, data/NAME).

    Args:
        name: A key of :data:`SOURCES`; or ``NAME:PATH``, which gives the root as well.
        root: The value of ``--root``: a folder, or a file of the source's formats.

    Raises:
        BadOption: There is no model of this name.
        DatasetUnavailable: Its files are absent; says how to get them.
        BadInput: They are damaged.
    """
    name, _, path = name.partition(":")
    if name not in SOURCES:
        raise BadOption(name, f"any of {', '.join(SOURCES)}, or NAME:PATH")
    source = SOURCES[name]
    root = Path(path) if path else root
    if root is None and source.file is not None:
        return source.load(source.file)
    if root is not None and root.is_file():
        return source.load(root)
    return source.load(require_root(name, source.title, source.how, root))

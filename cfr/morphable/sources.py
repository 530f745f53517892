"""The face models that commands know by name."""

from collections.abc import Callable, Mapping
from pathlib import Path

from cfr.morphable import bfm09, ict
from cfr.morphable.model import MorphableModel
from protocols.errors import BadOption
from protocols.roots import require_root

SOURCES: Mapping[str, tuple[str, str, Callable[[Path], MorphableModel]]] = {
    "bfm09": (bfm09.TITLE, bfm09.HOW, bfm09.load),
    "ict": (ict.TITLE, ict.HOW, ict.load),
}
"""Name → title, how to get it, loader."""


def load_model(name: str, root: Path | None = None) -> MorphableModel:
    """Load a face model by name, from its root (``--root``, CFR_DATA, data.toml, data/NAME).

    Args:
        name: A key of :data:`SOURCES`.
        root: The value of ``--root``: a folder, or a file of the source's formats.

    Raises:
        BadOption: There is no model of this name.
        DatasetUnavailable: Its files are absent; says how to get them.
        BadInput: They are damaged.
    """
    if name not in SOURCES:
        raise BadOption(name, f"any of {', '.join(SOURCES)}")
    title, how, load = SOURCES[name]
    if root is not None and root.is_file():
        return load(root)
    return load(require_root(name, title, how, root))

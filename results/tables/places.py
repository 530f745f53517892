"""Where a table's data and weights lie, and what was done to make them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from protocols.roots import is_file, resolve_root

RECOGNIZERS = "recognizers"
"""The root of the weights that rows need."""
_SEED = "-seed-"


@dataclass(frozen=True)
class Places:
    """Where a table's data and weights lie; by default where the roots say.

    Attributes:
        roots: Protocol → its root, in place of the usual one.
        points: Protocol → a file of facial points beside its photos, if they come from there.
        trained: Weights' name → an ONNX file for each training, in place of the root
            ``recognizers``.
        told: What a record says of them, as plain values.
        notes: What a reader has to know of them.
    """

    roots: Mapping[str, Path] = field(default_factory=dict)
    points: Mapping[str, Path] = field(default_factory=dict)
    trained: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    told: Mapping[str, str | int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def root(self, protocol: str) -> Path:
        """Where a protocol lies; the folder need not exist.

        Raises:
            BadInput: ``data.toml`` is broken.
        """
        return resolve_root(protocol, self.roots.get(protocol)).path

    def files(self, weights: str) -> tuple[Path, ...]:
        """A row's networks, one a training; empty if there is none.

        Of the root ``recognizers``: ``WEIGHTS.onnx``, else ``WEIGHTS-seed-0.onnx`` and so on, by
        number.

        Raises:
            BadInput: It cannot be looked there.
        """
        if weights in self.trained:
            return self.trained[weights]
        folder = resolve_root(RECOGNIZERS).path
        if is_file(one := folder / f"{weights}.onnx"):
            return (one,)
        found = {
            int(number[1]): path
            for path in folder.glob(f"{weights}{_SEED}*.onnx")
            if (number := re.fullmatch(rf"{re.escape(weights + _SEED)}(\d+)", path.stem))
        }
        return tuple(found[number] for number in sorted(found))

"""Weights of generators, in the project's own files.

A file is safetensors in half precision, with a JSON text under ``cfr-gan`` or
``rotate-and-render``: ``format``, the fields of :mod:`cfr.gan.sizes` that say how large the network
is, ``size`` (pixels along each side of the pictures that it was trained with) and ``about``
(whatever its maker wants to say, JSON).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from cfr.gan.building import build_generator
from cfr.gan.painting import FaceGenerator
from cfr.gan.sizes import AnySize, GeneratorSize, RotateSize
from cfr.own_files import OwnFile, about_of, parsed
from cfr.weight_files import install
from protocols.errors import BadInput

GeneratorKind = Literal["cfr-gan", "rotate-and-render"]
"""Whose generator it is."""
PUBLISHED_SIDE: Mapping[GeneratorKind, int] = {"cfr-gan": 224, "rotate-and-render": 256}
"""Pixels along each side of the pictures that the published generators were trained with."""
_SIZES: Mapping[GeneratorKind, type[AnySize]] = {
    "cfr-gan": GeneratorSize,
    "rotate-and-render": RotateSize,
}
_WHAT: Mapping[GeneratorKind, str] = {
    "cfr-gan": "a generator written by this project, as safetensors",
    "rotate-and-render": "Rotate-and-Render's generator written by this project, as safetensors",
}
_SIDES = (16, 1024)
_BETWEEN = {"width": (1, 512), "blocks": (0, 64), "downs": (1, 6)}
"""What is far beyond any network would only exhaust the memory."""


@dataclass(frozen=True, eq=False)
class SavedGenerator:
    """What a weight file holds.

    Attributes:
        net: In evaluation mode, in single precision, on the CPU.
        side: Pixels along each side of the pictures that it was trained with.
        about: What its maker said about it.
    """

    net: FaceGenerator
    side: int
    about: Mapping[str, str]


def kind_of(size: AnySize) -> GeneratorKind:
    """Whose generator has this size."""
    return "rotate-and-render" if isinstance(size, RotateSize) else "cfr-gan"


def save_generator(path: Path, net: FaceGenerator, about: Mapping[str, str], *, side: int) -> None:
    """Write a generator, whole or not at all.

    Numbers are rounded to half precision: those under spectral norm, its two vectors and the batch
    normalisation's statistics too. A tensor that half precision cannot hold stays as it is.

    Args:
        path: The file.
        net: The generator, in training or not, on any device.
        about: What :func:`read_about` gives back: data, command, seed, …
        side: Pixels along each side of the pictures that it was trained with.

    Raises:
        ValueError: A weight is NaN or infinite, or no generator takes pictures of that size.
        OSError: The file cannot be written.
    """
    if not _fits(side, net.size):
        raise ValueError(f"pictures of {side} pixels: expected {_expected(net.size)}")
    said = {name: json.dumps(value) for name, value in asdict(net.size).items()}
    said |= {"size": str(side), "about": json.dumps(dict(about))}
    _file(kind_of(net.size)).write(path, net, said)


def load_generator(path: Path, kind: GeneratorKind = "cfr-gan") -> FaceGenerator:
    """Read a generator, ready to be used (in evaluation mode, float32).

    Args:
        path: Its file.
        kind: Whose it has to be.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged, or no generator of this project's and of this kind.
    """
    return open_generator(path, kind).net


def open_generator(path: Path, kind: GeneratorKind = "cfr-gan") -> SavedGenerator:
    """Read a generator with what its file says of it; as :func:`load_generator`."""
    tensors, metadata = _file(kind).read(path)
    side = parsed(path, metadata, "size", int)
    numbers: dict[str, Any] = {
        one.name: _whole(path, metadata, one.name)
        if one.name in _BETWEEN
        else parsed(path, metadata, one.name, bool)
        for one in fields(_SIZES[kind])
    }
    size = _SIZES[kind](**numbers)
    if not _fits(side, size):
        raise BadInput(path, "size", _expected(size), metadata["size"])
    net = build_generator(size)
    what = f"the weights of a generator of width {size.width}, {size.blocks} blocks"
    install(net, tensors, path, what)
    return SavedGenerator(net.eval(), side, about_of(path, metadata))


def read_about(path: Path, kind: GeneratorKind = "cfr-gan") -> dict[str, str]:
    """What the maker of a file said about it (the ``about`` of :func:`save_generator`).

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged, or no generator of this project's.
    """
    return about_of(path, _file(kind).read(path)[1])


def _file(kind: GeneratorKind) -> OwnFile:
    names = (*(one.name for one in fields(_SIZES[kind])), "size", "about")
    return OwnFile(key=kind, format=f"{kind}-generator-1", fields=names, what=_WHAT[kind])


def _fits(side: int, size: AnySize) -> bool:
    return side % size.step == 0 and _SIDES[0] <= side <= _SIDES[1]


def _expected(size: AnySize) -> str:
    return f"a multiple of {size.step}, {_SIDES[0]} to {_SIDES[1]}"


def _whole(path: Path, metadata: Mapping[str, str], name: str) -> int:
    """A whole number of the metadata."""
    value, between = parsed(path, metadata, name, int), _BETWEEN[name]
    if not between[0] <= value <= between[1]:
        raise BadInput(path, name, f"{between[0]} to {between[1]}", metadata[name])
    return value

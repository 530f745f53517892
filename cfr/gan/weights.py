"""Weights of generators, in the project's own files.

A file is safetensors in half precision, with a JSON text under ``cfr-gan``: ``format``, ``width``,
``blocks`` and ``occlusion_path`` (of the network), ``size`` (pixels along each side of the pictures
that it was trained with) and ``about`` (whatever its maker wants to say, JSON).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cfr.gan.generator import STEP, Generator
from cfr.gan.sizes import GeneratorSize
from cfr.own_files import OwnFile, about_of, parsed
from cfr.weight_files import install
from protocols.errors import BadInput

PUBLISHED_SIDE = 224
"""Pixels along each side of the pictures that the published generator was trained with."""
_FILE = OwnFile(
    key="cfr-gan",
    format="cfr-gan-generator-1",
    fields=("width", "blocks", "occlusion_path", "size", "about"),
    what="a generator written by this project, as safetensors",
)
_SIDES = (16, 1024)
_EXPECTED_SIDE = f"a multiple of {STEP}, {_SIDES[0]} to {_SIDES[1]}"
_WIDEST, _DEEPEST = 512, 64


@dataclass(frozen=True, eq=False)
class SavedGenerator:
    """What a weight file holds.

    Attributes:
        net: In evaluation mode, in single precision, on the CPU.
        side: Pixels along each side of the pictures that it was trained with.
        about: What its maker said about it.
    """

    net: Generator
    side: int
    about: Mapping[str, str]


def save_generator(path: Path, net: Generator, about: Mapping[str, str], *, side: int) -> None:
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
    if not _fits(side):
        raise ValueError(f"pictures of {side} pixels: expected {_EXPECTED_SIDE}")
    fields = {
        "width": str(net.size.width),
        "blocks": str(net.size.blocks),
        "occlusion_path": json.dumps(net.size.occlusion_path),
        "size": str(side),
        "about": json.dumps(dict(about)),
    }
    _FILE.write(path, net, fields)


def load_generator(path: Path) -> Generator:
    """Read a generator, ready to be used (in evaluation mode, float32).

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged, or no generator of this project's.
    """
    return open_generator(path).net


def open_generator(path: Path) -> SavedGenerator:
    """Read a generator with what its file says of it; errors as of :func:`load_generator`."""
    tensors, metadata = _FILE.read(path)
    side = parsed(path, metadata, "size", int)
    if not _fits(side):
        raise BadInput(path, "size", _EXPECTED_SIDE, metadata["size"])
    width = _whole(path, metadata, "width", (1, _WIDEST))
    blocks = _whole(path, metadata, "blocks", (0, _DEEPEST))
    path_too = parsed(path, metadata, "occlusion_path", bool)
    net = Generator(GeneratorSize(width, blocks, path_too))
    install(net, tensors, path, f"the weights of a generator of width {width}, {blocks} blocks")
    return SavedGenerator(net.eval(), side, about_of(path, metadata))


def read_about(path: Path) -> dict[str, str]:
    """What the maker of a file said about it (the ``about`` of :func:`save_generator`).

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged, or no generator of this project's.
    """
    return about_of(path, _FILE.read(path)[1])


def _fits(side: int) -> bool:
    return side % STEP == 0 and _SIDES[0] <= side <= _SIDES[1]


def _whole(path: Path, metadata: Mapping[str, str], name: str, between: tuple[int, int]) -> int:
    """A number of the metadata; what is far beyond any network would only exhaust the memory."""
    value = parsed(path, metadata, name, int)
    if not between[0] <= value <= between[1]:
        raise BadInput(path, name, f"{between[0]} to {between[1]}", metadata[name])
    return value

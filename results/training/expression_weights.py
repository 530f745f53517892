"""Weights of expression classifiers, in the project's own files; what a run starts from."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from cfr.own_files import OwnFile, about_of, parsed
from cfr.weight_files import install, read_safetensors
from protocols.errors import BadInput
from protocols.types import InputFile
from recognizers.vgg import ExpressionNet, VggSize, start_from

_KEY = "expression-vgg"
_SIZES = tuple(one.name for one in fields(VggSize))
_FILE = OwnFile(
    key=_KEY,
    format=f"{_KEY}-1",
    fields=(*_SIZES, "side", "classes", "about"),
    what="an expression classifier written by this project, as safetensors",
)
_BETWEEN = {"width": (1, 64), "cells": (1, 64), "side": (32, 4096)}
"""What is far beyond any network would only exhaust the memory."""


@dataclass(frozen=True, eq=False)
class SavedExpressions:
    """What a weight file holds.

    Attributes:
        net: In evaluation mode, in single precision, on the CPU.
        side: Pixels along each side of what it was trained on.
        classes: Names of the expressions, in order.
        about: What its maker said about it.
    """

    net: ExpressionNet
    side: int
    classes: tuple[str, ...]
    about: Mapping[str, str]


def save_expressions(path: Path, saved: SavedExpressions) -> None:
    """Write a classifier in half precision, whole or not at all.

    Raises:
        ValueError: A weight is NaN or infinite.
        OSError: The file cannot be written.
    """
    said = {name: json.dumps(value) for name, value in asdict(saved.net.size).items()}
    said |= {"side": json.dumps(saved.side), "classes": json.dumps(list(saved.classes))}
    _FILE.write(path, saved.net, {**said, "about": json.dumps(dict(saved.about))})


def open_expressions(path: Path) -> SavedExpressions:
    """Read a classifier that :func:`save_expressions` wrote.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged, or another kind of file.
    """
    tensors, metadata = _FILE.read(path)
    numbers = {name: parsed(path, metadata, name, int) for name in _BETWEEN}
    for name, (low, high) in _BETWEEN.items():
        if not low <= numbers[name] <= high:
            raise BadInput(path, name, f"{low} to {high}", str(numbers[name]))
    normalised = parsed(path, metadata, "normalised", bool)
    size = VggSize(numbers["width"], numbers["cells"], normalised)
    classes = tuple(map(str, parsed(path, metadata, "classes", list)))
    net = ExpressionNet(size, len(classes))
    install(net, tensors, path, f"the weights of {size.words}, {len(classes)} classes")
    return SavedExpressions(net.eval(), numbers["side"], classes, about_of(path, metadata))


def start(net: ExpressionNet, path: Path | None, classes: tuple[str, ...]) -> tuple[str, bool]:
    """Load what a run starts from.

    Args:
        net: Changed in place.
        path: ImageNet's weights, or a file of :func:`save_expressions`; None for none.
        classes: Those of the run.

    Returns:
        What it is in words, and whether it is ImageNet's.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged, or of a network of another size or with other classes.
    """
    if path is None:
        return "nothing (from scratch)", False
    own = path.suffix == ".safetensors" and _KEY in read_safetensors(path)[1]
    if not own:
        start_from(net, path)
        return f"ImageNet's {path.name} (sha256 {InputFile.of(path).sha256})", True
    saved = open_expressions(path)
    if saved.classes != classes:
        raise BadInput(path, "classes", ", ".join(classes), ", ".join(saved.classes))
    if saved.net.size != net.size:
        raise BadInput(path, "", str(net.size), str(saved.net.size))
    net.load_state_dict(saved.net.state_dict())
    return f"{path.name} (sha256 {InputFile.of(path).sha256})", False

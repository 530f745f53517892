"""Weight files of the project's own: safetensors in half precision, and fields that say what it is.

The fields are one JSON text under one metadata key, each a text itself.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cfr.weight_files import read_safetensors, without_counters, write_whole
from protocols.errors import BadInput


@dataclass(frozen=True)
class OwnFile:
    """A kind of weight file.

    Attributes:
        key: The metadata key that holds the fields.
        format: What the field ``format`` says.
        fields: Names of the other fields, all of which must be there.
        what: What such a file is, for messages.
    """

    key: str
    format: str
    fields: tuple[str, ...]
    what: str

    def write(self, path: Path, net: nn.Module, fields: Mapping[str, str]) -> None:
        """Write a network, whole or not at all; equal networks and fields give equal bytes.

        Numbers are rounded to half precision, statistics too; a tensor that half precision cannot
        hold (statistics may exceed 65,504) stays in single precision.

        Args:
            path: The file.
            net: On any device.
            fields: A text for each name of :attr:`fields`.

        Raises:
            ValueError: A weight is NaN or infinite.
            OSError: The file cannot be written.
        """
        from safetensors.torch import save

        state = net.state_dict()
        tensors = {name: _halved(name, state[name]) for name in without_counters(state)}
        said = {"format": self.format, **{name: fields[name] for name in self.fields}}
        # One key: safetensors puts several in an order of chance, and equal networks would differ.
        write_whole(path, save(tensors, {self.key: json.dumps(said)}))

    def read(self, path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
        """The tensors by name, as they were written, and the fields.

        Raises:
            DatasetUnavailable: There is no such file.
            BadInput: It is damaged, or of another kind.
        """
        tensors, written = read_safetensors(path)
        metadata = _fields(written.get(self.key, "{}"))
        if metadata.get("format") != self.format:
            expected = f"{self.what} ({self.format})"
            raise BadInput(path, "", expected, str(metadata.get("format")))
        wanted = ("format", *self.fields)
        absent = [name for name in wanted if name not in metadata]
        if absent:
            raise BadInput(path, "metadata", ", ".join(wanted), f"no {', '.join(absent)}")
        return tensors, metadata


def about_of(path: Path, metadata: Mapping[str, str]) -> dict[str, str]:
    """What the maker of a file said about it: its field ``about``.

    Raises:
        BadInput: That is no JSON text of names and values.
    """
    said = parsed(path, metadata, "about", dict)
    return {str(name): str(value) for name, value in said.items()}


def parsed(path: Path, metadata: Mapping[str, str], name: str, kind: type) -> Any:
    """A field that is JSON text of the kind that it should be.

    Raises:
        BadInput: It is not.
    """
    try:
        value = json.loads(metadata[name])
    except json.JSONDecodeError as error:
        raise BadInput(path, name, f"JSON text of a {kind.__name__}", str(error)) from error
    if type(value) is not kind:
        raise BadInput(path, name, f"JSON text of a {kind.__name__}", metadata[name])
    return value


def _halved(name: str, tensor: Tensor) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    if not tensor.isfinite().all():
        raise ValueError(f"{name} holds NaN or infinity: not saved")
    half = tensor.to(torch.float16)
    return half if half.isfinite().all() else tensor.float()


def _fields(text: str) -> dict[str, str]:
    """The metadata by name; empty if it is none of this project's."""
    try:
        fields = json.loads(text)
    except json.JSONDecodeError:
        return {}
    if not isinstance(fields, dict):
        return {}
    return {str(name): str(value) for name, value in fields.items()}

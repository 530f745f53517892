"""Weights of regressors: the project's own files, and pretrained backbones to start from.

A file is safetensors in half precision, with a JSON text under ``cfr-regressor``: ``format``,
``backbone``, ``size``, ``layout`` (numbers by name, JSON), ``model`` (digest of the face model),
``offset`` (JSON) and ``about`` (whatever its maker wants to say, JSON). A face model never travels
with it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cfr.coefficients import Layout
from cfr.regressor.network import RNet, build
from cfr.regressor.state import (
    install,
    read_safetensors,
    read_tensors,
    without_counters,
    write_whole,
)
from protocols.errors import BadInput, BadOption

_FORMAT, _METADATA = "cfr-regressor-1", "cfr-regressor"
_FIELDS = ("format", "backbone", "size", "layout", "model", "offset", "about")
_WHAT = "a regressor written by this project, as safetensors"
_NESTED = ("state_dict", "model")


def save(path: Path, net: RNet, about: Mapping[str, str]) -> None:
    """Write a regressor, whole or not at all.

    Numbers are rounded to half precision, BatchNorm's statistics too; a tensor that half precision
    cannot hold (an imported network's statistics may exceed 65,504) stays in single precision.

    Args:
        path: The file.
        net: The regressor, in training or not, on any device.
        about: What :func:`read_about` gives back: data, command, seed, …

    Raises:
        ValueError: A weight is NaN or infinite.
        OSError: The file cannot be written.
    """
    from safetensors.torch import save as pack

    state = net.state_dict()
    tensors = {name: _halved(name, state[name]) for name in without_counters(state)}
    fields = {
        "format": _FORMAT,
        "backbone": net.backbone,
        "size": str(net.size),
        "layout": json.dumps(net.layout.sizes),
        "model": net.layout.model,
        "offset": json.dumps(net.offset),
        "about": json.dumps(dict(about)),
    }
    # One key: safetensors puts several in an order of chance, and equal networks would differ.
    write_whole(path, pack(tensors, {_METADATA: json.dumps(fields)}))


def load(path: Path, layout: Layout) -> RNet:
    """Read a regressor of the face model at hand, ready to be used (in evaluation mode, float32).

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged, or no regressor of this project's.
        WrongFaceModel: It was trained with another face model.
    """
    tensors, metadata = _read(path)
    layout.require(metadata["model"], str(path))
    sizes = _parsed(path, metadata, "layout", dict)
    if sizes != layout.sizes:
        raise BadInput(path, "layout", json.dumps(layout.sizes), metadata["layout"])
    size = _parsed(path, metadata, "size", int)
    offset = _parsed(path, metadata, "offset", list)
    if len(offset) != 2 or not all(isinstance(one, float) for one in offset):
        raise BadInput(path, "offset", "two numbers", metadata["offset"])
    try:
        net = build(metadata["backbone"], layout, size=size)
    except BadOption as error:
        raise BadInput(path, "backbone", "one that can be built here", str(error)) from error
    install(net, tensors, path, f"the weights of a regressor with {net.backbone}")
    net.offset = (offset[0], offset[1])
    return net.eval()


def read_about(path: Path) -> dict[str, str]:
    """What the maker of a file said about it (the ``about`` of :func:`save`).

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged, or no regressor of this project's.
    """
    about = _parsed(path, _read(path)[1], "about", dict)
    return {str(name): str(value) for name, value in about.items()}


def start_from(net: RNet, path: Path) -> tuple[str, ...]:
    """Give a network's backbone weights that were trained for something else, such as ImageNet.

    Names and shapes are timm's (or torchvision's for a ResNet). ``resnet50`` takes the weights of
    the later form too, though its strides are elsewhere; training mends that. The heads stay.

    Args:
        net: Changed in place.
        path: A ``.safetensors`` file, or one of ``torch.save`` (read without running code from
            it), with the tensors directly or under ``state_dict`` or ``model``.

    Returns:
        The names of the file's classifier, which was left out.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged, or another network's; lists missing and unexpected names and
            other shapes.
    """
    state = read_tensors(path, _NESTED)
    classifier = net.trunk.pretrained_cfg.get("classifier") or ()
    heads = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    left_out = tuple(name for name in state if name.startswith(tuple(f"{one}." for one in heads)))
    kept = {name: one for name, one in state.items() if name not in left_out}
    install(net.trunk, kept, path, f"the weights of {net.backbone}")
    return left_out


def _halved(name: str, tensor: Tensor) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    if not tensor.isfinite().all():
        raise ValueError(f"{name} holds NaN or infinity: not saved")
    half = tensor.to(torch.float16)
    return half if half.isfinite().all() else tensor.float()


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    tensors, written = read_safetensors(path)
    metadata = _fields(written.get(_METADATA, "{}"))
    if metadata.get("format") != _FORMAT:
        raise BadInput(path, "", f"{_WHAT} ({_FORMAT})", str(metadata.get("format")))
    absent = [name for name in _FIELDS if name not in metadata]
    if absent:
        raise BadInput(path, "metadata", ", ".join(_FIELDS), f"no {', '.join(absent)}")
    return tensors, metadata


def _fields(text: str) -> dict[str, str]:
    """The metadata by name; empty if it is none of this project's."""
    try:
        fields = json.loads(text)
    except json.JSONDecodeError:
        return {}
    if not isinstance(fields, dict):
        return {}
    return {str(name): str(value) for name, value in fields.items()}


def _parsed(path: Path, metadata: Mapping[str, str], name: str, kind: type) -> Any:
    """A field of the metadata, of the kind that it should have."""
    try:
        value = json.loads(metadata[name])
    except json.JSONDecodeError as error:
        raise BadInput(path, name, f"JSON text of a {kind.__name__}", str(error)) from error
    if type(value) is not kind:
        raise BadInput(path, name, f"JSON text of a {kind.__name__}", metadata[name])
    return value

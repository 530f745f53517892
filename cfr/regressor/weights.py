"""Weights of regressors: the project's own files, and pretrained backbones to start from.

A file is safetensors in half precision, with a JSON text under ``cfr-regressor``: ``format``,
``backbone``, ``size``, ``layout`` (numbers by name, JSON), ``model`` (digest of the face model),
``offset`` (JSON) and ``about`` (whatever its maker wants to say, JSON). A face model never travels
with it.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from cfr.coefficients import Layout
from cfr.own_files import OwnFile, about_of, parsed
from cfr.regressor.network import RNet, build
from cfr.weight_files import install, read_tensors
from protocols.errors import BadInput, BadOption

_FILE = OwnFile(
    key="cfr-regressor",
    format="cfr-regressor-1",
    fields=("backbone", "size", "layout", "model", "offset", "about"),
    what="a regressor written by this project, as safetensors",
)
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
    fields = {
        "backbone": net.backbone,
        "size": str(net.size),
        "layout": json.dumps(net.layout.sizes),
        "model": net.layout.model,
        "offset": json.dumps(net.offset),
        "about": json.dumps(dict(about)),
    }
    _FILE.write(path, net, fields)


def load(path: Path, layout: Layout) -> RNet:
    """Read a regressor of the face model at hand, ready to be used (in evaluation mode, float32).

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged, or no regressor of this project's.
        WrongFaceModel: It was trained with another face model.
    """
    tensors, metadata = _FILE.read(path)
    layout.require(metadata["model"], str(path))
    sizes = parsed(path, metadata, "layout", dict)
    if sizes != layout.sizes:
        raise BadInput(path, "layout", json.dumps(layout.sizes), metadata["layout"])
    size = parsed(path, metadata, "size", int)
    offset = parsed(path, metadata, "offset", list)
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
    return about_of(path, _FILE.read(path)[1])


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

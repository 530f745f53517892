"""Weight files of PyTorch: read without running code from them, and loaded whole or not at all.

A ``.pth`` file is a pickle, which could run any program. PyTorch's ``weights_only`` reader takes
tensors and plain values out of it and refuses the rest.
"""

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from protocols.errors import BadInput, DatasetUnavailable
from protocols.roots import is_file

if TYPE_CHECKING:  # PyTorch is imported when a file is read
    from torch import Tensor, nn

SUFFIXES = (".pth", ".pt", ".ckpt", ".safetensors")
"""The endings of files that :func:`read_state` reads."""
IRESNET_HEADS = ("weight", "head.")
"""What an iresnet checkpoint may hold besides: class centres of ArcFace's loss, used in training
only. A name that ends with a dot stands for all that begin with it."""

_NESTED = (
    "state_dict",
    "model",
    "net",
    "backbone",
    "model_state_dict",
    "net_state_dict",
    "state_dict_backbone",  # insightface's arcface_torch
)
_PREFIXES = ("module.", "backbone.", "model.")
_SHOWN = 10
_IRESNET_KEYS = ("conv1.weight", "bn1.weight", "prelu.weight", "bn2.weight", "fc.weight")


def read_state(path: Path) -> "dict[str, Tensor]":
    """Read the tensors of a checkpoint by their names.

    They may stand in the file directly, or under one of the usual keys (``state_dict``, ``model``,
    ``net``, ``backbone``, ``model_state_dict``, …). A prefix that all names share (``module.``,
    ``backbone.`` or ``model.``) is taken off.

    Args:
        path: A ``.pth``, ``.pt``, ``.ckpt`` or ``.safetensors`` file.

    Returns:
        Name → tensor on the CPU, of the file's own type.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged, holds code, no tensors, or the weights of several networks.
    """
    if not is_file(path):
        raise DatasetUnavailable("the weight file", path, "Check its name.")
    if path.suffix.lower() not in SUFFIXES:
        raise BadInput(path, "", f"a weight file ({', '.join(SUFFIXES)})", f"{path.suffix!r}")
    if path.suffix.lower() == ".safetensors":
        return _without_prefix(_read_safetensors(path))
    return _without_prefix(_choose(_read_pickle(path), path))


def architecture_of(state: "Mapping[str, Tensor]") -> str | None:
    """Tell an iresnet from the names in its checkpoint.

    Returns:
        A key of :data:`recognizers.iresnet.ARCHITECTURES`, or None where the names are another
        network's.
    """
    from recognizers.iresnet import ARCHITECTURES

    blocks = [0, 0, 0, 0]
    for name in state:
        found = re.fullmatch(r"layer([1-4])\.(\d{1,3})\.prelu\.weight", name)
        if found:
            layer, block = int(found[1]) - 1, int(found[2]) + 1
            blocks[layer] = max(blocks[layer], block)
    if any(name not in state for name in (*_IRESNET_KEYS, "features.weight")):
        return None
    return next((name for name, count in ARCHITECTURES.items() if count == tuple(blocks)), None)


def load_state(
    network: "nn.Module",
    state: "Mapping[str, Tensor]",
    path: Path,
    architecture: str,
    not_needed: Sequence[str] = (),
) -> tuple[str, ...]:
    """Load all of a checkpoint into a network, as float32; nothing is missing, nothing is over.

    ``num_batches_tracked`` alone may be absent: it counts the steps of training.

    Args:
        network: Where the weights go.
        state: The checkpoint, from :func:`read_state`.
        path: Its file, for messages.
        architecture: The network's name, for messages.
        not_needed: What the checkpoint may hold besides, as in :data:`IRESNET_HEADS`.

    Returns:
        The names that were left out because they are not needed.

    Raises:
        BadInput: Names or shapes are not the network's; lists them.
    """
    own = network.state_dict()
    counters = {name: tensor for name, tensor in own.items() if _counts_steps(name)}
    given = {**counters, **{name: tensor for name, tensor in state.items() if name in own}}
    over = [name for name in state if name not in own]
    left_out = tuple(name for name in over if _is_one_of(name, not_needed))
    unexpected = [name for name in over if name not in left_out]
    complaints = _complaints(own, given, unexpected)
    if complaints:
        raise BadInput(path, "", f"the weights of {architecture}", complaints)
    network.load_state_dict(given)
    return left_out


def _complaints(
    own: "Mapping[str, Tensor]", given: "Mapping[str, Tensor]", unexpected: Sequence[str]
) -> str:
    """What is wrong with weights for a network; empty where nothing is."""
    wrong = {
        "missing": [name for name in own if name not in given],
        "unexpected": unexpected,
        "mismatched": [
            f"{name} of shape {_shape(given[name])} instead of {_shape(own[name])}"
            for name in own
            if name in given and given[name].shape != own[name].shape
        ],
    }
    listed = (f"{len(names):,} {what} ({some_of(names)})" for what, names in wrong.items() if names)
    return "; ".join(listed)


def iresnet_shape(state: "Mapping[str, Tensor]", path: Path) -> tuple[int, int, int | None]:
    """The sizes that an iresnet was built with, from the shapes of its weights.

    Returns:
        Numbers of an embedding; channels of the first layer; pixels along each side of the crop
        (a multiple of 16, the largest that fits), None where it is not square.

    Raises:
        BadInput: ``conv1.weight`` or ``fc.weight`` is absent, or has other than 4 and 2 axes.
    """
    for name, axes in (("conv1.weight", 4), ("fc.weight", 2)):
        if name not in state or state[name].ndim != axes or 0 in state[name].shape:
            found = f"shape {_shape(state[name])}" if name in state else "none"
            raise BadInput(path, name, f"a tensor of {axes} axes, as an iresnet has", found)
    width = state["conv1.weight"].shape[0]
    dimension, inputs = state["fc.weight"].shape
    side = math.isqrt(inputs // (8 * width))
    square = side > 0 and 8 * width * side * side == inputs
    return dimension, width, 16 * side if square else None


def some_of(names: Sequence[str]) -> str:
    """The first ten names, for a message, and how many more there are."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _read_safetensors(path: Path) -> "dict[str, Tensor]":
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise BadInput(path, "", "a whole safetensors file", _damage(error)) from error
    if not state:
        raise BadInput(path, "", "named tensors", "none")
    return state


def _read_pickle(path: Path) -> Any:
    import torch

    try:
        with warnings.catch_warnings():  # another pickle protocol than PyTorch's is no news here
            warnings.filterwarnings("ignore", "Detected pickle protocol")
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file raises many kinds
        text = str(error)
        code = re.search(r"GLOBAL (\S+)", text)
        if code is None and "TorchScript" not in text:
            raise BadInput(path, "", "a file that torch.save wrote", _damage(error)) from error
        what = f"a pickled {code[1]}" if code else "a TorchScript program"
        found = f"{what}: not loaded, because it holds code that loading would run"
        raise BadInput(path, "", "tensors only, such as a state_dict", found) from error


def _choose(content: Any, path: Path) -> "dict[str, Tensor]":
    """The tensors of one network: those under a usual key, or else the file's own."""
    fields = content if isinstance(content, dict) else {}
    nested = [key for key in _NESTED if _tensors(fields.get(key))]
    if len(nested) > 1:
        raise BadInput(path, "", "the weights of one network", f"those of {', '.join(nested)}")
    state = fields[nested[0]] if nested else fields
    where = nested[0] if nested else ""
    if not _tensors(state):
        found = (
            f"the keys {some_of([str(key) for key in fields])}"
            if fields
            else f"a {type(content).__name__}"
        )
        raise BadInput(path, "", "named tensors", f"none: {found}")
    strange = [str(key) for key, value in state.items() if not _tensors({key: value})]
    if strange:
        raise BadInput(path, where, "named tensors only", f"something else: {some_of(strange)}")
    return dict(state)


def _tensors(fields: Any) -> bool:
    """Whether it is a dictionary in which a name has a tensor."""
    import torch

    return isinstance(fields, dict) and any(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in fields.items()
    )


def _without_prefix(state: "dict[str, Tensor]") -> "dict[str, Tensor]":
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in state):
            return {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return state


def _is_one_of(name: str, known: Sequence[str]) -> bool:
    return any(name.startswith(one) if one.endswith(".") else name == one for one in known)


def _counts_steps(name: str) -> bool:
    return name.rpartition(".")[2] == "num_batches_tracked"


def _shape(tensor: "Tensor") -> str:
    return " × ".join(str(side) for side in tensor.shape) or "one number"


def _damage(error: Exception) -> str:
    text = " ".join(str(error).rpartition("WeightsUnpickler error:")[2].split())
    return f"damage ({type(error).__name__}: {text[:160]})"

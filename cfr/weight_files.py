"""Weight files: read without running code from them, loaded whole or not at all.

A ``.pth`` file is a pickle, which could run any program. PyTorch's ``weights_only`` reader takes
tensors and plain values out of it and refuses the rest.
"""

import os
import re
import uuid
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from protocols.errors import BadInput, DatasetUnavailable

_SHOWN = 10
_COUNTER = "num_batches_tracked"
_PARALLEL = "module."


def read_tensors(path: Path, within: Sequence[str] = ()) -> dict[str, Tensor]:
    """Read the tensors of a weight file by name, without DataParallel's ``module.``.

    Args:
        path: A ``.safetensors`` file, or one of any other ending that ``torch.save`` wrote.
        within: Keys under which a ``torch.save`` file may hold them; the first that is there
            counts. Without any of them the file itself is what holds the tensors.

    Returns:
        Name → tensor on the CPU, of the file's own type.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged, holds code, or something other than tensors.
    """
    if not path.is_file():
        raise DatasetUnavailable("the weight file", path, "Check its name.")
    if path.suffix == ".safetensors":
        tensors = read_safetensors(path)[0]
    else:
        content = _unpickle(path)
        held = [content[key] for key in within if isinstance(content, dict) and key in content]
        tensors = _only_tensors(path, held[0] if held else content)
    if all(name.startswith(_PARALLEL) for name in tensors):
        return {name.removeprefix(_PARALLEL): one for name, one in tensors.items()}
    return tensors


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file: its tensors, and its metadata.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged, or another kind of file.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise DatasetUnavailable("the weight file", path, "Check its name.")
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise BadInput(path, "", "a whole safetensors file", _damage(error)) from error


def install(
    network: nn.Module,
    state: Mapping[str, Tensor],
    path: Path,
    what: str,
    named: Mapping[str, str] | None = None,
) -> None:
    """Load all of a state into a network, in the network's own precision.

    Nothing may be missing and nothing over, but for ``num_batches_tracked``, which counts the
    steps of training and is absent from converted files.

    Args:
        network: Where the weights go.
        state: Name → tensor.
        path: The file that they come from, for messages.
        what: What they should be, for messages.
        named: How the file calls tensors of the network that have another name there.

    Raises:
        BadInput: Names or shapes differ (each list is cut after ten, with its length), or a
            tensor holds NaN or infinity; nothing is loaded then.
    """
    own, called = network.state_dict(), named or {}
    given = {name: one for name, one in own.items() if _counts(name)} | dict(state)
    complaints = {
        "missing": [called.get(name, name) for name in own if name not in given],
        "unexpected": [name for name in given if name not in own],
        "of another shape": [
            f"{called.get(name, name)} ({_shape(given[name])}, not {_shape(one)})"
            for name, one in own.items()
            if name in given and given[name].shape != one.shape
        ],
    }
    found = [f"{len(one):,} {name}: {some_of(one)}" for name, one in complaints.items() if one]
    if found:
        raise BadInput(path, "", what, "; ".join(found))
    strange = [called.get(name, name) for name, one in given.items() if not _finite(one)]
    if strange:
        raise BadInput(path, "", "finite numbers", f"NaN or infinity in {some_of(strange)}")
    network.load_state_dict(given)


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in its place, whole or not at all, also if the power fails.

    Raises:
        OSError: It cannot be written; what stood there before still does.
    """
    half = path.with_name(f".{path.name}.{uuid.uuid4().hex}.half")
    try:
        with half.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except BaseException:
        half.unlink(missing_ok=True)
        raise


def some_of(names: Sequence[str]) -> str:
    """The first ten names, for a message, and how many more there are."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def without_counters(names: Iterable[str]) -> list[str]:
    """The names, but for those of counters of training steps."""
    return [name for name in names if not _counts(name)]


def _unpickle(path: Path) -> Any:
    try:
        with warnings.catch_warnings():  # another pickle protocol than PyTorch's is no news here
            warnings.filterwarnings("ignore", "Detected pickle protocol")
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file raises many kinds
        code = re.search(r"GLOBAL (\S+)", str(error))
        if code is None:
            raise BadInput(path, "", "a file that torch.save wrote", _damage(error)) from error
        found = f"a pickled {code[1]}: not loaded, because it holds code that loading would run"
        raise BadInput(path, "", "tensors only, such as a state_dict", found) from error


def _only_tensors(path: Path, content: Any) -> dict[str, Tensor]:
    if not isinstance(content, dict) or not content:
        raise BadInput(path, "", "named tensors", f"a {type(content).__name__}")
    strange = [str(key) for key, one in content.items() if not isinstance(one, Tensor)]
    if strange:
        raise BadInput(path, "", "named tensors only", f"something else: {some_of(strange)}")
    return {str(key): one for key, one in content.items()}


def _counts(name: str) -> bool:
    return name.rpartition(".")[2] == _COUNTER


def _finite(tensor: Tensor) -> bool:
    return bool(tensor.isfinite().all())


def _shape(tensor: Tensor) -> str:
    return " × ".join(str(side) for side in tensor.shape) or "one number"


def _damage(error: Exception) -> str:
    return f"damage ({type(error).__name__}: {' '.join(str(error).split())[:160]})"

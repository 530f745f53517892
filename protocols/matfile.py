"""MATLAB files, read with every field checked: shape, kind, finiteness, index base."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from protocols.errors import BadInput, DatasetUnavailable

_KINDS = {"f": "floating-point numbers", "fiu": "real numbers"}


def read_mat(
    path: Path,
    fields: Mapping[str, tuple[int, ...]],
    *,
    title: str,
    how: str,
    kinds: str = "fiu",
) -> dict[str, np.ndarray]:
    """Read the named fields of a MATLAB file (format 4 to 7.2).

    Args:
        path: The file.
        fields: The shape that each field has to have.
        title: What the file is, in words.
        how: How to get it, for the message when it is absent.
        kinds: NumPy kinds of numbers that are accepted.

    Raises:
        DatasetUnavailable: The file is absent.
        BadInput: It is no such file; or a field is absent, of another shape or kind, or holds a
            value that is not finite. Names the field.
    """
    from scipy.io import loadmat

    if not path.is_file():
        raise DatasetUnavailable(title, path, how)
    try:
        found = loadmat(path, variable_names=list(fields))
    except Exception as error:  # scipy documents no list; a broken file raises many kinds
        raise BadInput(path, "", "a MATLAB file", f"{type(error).__name__}: {error}") from error
    for name, shape in fields.items():
        value, expected = found.get(name), f"{_KINDS[kinds]} of shape {shape}"
        if value is None:
            raise BadInput(path, f"field {name}", expected, "no such field")
        if not isinstance(value, np.ndarray):
            raise BadInput(path, f"field {name}", "a full array", type(value).__name__)
        if value.shape != shape or value.dtype.kind not in kinds:
            raise BadInput(path, f"field {name}", expected, f"{value.dtype} {value.shape}")
        if not np.isfinite(value).all():
            raise BadInput(path, f"field {name}", "finite numbers", "NaN or infinity")
    return {name: found[name] for name in fields}


def read_indices(
    path: Path, field: str, values: np.ndarray, *, base: int, count: int
) -> np.ndarray:
    """Indices of a MATLAB file, counted from 0.

    Args:
        path: The file, for messages.
        field: The field's name, for messages.
        values: The numbers as read; whole numbers in any type.
        base: What the file counts from, 0 or 1.
        count: How many things there are to point at.

    Raises:
        BadInput: A number is not whole, or not between ``base`` and ``base + count − 1``.
    """
    low, high = values.min(), values.max()
    if low < base or high > base + count - 1:
        expected = f"indices from {base} to {base + count - 1} (this file counts from {base})"
        raise BadInput(path, f"field {field}", expected, f"{low:.12g} to {high:.12g}")
    indices = values.astype(np.int64)
    if (indices != values).any():
        raise BadInput(path, f"field {field}", "whole numbers", "fractions")
    return indices - base

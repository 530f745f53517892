"""What lists of faces share: columns of text to numbers, and rows that name the same thing."""

from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64, UInt32, UInt64

from protocols.errors import BadInput

LARGEST = 1e6
"""No coordinate and no confidence is larger."""
BLOCK = 1 << 20
"""Pairs that are looked at at a time."""


def read_numbers(
    path: Path, lines: Int64[np.ndarray, " m"], column: str, texts: Sequence[str]
) -> Float64[np.ndarray, " m"]:
    """Decimal numbers; NaN for a blank.

    Args:
        path: The file, for messages.
        lines: Each row's line.
        column: The column's name.
        texts: Each row's text there.

    Raises:
        BadInput: A text is no number within ±10⁶; names the line.
    """
    import pandas as pd

    found = np.asarray(pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce"), np.float64)
    for row in np.flatnonzero(~(np.abs(found) <= LARGEST)).tolist():
        if texts[row]:
            expected = f"a number within ±{LARGEST:,.0f}, or a blank"
            raise BadInput(path, f"line {lines[row]}, {column}", expected, repr(texts[row][:80]))
    return found


def check_boxes(
    path: Path, lines: Int64[np.ndarray, " m"], boxes: Float64[np.ndarray, "m 4"]
) -> Float32[np.ndarray, "m 4"]:
    """Boxes (x, y, width, height, NaN where blank), if none is flat.

    Raises:
        BadInput: A width or height is not above 0; names the line.
    """
    flat = np.flatnonzero((boxes[:, 2:] <= 0).any(axis=1))
    if len(flat):
        size = " × ".join(f"{side:g}" for side in boxes[flat[0], 2:])
        raise BadInput(path, f"line {lines[flat[0]]}", "a width and a height above 0", size)
    return boxes.astype(np.float32)


def number_faces(
    photo: Int32[np.ndarray, " m"], where: Float32[np.ndarray, "m k"]
) -> Int32[np.ndarray, " m"]:
    """A number for each place in a photo, such as a box; a blank is a place like any other."""
    comparable = np.nan_to_num(where, nan=np.inf) + np.float32(0)  # one NaN, and no -0
    rows = np.column_stack((photo, comparable.view(np.int32)))
    return codes(rows.view(f"V{rows.strides[0]}").ravel().tolist())


def codes(values: Iterable[Hashable]) -> Int32[np.ndarray, " m"]:
    """A number for each different value, from 0 in the order of their first appearance."""
    seen: dict[Hashable, int] = {}
    return np.array([seen.setdefault(value, len(seen)) for value in values], dtype=np.int32)


def first_rows(of: Int32[np.ndarray, " m"]) -> Int64[np.ndarray, " n"]:
    """Where each number of :func:`codes` stands first."""
    return np.unique(of, return_index=True)[1]


def pair_keys(
    left: Int32[np.ndarray, " p"], right: Int32[np.ndarray, " p"], count: int
) -> UInt32[np.ndarray, " p"] | UInt64[np.ndarray, " p"]:
    """One number a pair of ``count`` things, the same in either order."""
    keys = np.empty(len(left), np.uint32 if count < 1 << 16 else np.uint64)
    for start in range(0, len(left), BLOCK):
        part = slice(start, start + BLOCK)
        keys[part] = np.minimum(left[part], right[part])
        keys[part] *= keys.dtype.type(count)
        keys[part] += np.maximum(left[part], right[part]).astype(keys.dtype)
    return keys


def count_repeats(keys: UInt32[np.ndarray, " p"] | UInt64[np.ndarray, " p"]) -> int:
    """How many keys stand there before; sorts them where they are, so as to need no more memory."""
    keys.sort()
    return int((keys[1:] == keys[:-1]).sum())


def first_repeat(keys: Int64[np.ndarray, " m"]) -> tuple[int, int] | None:
    """The first position whose key stood before, and where it did; None without one."""
    ordered = np.sort(keys)
    if not (ordered[1:] == ordered[:-1]).any():
        return None
    order = np.argsort(keys, kind="stable")
    same = np.flatnonzero(keys[order[1:]] == keys[order[:-1]])
    row = int(order[same + 1].min())
    return row, int((keys == keys[row]).argmax())

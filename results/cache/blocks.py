"""Block files of a cache: their names, their keys, and which rows of them are asked for."""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64, Shaped

KEYS = "keys"
"""The array of a block that holds the keys, ``(n, 32)`` uint8."""
FULL = 64 << 20
"""Bytes of a block; more rows make several."""
_BLOCK = re.compile(r"[0-9a-f]{64}\.safetensors")
_TRIES = 20


def key_column(keys: Sequence[bytes]) -> Shaped[np.ndarray, " n"]:
    """Keys as text of fixed width (``S32``), which numpy sorts by its bytes.

    Raises:
        ValueError: One has not 32 bytes.
    """
    if any(len(key) != 32 for key in keys):
        raise ValueError("a key has to have 32 bytes")
    return np.frombuffer(b"".join(keys), "S32")


def stored_column(keys: np.ndarray | None) -> Shaped[np.ndarray, " n"]:
    """The same of the bytes ``(n, 32)`` that a block holds.

    Raises:
        ValueError: They are not that.
    """
    if keys is None or keys.dtype != np.uint8 or keys.ndim != 2 or keys.shape[1] != 32:
        raise ValueError("it holds no keys of 32 bytes")
    return np.frombuffer(keys.tobytes(), "S32")


def layout_of(arrays: Mapping[str, np.ndarray]) -> dict[str, tuple[Any, ...]]:
    """Name → type and shape of a row."""
    return {
        name: (array.dtype.newbyteorder("=").name, *array.shape[1:])
        for name, array in sorted(arrays.items())
        if name != KEYS
    }


def any_of(keys: Shaped[np.ndarray, " n"], ordered: Shaped[np.ndarray, " m"]) -> bool:
    """Whether any of the keys is among the sorted ones."""
    if not len(ordered):
        return False
    at = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    return bool((ordered[at] == keys).any())


def matching_rows(
    keys: Shaped[np.ndarray, " n"],
    ordered: Shaped[np.ndarray, " m"],
    order: Int64[np.ndarray, " m"],
) -> tuple[Int64[np.ndarray, " r"], Int64[np.ndarray, " r"]]:
    """Rows of a block, and the positions that asked for them.

    Args:
        keys: Of the block.
        ordered: The keys asked for, sorted; the same one may stand there twice.
        order: The position that each of them was asked at.
    """
    left = np.searchsorted(ordered, keys)
    count = np.searchsorted(ordered, keys, "right") - left
    rows = np.repeat(np.arange(len(keys)), count)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    return rows, order[left[rows] + within]


def read_keys(path: Path) -> Shaped[np.ndarray, " n"]:
    """The keys alone, not checked against the digest.

    Raises:
        ValueError: The file is malformed.
        OSError: It cannot be read.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            return stored_column(file.get_tensor(KEYS))
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def block_names(folder: Path) -> set[str]:
    """The names of all blocks, links and foreign files left out.

    A listing may miss a file that appears while it goes on, and one that vanishes: two that agree
    do not, since a merged block is there before those that it replaces vanish.
    """
    found: set[str] = set()
    for _ in range(_TRIES):
        before = found
        with os.scandir(folder) as entries:
            found = {
                entry.name
                for entry in entries
                if _BLOCK.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
            }
        if found == before:
            break
    return found


def small_blocks(folder: Path) -> dict[str, int]:
    """Name → bytes of the blocks of less than half the full size."""
    sizes = {}
    for name in sorted(block_names(folder)):
        with contextlib.suppress(FileNotFoundError):
            sizes[name] = (folder / name).stat().st_size
    return {name: size for name, size in sizes.items() if size < FULL // 2}


def full_groups(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Blocks that make a full one together."""
    group, total = [], 0
    for name, size in sizes.items():
        if total + size > FULL:
            yield group
            group, total = [], 0
        group.append(name)
        total += size
    yield group

"""A store of arrays by the digest of what they were computed from; a killed writer spoils nothing.

What was computed with one configuration lies in a folder that is named by it, in block files::

    FOLDER/0f3a…/config.json          what this is, in clear
    FOLDER/0f3a…/9c41….safetensors    keys (n, 32) and arrays of n rows; named by its sha256

A block is written beside its place, flushed to the disk and then renamed, so that it is there
wholly or not at all. Several processes may read and write at the same time.
"""

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from protocols.errors import BadInput
from results.cache.blocks import (
    FULL,
    KEYS,
    any_of,
    block_names,
    full_groups,
    key_column,
    layout_of,
    matching_rows,
    read_keys,
    small_blocks,
    stored_column,
)
from results.cache.canonical import canonical
from results.cache.durable import CacheFailed, remove_leftovers, write_durably

_MANY = 512  # so many small blocks are merged
_TRIES = 20

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Found:
    """What a cache knows of the keys that were asked for.

    Attributes:
        have: ``(n,)`` which of them it knows.
        arrays: The stored arrays, ``(n, …)`` each: a row a key as asked, zeros where it is not
            known. Empty if nothing at all is known.
    """

    have: Bool[np.ndarray, " n"]
    arrays: Mapping[str, np.ndarray]


class Cache:
    """Arrays by key, for one configuration.

    What is found for a key that was added twice is one of the two: equal keys and configurations
    are to mean equal arrays.

    Attributes:
        folder: Where the blocks of this configuration lie.
        warnings: What a user has to know: a sentence for each block that could not be used.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        """Open or make the store of a configuration, and tidy it up.

        Leftovers of killed writers are removed. More than 512 small blocks are merged; it may be
        killed then, and others may read and write meanwhile.

        Args:
            folder: The folder of all configurations; it is made where it is absent.
            config: Everything that decides what the arrays hold, as nested JSON.

        Raises:
            BadInput: What lies there is a link, or another configuration.
            CacheFailed: Nothing can be written there.
            TypeError, ValueError: See :func:`canonical`.
        """
        text = canonical(config)
        self.folder = folder / hashlib.sha256(text.encode()).hexdigest()[:32]
        self.warnings: list[str] = []
        self._index: dict[str, np.ndarray] = {}  # the keys of each block
        self._refused: set[str] = set()
        self._layout: dict[str, tuple[Any, ...]] = {}
        _check_no_link(self.folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CacheFailed(self.folder, error.strerror or str(error)) from error
        self._check_config(text)
        remove_leftovers(self.folder)
        self._merge_small()

    def find(self, keys: Sequence[bytes]) -> Found:
        """Look up all keys at once; ask seldom and for many, since blocks are read anew each time.

        A block is checked against its digest. One that is damaged is set aside, under its name with
        ``.damaged``, and told in :attr:`warnings`; what it held is unknown again. Takes the memory
        of the result and of one block.

        Args:
            keys: 32 bytes each; the same one may be asked for twice.

        Raises:
            ValueError: A key has another length.
            BadInput: A block does not hold the arrays that the others hold.
        """
        asked = key_column(keys)
        order = np.argsort(asked, kind="stable")
        have, arrays = np.zeros(len(asked), bool), Arrays()
        for _ in range(_TRIES):  # again, where another process merged blocks meanwhile
            if self._scan() and self._fill(asked[order], order, have, arrays):
                break
            order = order[~have[order]]
        return Found(have, arrays)

    def add(self, keys: Sequence[bytes], arrays: Mapping[str, np.ndarray]) -> None:
        """Store rows; when this returns they are on the disk, and nothing spoils them any more.

        Args:
            keys: 32 bytes each. Of a key that stands there twice, the first row is stored.
            arrays: ``(n, …)`` of numbers or booleans, a row a key; in every call the same names,
                types and row shapes.

        Raises:
            ValueError: A key or an array is not like that.
            CacheFailed: It could not be written, for want of room most likely.
        """
        column = key_column(keys)
        for name, array in arrays.items():
            number = array.dtype.kind in "biuf" and array.dtype.itemsize <= 8
            if name == KEYS or not number or not array.ndim:
                raise ValueError(f"{name}: {array.dtype} {array.shape} cannot be stored")
            if len(array) != len(column):
                raise ValueError(f"{name}: {len(array)} rows for {len(column)} keys")
        if self._unlike(arrays):
            raise ValueError(f"stored are {self._layout}, not {layout_of(arrays)}")
        if len(column):
            self._store(column, arrays)

    def _store(self, column: np.ndarray, arrays: Mapping[str, np.ndarray]) -> set[str]:
        """Write each key once; returns the names of the blocks."""
        from safetensors.numpy import save

        first = np.sort(np.unique(column, return_index=True)[1])
        row_bytes = 32 + sum(array[:1].nbytes for array in arrays.values())
        step, names = max(1, FULL // row_bytes), set()
        for start in range(0, len(first), step):
            rows = first[start : start + step]
            block = {KEYS: np.ascontiguousarray(column[rows]).view(np.uint8).reshape(-1, 32)}
            for name, array in arrays.items():
                block[name] = np.ascontiguousarray(array[rows], array.dtype.newbyteorder("="))
            content = save(block)
            name = f"{hashlib.sha256(content).hexdigest()}.safetensors"
            write_durably(self.folder / name, content)
            self._refused.discard(name)
            self._index[name] = column[rows]
            names.add(name)
        return names

    def _unlike(self, arrays: Mapping[str, np.ndarray]) -> bool:
        """Whether these arrays do not fit those met before."""
        self._layout = self._layout or layout_of(arrays)
        return self._layout != layout_of(arrays)

    def _check_config(self, text: str) -> None:
        path = self.folder / "config.json"
        _check_no_link(path)
        if not path.exists():
            words = json.dumps(json.loads(text), sort_keys=True, indent=1)
            write_durably(path, f"{words}\n".encode())
        try:
            found = canonical(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            found = str(error)
        if found != text:
            expected = f"this cache's configuration (else remove {self.folder})"
            raise BadInput(path, "", expected, found[:200])

    def _scan(self) -> bool:
        """Learn the keys of new blocks; False if one vanished meanwhile."""
        names = block_names(self.folder)
        self._index = {name: keys for name, keys in self._index.items() if name in names}
        for name in sorted(names - self._index.keys() - self._refused):
            try:
                self._index[name] = read_keys(self.folder / name)
            except FileNotFoundError:
                return False
            except (OSError, ValueError) as error:
                self._set_aside(name, error)
        return True

    def _fill(
        self, ordered: np.ndarray, order: np.ndarray, have: np.ndarray, arrays: Arrays
    ) -> bool:
        """Copy rows to where they were asked for; False if a block vanished meanwhile.

        Args:
            ordered: The keys asked for, sorted.
            order: Where each of them was asked for.
            have: Which positions are filled; updated.
            arrays: What they are filled with; updated.
        """
        whole = True
        for name in sorted(self._index):
            if not any_of(self._index[name], ordered):
                continue
            try:
                block = self._read(name)
            except FileNotFoundError:
                whole = False
                continue
            if block is None:
                continue
            rows, positions = matching_rows(stored_column(block.pop(KEYS)), ordered, order)
            for one, values in block.items():
                if one not in arrays:
                    arrays[one] = np.zeros((len(have), *values.shape[1:]), values.dtype)
                arrays[one][positions] = values[rows]
            have[positions] = True
        return whole

    def _read(self, name: str) -> Arrays | None:
        """A whole block, checked; None if it was set aside."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        path = self.folder / name
        try:
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() != name.partition(".")[0]:
                raise ValueError("its bytes are not those that were written")
            block = load(content)
            stored_column(block.get(KEYS))
        except FileNotFoundError:
            raise
        except (OSError, ValueError, SafetensorError) as error:
            self._set_aside(name, error)
            return None
        if self._unlike({one: array for one, array in block.items() if one != KEYS}):
            raise BadInput(path, "", f"{self._layout}", f"{layout_of(block)}")
        return block

    def _set_aside(self, name: str, error: Exception) -> None:
        path = self.folder / name
        self._index.pop(name, None)
        self._refused.add(name)
        kept = "left alone"
        if not isinstance(error, OSError):  # what cannot be read now may be whole
            with contextlib.suppress(OSError):
                path.replace(path.with_name(f"{name}.damaged"))
                self._refused.discard(name)
                kept = f"set aside as {name}.damaged"
        reason = getattr(error, "strerror", None) or str(error)
        self.warnings.append(
            f"cache: {path} is damaged or cannot be read ({reason}); it was {kept}, and what it "
            "held is computed anew"
        )

    def _merge_small(self) -> None:
        """Merge small blocks, if there are many and no other process does it already."""
        from filelock import FileLock, Timeout

        small = small_blocks(self.folder)
        if len(small) <= _MANY:
            return
        try:
            with FileLock(self.folder / ".lock", timeout=0):
                for names in full_groups(small_blocks(self.folder)):
                    self._merge(names)
        except Timeout:
            return
        except (OSError, CacheFailed) as error:
            self.warnings.append(f"cache: the blocks of {self.folder} could not be merged: {error}")

    def _merge(self, names: Sequence[str]) -> None:
        """Write one block for several, then remove them: at no time is a row not there."""
        with contextlib.suppress(FileNotFoundError):  # of two processes, one on another machine
            read = {name: self._read(name) for name in names}
            blocks = [block for block in read.values() if block is not None]
            if len(blocks) < 2:
                return
            arrays = {one: np.concatenate([block[one] for block in blocks]) for one in blocks[0]}
            written = self._store(stored_column(arrays.pop(KEYS)), arrays)
            for name in {name for name, block in read.items() if block is not None} - written:
                self._index.pop(name, None)
                (self.folder / name).unlink(missing_ok=True)


def _check_no_link(path: Path) -> None:
    if path.is_symlink():
        raise BadInput(path, "", "a cache's own file or folder", "a link")

"""Reading the arrays of a pickle without running it: some statistics are published as nothing else.

A pickle is a program that can start any other. Here only the instructions that build numbers,
text, lists, tuples, dictionaries and NumPy arrays are allowed, and nothing of NumPy is called while
it runs: what its constructors would be given is kept, checked, and made into arrays afterwards.
"""

import io
import pickle
import pickletools
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from protocols.errors import BadInput

MOST_BYTES = 1_000_000
"""Larger files are refused: what comes as a pickle is small."""
MOST_VALUES = 100_000
"""So are more values, counting one again wherever it is referred to."""
_DEEPEST = 20
_INSTRUCTIONS = frozenset(
    """
    PROTO FRAME STOP MARK POP POP_MARK NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1
    FLOAT BINFLOAT UNICODE BINUNICODE SHORT_BINUNICODE BINBYTES SHORT_BINBYTES EMPTY_LIST LIST
    APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_DICT DICT SETITEM SETITEMS PUT
    BINPUT LONG_BINPUT MEMOIZE GET BINGET LONG_BINGET GLOBAL STACK_GLOBAL REDUCE BUILD
    """.split()  # noqa: SIM905, a list of 50 quoted words cannot be read
)


class _Dtype:
    """What a pickled dtype says: its kind, size and byte order."""

    def __init__(self, code: object) -> None:
        self.code, self.order = code, "="

    def __setstate__(self, state: Any) -> None:
        self.order = state[1]

    def real(self) -> np.dtype:
        """The dtype, if it is one of plain numbers."""
        if not (isinstance(self.code, str) and self.code[:1] in "biuf" and self.code[1:].isdigit()):
            raise ValueError(f"an array of dtype {self.code!r}")
        if self.order not in ("<", ">", "=", "|"):
            raise ValueError(f"the byte order {self.order!r}")
        return np.dtype(f"{self.order}{self.code}")


class _Array:
    """What a pickled array says: its shape, dtype, order and bytes."""

    def __init__(self) -> None:
        self.state: Any = None
        self.made: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def real(self) -> np.ndarray:
        """The array, in this machine's byte order; the same one every time."""
        if self.made is None:
            _, shape, dtype, fortran, content = self.state
            if not (isinstance(dtype, _Dtype) and isinstance(content, bytes)):
                raise ValueError("an array without plain numbers")
            flat = np.frombuffer(content, dtype.real())
            flat = flat.astype(flat.dtype.newbyteorder("="))
            self.made = flat.reshape(shape, order="F" if fortran else "C")
        return self.made


class _Name:
    """Stands for one of NumPy's names; a pickle can call it, and nothing else."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *given: object) -> _Array | _Dtype:
        first = given[0] if given else None
        if self.name == "dtype":
            return _Dtype(first)
        if self.name == "_reconstruct" and isinstance(first, _Name) and first.name == "ndarray":
            return _Array()
        raise ValueError(f"a call of numpy's {self.name}")

    def __setstate__(self, state: object) -> NoReturn:
        raise ValueError(f"a change of numpy's {self.name}")


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        allowed = {
            "numpy": ("ndarray", "dtype"),
            "numpy.core.multiarray": ("_reconstruct",),
            "numpy._core.multiarray": ("_reconstruct",),
        }
        if name not in allowed.get(module, ()):
            raise ValueError(f"the name {module}.{name}")
        return _Name(name)


class _Maker:
    """Makes the arrays within a value, and refuses what else may not be there."""

    def __init__(self) -> None:
        self.values = 0

    def make(self, value: Any, depth: int = 0) -> Any:
        self.values += 1
        if depth > _DEEPEST or self.values > MOST_VALUES:
            raise ValueError("values too many, or too deep within each other")
        if isinstance(value, _Array):
            return value.real()
        if isinstance(value, dict):
            return {self.make(k, depth + 1): self.make(v, depth + 1) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return type(value)([self.make(one, depth + 1) for one in value])
        if value is None or isinstance(value, str | bytes | int | float):
            return value
        raise ValueError(f"a bare {type(value).__name__.strip('_').lower()}")


def read_pickled_arrays(path: Path) -> Any:
    """Read a pickle of arrays, numbers, text, lists, tuples and dictionaries.

    Args:
        path: The file, of at most :data:`MOST_BYTES`.

    Raises:
        BadInput: It is absent, too large, no pickle, or holds anything else.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadInput(path, "", "a pickle", error.strerror or str(error)) from error
    if len(content) > MOST_BYTES:
        raise BadInput(path, "", f"at most {MOST_BYTES:,} bytes", "more")
    try:
        _check_instructions(content)
        return _Maker().make(_Reader(io.BytesIO(content)).load())
    except Exception as error:  # what is damaged on purpose raises any kind
        found = str(error) or type(error).__name__
        raise BadInput(path, "", "a pickle of arrays and plain values", found) from error


def _check_instructions(content: bytes) -> None:
    """Refuse any other instruction, and places in the memo that would only take memory."""
    for instruction, argument, _ in pickletools.genops(content):
        if instruction.name not in _INSTRUCTIONS:
            raise ValueError(f"the instruction {instruction.name}")
        if instruction.name.endswith("PUT") and int(argument or 0) > len(content):
            raise ValueError("a memo larger than the file")

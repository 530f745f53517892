"""Reading a pickle without running it: some statistics and test sets are published as nothing else.

A pickle is a program that can start any other. Here only the instructions that build numbers,
text, lists, tuples, dictionaries and NumPy arrays are allowed, and nothing of NumPy is called while
it runs: what its constructors would be given is kept, checked, and made into arrays afterwards.

The instructions, and what Python 2 and 3 write for the same value, are documented in CPython's
``pickletools``.
"""

import io
import os
import pickle
import pickletools
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import numpy as np

from protocols.errors import BadInput

MOST_BYTES = 1_000_000
"""Larger files are refused: what comes as a pickle is small."""
MOST_VALUES = 100_000
"""So are more values, counting one again wherever it is referred to."""
MOST_BYTES_OF_PICTURES = 2_000_000_000
"""The most of a pickle of pictures."""
MOST_INSTRUCTIONS = 10_000_000
"""The most instructions of a pickle of pictures; one picture takes up to 30."""
_DEEPEST = 20
_COMMON = frozenset(
    """
    PROTO FRAME STOP MARK POP POP_MARK NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1
    FLOAT BINFLOAT UNICODE BINUNICODE SHORT_BINUNICODE BINBYTES SHORT_BINBYTES EMPTY_LIST LIST
    APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 PUT BINPUT LONG_BINPUT MEMOIZE GET BINGET
    LONG_BINGET GLOBAL STACK_GLOBAL REDUCE BUILD
    """.split()  # noqa: SIM905, a list of 50 quoted words cannot be read
)
_WITH_DICTIONARIES = _COMMON | {"EMPTY_DICT", "DICT", "SETITEM", "SETITEMS"}
# Python 2's text is bytes; a writable array is a bytearray since protocol 5.
_WITH_BYTES = _COMMON | {"BINSTRING", "SHORT_BINSTRING", "BINBYTES8", "BYTEARRAY8"}


def _text(value: object) -> str:
    """Text, also as Python 2 wrote it; a blank for anything else."""
    if isinstance(value, bytes) and value.isascii():
        return value.decode()
    return value if isinstance(value, str) and value else " "


class _Dtype:
    """What a pickled dtype says: its kind, size and byte order."""

    def __init__(self, code: object) -> None:
        self.code, self.order = code, "="

    def __setstate__(self, state: Any) -> None:
        self.order = state[1]

    def real(self) -> np.dtype:
        """The dtype, if it is one of plain numbers."""
        code, order = _text(self.code), _text(self.order)
        if not (code[:1] in "biuf" and code[1:].isdigit()):
            raise ValueError(f"an array of dtype {code[:20]!r}")
        if order not in ("<", ">", "=", "|"):
            raise ValueError(f"the byte order {order[:20]!r}")
        return np.dtype(f"{order}{code}")


class _Array:
    """What a pickled array says: its shape, dtype, order and bytes."""

    def __init__(self) -> None:
        self.state: Any = None
        self.made: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def real(self, copies: "_Copies") -> np.ndarray:
        """The array, in this machine's byte order; the same one every time."""
        if self.made is None:
            _, shape, dtype, fortran, content = self.state
            if not (isinstance(dtype, _Dtype) and isinstance(content, bytes | bytearray)):
                raise ValueError("an array without plain numbers")
            copies.take(len(content))
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


def _numpy_name(module: str, name: str) -> _Name:
    """What stands for a name that a pickle asks for."""
    allowed = {
        "numpy": ("ndarray", "dtype"),
        "numpy.core.multiarray": ("_reconstruct",),
        "numpy._core.multiarray": ("_reconstruct",),
    }
    if name not in allowed.get(module, ()):
        raise ValueError(f"the name {module}.{name}")
    return _Name(name)


class _Dictionary(dict):
    """Refuses keys of tuples within tuples: to hash them can fill the stack, or never end."""

    __slots__ = ()

    def __setitem__(self, key: object, value: object) -> None:
        if not (key is None or isinstance(key, str | bytes | int | float)):
            raise ValueError("a key that is neither text nor a number")
        super().__setitem__(key, value)


class _ArrayReader(pickle._Unpickler):
    """The reader in Python, which lets its dictionaries be made here."""

    def load_empty_dictionary(self: Any) -> None:
        self.append(_Dictionary())

    def load_dictionary(self: Any) -> None:
        items, made = self.pop_mark(), _Dictionary()
        for key, value in zip(items[::2], items[1::2], strict=True):
            made[key] = value
        self.append(made)

    dispatch: ClassVar[dict[int, Any]] = {
        **pickle._Unpickler.dispatch,
        pickle.EMPTY_DICT[0]: load_empty_dictionary,
        pickle.DICT[0]: load_dictionary,
    }

    def find_class(self, module: str, name: str) -> Any:
        return _numpy_name(module, name)


class _Copies:
    """How many bytes may still be copied: an honest file copies none of its bytes twice.

    Many arrays may name the same bytes, and each would take memory of its own.
    """

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise ValueError("more bytes than the file holds")


class _Maker:
    """Makes the arrays within a value, and refuses what else may not be there.

    Args:
        most_values: How many values there may be.
        most_bytes: How many bytes all arrays together may take.
    """

    def __init__(self, most_values: int, most_bytes: int) -> None:
        self.left, self.arrays = most_values, _Copies(most_bytes)

    def array(self, array: _Array) -> Any:
        """What becomes of an array."""
        return array.real(self.arrays)

    def make(self, value: Any, depth: int = 0) -> Any:
        self.left -= 1
        if depth > _DEEPEST or self.left < 0:
            raise ValueError("values too many, or too deep within each other")
        if isinstance(value, _Array):
            return self.array(value)
        if isinstance(value, dict):
            return {self.make(k, depth + 1): self.make(v, depth + 1) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return type(value)([self.make(one, depth + 1) for one in value])
        if value is None or isinstance(value, str | bytes | int | float):
            return value
        raise ValueError(f"a bare {type(value).__name__.strip('_').lower()}")


class _BytesOfText(_Name):
    """Stands for ``codecs.encode``, with which Python 3 writes bytes for Python 2."""

    __slots__ = ("copies",)

    def __init__(self, copies: _Copies) -> None:
        super().__init__("encode")
        self.copies = copies

    def __call__(self, *given: object) -> Any:
        text, encoding = given
        if not isinstance(text, str) or encoding != "latin1":
            raise ValueError("a call of codecs' encode for anything but bytes")
        self.copies.take(len(text))
        return text.encode("latin1")


class _BufferName(_Name):
    """Stands for NumPy's ``_frombuffer``, with which protocol 5 writes arrays."""

    __slots__ = ()

    def __call__(self, *given: object) -> _Array:
        buffer, dtype, shape, order = given
        array = _Array()
        array.state = (1, shape, dtype, _text(order) == "F", buffer)
        return array


class _PictureReader(pickle.Unpickler):
    def __init__(self, content: bytes, copies: _Copies) -> None:
        super().__init__(io.BytesIO(content), encoding="bytes")
        self.copies = copies

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):
            return _BytesOfText(self.copies)
        if module in ("numpy.core.numeric", "numpy._core.numeric") and name == "_frombuffer":
            return _BufferName(name)
        return _numpy_name(module, name)


class _PictureMaker(_Maker):
    """Makes bytes of arrays of bytes, without a copy where the pickle holds bytes."""

    def __init__(self, most_values: int, most_bytes: int, copies: _Copies) -> None:
        super().__init__(most_values, most_bytes)
        self.copies = copies

    def array(self, array: _Array) -> Any:
        if isinstance(array.made, bytes):
            return array.made
        _, shape, dtype, _, content = array.state
        if not (
            isinstance(content, bytes | bytearray)
            and shape in ((len(content),), (len(content), 1), (1, len(content)))
            and isinstance(dtype, _Dtype)
            and dtype.real() == np.uint8
        ):
            return super().array(array)
        if isinstance(content, bytearray):
            self.copies.take(len(content))
        array.made = bytes(content)
        return array.made


def read_pickled_arrays(path: Path) -> Any:
    """Read a pickle of arrays, numbers, text, lists, tuples and dictionaries.

    Args:
        path: The file, of at most :data:`MOST_BYTES`.

    Raises:
        BadInput: It is absent, too large, no pickle, or holds anything else.
    """
    content = _read(path, MOST_BYTES)
    try:
        _check_instructions(content, _WITH_DICTIONARIES, len(content))
        return _Maker(MOST_VALUES, len(content)).make(_ArrayReader(io.BytesIO(content)).load())
    except Exception as error:  # what is damaged on purpose raises any kind
        raise _damaged(path, "a pickle of arrays and plain values", error) from error


def read_pickled_pictures(
    path: Path,
    *,
    most_bytes: int = MOST_BYTES_OF_PICTURES,
    most_instructions: int = MOST_INSTRUCTIONS,
) -> Any:
    """Read a pickle of encoded pictures and plain values: protocols 2 and later, of Python 2 or 3.

    Bytes, Python 2's text, and rows or columns of uint8 come out as bytes; other arrays of numbers
    as arrays. Dictionaries are refused. At its peak this takes about three times the file; arrays
    that together would take more bytes than the file are refused.

    Args:
        path: The file.
        most_bytes: The largest file that is read.
        most_instructions: The most instructions, and the most values, counting one again wherever
            it is referred to.

    Raises:
        BadInput: It is absent, too large, no pickle, or holds anything else.
    """
    content = _read(path, most_bytes)
    size = len(content)
    copies = _Copies(size)
    try:
        _check_instructions(content, _WITH_BYTES, most_instructions)
        value = _PictureReader(content, copies).load()
        del content
        return _PictureMaker(most_instructions, size, copies).make(value)
    except Exception as error:  # what is damaged on purpose raises any kind
        raise _damaged(path, "a pickle of pictures and plain values", error) from error


def _read(path: Path, most_bytes: int) -> bytes:
    """The whole file, if it is not too large."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            large = size > most_bytes
            content = b"" if large else file.read(size + 1)  # a larger buffer would take memory
    except OSError as error:
        raise BadInput(path, "", "a pickle", error.strerror or str(error)) from error
    if large or len(content) > most_bytes:
        raise BadInput(path, "", f"at most {most_bytes:,} bytes", "more")
    return content


def _check_instructions(content: bytes, allowed: frozenset[str], most: int) -> None:
    """Refuse any other instruction, too many, and memo places that would only take memory."""
    most = min(most, len(content))
    for count, (instruction, argument, _) in enumerate(pickletools.genops(content), 1):
        name = instruction.name
        if name not in allowed:
            raise ValueError(f"the instruction {name}")
        if count > most:
            raise ValueError(f"more than {most:,} instructions")
        if name.endswith("PUT") and int(argument or 0) > most:
            raise ValueError("a memo larger than the file may need")


def _damaged(path: Path, expected: str, error: Exception) -> BadInput:
    return BadInput(path, "", expected, (str(error) or type(error).__name__)[:200])

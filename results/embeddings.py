"""Embeddings with a row a face, in the protocol's own order: of the pipeline, or from npy files."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32

from protocols.errors import BadInput, BadOption, DatasetUnavailable
from protocols.types import InputFile

_ROWS = 65_536


@dataclass(frozen=True, eq=False)
class Embeddings:
    """What a recognizer said of every face of a protocol.

    Attributes:
        name: What to call it in a table.
        faces: ``(n, d)`` a row a face.
        mirrored: ``(n, d)`` of the mirrored faces, if they were embedded too.
        failed: ``(n,)`` faces whose row is not finite: failures to enrol.
        inputs: The files, with digests.
        zeroed: ``(n,)`` faces whose vector counts as zeros: alike to none, but not refused.
        counts: How many faces met with something that a table has to say, by column.
        against: The name of what these are compared with; the first of a table by default.
    """

    name: str
    faces: Float32[np.ndarray, "n d"]
    mirrored: Float32[np.ndarray, "n d"] | None
    failed: Bool[np.ndarray, " n"]
    inputs: tuple[InputFile, ...]
    zeroed: Bool[np.ndarray, " n"] | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    against: str | None = None


def read_embeddings(option: str, count: int) -> Embeddings:
    """Read ``NAME=FILE.npy`` or ``NAME=FILE.npy,MIRRORED.npy``.

    Args:
        option: As typed.
        count: How many faces the protocol has.

    Raises:
        BadOption: It is not of this form.
        DatasetUnavailable: A file is absent.
        BadInput: A file is no npy array of ``count`` rows of numbers.
    """
    name, equals, files = option.partition("=")
    paths = [Path(one).expanduser() for one in files.split(",") if one]
    if not (name and equals and 1 <= len(paths) <= 2):
        raise BadOption(f"--embeddings {option}", "NAME=FILE.npy or NAME=FILE.npy,MIRRORED.npy")
    faces, *others = (_read(path, count) for path in paths)
    mirrored = others[0] if others else None
    if mirrored is not None and mirrored.shape != faces.shape:
        raise BadInput(paths[1], "", f"an array of shape {faces.shape}", f"{mirrored.shape}")
    failed = no_direction(faces, mirrored)
    inputs = tuple(InputFile.of(path) for path in paths)
    return Embeddings(name, faces, mirrored, failed, inputs)


def write_embeddings(folder: Path, given: Embeddings, split: int | None) -> list[Path]:
    """Write what :func:`read_embeddings` reads: ``NAME.npy``, ``NAME-mirrored.npy``.

    A face that failed to enrol is a row of NaN.

    Args:
        folder: It is made where it is absent.
        given: The embeddings.
        split: Its number ends the files' names, where there are several.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", given.name).strip("-")
    ending = "" if split is None else f"-{split}"
    paths = []
    for side, vectors in (("", given.faces), ("-mirrored", given.mirrored)):
        if vectors is None:
            continue
        path = folder / f"{name}{side}{ending}.npy"
        partial = path.with_name(f".{path.name}.part")
        with partial.open("wb") as file:
            np.save(file, vectors)
        partial.replace(path)
        paths.append(path)
    return paths


def _read(path: Path, count: int) -> Float32[np.ndarray, "n d"]:
    """A memory map where the file holds float32, else a copy."""
    if not path.is_file():
        how = "It has to be an npy file with a row a face (protocol.py faces lists them)."
        raise DatasetUnavailable("the file of embeddings", path, how)
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # a broken header raises many kinds
        raise BadInput(path, "", "a whole npy array", str(error)) from error
    expected = f"{count:,} rows of numbers, a row a face"
    if array.dtype.kind != "f" or array.ndim != 2 or len(array) != count or not array.shape[1]:
        raise BadInput(path, "", expected, f"{array.dtype} {array.shape}")
    return np.asarray(array) if array.dtype == np.float32 else array.astype(np.float32)


def no_direction(
    faces: Float32[np.ndarray, "n d"], mirrored: Float32[np.ndarray, "n d"] | None
) -> Bool[np.ndarray, " n"]:
    """Faces whose rows, or their sum, are not finite or all zeros.

    Args:
        faces: A row a face.
        mirrored: Of the mirrored faces, if they were embedded too.
    """
    found = _broken(faces)
    if mirrored is not None:
        found |= _broken(mirrored) | _broken(faces, mirrored)
    return found


def _broken(
    faces: Float32[np.ndarray, "n d"], mirrored: Float32[np.ndarray, "n d"] | None = None
) -> Bool[np.ndarray, " n"]:
    """Rows (or their sums) that are not finite or all zeros: no direction can be told from them.

    A length of which float32 has no square is none either.
    """
    broken = np.zeros(len(faces), bool)
    for start in range(0, len(faces), _ROWS):
        block = faces[start : start + _ROWS]
        if mirrored is not None:
            block = block + mirrored[start : start + _ROWS]
        length = np.einsum("nd,nd->n", block, block)
        broken[start : start + _ROWS] = ~(np.isfinite(length) & (length > 0))
    return broken

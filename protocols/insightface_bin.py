"""Verification pairs packed in one file, as insightface's training sets bring them (``lfw.bin``).

The file is a pickle of two lists: encoded pictures, two a pair, and whether each pair is the same
person (deepinsight/insightface, ``recognition/arcface_torch/eval/verification.py`` reads it and
``recognition/_datasets_`` tells where the files come from). The pictures are bytes, or arrays of
uint8; older files were written by Python 2. Protocols 2 and later of pickle are read. No
instruction of the pickle is run.
"""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int32

from protocols.counts import check_counts
from protocols.errors import BadInput, DatasetUnavailable
from protocols.photos import PackedPhotos
from protocols.roots import is_file
from protocols.safe_pickle import read_pickled_pictures
from protocols.types import InputFile, Pairs, Samples, Templates, VerificationProtocol

FOLDS = 10
HOW = "It comes with the training sets that deepinsight/insightface lists (recognition/_datasets_)."


def load(path: Path) -> VerificationProtocol:
    """Read a ``.bin`` of pairs; pictures are decoded when they are used, not here.

    A pair's pictures are its own: one that stands in several pairs is several samples. Whose face
    it is, the file does not say. The folds are those of insightface's evaluation: ten contiguous
    parts, the first ones longer by one where the number of pairs is no multiple of ten. Fewer
    than ten pairs have no folds.

    Args:
        path: The file; a ``counts.json`` beside it says how many photos, pairs and genuine pairs
            there have to be.

    Raises:
        DatasetUnavailable: The file is absent.
        BadInput: It cannot be read, is no pickle, holds anything but the two lists, or a count is
            off.
    """
    if not is_file(path):
        raise DatasetUnavailable(path.name, path, HOW)
    pictures, genuine = _read(path)
    first = np.arange(0, len(pictures), 2, dtype=np.int32)
    found = {"photos": len(pictures), "pairs": len(first), "genuine": int(genuine.sum())}
    counted = check_counts(path.parent, found, found, path)
    folds = f"{FOLDS} contiguous folds" if len(first) >= FOLDS else "no folds"
    photos = PackedPhotos(path, tuple(pictures))
    return VerificationProtocol(
        name=path.stem,
        rule=f"{path.name}, {folds}",
        samples=Samples.whole(photos, np.zeros(len(pictures), bool)),
        templates=Templates.single(np.full(len(pictures), -1)),
        pairs=Pairs(first, first + np.int32(1), genuine, contiguous_folds(len(first))),
        counted=counted.against if counted.inputs else f"as many as {path.name} holds",
        inputs=(InputFile.of(path), *counted.inputs),
    )


def contiguous_folds(pairs: int) -> Int32[np.ndarray, " p"] | None:
    """The fold of each pair as scikit-learn's ``KFold(10, shuffle=False)`` has it, if there are 10.

    The first ``pairs % 10`` folds have one pair more than the others.
    """
    if pairs < FOLDS:
        return None
    size, longer = divmod(pairs, FOLDS)
    sizes = np.full(FOLDS, size)
    sizes[:longer] += 1
    return np.repeat(np.arange(FOLDS, dtype=np.int32), sizes)


def _read(path: Path) -> tuple[list[bytes], Bool[np.ndarray, " p"]]:
    """The encoded pictures, and whether each pair of them is the same person."""
    content = read_pickled_pictures(path)
    if not (isinstance(content, tuple | list) and len(content) == 2):
        raise BadInput(path, "", "two lists: pictures, and same or not", _kind(content))
    pictures, same = content
    if not isinstance(pictures, list | tuple):
        raise BadInput(path, "pictures", "a list", _kind(pictures))
    for index, picture in enumerate(pictures):
        if not (isinstance(picture, bytes) and picture):
            expected = "encoded bytes, or a row or column of uint8, not empty"
            raise BadInput(path, f"picture {index}", expected, _kind(picture))
    genuine = _flags(path, same)
    if not len(genuine):
        raise BadInput(path, "", "at least one pair", "none")
    if len(pictures) != 2 * len(genuine):
        expected = f"{2 * len(genuine):,}, two for each of {len(genuine):,} pairs"
        raise BadInput(path, "number of pictures", expected, f"{len(pictures):,}")
    return list(pictures), genuine


def _flags(path: Path, same: Any) -> Bool[np.ndarray, " p"]:
    """Same or not, as a list or an array of truth values or of 0 and 1."""
    if isinstance(same, np.ndarray) and same.ndim == 1 and same.dtype.kind in "biu":
        same = same.tolist()
    if isinstance(same, bytes):  # an array of uint8, as the reader has it
        same = list(same)
    if not isinstance(same, list | tuple):
        raise BadInput(path, "same or not", "a list of truth values", _kind(same))
    for index, flag in enumerate(same):
        if not (type(flag) in (bool, int) and flag in (0, 1)):
            raise BadInput(path, f"pair {index}", "True or False, or 1 or 0", _kind(flag))
    return np.array(same, dtype=bool)


def _kind(value: object) -> str:
    """What a value is, in a word or two; never the value itself, which may be large."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    if isinstance(value, bytes | list | tuple):
        return f"{type(value).__name__} of length {len(value)}"
    return f"{value}"[:40] if type(value) in (int, float, str) else type(value).__name__

"""Pairs on disk, shard by shard; a shard is there wholly or not at all.

::

    OUT/pairs.json                        what all of it is (cfr.pairs.about)
    OUT/shard-00000/index.jsonl           a line a pair
    OUT/shard-00000/left-out.json         photo → why there is no pair of it
    OUT/shard-00000/coefficients.safetensors   a row a pair, absent without any
    OUT/shard-00000/00007-damaged.png     likewise -guide, -photo (RGB), -mask, -face (one channel)
"""

import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cfr.coefficients import save_coefficients
from cfr.pairs.pictures import PARTS, encode
from cfr.pairs.types import PairPictures
from cfr.types import Coefficients
from protocols.errors import BadInput
from protocols.photos import check_relative

INDEX, LEFT_OUT, COEFFICIENTS = "index.jsonl", "left-out.json", "coefficients.safetensors"
_NAME, _SHA256 = re.compile(r"[0-9]{5,12}"), re.compile(r"[0-9a-f]{64}")
_PARTIAL = ".part"


@dataclass(frozen=True)
class PairRecord:
    """A line of an index.

    Attributes:
        name: Number of the pair, with which its files begin.
        source: Number of its photo.
        photo: Path of the photo below its root.
        photo_sha256: Of the photo's bytes.
        rotation_degrees: Pitch, yaw, roll that it was turned to and back from.
        files: sha256 of each picture, by the names of :data:`cfr.pairs.pictures.PARTS`.
    """

    name: str
    source: int
    photo: str
    photo_sha256: str
    rotation_degrees: tuple[float, float, float]
    files: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class MadePair:
    """A pair that is to be written: its pictures, and what its record says but their digests."""

    pictures: PairPictures
    name: str
    source: int
    photo: str
    photo_sha256: str
    rotation_degrees: tuple[float, float, float]


def shard_name(number: int) -> str:
    """What a shard's folder is called."""
    return f"shard-{number:05d}"


def file_name(name: str, part: str) -> str:
    """What a picture's file is called."""
    return f"{name}-{part}.png"


def write_shard(
    folder: Path,
    pairs: Sequence[MadePair],
    coefficients: Coefficients | None,
    left_out: Mapping[str, str],
    threads: int = 1,
) -> None:
    """Write a shard under another name, and rename it when it is whole.

    Args:
        folder: Its place; nothing is changed if it is there already.
        pairs: What belongs in it.
        coefficients: A row a pair; None without any.
        left_out: Photo → why.
        threads: That encode pictures; their number changes nothing.

    Raises:
        OSError: It cannot be written; nothing is left behind.
    """
    own = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}{_PARTIAL}")
    own.mkdir()
    try:
        with ThreadPoolExecutor(threads) as pool:
            records = list(pool.map(partial(_write_pair, own), pairs))
        if coefficients is not None:
            save_coefficients(own / COEFFICIENTS, coefficients)
        (own / LEFT_OUT).write_text(json.dumps(dict(left_out), sort_keys=True), "utf-8")
        lines = [json.dumps(asdict(record), sort_keys=True) + "\n" for record in records]
        (own / INDEX).write_text("".join(lines), "utf-8")
        for path in (*own.iterdir(), own):  # all at last: one by one would wait for each
            _sync(path)
        if not folder.exists():
            own.rename(folder)
            _sync(folder.parent)
    finally:
        shutil.rmtree(own, ignore_errors=True)


def remove_partial(folder: Path) -> None:
    """Remove the shards of a folder that were being written when a run was killed."""
    for path in folder.glob(f".shard-*{_PARTIAL}"):
        shutil.rmtree(path, ignore_errors=True)


def read_index(folder: Path, expected: str | None = None) -> list[PairRecord]:
    """The records of a shard.

    Args:
        folder: The shard.
        expected: sha256 of its index, if it is known.

    Raises:
        BadInput: The index is absent or damaged, or names what is no file of this shard.
    """
    path = folder / INDEX
    content = read_bytes(path)
    if expected is not None and hashlib.sha256(content).hexdigest() != expected:
        raise BadInput(path, "", "the index that was written", "other content")
    lines = content.decode("utf-8", "replace").splitlines()
    return [_record(path, f"line {at}", line) for at, line in enumerate(lines, 1)]


def read_left_out(folder: Path) -> dict[str, str]:
    """The photos of a shard that there is no pair of, and why.

    Raises:
        BadInput: The list is absent or damaged.
    """
    path = folder / LEFT_OUT
    found = _parse(path, "", read_bytes(path).decode("utf-8", "replace"))
    if not all(isinstance(one, str) for one in found.values()):
        raise BadInput(path, "", "photo → why it was left out", "something else")
    return found


def read_bytes(path: Path) -> bytes:
    """A file's content.

    Raises:
        BadInput: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(path, "", "a file of pairs", error.strerror or str(error)) from error


def _write_pair(folder: Path, pair: MadePair) -> PairRecord:
    digests = {}
    for part, content in encode(pair.pictures).items():
        (folder / file_name(pair.name, part)).write_bytes(content)
        digests[part] = hashlib.sha256(content).hexdigest()
    return PairRecord(
        name=pair.name,
        source=pair.source,
        photo=pair.photo,
        photo_sha256=pair.photo_sha256,
        rotation_degrees=pair.rotation_degrees,
        files=digests,
    )


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _record(path: Path, where: str, line: str) -> PairRecord:
    found = _parse(path, where, line)
    kinds = {"name": str, "source": int, "photo": str, "photo_sha256": str}
    kinds |= {"rotation_degrees": list, "files": dict}
    if set(found) != set(kinds) or any(type(found[name]) is not kinds[name] for name in kinds):
        raise BadInput(path, where, f"a pair's {', '.join(kinds)}", repr(line[:80]))
    if not _NAME.fullmatch(found["name"]):
        raise BadInput(path, where, "a number of at least five digits", repr(found["name"][:80]))
    check_relative(found["photo"], path, where)
    rotation, files = found["rotation_degrees"], found["files"]
    sound = len(rotation) == 3 and all(isinstance(one, float | int) for one in rotation)
    sound &= set(files) == set(PARTS) and found["source"] >= 0
    if not sound or not all(_SHA256.fullmatch(str(one)) for one in files.values()):
        raise BadInput(path, where, "three angles, and sha256 of five files", repr(line[:80]))
    return PairRecord(**{**found, "rotation_degrees": tuple(map(float, rotation))})


def _parse(path: Path, where: str, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise BadInput(path, where, "JSON", str(error)) from error
    if not isinstance(found, dict):
        raise BadInput(path, where, "a JSON object", repr(text[:80]))
    return found

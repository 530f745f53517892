"""What a run has made so far: a file a block of pictures, there wholly or not at all.

A part is a ZIP without compression: ``index.json`` and the versions, ``NUMBER-VERSION.jpg``. The
same pictures are the same bytes.
"""

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from protocols.errors import BadInput
from results.augmenting.versions import Version
from results.cache.durable import write_durably

_INDEX = "index.json"
_WHEN = (1980, 1, 1, 0, 0, 0)
Failure = Literal["", "no face", "no fit", "damaged"]
FAILURES: tuple[Failure, ...] = ("no face", "no fit", "damaged")


@dataclass(frozen=True)
class Done:
    """A picture that was worked on.

    Attributes:
        number: Its place in the set, as it was read.
        sha256: Of its bytes.
        versions: Those that were made.
        failure: Why none was; empty if none failed.
        why: The same in more words.
    """

    number: int
    sha256: str
    versions: tuple[Version, ...] = ()
    failure: Failure = ""
    why: str = ""


def part_path(folder: Path, block: int) -> Path:
    """Where the part of a block lies."""
    return folder / f"part-{block:06d}.zip"


def write_part(
    folder: Path, block: int, done: Sequence[Done], contents: Sequence[Sequence[bytes]]
) -> None:
    """Write a part.

    Args:
        folder: Of the parts.
        block: Its number.
        done: Its pictures.
        contents: The encoded versions of each.

    Raises:
        CacheFailed: It cannot be written.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        text = json.dumps([asdict(one) for one in done])
        archive.writestr(zipfile.ZipInfo(_INDEX, _WHEN), text)
        for one, versions in zip(done, contents, strict=True):
            for at, content in enumerate(versions):
                archive.writestr(zipfile.ZipInfo(_name(one.number, at), _WHEN), content)
    write_durably(part_path(folder, block), file.getvalue())


def read_part(folder: Path, block: int) -> list[Done]:
    """What was done to the pictures of a block.

    Raises:
        BadInput: The part is damaged.
    """
    path = part_path(folder, block)
    try:
        with zipfile.ZipFile(path) as archive:
            return [_again(one) for one in json.loads(archive.read(_INDEX))]
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise _damaged(path, error) from error


def read_versions(folder: Path, block: int, done: Sequence[Done]) -> list[list[bytes]]:
    """The encoded versions of a block's pictures.

    Raises:
        BadInput: The part is damaged.
    """
    path = part_path(folder, block)
    try:
        with zipfile.ZipFile(path) as archive:
            return [
                [archive.read(_name(one.number, at)) for at in range(len(one.versions))]
                for one in done
            ]
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise _damaged(path, error) from error


def _name(number: int, version: int) -> str:
    return f"{number:08d}-{version + 1}.jpg"


def _again(plain: dict[str, Any]) -> Done:
    versions = tuple(Version(**one) for one in plain["versions"])
    return Done(**{**plain, "versions": versions})


def _damaged(path: Path, error: Exception) -> BadInput:
    return BadInput(path, "", "a whole part; delete it and it is made again", str(error))

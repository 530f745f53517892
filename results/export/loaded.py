"""Frontalizers and recognizers, loaded once a process as long as their files stay as they are."""

from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from cfr.frontalizers.sources import check_name, load_frontalizer, weight_file
from cfr.frontalizers.types import Frontalizer
from protocols.errors import DatasetUnavailable
from recognizers.sources import load_recognizer
from recognizers.types import Device, Recognizer
from results.export.ground import torch_device

_Stamps = tuple[tuple[int, int], ...]


def frontalizer_of(name: str, device: Device) -> Frontalizer | None:
    """A frontalizer; None for ``none``. Errors as of ``load_frontalizer``."""
    check_name(name)
    file = None
    with suppress(DatasetUnavailable):  # loading says so, with more words
        file = weight_file(name)
    return _frontalizer(name, device, tuple(_stamps(file)) if file else ())


@lru_cache(maxsize=8)
def _frontalizer(name: str, device: Device, stamps: _Stamps) -> Frontalizer | None:
    return load_frontalizer(name, device=torch_device(device))


def recognizer_of(name: str, root: Path | None, device: Device) -> Recognizer:
    """A recognizer, with its card. Errors as of ``load_recognizer``."""
    stamps: _Stamps = ()
    with suppress(ValueError, RuntimeError):  # a name, or ~ of nobody
        path = Path(name).expanduser()
        stamps = tuple(_stamps(path, path.with_suffix(".toml")))
    return _recognizer(name, root, device, stamps)


@lru_cache(maxsize=16)
def _recognizer(name: str, root: Path | None, device: Device, stamps: _Stamps) -> Recognizer:
    return load_recognizer(name, root, device=device, threads=1)


def _stamps(*files: Path) -> Iterator[tuple[int, int]]:
    """When files changed last, and their sizes, up to the first that is not there."""
    with suppress(OSError, ValueError):
        for file in files:
            found = file.stat()
            yield found.st_mtime_ns, found.st_size

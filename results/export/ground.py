"""What has to be the same in every process that answers: code, packages, weights, one thread."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from protocols.errors import BadOption, DataError
from protocols.types import InputFile
from recognizers.types import Device
from results.cache.code_digest import code_digest
from results.environment import versions


class OtherWeights(DataError):
    """A worker has other weights, or another version of a package, than the command has."""


@dataclass(frozen=True)
class Ground:
    """What has to be the same in every process: code, packages, and weights that no identity names.

    Attributes:
        modules: Whose code decides the answer, with all that they import.
        packages: Whose version may change it.
        files: Weights.
        expected: A digest of all that, as the command's own process sees it.
    """

    modules: tuple[str, ...]
    packages: tuple[str, ...]
    files: tuple[Path, ...]
    expected: str

    @classmethod
    def here(
        cls, modules: Sequence[str], packages: Sequence[str], files: Sequence[Path] = ()
    ) -> "Ground":
        """As this process sees it."""
        what = tuple(modules), tuple(packages), tuple(files)
        return cls(*what, expected=digest(_seen(*what)))

    def seen(self) -> dict[str, str]:
        """It, in clear, for a cache's configuration."""
        return dict(_seen(self.modules, self.packages, self.files))

    def check(self, name: str) -> None:
        """Refuse to answer where it is not the same.

        Raises:
            OtherWeights: It is not.
        """
        if digest(_seen(self.modules, self.packages, self.files)) != self.expected:
            raise OtherWeights(
                f"{name}: a worker would answer differently than this command: its code of this "
                "project, its packages or its weights are others. Every worker needs the same."
            )


@lru_cache(maxsize=64)
def _seen(
    modules: tuple[str, ...], packages: tuple[str, ...], files: tuple[Path, ...]
) -> Mapping[str, str]:
    weights = {path.name: InputFile.of(path).sha256 for path in files}
    return {**weights, **versions(packages), "code": code_digest(*modules)}


def digest(identity: Mapping[str, str]) -> str:
    """A name for what decides an answer."""
    return hashlib.sha256(json.dumps(dict(identity), sort_keys=True).encode()).hexdigest()


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, and put everything back afterwards."""
    import cv2
    import torch
    from threadpoolctl import threadpool_limits

    threads, of_cv2 = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)
        cv2.setNumThreads(of_cv2)


def torch_device(device: Device) -> Literal["cpu", "cuda"]:
    """What PyTorch calls the device that was asked for.

    Raises:
        BadOption: CUDA was asked for, and PyTorch has none.
    """
    if device == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise BadOption("--device cuda", "auto or cpu: this PyTorch finds no CUDA device")
    return "cpu"

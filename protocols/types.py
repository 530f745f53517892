"""The types that flow out of the loaders. Every array is numpy; nothing here knows torch."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64


@dataclass(frozen=True)
class InputFile:
    """A file that a result was computed from.

    Attributes:
        path: Where it was read.
        sha256: Its digest, 64 hexadecimal digits.
    """

    path: Path
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "InputFile":
        """Digest the file at ``path``."""
        with path.open("rb") as file:
            return cls(path, hashlib.file_digest(file, "sha256").hexdigest())


@dataclass(frozen=True)
class LandmarkProtocol:
    """Images with ground-truth landmarks, split into named subsets.

    Attributes:
        name: The data set's name, as reported in tables.
        rule: Which labels these are (ground truth, pose source, subset), in words for a table.
        images: File names, in row order; ``n`` of them, unique.
        rows: Each image's row in the complete data set, so that predictions for all of it can be
            indexed; ``0 … n−1`` when the protocol is complete.
        landmarks: ``(n, 68, 2)`` ground-truth x, y in pixels of the full photo.
        yaw_degrees: ``(n,)`` yaw in degrees, as published (wrapped angles occur).
        subsets: Positions (into ``images``) of each named subset, in table order.
        inputs: The files that were read, with digests.
        complete: False when an explicit list left images out; a table has to say so.
        pose: ``(n, 3)`` pitch, yaw, roll in radians as published, where the labels hold them.
    """

    name: str
    rule: str
    images: tuple[str, ...]
    rows: Int64[np.ndarray, " n"]
    landmarks: Float64[np.ndarray, "n 68 2"]
    yaw_degrees: Float64[np.ndarray, " n"]
    subsets: Mapping[str, Int64[np.ndarray, " _"]]
    inputs: tuple[InputFile, ...]
    complete: bool
    pose: Float64[np.ndarray, "n 3"] | None = None
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Name the protocol by its content: equal digests score equal predictions equally."""
        content = hashlib.sha256("\n".join(self.images).encode())
        content.update(np.ascontiguousarray(self.landmarks, "<f8").tobytes())
        for subset, positions in self.subsets.items():
            content.update(subset.encode())
            content.update(np.ascontiguousarray(positions, "<i8").tobytes())
        object.__setattr__(self, "digest", content.hexdigest())

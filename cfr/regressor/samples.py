"""Training samples: pictures with points and coefficients, drawn once and read many times."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float32, UInt8

from cfr.camera import Camera
from cfr.weight_files import write_whole
from protocols.errors import BadInput

Kind = Literal["photo", "turned", "render"]
"""A photo as it is, a photo turned to another pose, or a made-up person."""
KINDS: tuple[Kind, ...] = get_args(Kind)
_FORMAT, _ABOUT = "cfr-samples-1", "about"
_PICTURES = ("images", "masked")
_SMALL = ("points", "coefficients", "kinds", "estimated", "sources", "masked_at")
HELD_OUT = 20
"""Of so many sources one is for validation: 5 %, as in the authors' stage 1."""


@dataclass(frozen=True)
class Frame:
    """The size of a network's crop, and of the wider pictures that crops are cut from.

    Attributes:
        crop: Pixels a side of an aligned crop.
        wide: Pixels a side of a sample's picture; the scale is the crop's.
    """

    crop: int = 112
    wide: int = 144

    @property
    def camera(self) -> Camera:
        """Of the crop."""
        return Camera().resized(self.crop)

    @property
    def wide_camera(self) -> Camera:
        """Of the wide picture, with the crop in its middle."""
        camera = self.camera
        return Camera(self.wide, camera.focal, camera.distance)


@dataclass(frozen=True, eq=False)
class Sample:
    """A face and what is known about it.

    Attributes:
        image: RGB, the picture of a :class:`Frame`'s wide camera.
        masked: The same with a medical mask drawn on, None without.
        points: ``(68, 2)`` landmarks in the picture's pixels.
        coefficients: The vector of :class:`cfr.coefficients.Layout` in the wide camera. Of a photo
            it is a fit's, of a turned photo all but the lighting is what was drawn, of a render
            everything.
        kind: How it came about.
        estimated: Whether the points are a network's, not a person's.
        source: Which photo or made-up person it shows.
    """

    image: UInt8[np.ndarray, "s s 3"]
    masked: UInt8[np.ndarray, "s s 3"] | None
    points: Float32[np.ndarray, "68 2"]
    coefficients: Float32[np.ndarray, " n"]
    kind: Kind
    estimated: bool
    source: int


def save_samples(path: Path, samples: Sequence[Sample], model: str) -> None:
    """Write samples as safetensors, whole or not at all.

    Args:
        path: The file.
        samples: At least one; all pictures have one size.
        model: Digest of the face model.

    Raises:
        ValueError: There is no sample, or their pictures differ in size.
        OSError: The file cannot be written.
    """
    from safetensors.torch import save

    masked = [one.masked for one in samples if one.masked is not None]
    has_mask = np.array([one.masked is not None for one in samples])
    images = np.stack([one.image for one in samples])
    arrays = {
        "images": images,
        "masked": np.stack(masked) if masked else images[:0],
        "masked_at": np.where(has_mask, np.cumsum(has_mask) - 1, -1),
        "points": np.stack([one.points for one in samples]),
        "coefficients": np.stack([one.coefficients for one in samples]),
        "kinds": np.array([KINDS.index(one.kind) for one in samples], np.uint8),
        "estimated": np.array([one.estimated for one in samples], np.uint8),
        "sources": np.array([one.source for one in samples], np.int64),
    }
    if arrays["masked"].shape[1:] != images.shape[1:]:
        raise ValueError("the masked pictures have another size")
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    about = json.dumps({"format": _FORMAT, "model": model})
    # One key: safetensors puts several in an order of chance.
    write_whole(path, save(tensors, {_ABOUT: about}))


class SampleFiles:
    """The samples of several files; pictures stay on disk until they are asked for.

    Attributes:
        points: ``(n, 68, 2)`` of all samples.
        coefficients: ``(n, k)``.
        kinds: ``(n,)`` positions in :data:`KINDS`.
        estimated: ``(n,)`` whether the points are a network's.
        sources: ``(n,)`` whom it shows; numbers mean something within one kind of file only.
        masked: ``(n,)`` whether there is a masked picture.

    Args:
        paths: The files, in an order that means something.
        model: Digest of the face model at hand.
        wide: Pixels a side that the pictures have to have.

    Raises:
        BadInput: A file is no file of samples, or of another face model or size.
    """

    def __init__(self, paths: Sequence[Path], model: str, wide: int) -> None:
        self._paths = tuple(paths)
        self._open: dict[int, tuple[Any, Any]] = {}
        self._at: list[tuple[int, int]] = []
        parts: dict[str, list[np.ndarray]] = {name: [] for name in _SMALL}
        for number, path in enumerate(paths):
            small = _read_small(path, model, wide)
            self._at += [(number, row) for row in range(len(small["points"]))]
            for name, array in small.items():
                parts[name].append(array)
        joined = {name: np.concatenate(arrays) for name, arrays in parts.items()}
        self.points, self.coefficients = joined["points"], joined["coefficients"]
        self.kinds, self.sources = joined["kinds"], joined["sources"]
        self.estimated = joined["estimated"].astype(bool)
        self._masked_at = joined["masked_at"]
        self.masked = self._masked_at >= 0

    def __len__(self) -> int:
        """Samples of all files."""
        return len(self._at)

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self._paths[0].parent

    @property
    def held_out(self) -> Bool[np.ndarray, " n"]:
        """Samples for validation: all views of every twentieth photo or person."""
        return self.sources % HELD_OUT == HELD_OUT - 1

    def image(self, index: int, *, masked: bool = False) -> UInt8[np.ndarray, "s s 3"]:
        """A picture; a masked one only where :attr:`masked` says that there is one."""
        number, row = self._at[index]
        if masked:
            row = int(self._masked_at[index])
            if row < 0:
                raise ValueError(f"sample {index} has no masked picture")
        return self._slices(number)[int(masked)][row].numpy()

    def _slices(self, number: int) -> tuple[Any, Any]:
        """The pictures of a file; opened once in each process, and never carried to another."""
        if number not in self._open:
            from safetensors import safe_open

            file = safe_open(self._paths[number], "pt").__enter__()
            self._open[number] = file.get_slice("images"), file.get_slice("masked")
        return self._open[number]

    def __getstate__(self) -> dict[str, Any]:
        """Without the open files."""
        return {**self.__dict__, "_open": {}}


def _read_small(path: Path, model: str, wide: int) -> dict[str, np.ndarray]:
    """Everything of a file but its pictures."""
    from safetensors import SafetensorError, safe_open

    expected = "samples written by this project"
    try:
        with safe_open(path, "pt") as file:
            about = json.loads((file.metadata() or {}).get(_ABOUT, "{}"))
            names = set(file.keys())
            if about.get("format") != _FORMAT or names != {*_PICTURES, *_SMALL}:
                found = f"{about.get('format')}: {', '.join(sorted(names))}"
                raise BadInput(path, "", f"{expected} ({_FORMAT})", found)
            if about.get("model") != model:
                made = str(about.get("model"))[:12]
                raise BadInput(path, "", f"samples of face model {model[:12]}…", f"{made}…")
            size = file.get_slice("images").get_shape()[1:]
            if size != [wide, wide, 3]:
                raise BadInput(path, "images", f"{wide} × {wide} × 3", f"{size}")
            return {name: file.get_tensor(name).numpy() for name in _SMALL}
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise BadInput(path, "", expected, " ".join(str(error).split())[:160]) from error

"""Occluders that a user brings: silhouettes, and cut-outs with transparency."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cfr.occluders.paint import Layer
from cfr.occluders.placement import Place, Placement, draw_place, put
from cfr.occluders.types import Drawn, Scene
from protocols.errors import BadInput
from protocols.images import read_image, read_rgba


@dataclass(frozen=True, eq=False)
class Silhouette:
    """One of the shapes, filled with one colour."""

    shapes: tuple[Path | np.ndarray, ...]
    """Picture files, white (at least half as bright as white) where the shape is; or arrays
    ``(h, w)``, bool or numbers, where anything above 0 is the shape."""
    color: tuple[float, float, float] | None = None
    """RGB in [0, 1]; the mean colour around the landmark if None."""
    placement: Placement = field(default_factory=Placement)
    """Sizes, turn, and distance from the landmark: those of the authors' hands."""

    def __post_init__(self) -> None:
        _need_some(self.shapes, "shapes")

    def draw(self, scene: Scene) -> Drawn:
        """Draw one of the shapes.

        Raises:
            BadInput: The file is no picture, or holds no shape.
            ValueError: The array has another shape, or holds none.
        """
        index = int(scene.rng.integers(len(self.shapes)))
        shape = _silhouette(self.shapes[index])
        place = draw_place(scene, self.placement, shape.shape[1] / shape.shape[0])
        layer = Layer(*scene.size)
        color = place.color if self.color is None else np.array(self.color)
        layer.over(color, put(shape, place, *scene.size))
        settings = {"shape": index, "source": _source(self.shapes[index]), **place.settings()}
        settings["color"] = [float(value) for value in color]
        return Drawn(layer.color, layer.alpha, settings)


@dataclass(frozen=True, eq=False)
class Cutout:
    """One of the pictures, laid over the photo with its own transparency."""

    pictures: tuple[Path | np.ndarray, ...]
    """Files with an alpha channel, or arrays ``(h, w, 4)`` of uint8 RGBA (not premultiplied)."""
    placement: Placement = field(
        default_factory=lambda: Placement(turn_degrees=30.0, keep_aspect=True)
    )
    """Sizes, turn, and distance from the landmark."""

    def __post_init__(self) -> None:
        _need_some(self.pictures, "pictures")

    def draw(self, scene: Scene) -> Drawn:
        """Draw one of the pictures.

        Raises:
            BadInput: The file is no picture, or transparent everywhere.
            ValueError: The array is not uint8 RGBA, or transparent everywhere.
        """
        index = int(scene.rng.integers(len(self.pictures)))
        picture = _cutout(self.pictures[index])
        place: Place = draw_place(scene, self.placement, picture.shape[1] / picture.shape[0])
        # Averaging and warping act on colours multiplied by their coverage, else edges take up
        # the colour of what is transparent.
        placed = put(picture, place, *scene.size)
        settings = {"picture": index, "source": _source(self.pictures[index]), **place.settings()}
        del settings["color"]
        return Drawn(np.ascontiguousarray(placed[..., :3]), placed[..., 3].copy(), settings)


def _need_some(given: tuple, name: str) -> None:
    if not given:
        raise ValueError(f"{name}: expected at least one")


def _source(given: Path | np.ndarray) -> str:
    return given.name if isinstance(given, Path) else "array"


def _silhouette(given: Path | np.ndarray) -> np.ndarray:
    """``(h, w)`` float32, 1 in the shape."""
    if isinstance(given, Path):
        where = read_image(given).astype(np.float32).mean(-1) >= 127.5
        if not where.any():
            raise BadInput(given, "", "a white shape on black", "no pixel brighter than half")
        return where.astype(np.float32)
    if given.ndim != 2 or given.dtype.kind not in "biuf" or not given.size:
        raise ValueError(f"silhouette: expected (h, w) numbers, found {given.dtype} {given.shape}")
    if not (given > 0).any():
        raise ValueError("silhouette: expected a shape (values above 0), found none")
    return (given > 0).astype(np.float32)


def _cutout(given: Path | np.ndarray) -> np.ndarray:
    """``(h, w, 4)`` float32 in [0, 1], RGB multiplied by alpha."""
    picture = read_rgba(given) if isinstance(given, Path) else given
    if picture.ndim != 3 or picture.shape[2] != 4 or picture.dtype != np.uint8 or not picture.size:
        raise ValueError(
            f"cut-out: expected (h, w, 4) uint8, found {picture.dtype} {picture.shape}"
        )
    if not picture[..., 3].any():
        if isinstance(given, Path):
            raise BadInput(given, "", "something to see", "a picture transparent everywhere")
        raise ValueError("cut-out: expected something to see, found transparency everywhere")
    values = picture.astype(np.float32) / 255
    values[..., :3] *= values[..., 3:]
    return values

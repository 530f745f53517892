"""A few vertices of a face model: all that a fit touches of its modes.

What is chosen depends on the model alone, so it is made once a model and kept as long as that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from cfr.morphable.model import MorphableModel

_T = TypeVar("_T")
_MADE: WeakKeyDictionary[MorphableModel, dict[object, object]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of a face model.

    Attributes:
        vertices: ``(n,)`` which ones.
        shape: ``(n, 3)`` mean positions in decimetres.
        shape_modes: ``(m, n, 3)`` identity, then expression.
        texture: ``(n, 3)`` mean RGB.
        texture_modes: ``(t, n, 3)``.
    """

    vertices: Tensor
    shape: Tensor
    shape_modes: Tensor
    texture: Tensor
    texture_modes: Tensor

    def double(self) -> "Part":
        """The same in float64."""
        one = (self.shape, self.shape_modes, self.texture, self.texture_modes)
        return Part(self.vertices, *(tensor.double() for tensor in one))


def cut(model: MorphableModel, vertices: Tensor) -> Part:
    """The rows of some vertices."""

    def rows(modes: Tensor) -> Tensor:
        return modes.unflatten(1, (-1, 3)).index_select(1, vertices)

    return Part(
        vertices,
        model.mean_shape[vertices],
        rows(model.modes("shape")),
        model.mean_texture[vertices],
        rows(model.modes("texture")),
    )


def kept(model: MorphableModel, name: str, count: int, make: Callable[[], _T]) -> _T:
    """What ``make`` returned for this model, device, name and count, the first time.

    Args:
        model: When it is gone, so is what was kept.
        name: What it is.
        count: How much of it.
        make: Called the first time.
    """
    made = _MADE.setdefault(model, {})
    key = (name, count, model.mean_shape.device)
    if key not in made:
        made[key] = make()
    return made[key]  # pyright: ignore[reportReturnType]


def spread_vertices(model: MorphableModel, count: int) -> Tensor:
    """About ``count`` vertices, evenly spread over the mean face: one of each cell of a grid.

    The cell's size is found by bisection, so that there are not more than ``count``; a model with
    fewer vertices gives all.
    """
    shape = model.mean_shape
    if len(shape) <= count:
        return torch.arange(len(shape), device=shape.device)
    low, high = 0.0, 2 * float((shape.amax(0) - shape.amin(0)).max())
    for _ in range(20):
        middle = (low + high) / 2
        enough = len(_one_a_cell(shape, middle)) <= count
        low, high = (low, middle) if enough else (middle, high)
    return _one_a_cell(shape, high)


def _one_a_cell(shape: Tensor, side: float) -> Tensor:
    """The first vertex of each occupied cell of a cubic grid, in order."""
    cells = ((shape - shape.amin(0)) / side).floor().long()
    _, cell = torch.unique(cells, dim=0, return_inverse=True)
    first = cell.new_full((int(cell.max()) + 1,), len(shape))
    order = torch.arange(len(shape), device=shape.device)
    return first.scatter_reduce(0, cell, order, "amin").sort().values

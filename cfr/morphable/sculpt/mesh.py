"""The mesh of the built-in model: sheets of rows and columns, sewn where they meet.

The skin is three sheets, one above the other: from below the chin to the seam of the lips, from
there to the eyes, and on to the forehead. Where the lips part and the eyes open, neighbouring
sheets have vertices of their own; elsewhere along these two lines they share them. Behind the slits
lie the mouth's inner wall, two rows of teeth and two eyeballs, sheets as well.

Every size is a multiple of :data:`STRIDE` plus one and every slit starts at such a column, so that
a smooth field can be kept on every third row and column.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

STRIDE = 3
MIDDLE = 93
COLUMNS = 2 * MIDDLE + 1
MOUTH, INNER_EYE, OUTER_EYE = 30, 24, 54
"""Columns from the middle at which the lips and the eyes have their corners."""
LIPS, EYES, TOP = 63, 117, 183
"""Rows, from below, of the seam of the lips, the eyes and the upper edge."""

SHEETS: dict[str, tuple[int, int]] = {
    "lower": (LIPS + 1, COLUMNS),
    "middle": (EYES - LIPS + 1, COLUMNS),
    "upper": (TOP - EYES + 1, COLUMNS),
    "mouth": (10, 2 * MOUTH + 1),
    "upper teeth": (7, 43),
    "lower teeth": (7, 43),
    "left eye": (19, 28),
    "right eye": (19, 28),
}
"""Rows and columns; rows run upwards, but for the mouth's, which run from the upper lip to the
lower. ``left`` is the image's left."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """The topology; ``v`` vertices, ``f`` triangles.

    Attributes:
        sheets: Name → ``(rows, columns)`` vertex indices.
        triangles: ``(f, 3)`` vertex indices, anticlockwise seen from the front.
        symmetry: ``(v,)`` the vertex across the face's middle.
    """

    sheets: dict[str, Int64[np.ndarray, "_ _"]]
    triangles: Int64[np.ndarray, "f 3"]
    symmetry: Int64[np.ndarray, " v"]

    @property
    def vertices(self) -> int:
        """How many."""
        return len(self.symmetry)

    def of(self, *names: str) -> Bool[np.ndarray, " v"]:
        """Which vertices belong to sheets."""
        chosen = np.zeros(self.vertices, bool)
        for name in names:
            chosen[self.sheets[name]] = True
        return chosen

    @property
    def skin(self) -> Bool[np.ndarray, " v"]:
        """Which vertices belong to the face's outside, the lips' and lids' edges included."""
        return self.of("lower", "middle", "upper")


def build_mesh() -> Mesh:
    """Number the vertices and cut the sheets into triangles."""
    sheets, count = {}, 0
    for name, shape in SHEETS.items():
        ids = np.arange(count, count + shape[0] * shape[1]).reshape(shape)
        sheets[name], count = ids, count + ids.size
    across = np.abs(np.arange(COLUMNS) - MIDDLE)
    mouth, eye = across < MOUTH, (across > INNER_EYE) & (across < OUTER_EYE)
    sheets["middle"][0, ~mouth] = sheets["lower"][-1, ~mouth]
    sheets["upper"][0, ~eye] = sheets["middle"][-1, ~eye]
    lips = slice(MIDDLE - MOUTH, MIDDLE + MOUTH + 1)
    sheets["mouth"][0] = sheets["middle"][0, lips]
    sheets["mouth"][-1] = sheets["lower"][-1, lips]
    used, renumbered = np.unique(
        np.concatenate([ids.reshape(-1) for ids in sheets.values()]), return_inverse=True
    )
    ends = np.cumsum([ids.size for ids in sheets.values()])
    parts = np.split(renumbered, ends[:-1])
    sheets = {
        name: part.reshape(ids.shape)
        for (name, ids), part in zip(sheets.items(), parts, strict=True)
    }
    symmetry = np.empty(len(used), np.int64)
    for name, ids in sheets.items():
        other = {"left eye": "right eye", "right eye": "left eye"}.get(name, name)
        symmetry[ids] = sheets[other][:, ::-1]
    triangles = []
    for name, ids in sheets.items():
        cells = ids.shape[1] - 1
        left = np.full(cells, name == "left eye")
        if "eye" not in name:
            left = np.arange(cells) < cells / 2
        triangles.append(_cut(ids if name != "mouth" else ids[::-1], left))
    return Mesh(sheets, np.concatenate(triangles), symmetry)


def _cut(ids: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Two triangles a cell, without those that have no area.

    Args:
        ids: Rows, upwards, and columns of vertices.
        left: Which columns of cells are cut along the other diagonal: those of the image's left,
            so that the mesh is symmetric.
    """
    cells = ids[:-1, :-1], ids[:-1, 1:], ids[1:, 1:], ids[1:, :-1]
    a, b, c, d = (corner.reshape(-1) for corner in cells)
    other = np.broadcast_to(left, cells[0].shape).reshape(-1, 1)
    one = np.where(other, np.stack((a, b, d), 1), np.stack((a, b, c), 1))
    two = np.where(other, np.stack((b, c, d), 1), np.stack((a, c, d), 1))
    triangles = np.concatenate((one, two))
    x, y, z = triangles.T
    return triangles[(x != y) & (y != z) & (z != x)]

"""Pairs and what a generator makes of them, side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.figure import Figure
from torch import Tensor

from cfr.gan.batches import PairBatch
from cfr.gan.painting import Painted
from cfr.pictures import to_uint8
from results.figures.sheet import draw_sheet


def draw_restorations(batch: PairBatch, painted: Painted, title: str) -> Figure:
    """A row a pair: what the generator sees, paints and takes for hidden, and what is right."""
    columns = {
        "damaged": to_uint8(batch.damaged),
        "guide": to_uint8(batch.guide),
        "painted": to_uint8(painted.image),
        "mask": to_uint8(painted.mask),
        "target mask": to_uint8(batch.mask),
        "photo": to_uint8(batch.photo),
    }
    return _sheet(columns, title)


def draw_progress(
    batch: PairBatch, faces: Mapping[int, UInt8[np.ndarray, "s w 3"]], title: str
) -> Figure:
    """A row a pair: what the generator sees, what it painted after some steps, and the photo.

    Args:
        batch: The pairs.
        faces: Step → painted faces in a row, as :func:`row_of_faces` puts them.
        title: Over everything.
    """
    columns: dict[str, Sequence[np.ndarray] | np.ndarray]
    columns = {"damaged": to_uint8(batch.damaged), "guide": to_uint8(batch.guide)}
    for step, row in faces.items():
        side = row.shape[0]
        parts = [row[:, start : start + side] for start in range(0, row.shape[1], side)]
        columns[f"step {step:,}"] = parts
    columns["photo"] = to_uint8(batch.photo)
    return _sheet(columns, title)


def row_of_faces(image: Float[Tensor, "b 3 s s"]) -> UInt8[np.ndarray, "s w 3"]:
    """Pictures of a batch in one, from left to right."""
    return np.concatenate(list(to_uint8(image)), axis=1)


def _sheet(columns: Mapping[str, Sequence[np.ndarray] | np.ndarray], title: str) -> Figure:
    count = min(len(pictures) for pictures in columns.values())
    rows = [{name: one[index] for name, one in columns.items()} for index in range(count)]
    return draw_sheet(rows, title)

"""Pairs and what a generator makes of them, side by side."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, UInt8
from matplotlib.figure import Figure
from torch import Tensor

from cfr.gan.batches import PairBatch
from cfr.gan.generator import Painted
from results.figures.sheet import draw_sheet


def draw_restorations(batch: PairBatch, painted: Painted, title: str) -> Figure:
    """A row a pair: what the generator sees, paints and takes for hidden, and what is right."""
    columns = {
        "damaged": _pictures(batch.damaged),
        "guide": _pictures(batch.guide),
        "painted": _pictures(painted.image),
        "mask": _pictures(painted.mask),
        "target mask": _pictures(batch.mask),
        "photo": _pictures(batch.photo),
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
    columns = {"damaged": _pictures(batch.damaged), "guide": _pictures(batch.guide)}
    for step, row in faces.items():
        side = row.shape[0]
        parts = [row[:, start : start + side] for start in range(0, row.shape[1], side)]
        columns[f"step {step:,}"] = parts
    columns["photo"] = _pictures(batch.photo)
    return _sheet(columns, title)


def row_of_faces(image: Float[Tensor, "b 3 s s"]) -> UInt8[np.ndarray, "s w 3"]:
    """Pictures of a batch in one, from left to right."""
    return np.concatenate(_pictures(image), axis=1)


def _sheet(columns: Mapping[str, list[np.ndarray]], title: str) -> Figure:
    count = min(len(pictures) for pictures in columns.values())
    rows = [{name: one[index] for name, one in columns.items()} for index in range(count)]
    return draw_sheet(rows, title)


def _pictures(image: Float[Tensor, "b c s s"]) -> list[np.ndarray]:
    """uint8 RGB, height × width × 3."""
    levels = (255 * image.detach().float().clamp(0, 1)).round().to(torch.uint8).cpu()
    return list(levels.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).contiguous().numpy())

"""What happens to pairs before a generator sees them (``tools/datasets.py`` of the authors).

Pictures are RGB in [0, 1], ``(3, s, s)``; pixels are given for 224 and scale with the picture. The
paper calls it random erasing.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from cfr.gan.presets import GanAugmentation

_PUBLISHED = 224
_BOX_FROM, _BOX_RIGHT, _BOX_DOWN = 0.3, 0.75, 0.7  # where a box's corner is, as shares of the side
_BOX_LEAST, _BOX_MOST = 5, 0.33  # of its sides: pixels, share
_UP, _ASIDE, _ASIDE_LEAST = (7, 20), 20, 7  # pixels that an edge is off
_BAND = 15  # pixels of the bands that an edge's filling spares


class Pair(NamedTuple):
    """A pair on its way to a generator.

    Attributes:
        damaged: R_psr.
        guide: R_es.
        photo: What the generator should paint.
        mask: ``(1, s, s)`` what it has to repair.
        face: ``(1, s, s)`` where the face is.
    """

    damaged: Float[Tensor, "3 s s"]
    guide: Float[Tensor, "3 s s"]
    photo: Float[Tensor, "3 s s"]
    mask: Float[Tensor, "1 s s"]
    face: Bool[Tensor, "1 s s"]


def augment(pair: Pair, rng: np.random.Generator, amounts: GanAugmentation) -> Pair:
    """Coarsen or erase a part of the damaged render, and mirror everything."""
    if rng.uniform() < amounts.coarse:
        pair = pair._replace(damaged=coarsen(pair.damaged))
    if rng.uniform() < amounts.erased:
        edge = rng.uniform() < amounts.misaligned
        pair = misalign(pair, rng) if edge else erase_box(pair, rng)
    if rng.uniform() < amounts.flip:
        pair = Pair(*(one.flip(-1) for one in pair))
    return pair


def coarsen(picture: Float[Tensor, "3 s s"]) -> Float[Tensor, "3 s s"]:
    """Half of its resolution, brought back to its size."""
    side = picture.shape[-1]
    half = functional.interpolate(
        picture[None], side // 2, mode="bilinear", align_corners=False, antialias=True
    )
    return functional.interpolate(half, side, mode="bilinear", align_corners=False)[0]


def erase_box(pair: Pair, rng: np.random.Generator) -> Pair:
    """Fill a box of the face with a colour, its own mean or any, with noise or without."""
    side = pair.damaged.shape[-1]
    left = round(side * rng.uniform(_BOX_FROM, _BOX_RIGHT))
    top = round(side * rng.uniform(_BOX_FROM, _BOX_DOWN))
    least = _BOX_LEAST * side / _PUBLISHED
    width, height = (round(one) for one in rng.uniform(least, _BOX_MOST * side, 2))
    box = torch.zeros_like(pair.face)
    box[:, top : top + max(1, height), left : left + max(1, width)] = True
    box &= pair.face
    if rng.uniform() < 0.5:
        color = _any_color(rng)
    else:  # the mean of what is erased
        color = (pair.damaged * box).sum((1, 2)) / box.sum().clamp(min=1)
    return _filled(pair, box, color, rng, (-0.25, 0.25))


def misalign(pair: Pair, rng: np.random.Generator) -> Pair:
    """Fill the edge that a face leaves uncovered which is some pixels off, up and to a side."""
    scale = pair.damaged.shape[-1] / _PUBLISHED
    up = max(1, round(scale * int(rng.integers(*_UP, endpoint=True))))
    aside = int(rng.integers(-_ASIDE, _ASIDE, endpoint=True))
    if abs(aside) < _ASIDE_LEAST:
        aside = _ASIDE_LEAST
    edge = pair.face & ~shifted(pair.face, up, round(scale * aside))
    noise = (0.0, 0.5) if rng.uniform() < 0.5 else None
    if rng.uniform() < 0.5:
        side, band = pair.face.shape[-1], round(scale * _BAND)
        row, column = (round(side * one) for one in rng.uniform(_BOX_FROM, _BOX_RIGHT, 2))
        edge = edge.clone()
        edge[:, row : row + band] = False
        edge[:, :, column : column + band] = False
    return _fill(pair, edge, _any_color(rng), rng, noise)


def shifted(face: Bool[Tensor, "1 s s"], up: int, right: int) -> Bool[Tensor, "1 s s"]:
    """A mask that many pixels higher and further right; nothing comes in from outside."""
    side = face.shape[-1]
    moved = torch.zeros_like(face)
    if right >= 0:
        moved[:, : side - up, right:] = face[:, up:, : side - right]
    else:
        moved[:, : side - up, :right] = face[:, up:, -right:]
    return moved


def _filled(
    pair: Pair,
    where: Bool[Tensor, "1 s s"],
    color: Float[Tensor, "3"],
    rng: np.random.Generator,
    noise: tuple[float, float],
) -> Pair:
    """As :func:`_fill`, with noise every other time."""
    return _fill(pair, where, color, rng, noise if rng.uniform() < 0.5 else None)


def _fill(
    pair: Pair,
    where: Bool[Tensor, "1 s s"],
    color: Float[Tensor, "3"],
    rng: np.random.Generator,
    noise: tuple[float, float] | None,
) -> Pair:
    """Fill a part of the face, and say so in the mask, which is 0 beside the face from then on."""
    filling = color[:, None, None].expand_as(pair.damaged)
    if noise is not None:
        drawn = rng.uniform(*noise, pair.damaged.shape).astype(np.float32)
        filling = filling + torch.from_numpy(drawn)
    damaged = torch.where(where, filling.clamp(0, 1), pair.damaged)
    mask = torch.where(where, 1.0, pair.mask) * pair.face
    return pair._replace(damaged=damaged, mask=mask)


def _any_color(rng: np.random.Generator) -> Float[Tensor, "3"]:
    return torch.from_numpy(rng.uniform(size=3).astype(np.float32))

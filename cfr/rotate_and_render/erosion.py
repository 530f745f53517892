"""Erode a rendered face and fill what is lost: how Rotate-and-Render makes its artifacts.

Zhou et al., CVPR 2020, Section 3.2; numbers of ``models/networks/render.py`` and
``rotate_render.py`` of Hangz-nju-cuhk/Rotate-and-Render, given for pictures of 256 pixels, which
scale with the picture. There one draw counts for a whole batch; here each picture has its own.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

PHOTO, TURNED, AT_WORK = 19, 5, 15
"""Sides of the window: for a photo's render in training (``train.sh``), for the turned one, and for
a photo's render at work."""
_PUBLISHED = 256
_FROM, _SPARED = (50, 100), 10  # the first row that is eroded, exclusive above; rows at the bottom
_SURE = (0.8, 0.99)  # how much of the window has to be face


class Erosion(NamedTuple):
    """What is drawn for an erosion.

    Attributes:
        row: ``(b,)`` the first row that is eroded, as a share of the side: the forehead is spared.
        sure: ``(b,)`` the share of the window that has to be face.
    """

    row: Float[Tensor, " b"]
    sure: Float[Tensor, " b"]


def draw_erosion(rngs: "list[np.random.Generator]") -> Erosion:
    """An erosion of each picture, on the CPU.

    Args:
        rngs: One a picture.
    """
    rows = [int(one.integers(*_FROM)) / _PUBLISHED for one in rngs]
    return Erosion(torch.tensor(rows), torch.tensor([one.uniform(*_SURE) for one in rngs]).float())


def middle_erosion(count: int) -> Erosion:
    """The middle of what is drawn, for work: the same face gives the same picture.

    The published code draws at work, too.
    """
    row, sure = sum(_FROM) / 2 / _PUBLISHED, sum(_SURE) / 2
    return Erosion(torch.full((count,), row), torch.full((count,), sure))


def window(pixels: int, side: int) -> int:
    """The odd side of a window in a picture of ``side`` pixels that has ``pixels`` in one of 256.

    At least 3: the smallest that erodes anything.
    """
    return max(3, 2 * round((pixels * side / _PUBLISHED - 1) / 2) + 1)


def eroded(face: Bool[Tensor, "b s s"], pixels: int, erosion: Erosion) -> Bool[Tensor, "b s s"]:
    """What is left of a face: where enough of the window around a pixel is face.

    What is beside the picture is no face. Above the first row, and at the bottom, all is left.

    Args:
        face: Where the face is.
        pixels: Side of the window in a picture of 256.
        erosion: What was drawn.
    """
    side = face.shape[-1]
    size = window(pixels, side)
    across = functional.avg_pool2d(face.float(), (1, size), 1, (0, size // 2))
    share = functional.avg_pool2d(across, (size, 1), 1, (size // 2, 0))
    first = (erosion.row.to(face.device) * side).round()[:, None]
    rows = torch.arange(side, device=face.device)[None]
    inside = (rows >= first) & (rows < side - round(_SPARED * side / _PUBLISHED))
    enough = share > erosion.sure.to(face.device)[:, None, None]
    return face & (enough | ~inside[:, :, None])


def filled(
    picture: Float[Tensor, "b 3 s s"], kept: Bool[Tensor, "b s s"]
) -> Float[Tensor, "b 3 s s"]:
    """A picture whose rest has the mean colour of what is kept; mid-grey where nothing is."""
    part = kept[:, None]
    count = part.sum((2, 3), keepdim=True)
    mean = (picture * part).sum((2, 3), keepdim=True) / count.clamp(min=1)
    return torch.where(part, picture, torch.where(count > 0, mean, 0.5))

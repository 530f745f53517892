"""What a regressor sees in pictures: its face drawn over them, and its points."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, UInt8
from matplotlib.figure import Figure
from torch import Tensor

from cfr.camera import Camera
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.regressor.landmarks import project_landmarks
from cfr.regressor.network import RNet
from cfr.render.shading import render
from results.figures.sheet import draw_sheet

_ZOOM = 2


def draw_overlays(
    net: RNet,
    model: MorphableModel,
    given: Float[Tensor, "b 3 s s"],
    clean: Float[Tensor, "b 3 s s"],
    title: str,
) -> Figure:
    """A row a picture: as it is, occluded, the face that is seen there, and its points.

    Args:
        net: In evaluation mode.
        model: Its face model, on its device.
        given: Occluded pictures, which the network looks at.
        clean: The same without occluders.
        title: Over everything.
    """
    with torch.no_grad():
        found = net.layout.split(net(given))
        camera = Camera().resized(net.size)
        drawn = render(reconstruct(model, found), camera)
        points = project_landmarks(model, found, camera)
    over = torch.where(drawn.coverage[:, None], drawn.image.clamp(0, 1), clean)
    rows: list[Mapping[str, np.ndarray]] = []
    for index in range(len(given)):
        shown = {"photo": clean, "given": given, "seen": over, "points": clean}
        row = {name: _picture(part[index]) for name, part in shown.items()}
        _dot(row["points"], points[index].cpu().numpy())
        rows.append(row)
    return draw_sheet(rows, title)


def _picture(tensor: Tensor) -> UInt8[np.ndarray, "h w 3"]:
    pixels = (255 * tensor.clamp(0, 1)).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return pixels.repeat(_ZOOM, axis=0).repeat(_ZOOM, axis=1)


def _dot(picture: UInt8[np.ndarray, "h w 3"], points: np.ndarray) -> None:
    """Draw points, in place; those outside the picture are left out."""
    height, width = picture.shape[:2]
    for x, y in ((points + 0.5) * _ZOOM - 0.5).round().astype(int).tolist():
        if 1 <= x < width - 1 and 1 <= y < height - 1:
            picture[y - 1 : y + 2, x - 1 : x + 2] = (57, 255, 20)

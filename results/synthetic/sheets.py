"""Contact sheets: some photos of each data set, to be looked at."""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from protocols.images import save_image
from results.synthetic.plan import SetPlan
from results.synthetic.taking import photos_of

FOLDER = "sheets"
_SIDE, _ACROSS, _WORDS = 128, 10, 150  # pixels of a photo, photos of a row, pixels of its title


def draw_contact_sheet(out: Path, plan: SetPlan) -> Path:
    """Draw the rows of a plan's sheet, and put it below the world's folder.

    Args:
        out: The folder of the world.
        plan: A data set whose photos are there.
    """
    lines = []
    for title, positions in plan.rows.items():
        chosen = [plan.photos[at] for at in positions]
        pictures = photos_of(out / plan.name, chosen)
        for first in range(0, len(pictures), _ACROSS):
            lines.append(_line(title if first == 0 else "", pictures[first : first + _ACROSS]))
    path = out / FOLDER / f"{plan.name}.png"
    path.parent.mkdir(exist_ok=True)
    save_image(path, np.concatenate(lines))
    return path


def _line(title: str, pictures: list[UInt8[np.ndarray, "_ _ 3"]]) -> UInt8[np.ndarray, "_ _ 3"]:
    line = np.full((_SIDE, _WORDS + _ACROSS * _SIDE, 3), 255, np.uint8)
    cv2.putText(line, title, (4, 70), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
    for at, picture in enumerate(pictures):
        shrinks = picture.shape[0] > _SIDE
        way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        left = _WORDS + at * _SIDE
        line[:, left : left + _SIDE] = cv2.resize(picture, (_SIDE, _SIDE), interpolation=way)
    return line

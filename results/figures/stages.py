"""All stages of a few pairs, as the paper's Fig. 2 has them."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import UInt8
from matplotlib.figure import Figure

from cfr.pairs.folder import PairFolder
from cfr.pairs.live import LivePairs
from cfr.pairs.making import Stages
from cfr.pairs.swap import SwapPairs
from cfr.pictures import to_uint8
from results.figures.sheet import draw_sheet

_ROWS, _ROWS_OF_FOLDER = 4, 8
_SWAPPED = {
    "photo I": "photo",
    "its colours R_p": "projected",
    "estimated R_e": "estimated",
    "objects M_obj": "objects",
    "photo, swapped R_ps": "swapped",
    "guide R_es": "guide",
    "turned": "turned",
    "damaged R_psr": "damaged",
    "target mask": "target",
}
"""What the columns are called, and the attributes of :class:`cfr.pairs.swap.SwapPairs`."""
_TURNED = {
    "photo I": "photo",
    "its colours R_p": "projected",
    "eroded": "eroded",
    "turned, eroded": "turned",
    "damaged": "damaged",
    "unknown": "target",
}
"""The same of :class:`cfr.rotate_and_render.turning.TurnedPairs`."""


def draw_stages(live: LivePairs, rows: int = _ROWS) -> Figure:
    """Draw pairs with their stages, evenly spread over a folder, as they were written.

    Args:
        live: The folder, with its face model and parser.
        rows: At most so many pairs.
    """
    count = min(rows, len(live))
    indices = [round(at * len(live) / count) for at in range(count)]
    return draw_sheet(stage_pictures(live.as_written(indices)))


def stage_pictures(pairs: Stages) -> list[dict[str, UInt8[np.ndarray, "s s 3"]]]:
    """The stages of each pair, by their names."""
    named: Mapping[str, str] = _SWAPPED if isinstance(pairs, SwapPairs) else _TURNED
    columns = {title: to_uint8(getattr(pairs, name)) for title, name in named.items()}
    return [{title: one[at] for title, one in columns.items()} for at in range(len(pairs.photo))]


def draw_folder(pairs: PairFolder, rows: int = _ROWS_OF_FOLDER) -> Figure:
    """Draw pairs as they lie on disk, evenly spread over a folder.

    Args:
        pairs: The folder.
        rows: At most so many pairs.
    """
    count = min(rows, len(pairs))
    read = [pairs.read(round(at * len(pairs) / count)) for at in range(count)]
    return draw_sheet(
        [
            {
                "damaged": one.damaged,
                "guide": one.guide,
                "target mask": np.repeat(one.mask[..., None], 3, axis=2),
                "photo": one.photo,
            }
            for one in read
        ]
    )

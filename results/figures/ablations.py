"""Photos, both renders and what each method makes of them: the layout of the paper's Fig. 9."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from results.figures.sheet import draw_sheet
from results.restoration.measuring import Shown
from results.restoration.methods import BLENDED, ESTIMATED, NONE, OURS, RENDER

_SIDE = 168
_LAST = (OURS, BLENDED)


def draw_ablations(shown: Sequence[Shown], title: str) -> Figure:
    """A row a photo: input, R_p, R_e, the others and the ablations, ours, ours blended, the truth.

    Args:
        shown: The photos.
        title: Over everything.
    """
    return draw_sheet([_row(one) for one in shown], title)


def _row(one: Shown) -> Mapping[str, np.ndarray]:
    columns = {"input": one.given.crop, "R_p": one.given.projected, "R_e": one.given.estimated}
    left_out = (NONE, RENDER, ESTIMATED, *_LAST)
    columns |= {name: each for name, each in one.pictures.items() if name not in left_out}
    columns |= {name: one.pictures[name] for name in _LAST if name in one.pictures}
    columns |= {"truth": one.truth}
    return {textwrap.fill(name, 16): _enlarged(each) for name, each in columns.items()}


def _enlarged(picture: np.ndarray) -> np.ndarray:
    times = max(1, round(_SIDE / len(picture)))
    return picture.repeat(times, axis=0).repeat(times, axis=1)

"""What is measured: each row's picture of a face in its own pose, in one frame for all.

Beside the face every row shows the photo itself, so that a recognizer sees the same frame.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from cfr.align import Alignment
from cfr.frontalizers.deocclusion import soft_share
from cfr.frontalizers.sources import CFR_GAN, NONE, ROTATE_AND_RENDER, load_frontalizer, title
from cfr.frontalizers.types import InPlace, Recoverer
from cfr.gan.sources import MINI
from cfr.pictures import resized, resized_mask
from protocols.errors import BadOption, DatasetUnavailable

OURS, BLENDED = CFR_GAN, "cfr-gan, blended"
GUIDE_TOLD, OURS_TOLD = "guide, true mask", "cfr-gan, true mask"
RENDER, GUIDE, ESTIMATED = "render", "guide", "estimated"
ABLATIONS = (
    "mini-without-identity",
    "mini-no-swap",
    "mini-parsing",
    "mini-without-occlusion-path",
    "mini-without-augmentation",
    "mini-short",
)
"""Weights that are looked for where none are named; the last has the budget of the others."""
WEIGHTS = (MINI, *ABLATIONS)
*_ABLATED, OF_ONE_BUDGET = (f"{CFR_GAN}:{name}" for name in ABLATIONS)
ABLATED = tuple(_ABLATED)
"""Rows of ablations, and the row that they are held against."""

Picture = UInt8[np.ndarray, "_ _ 3"]


def photo_itself(one: InPlace) -> Picture:
    """The photo as it is, with what hides the face."""
    return one.crop


def painted(one: InPlace) -> Picture:
    """What the method paints, on all of the face."""
    return over(one, one.painted)


def render(one: InPlace) -> Picture:
    """R_p: the photo's colours on the fitted face."""
    return over(one, one.projected)


def estimated(one: InPlace) -> Picture:
    """R_e: the estimated texture, on all of the face."""
    return over(one, one.estimated)


def blended(one: InPlace) -> Picture:
    """M · G + (1 − M) · I with soft edges, as Fig. 5(b) shows."""
    return _mixed(one, one.painted)


def guide(one: InPlace) -> Picture:
    """The same with R_e in G's place: what the mask alone is worth."""
    return _mixed(one, one.estimated)


def over(one: InPlace, picture: Picture) -> Picture:
    """A picture where the face is, the photo elsewhere."""
    return np.where(one.face[..., None], picture, one.crop)


def _mixed(one: InPlace, picture: Picture) -> Picture:
    if one.occlusion is None:
        raise ValueError("a method without a mask cannot be blended")
    share = soft_share(one.occlusion, one.face)[..., None].astype(np.float32) / 255
    return np.round(share * picture + (1 - share) * one.crop).astype(np.uint8)


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        name: What the table calls it.
        source: Key of :attr:`Methods.sources`.
        make: Its picture.
        masked: Whether it predicts a mask of its own.
        needs_mask: Whether its picture is made with that of its source.
        told: Whether it is told the true mask instead: a control, of faces with something in front.
    """

    name: str
    source: str
    make: Callable[[InPlace], Picture]
    masked: bool = False
    needs_mask: bool = False
    told: bool = False


@dataclass(frozen=True, eq=False)
class Methods:
    """All rows, and what paints them.

    Attributes:
        rows: In the order of the table.
        sources: Name of weights → what paints; the first is ours.
        unavailable: Row → why it is empty.
        weights: Name → sha256.
    """

    rows: tuple[Row, ...]
    sources: Mapping[str, Recoverer]
    unavailable: Mapping[str, str]
    weights: Mapping[str, str]

    def rows_of(self, *, occluded: bool) -> tuple[Row, ...]:
        """The rows of a data set; where nothing is in front of faces there is no true mask."""
        return tuple(row for row in self.rows if occluded or not row.told)

    @property
    def ours(self) -> str:
        """The key of what the rows without a method of their own are made from."""
        return next(iter(self.sources))


def load_methods(weights: Sequence[str], rotate: str | None, device: str = "cpu") -> Methods:
    """Load what paints.

    Args:
        weights: Names or files of CFR-GAN's weights, ours first; empty for :data:`WEIGHTS`, of
            which those that are absent become rows without numbers.
        rotate: Weights of Rotate-and-Render; None for its default.
        device: Where it paints.

    Raises:
        DatasetUnavailable: Weights that were named, or ours, are absent.
        BadInput: They are damaged.
        BadOption: Two of them would be one row.
    """
    chosen = tuple(weights) or WEIGHTS
    sources: dict[str, Recoverer] = {}
    digests: dict[str, str] = {}
    absent: dict[str, str] = {}
    rows: list[Row] = []
    named = ROTATE_AND_RENDER if rotate is None else f"{ROTATE_AND_RENDER}:{rotate}"
    names = (*(f"{CFR_GAN}:{one}" for one in chosen), named)
    titles = [_row_name(name, place) for place, name in enumerate(names)]
    if len(set(titles)) < len(titles):
        raise BadOption(f"--weights {' '.join(chosen)}", "files with different names")
    for place, (name, row) in enumerate(zip(names, titles, strict=True)):
        try:
            sources[name] = _load(name, device, digests)
        except (DatasetUnavailable, BadOption) as error:
            if place == 0 or (weights and name != named) or (rotate and name == named):
                raise
            absent[row] = error.how if isinstance(error, DatasetUnavailable) else str(error)
        rows += _own_rows(row, name, first=place == 0, masked=name != named)
    return Methods(_in_order(rows), sources, absent, digests)


def _row_name(name: str, place: int) -> str:
    return OURS if place == 0 else title(name) if name.startswith(CFR_GAN) else ROTATE_AND_RENDER


def _own_rows(row: str, name: str, *, first: bool, masked: bool) -> list[Row]:
    if not first:
        return [Row(row, name, painted, masked)]
    return [
        Row(NONE, name, photo_itself),
        Row(RENDER, name, render),
        Row(GUIDE, name, guide, needs_mask=True),
        Row(ESTIMATED, name, estimated),
        Row(OURS, name, painted, masked),
        Row(BLENDED, name, blended, masked, needs_mask=True),
        Row(GUIDE_TOLD, name, guide, told=True),
        Row(OURS_TOLD, name, blended, told=True),
    ]


def _in_order(rows: list[Row]) -> tuple[Row, ...]:
    """Rotate-and-Render stands before ours."""
    order = [NONE, RENDER, GUIDE, ESTIMATED, ROTATE_AND_RENDER]
    return tuple(sorted(rows, key=lambda one: order.index(one.name) if one.name in order else 9))


def _load(name: str, device: str, digests: dict[str, str]) -> Recoverer:
    found = load_frontalizer(name, device=device)
    if not isinstance(found, Recoverer):
        raise BadOption(f"frontalizer {name}", "one that paints faces in their own pose")
    if "weights" in (identity := found.identity):
        digests[title(name)] = identity["weights"]
    return found


def common_frame(one: InPlace, crop: Picture) -> InPlace:
    """The same in another crop of the same part of the photo; masks say half or more.

    Crops of two sizes show the same part (:func:`cfr.align.align_deep3d`).

    Args:
        one: A face.
        crop: The photo, aligned, of the size that is wanted.
    """
    size = len(crop)
    zoom = size / one.alignment.size
    matrix = one.alignment.matrix * zoom + [[0, 0, (zoom - 1) / 2]] * 2
    return InPlace(
        crop=crop,
        projected=resized(one.projected, size),
        estimated=resized(one.estimated, size),
        painted=resized(one.painted, size),
        face=resized_mask(one.face, size),
        occlusion=None if one.occlusion is None else resized_mask(one.occlusion, size),
        alignment=Alignment(matrix, size),
    )

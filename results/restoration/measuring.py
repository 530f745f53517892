"""Restore every case by every method, and measure each picture."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float, Float64, UInt8

from cfr.align import align_deep3d, five_from_68
from cfr.frontalizers.types import InPlace
from eval.restoration import intersection_over_union, mean_inside, psnr, ssim_map
from results.export.work import Show, no_bar
from results.restoration.cases import Case, CaseSet
from results.restoration.judges import IdentityJudge
from results.restoration.methods import Methods, common_frame

SSIM, PSNR = "SSIM, hidden", "PSNR, hidden"
SSIM_FACE, PSNR_FACE = "SSIM, face", "PSNR, face"
IDENTITY, IN_THE_LOSS = "identity (dlib)", "identity (in the loss)"
LPIPS, LPIPS_FACE = "LPIPS, hidden", "LPIPS, face"
IOU, CALLED_HIDDEN = "mask IoU", "called hidden, %"
OCCLUDED = (SSIM, PSNR, SSIM_FACE, PSNR_FACE, IDENTITY, IN_THE_LOSS, LPIPS, IOU)
UNOCCLUDED = (SSIM_FACE, PSNR_FACE, IDENTITY, IN_THE_LOSS, LPIPS_FACE, CALLED_HIDDEN)
LEAST_HIDDEN = 0.01
"""Of the face: where less is hidden, nothing is measured inside it."""
_AT_ONCE = 16

Apart = Callable[[np.ndarray, np.ndarray], Float[np.ndarray, "h w"]]
"""LPIPS of two pictures around each pixel."""
Values = dict[str, dict[str, Float64[np.ndarray, " n"]]]


@dataclass(frozen=True, eq=False)
class Judges:
    """Who judges; None for who is not there.

    Attributes:
        identity: By column.
        lpips: The distance.
        unavailable: Column → why nobody judges it.
        weights: sha256 of each network's file.
    """

    identity: Mapping[str, IdentityJudge]
    lpips: Apart | None
    unavailable: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Shown:
    """A case for a figure; RGB crops.

    Attributes:
        name: Of the case.
        given: What the methods saw, and both renders.
        pictures: Row → its picture.
        truth: The truth.
    """

    name: str
    given: InPlace
    pictures: Mapping[str, UInt8[np.ndarray, "s s 3"]]
    truth: UInt8[np.ndarray, "s s 3"]


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured.

    Attributes:
        values: Row → column → a value a case; NaN where there is none.
        shown: Some cases, evenly spread.
        barely: Names of cases of whose face less than a hundredth is hidden.
    """

    values: Values
    shown: Sequence[Shown]
    barely: Sequence[str]


@dataclass(frozen=True, eq=False)
class _Frame:
    """A case as all rows are compared in it."""

    crop: UInt8[np.ndarray, "s s 3"]
    truth: UInt8[np.ndarray, "s s 3"]
    points: Float64[np.ndarray, "68 2"]
    hidden: Bool[np.ndarray, "s s"] | None


def columns_of(cases: CaseSet) -> tuple[str, ...]:
    """What is measured on a data set."""
    return OCCLUDED if cases.occluded else UNOCCLUDED


def measure(
    cases: CaseSet,
    methods: Methods,
    judges: Judges,
    *,
    size: int,
    shown: int,
    show: Show = no_bar,
) -> Measured:
    """Restore and measure.

    Args:
        cases: The faces.
        methods: The rows.
        judges: Who judges.
        size: Pixels along each side of the crops that are compared.
        shown: How many cases to keep for a figure.
        show: Progress.
    """
    everything, columns = cases.cases, columns_of(cases)
    values: Values = {
        row.name: {column: np.full(len(everything), np.nan) for column in columns}
        for row in methods.rows_of(occluded=cases.occluded)
    }
    kept = {round(at * len(everything) / shown) for at in range(min(shown, len(everything)))}
    pictures: list[Shown] = []
    barely: list[str] = []
    with show(cases.title, len(everything)) as advance:
        for first in range(0, len(everything), _AT_ONCE):
            some = everything[first : first + _AT_ONCE]
            in_place = _in_place(some, methods)
            for offset, case in enumerate(some):
                at, frame = first + offset, _frame(case, size)
                by_source = {
                    name: common_frame(one[offset], frame.crop) for name, one in in_place.items()
                }
                made = _pictures(methods, by_source, frame.hidden)
                if _measure_one(values, at, frame, by_source, made, methods, judges):
                    barely.append(case.name)
                if at in kept:
                    ours = by_source[methods.ours]
                    pictures.append(Shown(case.name, ours, made, frame.truth))
                advance(1)
    return Measured(values, pictures, barely)


def _in_place(cases: Sequence[Case], methods: Methods) -> dict[str, list[InPlace]]:
    photos, points = [one.photo for one in cases], [one.points for one in cases]
    return {name: one.in_place(photos, points) for name, one in methods.sources.items()}


def _frame(case: Case, size: int) -> _Frame:
    alignment = align_deep3d(five_from_68(case.points), size)
    hidden = None
    if case.hidden is not None:
        white = np.repeat(case.hidden[..., None].astype(np.uint8) * 255, 3, axis=2)
        hidden = alignment.crop(white)[..., 0] >= 128
    return _Frame(
        alignment.crop(case.photo),
        alignment.crop(case.truth),
        alignment.to_crop(case.points),
        hidden,
    )


def _pictures(
    methods: Methods, by_source: Mapping[str, InPlace], hidden: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Row → picture; rows that cannot be made are left out."""
    made = {}
    for row in methods.rows_of(occluded=hidden is not None):
        one = by_source.get(row.source)
        if one is None:
            continue
        if row.told:
            one = replace(one, occlusion=hidden)
        if one.occlusion is not None or not row.needs_mask:
            made[row.name] = row.make(one)
    return made


def _measure_one(
    values: Values,
    at: int,
    frame: _Frame,
    by_source: Mapping[str, InPlace],
    made: Mapping[str, np.ndarray],
    methods: Methods,
    judges: Judges,
) -> bool:
    """Fill in a case's values; whether too little is hidden for those inside the mask."""
    face = by_source[methods.ours].face
    hidden = None if frame.hidden is None else frame.hidden & face
    barely = hidden is not None and bool(hidden.sum() < max(1.0, LEAST_HIDDEN * face.sum()))
    for name, picture in made.items():
        _set(values[name], at, _nearness(picture, frame.truth, face, None if barely else hidden))
        if judges.lpips is not None:
            apart = judges.lpips(picture, frame.truth)
            where = face if hidden is None else hidden
            if not barely:
                _set(values[name], at, {_lpips(hidden): mean_inside(apart, where)})
    for column, judge in judges.identity.items():
        found = judge(list(made.values()), frame.truth, frame.points)
        for name, value in zip(made, found.tolist(), strict=True):
            values[name][column][at] = value
    for row in methods.rows:
        one = by_source.get(row.source)
        if row.masked and one is not None and one.occlusion is not None:
            _set(values[row.name], at, _mask_values(one.occlusion, hidden, face, barely=barely))
    return barely


def _nearness(
    picture: np.ndarray, truth: np.ndarray, face: np.ndarray, hidden: np.ndarray | None
) -> dict[str, float]:
    each = ssim_map(picture, truth)
    found = {SSIM_FACE: mean_inside(each, face), PSNR_FACE: psnr(picture, truth, face)}
    if hidden is not None:
        found |= {SSIM: mean_inside(each, hidden), PSNR: psnr(picture, truth, hidden)}
    return found


def _mask_values(
    found: np.ndarray, hidden: np.ndarray | None, face: np.ndarray, *, barely: bool
) -> dict[str, float]:
    if hidden is None:
        return {CALLED_HIDDEN: 100 * float((found & face).sum() / face.sum())}
    return {IOU: math.nan if barely else intersection_over_union(found, hidden, face)}


def _lpips(hidden: np.ndarray | None) -> str:
    return LPIPS_FACE if hidden is None else LPIPS


def _set(row: dict[str, np.ndarray], at: int, found: Mapping[str, float]) -> None:
    for column, value in found.items():
        row[column][at] = value

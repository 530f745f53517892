"""From measured values to a table: means, intervals, paired differences, verdicts, a figure."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64

from eval.intervals import Interval, bootstrap_means, percentile_interval
from results.environment import current_environment
from results.record import MEASURED, Cell, Comparison, RunRecord
from results.restoration.cases import CaseSet
from results.restoration.measuring import (
    CALLED_HIDDEN,
    IDENTITY,
    IN_THE_LOSS,
    IOU,
    LEAST_HIDDEN,
    SSIM,
    SSIM_FACE,
    Judges,
    Measured,
    columns_of,
)
from results.restoration.methods import (
    ABLATED,
    BLENDED,
    ESTIMATED,
    GUIDE,
    GUIDE_TOLD,
    NONE,
    OF_ONE_BUDGET,
    OURS,
    OURS_TOLD,
    RENDER,
    ROTATE_AND_RENDER,
    Methods,
)
from results.restoration.verdicts import verdicts
from results.tables.result import Result, TableFigure

if TYPE_CHECKING:  # matplotlib is imported when something is drawn
    from matplotlib.figure import Figure

NO_FACE = "no face found"
_CONTROLS = (NONE, RENDER, GUIDE, ESTIMATED, ROTATE_AND_RENDER)
_RULE = (
    "pictures in the photo's own pose, {size}² crops, the photo itself beside the fitted face in "
    "every row; hidden: the true mask within the fitted face; face: all of the fitted face; SSIM "
    "as Wang et al. 2004, its map averaged there; identity by dlib: 1 − distance to the true "
    "face's vector at the same points (its own threshold for one person is 0.4); by MobileFaceNet: "
    "cosine; masks within the face; means over photos, 95 % intervals and paired differences by "
    "bootstrap over photos ({resamples:,} resamples)"
)


@dataclass(frozen=True)
class Tabulating:
    """How intervals are drawn.

    Attributes:
        resamples: How many.
        seed: Of the draws.
        device: What the numbers were computed on, for the record.
    """

    resamples: int
    seed: int
    device: str = "cpu"

    def interval(self, values: Float64[np.ndarray, " n"]) -> Interval | None:
        """Of the mean over photos; None of fewer than two."""
        if len(values) < 2:
            return None
        rng = np.random.default_rng(self.seed)
        strata = np.zeros(len(values), np.int64)
        means = bootstrap_means(values[None], strata, resamples=self.resamples, rng=rng)
        return percentile_interval(means[:, 0, 0])


def tabulate(
    cases: CaseSet,
    methods: Methods,
    judges: Judges,
    measured: Measured,
    numbers: Tabulating,
    config: Mapping[str, Any],
    started: float,
) -> Result:
    """The table of a data set.

    Args:
        cases: The faces.
        methods: The rows.
        judges: Who judged.
        measured: What they said.
        numbers: How intervals are drawn.
        config: Plain values, for the record.
        started: Of ``time.perf_counter``.
    """
    columns, rows = columns_of(cases), methods.rows_of(occluded=cases.occluded)
    cells = {
        (row.name, column): _cell(row.name, column, cases, methods, judges, measured, numbers)
        for row in rows
        for column in columns
    }
    total = len(cases.cases) + len(cases.faceless)
    counts = [_count(row.name, cases, methods, total) for row in rows]
    found = tuple(_comparisons(measured, columns, numbers))
    told = {(one.left, one.right, one.column): one for one in found}
    record = RunRecord(
        table=f"restoration-{cases.name}",
        title=f"Restored faces against the truth: {cases.title}",
        rule=_RULE.format(size=config["size"], resamples=numbers.resamples),
        columns=(*columns, NO_FACE),
        rows=tuple(row.name for row in rows),
        cells=(*cells.values(), *counts),
        comparisons=found,
        notes=(*verdicts(cells, told), *_notes(cases, measured)),
        config=config,
        inputs=cases.inputs,
        seed=numbers.seed,
        seconds=time.perf_counter() - started,
        environment=current_environment(device=numbers.device),
        weights={**methods.weights, **judges.weights},
        status=_status(cases, methods, judges),
    )
    figure = TableFigure(None, lambda: _draw(record.title, measured), "faces")
    return Result(record, (figure,) if measured.shown else ())


def _cell(
    row: str,
    column: str,
    cases: CaseSet,
    methods: Methods,
    judges: Judges,
    measured: Measured,
    numbers: Tabulating,
) -> Cell:
    values = measured.values[row][column]
    values = values[~np.isnan(values)]
    reason = _why_not(row, column, cases, methods, judges, values)
    if reason:
        return Cell(row, column, None, "unavailable", reason=reason)
    interval = numbers.interval(values)
    return Cell(
        row=row,
        column=column,
        value=float(values.mean()),
        origin=MEASURED[cases.world],
        n=len(values),
        interval=None if interval is None else (interval.low, interval.high),
    )


def _why_not(
    row: str,
    column: str,
    cases: CaseSet,
    methods: Methods,
    judges: Judges,
    values: Float64[np.ndarray, " n"],
) -> str:
    """Why there is no number; empty where there is one."""
    masked = {one.name for one in methods.rows if one.masked}
    if cases.absent:
        return cases.absent
    if row in methods.unavailable:
        return methods.unavailable[row]
    if column in judges.unavailable:
        return judges.unavailable[column]
    if column in (IOU, CALLED_HIDDEN) and row not in masked:
        return "it predicts no mask"
    if not len(values):
        return "its weights have no occlusion path" if cases.cases else "no photo had a face"
    if np.isinf(values).any():
        return f"{int(np.isinf(values).sum())} of {len(values)} pictures are the truth itself"
    return ""


def _count(row: str, cases: CaseSet, methods: Methods, total: int) -> Cell:
    if reason := cases.absent or methods.unavailable.get(row, ""):
        return Cell(row, NO_FACE, None, "unavailable", reason=reason)
    return Cell(row, NO_FACE, float(len(cases.faceless)), MEASURED[cases.world], n=total)


def _comparisons(
    measured: Measured, columns: tuple[str, ...], numbers: Tabulating
) -> Iterator[Comparison]:
    """Ours minus each other row, and ours of one budget minus each ablation, over common photos."""
    compared = [one for one in (SSIM, SSIM_FACE, IDENTITY) if one in columns]
    compared = [one for one in compared if one != SSIM_FACE or SSIM not in columns]
    for left, right in _pairs(measured):
        for column in compared:
            apart = measured.values[left][column] - measured.values[right][column]
            apart = apart[np.isfinite(apart)]
            if not len(apart):
                continue
            interval = numbers.interval(apart)
            yield Comparison(
                left=left,
                right=right,
                column=column,
                difference=float(apart.mean()),
                interval=None if interval is None else (interval.low, interval.high),
                real=None if interval is None else interval.excludes(0.0),
            )


def _pairs(measured: Measured) -> Iterator[tuple[str, str]]:
    for left in (OURS, BLENDED):
        for right in measured.values:
            own = right in (OURS, BLENDED, OURS_TOLD)
            if not own and (left == OURS or right in _CONTROLS):
                yield left, right
    for right in ABLATED:
        if OF_ONE_BUDGET in measured.values and right in measured.values:
            yield OF_ONE_BUDGET, right


def _notes(cases: CaseSet, measured: Measured) -> Iterator[str]:
    if cases.note:
        yield cases.note
    if cases.faceless:
        some = ", ".join(cases.faceless[:10]) + (" …" if len(cases.faceless) > 10 else "")
        yield f"No face was found in {len(cases.faceless)} photos, which no row counts: {some}."
    if measured.barely:
        yield (
            f"Less than {100 * LEAST_HIDDEN:g} % of the face is hidden in {len(measured.barely)} "
            f"of {len(cases.cases)} photos: nothing is measured inside their masks."
        )
    yield (
        f"{NONE}: the photo as it is. {RENDER}: its colours on the fitted face (R_p). "
        f"{ESTIMATED}: the estimated texture (R_e). {GUIDE}: R_e where our mask says hidden. "
        f"{BLENDED}: our painting there, as in the paper's Fig. 5(b)."
    )
    if cases.occluded:
        yield (
            f"{GUIDE_TOLD} and {OURS_TOLD}: the same where the *true* mask says hidden, which no "
            "method knows: what the painting is worth, whatever the predicted mask."
        )
    yield (
        f"{IDENTITY}: dlib's recognizer, which is in no loss. {IN_THE_LOSS}: MobileFaceNet, which "
        "is in the losses of our generators, so that its column is no proof."
    )


def _status(cases: CaseSet, methods: Methods, judges: Judges) -> str:
    if cases.absent:
        return "no photos"
    missing = [*methods.unavailable, *judges.unavailable]
    return f"without {', '.join(missing)}" if missing else "complete"


def _draw(title: str, measured: Measured) -> "Figure":
    from results.figures.ablations import draw_ablations

    return draw_ablations(measured.shown, title)

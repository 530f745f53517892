"""Whether restoration does what it is for, in sentences: also where it does not."""

from collections.abc import Iterator, Mapping

from results.record import Cell, Comparison
from results.restoration.measuring import IDENTITY, IOU, SSIM
from results.restoration.methods import BLENDED, GUIDE, NONE, OURS, RENDER, ROTATE_AND_RENDER

LEAST_IOU = 0.6
RIVALS = (NONE, RENDER, GUIDE, ROTATE_AND_RENDER)
"""What ours has to beat where something is hidden."""


def verdicts(
    cells: Mapping[tuple[str, str], Cell], comparisons: Mapping[tuple[str, str, str], Comparison]
) -> Iterator[str]:
    """One sentence a bar.

    Args:
        cells: (row, column) → cell.
        comparisons: (left, right, column) → difference.
    """
    if (OURS, IOU) not in cells:
        for left in (OURS, BLENDED):
            yield _no_lower(left, comparisons.get((left, RENDER, IDENTITY)))
        return
    for left in (OURS, BLENDED):
        for column in (SSIM, IDENTITY):
            told = [_beats(right, comparisons.get((left, right, column))) for right in RIVALS]
            yield f"Bar: {left} beats these in {column}: {'; '.join(told)}."
    yield _overlap(cells[OURS, IOU])


def _beats(right: str, found: Comparison | None) -> str:
    if found is None or found.interval is None:
        return f"{right} not measured"
    low, high = found.interval
    word = "met" if low > 0 else "missed, it is worse" if high < 0 else "missed, not decided"
    return f"{right} {word} ({_signed(found)})"


def _no_lower(left: str, found: Comparison | None) -> str:
    title = f"Bar: {left}'s {IDENTITY} is no lower than {RENDER}'s"
    if found is None or found.interval is None:
        return f"{title}: not measured."
    low, high = found.interval
    word = "met" if low >= 0 else "missed, it is lower" if high < 0 else "not decided"
    return f"{title}: {word} ({_signed(found)})."


def _overlap(cell: Cell) -> str:
    title = f"Bar: {IOU} of {LEAST_IOU:g} or more"
    if cell.value is None:
        return f"{title}: not measured."
    word = "met" if cell.value >= LEAST_IOU else "missed"
    low, high = cell.interval or (cell.value, cell.value)
    return f"{title}: {word} ({cell.value:.3f}, 95 % {low:.3f} to {high:.3f})."


def _signed(found: Comparison) -> str:
    low, high = found.interval or (found.difference, found.difference)
    text = f"{found.difference:+.3f}, 95 % {low:+.3f} to {high:+.3f}"
    return text.replace("-", "−")

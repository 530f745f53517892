"""What computing a table gives: its record, and the figures that belong to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # matplotlib is imported only when something is drawn
    from matplotlib.figure import Figure

    from results.record import RunRecord


@dataclass(frozen=True)
class TableFigure:
    """A figure of a table.

    Attributes:
        row: The row that it belongs to, or None for the table as a whole.
        draw: Makes the figure.
        name: Tells the figures of one row apart; empty if there is one.
    """

    row: str | None
    draw: Callable[[], Figure]
    name: str = ""


@dataclass(frozen=True)
class Result:
    """A computed table, ready to be written, printed and tracked."""

    record: RunRecord
    figures: tuple[TableFigure, ...] = ()

"""The house as a picture: rooms with the imports that there are, and what flows through them."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from results.architecture import EVALUATING, TRAINING, Room, Step, read_rooms
from results.figures.style import COLOURS

TOLD = "Description"
"""The field of the PNG that says in words what it shows."""
_BOX, _INK, _FAINT = "#EEF3F8", "#1A1A1A", "#5A5A5A"
_WIDE, _LANE = 0.72, 0.06  # of the panel: a room, and the way between two lanes of arrows


@dataclass(frozen=True)
class _Place:
    """A box: its left edge, its middle's height, its width and its height."""

    left: float
    middle: float
    width: float
    height: float


def draw_architecture(layers: Sequence[Sequence[Room]]) -> Figure:
    """Draw the rooms from top to bottom, and beside them the two flows.

    Args:
        layers: The rooms as :func:`results.architecture.read_rooms` gives them.
    """
    figure = Figure(figsize=(13.5, 8.2), dpi=100)
    panels = figure.subplots(1, 3, width_ratios=(1.25, 1, 1))
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.93, wspace=0.06)
    titles = (
        "Rooms, and which import which",
        "From a data set to a table",
        "From a photo to a face",
    )
    for axes, title in zip(panels, titles, strict=True):
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_axis_off()
        axes.set_title(title, fontsize=14, loc="left")
    _draw_rooms(panels[0], layers)
    _draw_flow(panels[1], EVALUATING)
    _draw_flow(panels[2], TRAINING)
    return figure


def save_architecture(project: Path, path: Path) -> None:
    """Draw a checkout; what the picture shows stands in it as text as well.

    Args:
        project: The checkout.
        path: The PNG to write.

    Raises:
        BadInput: The checkout is not what it has to be.
    """
    layers = read_rooms(project)
    draw_architecture(layers).savefig(path, metadata={TOLD: told(layers)})


def told(layers: Sequence[Sequence[Room]]) -> str:
    """What the picture shows, as text: by it a test knows whether the picture is of today."""
    rooms = [
        f"{room.name} ({room.does}): {', '.join(room.imports)}"
        for layer in layers
        for room in layer
    ]
    steps = [
        f"{step.doing}: {step.thing}, {step.file}, {step.kept}" for step in EVALUATING + TRAINING
    ]
    return "\n".join((*rooms, *steps))


def _draw_rooms(axes: Axes, layers: Sequence[Sequence[Room]]) -> None:
    rooms = [room for layer in layers for room in layer]
    each = 1 / len(rooms)
    places = {
        room.name: _Place(0.01, 1 - each * (index + 0.5), _WIDE, each * 0.8)
        for index, room in enumerate(rooms)
    }
    for room in rooms:
        place = places[room.name]
        _box(axes, place, _BOX)
        top = place.middle + place.height / 2
        axes.text(0.04, top - 0.012, f"{room.name}/", va="top", weight="bold", size=13)
        words = textwrap.fill(room.does, 40)
        axes.text(0.04, top - 0.05, words, va="top", size=10.5, color=_FAINT)
    importing = [room for room in rooms if room.imports]
    for lane, room in enumerate(importing):
        _draw_imports(axes, room, places, lane)


def _draw_imports(axes: Axes, room: Room, places: dict[str, _Place], lane: int) -> None:
    """A lane of its own beside the boxes: out of the room, down, and into each that it imports."""
    colour, edge = COLOURS[lane % len(COLOURS)], 0.01 + _WIDE
    across = edge + _LANE * (lane + 0.8)

    def height(name: str) -> float:  # lanes meet a box at heights of their own
        return places[name].middle + places[name].height * (0.3 - 0.2 * lane)

    start = places[room.name].middle - places[room.name].height * 0.42
    ends = [height(name) for name in room.imports]
    axes.plot([edge, across, across], [start, start, min(ends)], color=colour, linewidth=1.8)
    for end in ends:
        arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.8, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", (edge, end), (across, end), arrowprops=arrow)


def _draw_flow(axes: Axes, steps: Sequence[Step]) -> None:
    each = 1 / len(steps)
    for index, step in enumerate(steps):
        place = _Place(0.02, 1 - each * (index + 0.62), 0.96, each * 0.58)
        _box(axes, place, _BOX)
        above = place.middle + place.height / 2
        axes.text(
            0.09,
            above + each * (0.21 if index else 0.17),
            step.doing,
            va="center",
            size=10.5,
            style="italic",
        )
        arrow = {"arrowstyle": "-|>", "color": _INK, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0}
        start = above + each * (0.42 if index else 0.3)
        axes.annotate("", (0.05, above), (0.05, start), arrowprops=arrow)
        axes.text(0.05, place.middle + 0.014, step.thing, va="center", weight="bold", size=12)
        axes.text(0.05, place.middle - 0.019, step.file, va="center", size=9.5, color=_FAINT)
        if step.kept:
            kept = {"ha": "right", "va": "center", "size": 9.5, "color": COLOURS[1]}
            axes.text(0.95, place.middle + 0.014, f"kept: {step.kept}", **kept)


def _box(axes: Axes, place: _Place, colour: str) -> None:
    corner = (place.left, place.middle - place.height / 2)
    style = "round,pad=0,rounding_size=0.012"
    axes.add_patch(
        FancyBboxPatch(corner, place.width, place.height, style, facecolor=colour, edgecolor=_INK)
    )

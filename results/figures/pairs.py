"""The pairs that a system gets most wrong, as pictures."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Int64, UInt8
from matplotlib.figure import Figure

from eval.tail import check_scores
from results.figures.style import plain, shortened

_ACROSS, _FEWEST_ACROSS = 4, 2
# Inches: a picture, between the two of a pair, between pairs, and what stands above and below.
_PICTURE, _TOUCH, _GAP = 1.2, 0.05, 0.3
_TITLE_LINE, _HEADING, _NAMES, _SCORE, _EDGE = 0.2, 0.42, 0.2, 0.34, 0.15
_NAME = 17


@dataclass(frozen=True, eq=False)
class ShownPair:
    """Two faces that were compared.

    Attributes:
        left: Pictures of one face, drawn from top to bottom, RGB: the crop as the recognizer saw
            it, and the crop before it if the face was frontalized.
        right: Likewise, of the other.
        score: Their similarity; −∞ if one failed to enrol.
        names: What the photos are called.

    Raises:
        ValueError: A side has no picture, a picture is empty, or the score is NaN or +∞.
    """

    left: tuple[UInt8[np.ndarray, "_ _ 3"], ...]
    right: tuple[UInt8[np.ndarray, "_ _ 3"], ...]
    score: float
    names: tuple[str, str]

    def __post_init__(self) -> None:
        for side in (self.left, self.right):
            if not side or not all(picture.size for picture in side):
                raise ValueError(f"{self.names}: each side needs a picture that is not empty")
        if not self.score < np.inf:
            raise ValueError(f"{self.names}: their score is {self.score}, not a number or −∞")


def worst_pairs(
    scores: Float32[np.ndarray, " p"], genuine: Bool[np.ndarray, " p"], count: int
) -> tuple[Int64[np.ndarray, " _"], Int64[np.ndarray, " _"]]:
    """The genuine pairs with the lowest scores, and the impostor pairs with the highest.

    Pairs that failed to enrol score −∞, which says nothing of the faces: they are left out, unless
    no pair of the kind has a finite score.

    Args:
        scores: Similarities; −∞ for a failure to enrol.
        genuine: Which pairs are of one person.
        count: The most of each kind.

    Returns:
        Positions of the misses and of the false accepts, the worst first, equal scores by position.
        There are fewer than ``count`` where a kind has fewer (none, if there is no such pair).

    Raises:
        ValueError: The count is below 1, a score is NaN or +∞, or there are more or fewer scores
            than marks.
    """
    if count < 1:
        raise ValueError(f"needs a number of pairs from 1, got {count}")
    if len(scores) != len(genuine):
        raise ValueError(f"{len(scores):,} scores for {len(genuine):,} pairs")
    check_scores(scores, genuine)
    misses, accepts = np.flatnonzero(genuine), np.flatnonzero(~genuine)
    return _lowest(scores[misses], misses, count), _lowest(-scores[accepts], accepts, count)


def _lowest(values: np.ndarray, positions: np.ndarray, count: int) -> np.ndarray:
    """The positions of the lowest finite values; of infinite ones if there are no others."""
    finite = np.isfinite(values)
    if finite.any() and not finite.all():
        values, positions = values[finite], positions[finite]
    if count < len(values):
        edge = np.partition(values, count - 1)[count - 1]
        kept = np.flatnonzero(values <= edge)
        values, positions = values[kept], positions[kept]
    return positions[np.argsort(values, kind="stable")[:count]].astype(np.int64)


def draw_pairs(
    title: str,
    misses: Sequence[ShownPair],
    accepts: Sequence[ShownPair],
    threshold: float | None = None,
) -> Figure:
    """Draw two blocks of pairs, in the order given, with names and scores below.

    Args:
        title: The system, and what was scored.
        misses: Pairs of the same person that score lowest; the block says so if there is none.
        accepts: Pairs of different people that score highest; likewise.
        threshold: From which score on a pair is accepted, for the title.

    Raises:
        ValueError: There is no pair at all.
    """
    blocks = {
        "same person, scored lowest": misses,
        "different people, scored highest": accepts,
    }
    most = max(map(len, blocks.values()))
    if not most:
        raise ValueError("there is no pair to draw")
    if threshold is not None:
        title = f"{title}; accepted from a score of {threshold:.4g}"
    across = min(max(most, _FEWEST_ACROSS), _ACROSS)
    width = 2 * _EDGE + across * _pair_width() + (across - 1) * _GAP
    lines = textwrap.wrap(plain(title), int(11 * width))
    page = _Page(width, _EDGE + _TITLE_LINE * len(lines) + sum(map(_block_height, blocks.values())))
    page.text(width / 2, _EDGE, "\n".join(lines), fontsize="medium", ha="center")
    top = _EDGE + _TITLE_LINE * len(lines)
    for heading, pairs in blocks.items():
        said = heading if pairs else f"{heading}: there is none"
        page.text(_EDGE, top + 0.12, said, fontsize="medium", weight="bold")
        _draw_block(page, pairs, top + _HEADING)
        top += _block_height(pairs)
    return page.figure


class _Page:
    """A figure on which things are placed in inches from its upper left corner."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height), dpi=110)

    def text(self, left: float, top: float, text: str, **style: Any) -> None:
        place = (left / self.width, 1 - top / self.height)
        self.figure.text(*place, text, va="top", **style)

    def picture(self, left: float, top: float, picture: np.ndarray) -> None:
        height = _height(picture)
        axes = self.figure.add_axes(
            (
                left / self.width,
                1 - (top + height) / self.height,
                _PICTURE / self.width,
                height / self.height,
            )
        )
        axes.imshow(picture, aspect="auto")
        axes.set_axis_off()


def _pair_width() -> float:
    return 2 * _PICTURE + _TOUCH


def _height(picture: np.ndarray) -> float:
    """How high a picture is drawn: all are drawn equally wide."""
    return _PICTURE * picture.shape[0] / picture.shape[1]


def _stack_height(pairs: Sequence[ShownPair]) -> float:
    sides = [side for pair in pairs for side in (pair.left, pair.right)]
    return max(sum(_height(one) + _TOUCH for one in side) for side in sides)


def _rows(pairs: Sequence[ShownPair]) -> Iterator[Sequence[ShownPair]]:
    for start in range(0, len(pairs), _ACROSS):
        yield pairs[start : start + _ACROSS]


def _block_height(pairs: Sequence[ShownPair]) -> float:
    return _HEADING + sum(_stack_height(row) + _NAMES + _SCORE for row in _rows(pairs))


def _draw_block(page: _Page, pairs: Sequence[ShownPair], top: float) -> None:
    for row in _rows(pairs):
        below = top + _stack_height(row)
        for column, pair in enumerate(row):
            left = _EDGE + column * (_pair_width() + _GAP)
            for side, pictures in enumerate((pair.left, pair.right)):
                start, place = left + side * (_PICTURE + _TOUCH), top
                for picture in pictures:
                    page.picture(start, place, picture)
                    place += _height(picture) + _TOUCH
                name = plain(shortened(pair.names[side], _NAME))
                page.text(start + _PICTURE / 2, below, name, fontsize=8, ha="center")
            failed = pair.score == -np.inf
            score = "failed to enrol" if failed else f"score {pair.score:.4f}"
            page.text(left + _pair_width() / 2, below + _NAMES, score, fontsize=9, ha="center")
        top = below + _NAMES + _SCORE

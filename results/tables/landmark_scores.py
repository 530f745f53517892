"""Landmark errors of named rows, by yaw bin: values, intervals, paired differences, curves."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from jaxtyping import Float64, Int64

from eval.intervals import Interval, bootstrap_means, percentile_interval
from eval.nme import summarise_bins
from results.record import Cell, Comparison, Origin
from results.tables.result import TableFigure

PER_IMAGE = "Per-image mean"
_DERIVED = ("Mean", "Std", PER_IMAGE)
# With fewer images in a bin an interval would say more about luck than about the method.
FEWEST_IMAGES = 10


@dataclass(frozen=True, eq=False)
class LandmarkScores:
    """Errors of rows on the same images.

    Attributes:
        errors: Each row's ``(n,)`` errors of the images, in percent.
        bin_of: ``(n,)`` each image's bin; every bin holds an image.
        bins: The bins' names.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
        origin: Where the images are from.
    """

    errors: Mapping[str, Float64[np.ndarray, " n"]]
    bin_of: Int64[np.ndarray, " n"]
    bins: tuple[str, ...]
    resamples: int
    seed: int
    origin: Origin = "measured on real data"

    @property
    def columns(self) -> tuple[str, ...]:
        """The bins, their mean and spread, and the mean of all images."""
        return (*self.bins, *_DERIVED)

    @property
    def sizes(self) -> list[int]:
        """How many images each column is computed from."""
        return [*np.bincount(self.bin_of).tolist(), *[len(self.bin_of)] * len(_DERIVED)]

    @cached_property
    def values(self) -> dict[str, list[float]]:
        """Each row's columns."""
        found = {}
        for row, errors in self.errors.items():
            summary = summarise_bins(errors, self.bin_of)
            found[row] = [*summary.bins.tolist(), summary.mean, summary.std, summary.per_image]
        return found

    @cached_property
    def samples(self) -> dict[str, Float64[np.ndarray, "columns resamples"]] | None:
        """Each row's columns under the bootstrap; None where a bin is too small, or without rows.

        One resample draws the same images for all rows.
        """
        sizes = np.bincount(self.bin_of)
        if sizes.min() < FEWEST_IMAGES or not self.errors:
            return None
        rng = np.random.default_rng(self.seed)
        errors = np.stack(list(self.errors.values()))
        bins = bootstrap_means(errors, self.bin_of, resamples=self.resamples, rng=rng)
        derived = (bins.mean(axis=2), bins.std(axis=2), bins @ (sizes / sizes.sum()))
        every = np.concatenate([bins, np.stack(derived, axis=2)], axis=2).transpose(1, 2, 0)
        return dict(zip(self.errors, every, strict=True))

    def cells(self, paper: Callable[[str, str], float | None]) -> Iterator[Cell]:
        """Every value with its interval.

        Args:
            paper: What the paper prints for a row and column.
        """
        for row, values in self.values.items():
            for index, column in enumerate(self.columns):
                yield Cell(
                    row=row,
                    column=column,
                    value=values[index],
                    origin=self.origin,
                    n=self.sizes[index],
                    interval=self._interval(index, {row: 1}),
                    paper=paper(row, column),
                )

    def compare(self, pairs: Iterable[tuple[str, str]]) -> Iterator[Comparison]:
        """Left minus right in every column, resampled as a pair."""
        for left, right in pairs:
            yield from self._differences(left, right, {left: 1, right: -1})

    def compare_gains(
        self, pairs: Iterable[tuple[tuple[str, str], tuple[str, str]]], name: str
    ) -> Iterator[Comparison]:
        """How much more one pair of rows differs than another, in every column.

        Args:
            pairs: ((a, b), (c, d)) for (b − a) − (d − c).
            name: What such a difference is called; ``{}`` stands for a or c.
        """
        for (a, b), (c, d) in pairs:
            signs = {b: 1, a: -1, d: -1, c: 1}
            yield from self._differences(name.format(a), name.format(c), signs)

    def ratio(
        self, above: tuple[str, str], below: tuple[str, str], column: str = "Mean"
    ) -> tuple[float, Interval | None]:
        """(b − a) / (d − c) of rows (a, b) and (c, d) in one column, with its interval.

        There is no interval where the lower difference may be 0 or negative at this level, or
        where a bin is too small.
        """
        index = self.columns.index(column)
        (a, b), (c, d) = above, below
        values = {row: self.values[row][index] for row in (a, b, c, d)}
        ratio = (values[b] - values[a]) / (values[d] - values[c])
        if self.samples is None:
            return ratio, None
        drawn = {row: self.samples[row][index] for row in (a, b, c, d)}
        lower = drawn[d] - drawn[c]
        if percentile_interval(lower).low <= 0:
            return ratio, None
        return ratio, percentile_interval((drawn[b] - drawn[a]) / lower)

    def figures(self, together: Mapping[str, Sequence[str]] | None = None) -> Iterator[TableFigure]:
        """The curves of every row by yaw bin, and figures of several rows.

        Args:
            together: Name → rows of a figure; one figure of all rows by default.
        """
        from results.figures.cumulative import draw_cumulative

        for row, errors in self.errors.items():
            bins = {
                f"|yaw| {name}°": errors[self.bin_of == index]
                for index, name in enumerate(self.bins)
            }
            yield TableFigure(row, partial(draw_cumulative, row, {"all images": errors} | bins))
        for name, rows in (together or {"": list(self.errors)}).items():
            title = ", ".join(filter(None, (f"AFLW2000-3D, {len(self.bin_of):,} images", name)))
            curves = {row: self.errors[row] for row in rows}
            yield TableFigure(None, partial(draw_cumulative, title, curves), name)

    def _differences(self, left: str, right: str, signs: Mapping[str, int]) -> Iterator[Comparison]:
        for index, column in enumerate(self.columns):
            difference = sum(sign * self.values[row][index] for row, sign in signs.items())
            interval = self._interval(index, signs)
            real = None if interval is None else interval.excludes(0.0)
            yield Comparison(left, right, column, float(difference), interval, real)

    def _interval(self, index: int, signs: Mapping[str, int]) -> Interval | None:
        """Of a column's signed sum over rows."""
        if self.samples is None:
            return None
        return percentile_interval(
            np.sum([sign * self.samples[row][index] for row, sign in signs.items()], axis=0)
        )

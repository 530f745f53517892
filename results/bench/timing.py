"""Timing in pairs: ours, reference, ours, reference, …, and the median of the ratios."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from protocols.roots import project_root


@dataclass(frozen=True)
class Timing:
    """Medians of a paired timing.

    Attributes:
        subject: What was timed.
        reference: What it was timed against.
        seconds: Median wall seconds of the subject.
        reference_seconds: Median wall seconds of the reference.
        ratio: Median of subject over reference, pair by pair.
        repeats: How many pairs.
        note: What else was measured, in words.
    """

    subject: str
    reference: str
    seconds: float
    reference_seconds: float
    ratio: float
    repeats: int
    note: str = ""
    HEADING: ClassVar = ("subject", "median s", "reference", "median s", "ratio", "pairs", "also")

    @property
    def cells(self) -> tuple[str, ...]:
        """What a table prints, in the order of the heading."""
        times = f"{self.seconds:.3g}", self.reference, f"{self.reference_seconds:.3g}"
        return (self.subject, *times, f"{self.ratio:.3g}", str(self.repeats), self.note)

    def divided(self, parts: int) -> "Timing":
        """The same for one of ``parts`` equal pieces of the subject."""
        return replace(self, seconds=self.seconds / parts, ratio=self.ratio / parts)


@dataclass(frozen=True)
class Quality:
    """Something measured that is no time.

    Attributes:
        subject: What was measured.
        value: The figure; None where it could not be measured.
        bar: What it should be, with its unit.
        n: From how many it comes.
        note: What else was measured, in words.
    """

    subject: str
    value: float | None
    bar: str
    n: int
    note: str = ""
    HEADING: ClassVar = ("measured", "value", "bar", "n", "also")

    @property
    def cells(self) -> tuple[str, ...]:
        """What a table prints, in the order of the heading."""
        value = "–" if self.value is None else f"{self.value:.3g}"
        return (self.subject, value, self.bar, str(self.n), self.note)


def time_pairs(
    subject: str,
    run: Callable[[], object],
    reference: str,
    run_reference: Callable[[], object],
    repeats: int,
    *,
    warm_reference: bool = True,
) -> Timing:
    """Time both in turn after one warm-up of each; a slow reference can do without."""
    run()
    if warm_reference:
        run_reference()
    pairs = [(_seconds(run), _seconds(run_reference)) for _ in range(repeats)]
    return Timing(
        subject=subject,
        reference=reference,
        seconds=statistics.median(ours for ours, _ in pairs),
        reference_seconds=statistics.median(theirs for _, theirs in pairs),
        ratio=statistics.median(ours / theirs for ours, theirs in pairs),
        repeats=repeats,
    )


def python_process(*words: str) -> Callable[[], object]:
    """A call that runs Python with these words in the checkout, silently, and waits for it."""

    def call() -> object:
        return subprocess.run(  # noqa: S603 (our own interpreter, fixed words)
            [sys.executable, *words], cwd=project_root(), check=True, capture_output=True
        )

    return call


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started

"""Makes stages in order, on all cores, and shows how far it is and how long it will take."""

import contextlib
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from protocols.errors import BadInput
from results.alone import alone
from results.cache.durable import CacheFailed
from results.export.mapping import Workers, map_blocks
from results.export.work import no_bar
from results.reproducing.stages import Site, Stage

_ROOM = 1 << 20
"""Bytes; with fewer left, the disk is what a stage failed of."""


def in_order(stages: Sequence[Stage]) -> list[Stage]:
    """Stages and all that they are made from, each once, what is needed first."""
    found: dict[str, Stage] = {}

    def add(stage: Stage) -> None:
        for one in stage.needs:
            if isinstance(one, Stage):
                add(one)
        found.setdefault(stage.key, stage)

    for stage in stages:
        add(stage)
    return list(found.values())


@dataclass
class _Clock:
    """How much work is done, in estimated seconds, and how long it took.

    Attributes:
        total: Of all stages.
        done: Of the finished ones.
        running: When each running stage was begun, and what it is estimated at, by its key.
        begun: When the first one was.
    """

    total: float
    done: float = 0.0
    running: dict[str, tuple[float, float]] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)

    def begin(self, stages: Sequence[Stage], jobs: int) -> None:
        """Note that stages are in work; a stage that was noted stays as it is."""
        for one in stages:
            self.running.setdefault(one.key, (time.monotonic(), one.seconds / jobs))

    def share(self) -> float:
        """Of all work; a stage in work counts by its time, and is never taken for finished."""
        now = time.monotonic()
        part = sum(min(now - since, 0.9 * cost) for since, cost in self.running.values())
        return (self.done + part) / self.total

    def left(self) -> float | None:
        """Seconds, by how fast it went so far; None before that can be told."""
        share, spent = self.share(), time.monotonic() - self.begun
        return None if spent < 5 or share < 0.01 else spent / share - spent


class _TimeLeft(ProgressColumn):
    def __init__(self, clock: _Clock) -> None:
        super().__init__()
        self._clock = clock

    def render(self, task: Task) -> Text:
        left = self._clock.left() if task.fields.get("whole") else None
        if left is None:
            return Text("")
        words = f"{left / 60:.0f} min" if left > 90 else f"{max(1, left):.0f} s"
        return Text(f"about {words} left", style="cyan")


class _Share(BarColumn):
    def __init__(self, clock: _Clock) -> None:
        super().__init__()
        self._clock = clock

    def render(self, task: Task):
        if task.fields.get("whole"):
            task.completed = 1000 * self._clock.share()
        return super().render(task)


class Workshop:
    """A folder of stages, and who works there.

    Args:
        base: The folder.
        jobs: Processes; 0 for one a core.
        console: What is made is told here, and the bar is shown here.
    """

    def __init__(self, base: Path, jobs: int, console: Console) -> None:
        self._base, self._console = base, console
        self._jobs = Workers(jobs).processes

    def make(self, stages: Sequence[Stage]) -> int:
        """Make what is not there yet, and say how many stages that were.

        A stage whose files were changed since it was made is set aside, told, and made anew.

        Raises:
            BadInput: Another run works in this folder.
            CacheFailed: The disk is full.
            WorkersLost: A process was ended by the system.
            DataError: A stage's own: what it needs is absent. What was finished stays.
        """
        self._base.mkdir(parents=True, exist_ok=True)
        every = in_order(stages)
        if all(_is_whole(one, self._base) for one in every):
            return 0
        with alone(self._base):
            missing = self._missing(every)
            if not missing:  # another run made them meanwhile
                return 0
            stages_are = f"stage{'s' * (len(every) > 1)} {'is' if len(missing) == 1 else 'are'}"
            self._console.print(
                f"{len(missing)} of {len(every)} {stages_are} to be made, in {self._base}",
                highlight=False,
            )
            with self._bars(missing) as (bars, clock), self._told_if_full():
                for group in _groups(missing):
                    if group[0].many:
                        self._one(group[0], bars, clock)
                    else:
                        self._together(group, bars, clock)
        return len(missing)

    @contextlib.contextmanager
    def _told_if_full(self) -> Iterator[None]:
        """Whatever a library raises on a full disk, say that it is full."""
        try:
            yield
        except Exception as error:
            if shutil.disk_usage(self._base).free < _ROOM:
                raise CacheFailed(self._base, "the disk is full") from error
            raise

    def _missing(self, stages: Sequence[Stage]) -> list[Stage]:
        missing: dict[str, Stage] = {}
        for stage in stages:
            try:
                made = stage.is_made(self._base)
            except BadInput as error:
                aside = stage.set_aside(self._base)
                self._console.print(
                    f"[yellow]warning:[/] {error}. It was set aside as {aside.name}, and is made "
                    "anew.",
                    highlight=False,
                    soft_wrap=True,
                )
                made = False
            if not made:
                missing[stage.key] = stage
        return list(missing.values())

    @contextlib.contextmanager
    def _bars(self, stages: Sequence[Stage]) -> Iterator[tuple[Progress, _Clock]]:
        """A bar for the whole, and below it one for what is in work."""
        clock = _Clock(total=sum(one.seconds for one in stages) / self._jobs)
        columns = (TextColumn("{task.description}"), _Share(clock), _TimeLeft(clock))
        with Progress(*columns, console=self._console, transient=True) as bars:
            bars.add_task("everything", total=1000, whole=True)
            yield bars, clock

    def _one(self, stage: Stage, bars: Progress, clock: _Clock) -> None:
        """Make a stage that uses all cores itself."""

        @contextlib.contextmanager
        def show(title: str, total: int) -> Iterator:
            task = bars.add_task(f"  {title}", total=total)
            yield lambda advance: bars.update(task, advance=advance)
            bars.remove_task(task)

        cost, begun = stage.seconds / self._jobs, time.monotonic()
        clock.begin([stage], self._jobs)
        folder = stage.folder(self._base)
        folder.mkdir(parents=True, exist_ok=True)
        needs = tuple(one.folder(self._base) for one in stage.needs)
        stage.make(Site(folder, needs, show, self._jobs))
        self._finished(stage, bars, clock, cost, time.monotonic() - begun)

    def _together(self, stages: Sequence[Stage], bars: Progress, clock: _Clock) -> None:
        """Make stages that take one core each, side by side."""
        task = bars.add_task("  trainings", total=len(stages))
        waiting = list(stages)
        clock.begin(waiting[: self._jobs], self._jobs)
        make = partial(_make_alone, base=self._base)
        for position, seconds in map_blocks(make, stages, Workers(self._jobs)):
            stage = stages[position]
            self._finished(stage, bars, clock, stage.seconds / self._jobs, seconds)
            waiting.remove(stage)
            clock.begin(waiting[: self._jobs], self._jobs)
            bars.update(task, advance=1)
        bars.remove_task(task)

    def _finished(
        self, stage: Stage, bars: Progress, clock: _Clock, cost: float, seconds: float
    ) -> None:
        if stage.many:
            stage.finish(self._base)
        clock.running.pop(stage.key, None)
        clock.done += cost
        bars.console.print(f"made {stage.title} in {seconds:.0f} s", highlight=False)


def _is_whole(stage: Stage, base: Path) -> bool:
    """Whether a stage is there as it was made."""
    try:
        return stage.is_made(base)
    except BadInput:
        return False


def _groups(stages: Sequence[Stage]) -> Iterator[list[Stage]]:
    """What is made one after the other: those that use all cores first, then all others at once."""
    yield from ([one] for one in stages if one.many)
    if alone_each := [one for one in stages if not one.many]:
        yield alone_each


def _make_alone(stage: Stage, base: Path) -> float:
    """Make a stage in this process; the seconds that took."""
    begun, folder = time.monotonic(), stage.folder(base)
    folder.mkdir(parents=True, exist_ok=True)
    needs = tuple(one.folder(base) for one in stage.needs)
    stage.make(Site(folder, needs, no_bar, 1))
    stage.finish(base)
    return time.monotonic() - begun

"""What every command line shares: the console, progress bars, and errors as one line."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from protocols.errors import DataError

if TYPE_CHECKING:
    from results.export.work import Show


def run(main: Callable[[Console], int | None]) -> None:
    """Run a command and exit: 0, or what it returns; 2 and one line for an error of its input.

    A file that cannot be read or written is such an error as well.
    """
    console = Console(soft_wrap=True) if not sys.stdout.isatty() else Console()
    try:
        sys.exit(main(console) or 0)
    except (DataError, OSError) as error:
        text = escape(" ".join(str(error).split()))
        Console(stderr=True, soft_wrap=True).print(f"[bold red]error:[/] {text}", highlight=False)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def bars_of(show: "Show | None", *, quiet: bool = False) -> "AbstractContextManager[Show]":
    """Somebody's bars where there are any, else new ones on the terminal."""
    if show is not None:
        return nullcontext(show)
    return progress_bars(Console(stderr=True, quiet=quiet))


@contextmanager
def progress_bars(
    console: Console,
) -> "Iterator[Show]":
    """Bars with counts and the time left; what comes out opens one by its title and total."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:

        @contextmanager
        def show(title: str, total: int) -> Iterator[Callable[[int], None]]:
            task = bars.add_task(title, total=total)
            yield lambda advance: bars.update(task, advance=advance)
            bars.remove_task(task)

        yield show

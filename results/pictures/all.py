"""All figures at once."""

from collections.abc import Callable
from pathlib import Path

from protocols.errors import DataError
from results.export.work import Show, no_bar
from results.pictures.options import FIGURES, Data
from results.pictures.running import make_figure


def draw_all(
    out: Path,
    data: Data | None = None,
    show: Show = no_bar,
    missed: Callable[[str, DataError], None] | None = None,
) -> list[Path]:
    """Draw every figure with its own defaults; networks are loaded once.

    Args:
        out: ``out/NAME/NAME.png`` and ``.json`` are written.
        data: As the figures' option.
        show: Progress.
        missed: Told the name of a figure that cannot be drawn, and why; without it that is an
            error.

    Returns:
        The pictures that were drawn, in the order of :data:`results.pictures.options.FIGURES`.

    Raises:
        DataError: As of :func:`results.pictures.running.make_figure`.
    """
    pictures = []
    with show("figures", len(FIGURES)) as advance:
        for name, options in FIGURES.items():
            try:
                pictures.append(make_figure(options(data=data, out=out / name), show).picture)
            except DataError as error:
                if missed is None:
                    raise
                missed(name, error)
            advance(1)
    return pictures

"""Evaluate recognizers, with and without frontalizers before them, on any protocol.

``evaluate.py restoration`` measures restored faces against the truth instead.
"""

import sys

from rich.console import Console

from results.console import progress_bars, run
from results.tables.evaluation import Evaluate
from results.tables.restoration import Restoration

RESTORATION = "restoration"


def main(console: Console) -> None:
    """Embed, score, print, draw, track."""
    import tyro

    if sys.argv[1:2] == [RESTORATION]:
        prog = f"evaluate.py {RESTORATION}"
        restoration(tyro.cli(Restoration, prog=prog, args=sys.argv[2:]), console)
        return
    config = tyro.cli(Evaluate, prog="evaluate.py", description=__doc__)
    from results.publish import publish
    from results.tables.evaluation import compute

    with progress_bars(console) as show:
        result, found = compute(config, show)
    publish(result, console)
    for exported in found.exported:
        console.print(exported.exporter.summary(), highlight=False)
    for warning in found.warnings:
        console.print(f"warning: {warning}", style="yellow", highlight=False, markup=False)


def restoration(config: Restoration, console: Console) -> None:
    """Restore, judge, print, draw, track: a table a data set."""
    from results.publish import publish
    from results.tables.restoration import compute

    with progress_bars(console) as show:
        for result in compute(config, show):  # each as soon as it is there
            publish(result, console)


if __name__ == "__main__":
    run(main)

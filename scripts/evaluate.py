"""Evaluate recognizers, with and without frontalizers before them, on any protocol."""

from rich.console import Console

from results.console import progress_bars, run
from results.tables.evaluation import Evaluate


def main(console: Console) -> None:
    """Embed, score, print, draw, track."""
    import tyro

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


if __name__ == "__main__":
    run(main)

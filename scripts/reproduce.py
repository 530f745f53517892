"""Reproduce a table or a figure of the paper: measured numbers beside the printed ones."""

from contextlib import nullcontext

from rich.console import Console

from results.console import run
from results.pictures.options import FIGURES, Pictures
from results.tables import detection, fit_accuracy, table1, table2, table3
from results.tables.table4 import Table4, compute
from results.tables.verified import Verified

# Each table: its options, and what computes it.
TABLES = {
    "table1": (table1.Table1, table1.compute),
    "table2": (table2.Table2, table2.compute),
    "table3": (table3.Table3, table3.compute),
    "table4": (Table4, compute),
    "detection": (detection.Detection, detection.compute),
    "fit": (fit_accuracy.FitAccuracy, fit_accuracy.compute),
}


def main(console: Console) -> None:
    """Parse, compute, publish."""
    import tyro

    options = {name: options for name, (options, _) in TABLES.items()} | dict(FIGURES)
    config = tyro.extras.subcommand_cli_from_dict(options, prog="reproduce.py", description=__doc__)
    if isinstance(config, Pictures):
        from results.pictures.running import publish_figure

        publish_figure(config, console)
        return
    computing = next(compute for options, compute in TABLES.values() if isinstance(config, options))
    # A bar of its own and the spinner would write over each other.
    own_bar = isinstance(config, detection.Detection | Verified)
    own_bar |= isinstance(config, Table4) and config.source == "models"
    with nullcontext() if own_bar else console.status("computing"):
        result = computing(config)
    from results.publish import publish

    publish(result, console)


if __name__ == "__main__":
    run(main)

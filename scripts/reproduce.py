"""Reproduce a table or a figure of the paper: measured numbers beside the printed ones."""

from contextlib import nullcontext

from rich.console import Console

from results.console import run
from results.pictures.options import FIGURES, Pictures
from results.reproducing.command import All
from results.tables import detection, fit_accuracy, table1, table2, table3
from results.tables.table4 import Table4

# The paper's tables, whose data are made where they are absent; and what else is measured alike.
TABLES = {
    "table1": table1.Table1,
    "table2": table2.Table2,
    "table3": table3.Table3,
    "table4": Table4,
    "all": All,
}
OTHERS = {
    "detection": (detection.Detection, detection.compute),
    "fit": (fit_accuracy.FitAccuracy, fit_accuracy.compute),
}


def main(console: Console) -> None:
    """Parse, and do what was asked for."""
    import tyro

    others = {name: options for name, (options, _) in OTHERS.items()}
    options = {**TABLES, **FIGURES, **others}
    config = tyro.extras.subcommand_cli_from_dict(options, prog="reproduce.py", description=__doc__)
    if isinstance(config, Pictures):
        from results.pictures.running import publish_figure

        publish_figure(config, console)
        return
    for kind, compute in OTHERS.values():
        if isinstance(config, kind):
            # A bar of its own and the spinner would write over each other.
            own_bar = isinstance(config, detection.Detection)
            with nullcontext() if own_bar else console.status("computing"):
                result = compute(config)
            from results.publish import publish

            publish(result, console)
            return
    from results.reproducing.command import reproduce_one

    name = next(name for name, options in TABLES.items() if type(config) is options)
    reproduce_one(name, config, console)


if __name__ == "__main__":
    run(main)

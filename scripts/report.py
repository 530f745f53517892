"""Write the page of everything that was measured, keep a run's record, write TABLES.md."""

from typing import Annotated

import tyro
from rich.console import Console

from results.console import run
from results.report.options import Keep, Page, Tables

Task = (
    Annotated[Page, tyro.conf.subcommand("page")]
    | Annotated[Keep, tyro.conf.subcommand("keep")]
    | Annotated[Tables, tyro.conf.subcommand("tables")]
)


def main(console: Console) -> None:
    """Do one of the three; a bare call writes the page."""
    config = tyro.cli(Task, prog="report.py", description=__doc__, default=Page())
    from results.report.running import perform

    for line in perform(config, console):
        console.print(line, highlight=False, soft_wrap=True, markup=False)


if __name__ == "__main__":
    run(main)

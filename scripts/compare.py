"""Draw what restoration makes of each photo of a folder, side by side."""

import tyro
from rich.console import Console
from rich.progress import Progress

from results.comparing import Compare
from results.console import run


def main(console: Console) -> None:
    """Restore, draw, say what is missing."""
    config = tyro.cli(Compare, prog="compare.py", description=__doc__)
    from results.comparing import compare

    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("photos", total=None)
        found = compare(config, lambda total: bar.update(task, total=total, advance=1))
    for line in found.sentences():
        console.print(line, highlight=False, soft_wrap=True, markup=False)


if __name__ == "__main__":
    run(main)

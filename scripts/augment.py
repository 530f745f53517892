"""Add turned and de-occluded versions of each training picture to a set, under the same label."""

from rich.console import Console

from results.console import progress_bars, run


def main(console: Console) -> None:
    """Parse, make, say what is where."""
    import tyro

    from results.augmenting.options import Augment

    config = tyro.cli(Augment, prog="augment.py", description=__doc__)
    from results.augmenting.running import augment_set

    with progress_bars(Console(stderr=True)) as show:
        made = augment_set(config, show)
    for line in made.sentences():
        console.print(line, highlight=False)
    console.print(f"Set: {config.out}")


if __name__ == "__main__":
    run(main)

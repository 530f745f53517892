"""Make the synthetic world: people who do not exist, in the formats of the data sets."""

from rich.console import Console

from results.console import progress_bars, run


def main(console: Console) -> None:
    """Parse, make, say what is where."""
    import tyro

    from results.synthetic.options import MakeSynthetic

    config = tyro.cli(MakeSynthetic, prog="make_synthetic.py", description=__doc__)
    from results.synthetic.making import make_synthetic

    with progress_bars(Console(stderr=True)) as show:
        made = make_synthetic(config, show)
    for one in made:
        console.print(one.sentence, highlight=False, markup=False)
    console.print(f"Use it: CFR_DATA={config.out.resolve()}", highlight=False, markup=False)


if __name__ == "__main__":
    run(main)

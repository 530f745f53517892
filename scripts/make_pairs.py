"""Make pairs for training from photos, on disk: by Swap-R&R, or by Rotate-and-Render."""

from rich.console import Console

from results.console import progress_bars, run


def main(console: Console) -> None:
    """Parse, make, say what is where."""
    import tyro

    from results.making_pairs import MakePairs, make_pairs_of

    config = tyro.cli(MakePairs, prog="make_pairs.py", description=__doc__)
    with progress_bars(Console(stderr=True)) as show:
        made = make_pairs_of(config, show)
    for line in made.sentences():
        console.print(line, highlight=False)
    for photo, why in list(made.left_out.items())[:5]:
        console.print(f"[yellow]left out:[/] {photo}: {why}", highlight=False)
    console.print(f"Pairs: {config.out}")
    console.print(f"Stages: {made.stages}")


if __name__ == "__main__":
    run(main)

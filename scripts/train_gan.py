"""Train a generator that makes a whole face of a damaged render: CFR-GAN's, or a baseline's."""

from rich.console import Console

from results.console import run


def main(console: Console) -> None:
    """Parse, train, say what is where."""
    import tyro

    from results.training.gan_options import TrainGan

    config = tyro.cli(TrainGan, prog="train_gan.py", description=__doc__)
    from results.training.gan import train_gan

    trained = train_gan(config, console)
    for warning in trained.warnings:
        console.print(f"[yellow]note:[/] {warning}", highlight=False)
    if trained.weights.is_file():  # else this is one of several processes, and not the first
        console.print(f"Weights: {trained.weights}")
        console.print(f"Card: {trained.card}")
        console.print(f"Held-out photos, restored: {trained.progress}")


if __name__ == "__main__":
    run(main)

"""Train the 3D face regressor: the baseline, stage 1 (occluded photos), stage 2 (a student)."""

from rich.console import Console

from results.console import run


def main(console: Console) -> None:
    """Parse, train, say what is where."""
    import tyro

    from results.training.options import TrainRegressor

    config = tyro.cli(TrainRegressor, prog="train_regressor.py", description=__doc__)
    from results.training.regressor import train_regressor

    trained = train_regressor(config, console)
    for warning in trained.warnings:
        console.print(f"[yellow]note:[/] {warning}", highlight=False)
    console.print(f"Weights: {trained.weights}")
    console.print(f"Card: {trained.card}")


if __name__ == "__main__":
    run(main)

"""Train VGG16 to tell expressions apart, on data in RAF-DB's layout, and measure it."""

from rich.console import Console

from results.console import run


def main(console: Console) -> None:
    """Parse, train, say what was measured and what is where."""
    import tyro

    from results.training.expression_options import TrainExpression

    config = tyro.cli(TrainExpression, prog="train_expression.py", description=__doc__)
    from results.training.expression import train_expression

    trained = train_expression(config, console)
    for warning in trained.warnings:
        console.print(f"[yellow]note:[/] {warning}", highlight=False)
    for seed, left in trained.runs.items():
        console.print(f"Seed {seed}, accuracy in % (95 %):", highlight=False)
        for row, value in left.rows.items():
            console.print(f"  {row}: {value}", highlight=False)
        console.print(f"Network: {left.onnx}")
        console.print(f"Card: {left.card}")
    if trained.summary is not None:
        console.print(trained.summary.read_text(encoding="utf-8"), markup=False, highlight=False)


if __name__ == "__main__":
    run(main)

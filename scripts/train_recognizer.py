"""Train a face recognizer by ArcFace on labelled, aligned crops: RecordIO or a folder a person."""

from rich.console import Console

from results.console import run


def main(console: Console) -> None:
    """Parse, train, say what is where."""
    import tyro

    from results.training.recognizer_options import TrainRecognizer

    config = tyro.cli(TrainRecognizer, prog="train_recognizer.py", description=__doc__)
    from results.training.recognizer import train_recognizer

    trained = train_recognizer(config, console)
    for warning in trained.warnings:
        console.print(f"[yellow]note:[/] {warning}", highlight=False)
    if trained.card.is_file():  # else this is one of several processes, and not the first
        console.print(f"Recognizer: {trained.recognizer}")
        console.print(f"PyTorch weights: {trained.weights}")
        console.print(f"Card: {trained.card}")


if __name__ == "__main__":
    run(main)

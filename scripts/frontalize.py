"""Turn the faces of a photo, or of a folder of photos, to a pose."""

import tyro
from rich.console import Console
from rich.progress import Progress

from results.console import run
from results.frontalizing.options import Frontalize


def main(console: Console) -> None:
    """Find, turn, write."""
    config = tyro.cli(Frontalize, prog="frontalize.py", description=__doc__)
    from cfr.landmarks.policy import Tally
    from cfr.landmarks.sources import load_landmarker
    from results.frontalizing.options import load_method
    from results.frontalizing.running import doubtful, frontalize_photos

    method, words = load_method(config)
    landmarker = load_landmarker(config.landmarks, config.landmarks_root, need_68=True)
    tally = Tally(landmarker.name, config.several, config.missing)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("photos", total=None)
        written = frontalize_photos(
            *(config.photos, config.out, landmarker, method, tally),
            damaged=config.damaged,
            progress=lambda total: bar.update(task, total=total, advance=1),
        )
    for line in (words, tally.sentence(), f"{len(written)} faces: {config.out}"):
        console.print(line, highlight=False, soft_wrap=True)
    if warning := doubtful(written):
        console.print(f"[yellow]{warning}[/]", highlight=False)


if __name__ == "__main__":
    run(main)

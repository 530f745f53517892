"""Check a protocol, list its faces, score it from their embeddings; or make pairs of photos."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from results.console import run
from results.loading import Source
from results.pairing import MakePairs, make_pairs
from results.tables.scores import Score, compute


@dataclass(frozen=True)
class Check:
    """Load a protocol, check its files and counts, and say what it holds."""

    source: Annotated[Source, tyro.conf.arg(name="")]


@dataclass(frozen=True)
class Faces:
    """List the faces of a protocol as CSV, a row a face: the order of the embeddings."""

    source: Annotated[Source, tyro.conf.arg(name="")]
    out: Path = Path("faces.csv")
    """The file to write; {split} in its name stands for the split's number."""


COMMANDS = {"check": Check, "faces": Faces, "score": Score, "pairs": MakePairs}


def main(console: Console) -> None:
    """Do what was asked for."""
    config = tyro.extras.subcommand_cli_from_dict(COMMANDS, prog="protocol.py", description=__doc__)
    if isinstance(config, Score):
        with console.status("computing"):
            result = compute(config)
        from results.publish import publish

        publish(result, console)
        return
    if isinstance(config, MakePairs):
        for line in make_pairs(config):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        return
    from results.inspecting import describe, write_faces

    if isinstance(config, Faces):
        for path, count in write_faces(config.source, config.out):
            console.print(f"{count:,} faces: {path}", highlight=False)
        return
    from results.loading import load

    with console.status("loading"):
        protocols = load(config.source)
    for protocol in protocols:
        for label, text in describe(protocol):
            console.print(f"{label:12}{text}", highlight=False, markup=False)


if __name__ == "__main__":
    run(main)

"""Download what may be downloaded freely; resumes where it stopped, and checks every digest."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from protocols.download import fetch_part
from protocols.errors import BadOption
from protocols.manifest import MANIFEST, Entry, read_manifest
from protocols.roots import resolve_root
from results.console import run


@dataclass(frozen=True)
class Fetch:
    """What to download, and to where."""

    names: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Entries of the manifest, such as aflw2000 or lfw."""
    root: Path | None = None
    """Folder to put the files in; beats CFR_DATA, data.toml and data/NAME."""
    manifest: Path = MANIFEST
    """Another manifest, for example one that names your own mirror."""


def main(console: Console) -> None:
    """Download each named entry."""
    config = tyro.cli(Fetch, prog="fetch.py", description=__doc__)
    if config.root and len(config.names) > 1:
        raise BadOption("--root", "one name: it is the folder of one data set")
    manifest = read_manifest(config.manifest)
    for entry in [_require(manifest, name) for name in config.names]:
        _fetch(entry, config.root, console)


def _require(manifest: dict[str, Entry], name: str) -> Entry:
    free = [known for known, entry in manifest.items() if any(p.free for p in entry.parts)]
    if name in free:
        return manifest[name]
    if name in manifest:
        how = "; ".join(part.get for part in manifest[name].parts) or manifest[name].get
        raise BadOption(name, f"something that may be downloaded freely. To get it: {how}")
    raise BadOption(name, f"one of {', '.join(free)}")


def _fetch(entry: Entry, override: Path | None, console: Console) -> None:
    root = resolve_root(entry.name, override)
    console.print(f"{entry.title} → {root.path} ({root.origin}). Licence: {entry.licence}")
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), console=console, transient=True) as bar:
        tasks = {}

        def progress(file: str, have: int, total: int | None) -> None:
            if file not in tasks:
                tasks[file] = bar.add_task(file, total=total)
            bar.update(tasks[file], completed=have, total=total)

        for part in entry.parts:
            if part.free:
                for line in fetch_part(part, root.path, progress):
                    console.print(f"  {line}")


if __name__ == "__main__":
    run(main)

"""A disk that is full: one clear line, nothing half-made is taken for whole, and it goes on."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from results.cache.durable import CacheFailed
from results.reproducing.recipes import made_up
from results.reproducing.stages import Site, Stage
from results.reproducing.workshop import Workshop

MIB = 1 << 20


def mount(folder: Path, *options: str) -> None:
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Two MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount(folder, "size=2m")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(site: Site) -> None:
    """As a library does that knows nothing of disks."""
    try:
        (site.folder / "large").write_bytes(bytes(8 * MIB))
    except OSError as error:
        raise RuntimeError("unexpected pos 64 vs 0") from error


def test_photos_that_do_not_fit(small_disk: Path, smallest: Path) -> None:
    """A real stage: what was drawn is kept, and with more room the rest is drawn."""
    stage = made_up("lfw", "tiny", 18)
    (small_disk / "ballast").write_bytes(bytes(2 * MIB - 60_000))
    shop = Workshop(small_disk, 1, Console(quiet=True))
    with pytest.raises(CacheFailed, match=r"the disk is full.*make room.*run the command again"):
        shop.make([stage])
    assert not stage.is_made(small_disk)
    (small_disk / "ballast").unlink()
    assert shop.make([stage]) == 1
    assert stage.is_made(small_disk)


def test_whatever_a_library_says_of_it(small_disk: Path) -> None:
    stage = Stage("full", {}, fill, 1.0, ("results.cache.canonical",), ())
    with pytest.raises(CacheFailed, match="the disk is full"):
        Workshop(small_disk, 1, Console(quiet=True)).make([stage])
    assert not stage.is_made(small_disk)

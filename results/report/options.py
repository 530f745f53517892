"""What scripts/report.py can be told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from protocols.errors import BadOption


@dataclass(frozen=True)
class Page:
    """Write the page of everything that was measured: report/index.html of the artifacts."""

    artifacts: Path | None = None
    """The folder of outputs; beats CFR_ARTIFACTS and artifacts/."""

    def __post_init__(self) -> None:
        """Refuse a folder that is not there, before anything is read."""
        if self.artifacts is not None and not self.artifacts.is_dir():
            raise BadOption(f"--artifacts {self.artifacts}", "a folder")


@dataclass(frozen=True)
class Keep:
    """Keep a run's record for good, in results/records/NAME.json."""

    folder: Annotated[Path, tyro.conf.Positional]
    """The folder that the run wrote, such as artifacts/table4."""
    name: Annotated[str, tyro.conf.Positional]
    """What to call the record, such as table4-released."""
    changed_files: bool = False
    """Also if files differed from the commit that the record names."""


@dataclass(frozen=True)
class Tables:
    """Write TABLES.md from the records that are kept."""

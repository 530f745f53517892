"""A stage: something long that is made once, by all that decides it, and kept in a folder.

The folder is named by a digest of its options, of the stages it is made from, of our code and of
the versions of packages; ``stage.json`` in it is written last, and says what it holds. A folder
without one is half-made: whoever makes it goes on there.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from protocols.errors import BadInput
from protocols.types import InputFile
from results.cache.canonical import canonical
from results.cache.code_digest import code_digest
from results.cache.durable import write_durably
from results.environment import versions
from results.export.work import Show

ABOUT = "stage.json"
DAMAGED = ".damaged"


@dataclass(frozen=True)
class Given:
    """Data that are there already.

    Attributes:
        root: Where.
    """

    root: Path

    @cached_property
    def key(self) -> str:
        """Of its place, and of the names, sizes and times of what lies there, two levels deep.

        Photos themselves are not read: there may be half a million.
        """
        found = [str(self.root.resolve())]
        for path in sorted((*self.root.glob("*"), *self.root.glob("*/*"))):
            state = path.stat()
            found.append(f"{path.relative_to(self.root)} {state.st_size} {state.st_mtime_ns}")
        return hashlib.sha256("\n".join(found).encode()).hexdigest()

    def folder(self, base: Path) -> Path:
        """Where it lies."""
        return self.root


@dataclass(frozen=True)
class Site:
    """Where a stage is made.

    Attributes:
        folder: What is made lies here.
        needs: The folders of what it is made from.
        show: Progress.
        jobs: How many processes it may use.
    """

    folder: Path
    needs: tuple[Path, ...]
    show: Show
    jobs: int


@dataclass(frozen=True)
class Stage:
    """Something that is made once.

    Attributes:
        title: What it is, for people; its first words name the folder.
        config: Everything that decides it beside needs, code and packages, as nested JSON.
        make: Makes it; called again after it was killed, it goes on.
        seconds: Of one core, that it takes here, roughly.
        modules: Whose code decides it.
        packages: Whose version may change it.
        files: Weights and the like, whose content decides it.
        needs: What it is made from.
        many: Whether it uses several processes itself.
    """

    title: str
    config: Mapping[str, Any]
    make: Callable[[Site], None]
    seconds: float
    modules: tuple[str, ...]
    packages: tuple[str, ...]
    files: tuple[Path, ...] = ()
    needs: tuple["Stage | Given", ...] = ()
    many: bool = False

    @cached_property
    def key(self) -> str:
        """A digest of all that decides what it holds."""
        whole = {
            "config": self.config,
            "needs": [one.key for one in self.needs],
            "code": code_digest(*self.modules),
            "packages": versions(self.packages),
            "files": sorted((one.name, InputFile.of(one).sha256) for one in self.files),
        }
        return hashlib.sha256(canonical(whole).encode()).hexdigest()

    def folder(self, base: Path) -> Path:
        """Where it lies, in a folder of stages."""
        words = re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")
        return base / f"{words[:48]}-{self.key[:12]}"

    def is_made(self, base: Path) -> bool:
        """Whether it is there, whole.

        Raises:
            BadInput: It was made, and what it holds was changed since.
        """
        folder = self.folder(base)
        try:
            about = json.loads((folder / ABOUT).read_bytes())
            files = about["files"]
            sound = about["key"] == self.key and isinstance(files, dict)
        except FileNotFoundError:
            return False
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadInput(folder / ABOUT, "", "what a finished stage says", str(error)) from error
        if not sound:
            raise BadInput(folder / ABOUT, "", f"the stage {self.key[:12]}", "another one")
        found = _files(folder)
        for name in sorted(found.keys() | files.keys()):
            if found.get(name) != files.get(name):
                expected, there = (_size(one.get(name)) for one in (files, found))
                raise BadInput(folder, name, f"{expected}, as it was made", there)
        return True

    def finish(self, base: Path) -> None:
        """Say that it is there: whoever looks from now on finds it whole."""
        folder = self.folder(base)
        about = {"title": self.title, "key": self.key, "config": self.config}
        about["files"] = _files(folder)
        write_durably(folder / ABOUT, f"{json.dumps(about, indent=1)}\n".encode())

    def set_aside(self, base: Path) -> Path:
        """Move what is damaged out of the way, and say where to."""
        folder, number = self.folder(base), 0
        while (aside := folder.with_name(f"{folder.name}{DAMAGED}{number or ''}")).exists():
            number += 1
        return folder.rename(aside)


Needed = Stage | Given
"""What a stage is made from."""


def _files(folder: Path) -> dict[str, int]:
    """Name → bytes of everything that a stage holds; hidden files and its own do not count."""
    return {
        str(path.relative_to(folder)): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ABOUT and not path.name.startswith(".")
    }


def _size(size: int | None) -> str:
    return "no such file" if size is None else f"{size:,} bytes"

"""Write everything that was measured as one page that needs no other file and no network."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from results.cache.durable import write_durably
from results.kept import RECORDS
from results.paper import CITATION, TABLES
from results.report.gathering import Found, gather
from results.report.pictures import Album, embed_all
from results.report.sections import (
    OUTCOMES,
    Judged,
    Picture,
    Section,
    Sheet,
    count_origins,
    curves,
    judge_claims,
    sheets,
    table_section,
)

PAGE = "report/index.html"
"""Where the page lies below the artifacts."""
_TEMPLATES = Path(__file__).parent / "template"
COMMANDS = (
    ("Everything, on made-up people, with this page at the end", "make demo"),
    ("One table", "python scripts/reproduce.py table1"),
    ("With real data, where data.toml or CFR_DATA say where they lie", "python scripts/doctor.py"),
    ("This page again", "python scripts/report.py"),
    ("Keep a run's record", "python scripts/report.py keep artifacts/table4-real my-table4"),
    ("TABLES.md again, from the records that are kept", "python scripts/report.py tables"),
)


@dataclass(frozen=True)
class Report:
    """A page that was written.

    Attributes:
        path: The file.
        problems: What could not be read or shown, a sentence each.
        missing: What was not run, with the commands.
    """

    path: Path
    problems: tuple[str, ...]
    missing: tuple[str, ...]

    def sentences(self) -> Iterator[str]:
        """For the console."""
        yield from (f"Problem: {one}" for one in self.problems)
        yield from self.missing
        yield f"Report: {self.path} ({self.path.stat().st_size / 1e6:.1f} MB)"


def write_report(artifacts: Path, records: Path = RECORDS) -> Path:
    """Write ``report/index.html`` below the artifacts; see :func:`make_report`."""
    return make_report(artifacts, records).path


def make_report(artifacts: Path, records: Path = RECORDS) -> Report:
    """Gather what lies there, judge the paper's claims by it, and write the page.

    A file that cannot be read is told on the page, and what is missing is named.

    Args:
        artifacts: The folder of outputs.
        records: The folder of records kept for good.

    Raises:
        CacheFailed: The page could not be written; what stood there before still does.
    """
    found = gather(artifacts, records)
    figures, unread = sheets(artifacts)
    contents = Contents(
        found=found,
        claims=judge_claims(found),
        tables=tuple(table_section(table, found) for table in TABLES),
        curves=curves(found),
        figures=figures,
        others=tuple(table_section(table, found) for table in found.others()),
    )
    album = embed_all(contents.files())
    problems = tuple(
        one.replace(f"{artifacts}/", "") for one in (*found.problems, *unread, *album.problems)
    )
    path = artifacts / PAGE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, _render(contents, album, problems).encode())
    return Report(path, problems, tuple(contents.missing()))


@dataclass(frozen=True)
class Contents:
    """The page's sections."""

    found: Found
    claims: tuple[Judged, ...]
    tables: tuple[Section, ...]
    curves: dict[str, tuple[Picture, ...]]
    figures: tuple[Sheet, ...]
    others: tuple[Section, ...]

    def files(self) -> Iterator[Path]:
        """All pictures, what matters most first."""
        for pictures in (*(one.pictures for one in self.figures), *self.curves.values()):
            yield from (one.path for one in pictures)
        for section in (*self.tables, *self.others):
            yield from (one.path for one in section.pictures)

    def missing(self) -> Iterator[str]:
        """What was not run, with the commands."""
        yield from (one.missing for one in self.tables if one.missing)
        yield from (one.missing for one in self.figures if one.missing)


def _render(contents: Contents, album: Album, problems: Sequence[str]) -> str:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    said = [one.outcome for one in contents.claims]
    return environment.get_template("page.html").render(
        vars(contents),
        album=album.pictures,
        citation=CITATION,
        commands=COMMANDS,
        origins=count_origins(contents.found),
        outcomes={word: said.count(word) for word in OUTCOMES},
        problems=problems,
    )

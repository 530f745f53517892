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
    ("Keep a run's record", "python scripts/report.py keep artifacts/table4 table4-released"),
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
    tables = [table_section(table, found) for table in TABLES]
    others = [table_section(table, found) for table in found.others()]
    figures, unread = sheets(artifacts)
    shown = curves(found)
    album = embed_all(_files(shown, figures, [*tables, *others]))
    problems = [
        one.replace(f"{artifacts}/", "") for one in (*found.problems, *unread, *album.problems)
    ]
    missing = (
        *(one.missing for one in tables if one.missing),
        *(f"{one.title} was not drawn: {one.command}" for one in figures if not one.pictures),
    )
    text = _render(found, tables, others, figures, shown, album, problems)
    path = artifacts / PAGE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, text.encode())
    return Report(path, tuple(problems), missing)


def _files(
    shown: dict[str, tuple[Picture, ...]], figures: Sequence[Sheet], sections: Sequence[Section]
) -> Iterator[Path]:
    """All pictures, what matters most first."""
    for pictures in (*(one.pictures for one in figures), *shown.values()):
        yield from (one.path for one in pictures)
    for section in sections:
        yield from (one.path for one in section.pictures)


def _render(
    found: Found,
    tables: Sequence[Section],
    others: Sequence[Section],
    figures: Sequence[Sheet],
    shown: dict[str, tuple[Picture, ...]],
    album: Album,
    problems: Sequence[str],
) -> str:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    claims = judge_claims(found)
    outcomes = {word: sum(one.outcome == word for one in claims) for word in OUTCOMES}
    return environment.get_template("page.html").render(
        album=album.pictures,
        citation=CITATION,
        claims=claims,
        commands=COMMANDS,
        curves=shown,
        figures=figures,
        found=found,
        origins=count_origins(found),
        others=others,
        outcomes=outcomes,
        problems=problems,
        tables=tables,
    )

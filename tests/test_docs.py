"""The documentation: everything is in the index, every link leads somewhere, every command parses.

Commands are parsed by the scripts themselves, up to where they would begin to work.
"""

import importlib
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
import tyro
from rich.console import Console

from protocols.errors import BadOption
from results.bench.subjects import SUBJECTS

PROJECT = Path(__file__).resolve().parent.parent
PAGES = [*sorted((PROJECT / "docs").glob("*.md")), *sorted(PROJECT.glob("*.md"))]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(python scripts/[^`]+)`")
NAMED = re.compile(
    r"`((?:assets|cfr|eval|protocols|recognizers|results|scripts|tests)/[\w/.-]+\.\w+)`"
)
PLACEHOLDER = re.compile(r"NAME|\b(test_|test_figure_)?x\.py$")
PATTERN = re.compile(r"[|…\[\]]")
"""What marks a line as a pattern for a reader, not a command: alternatives, and so on."""


def anchors(page: Path) -> set[str]:
    """A page's headings as GitHub makes anchors of them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", heading).lower())
        anchor = words.strip().replace(" ", "-")
        again = sum(
            one == anchor or re.fullmatch(f"{anchor}-[0-9]+", one) is not None for one in found
        )
        found.add(f"{anchor}-{again}" if again else anchor)
    return found


def links(page: Path) -> list[str]:
    text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", page.read_text()))
    return [first or second for first, second in LINK.findall(text)]


def test_every_page_is_in_the_index(project: Path) -> None:
    index = project / "docs" / "README.md"
    listed = {target.partition("#")[0] for target in links(index)}
    assert {page.name for page in (project / "docs").glob("*.md")} - {index.name} <= listed


def test_every_relative_link_leads_somewhere() -> None:
    broken, counted = [], 0
    for page in PAGES:
        for target in links(page):
            if re.match(r"[a-z]+:", target):
                continue
            counted += 1
            path, _, anchor = target.partition("#")
            place = page if not path else page.parent / path
            if not place.exists() or (anchor and anchor not in anchors(place)):
                broken.append(f"{page.name}: {target}")
    assert not broken
    assert counted > 100


def test_every_file_that_is_named_is_there(project: Path) -> None:
    absent, counted = [], 0
    for page in PAGES:
        for name in NAMED.findall(page.read_text()):
            counted += 1
            if not (project / name).exists() and not PLACEHOLDER.search(name):
                absent.append(f"{page.name}: {name}")
    assert not absent
    assert counted > 100


def test_every_benchmark_is_on_its_page(project: Path) -> None:
    named = re.findall(r"\[([a-z0-9-]+)\](?!\()", (project / "docs/benchmarks.md").read_text())
    assert sorted(named) == sorted(SUBJECTS)


class Parsed(Exception):
    """A command line was understood; the script goes no further."""


def commands(page: Path) -> list[str]:
    """Every command line of ours on a page, in blocks and within sentences."""
    text = page.read_text()
    blocks = [block[4:-3] for block in FENCE.findall(text) if block.startswith("```\n")]
    blocks += [" ".join(one.split()) for one in INLINE.findall(FENCE.sub("", text))]
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    parts = [part for line in lines for part in re.split(r"\s&&\s", line.partition("  #")[0])]
    return [part for part in parts if "scripts/" in part]


def words_of(command: str) -> list[str]:
    """The script and its options, without what stands before ``scripts/``."""
    words = shlex.split(command, comments=True)
    start = next(index for index, word in enumerate(words) if word.startswith("scripts/"))
    return words[start:]


@pytest.fixture
def parse(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], None]:
    """Gives a script its words, and stops it as soon as they are understood."""

    def stopping(real: Callable[..., Any]) -> Callable[..., NoReturn]:
        def understood(*given: Any, **named: Any) -> NoReturn:
            real(*given, **named)
            raise Parsed

        return understood

    def run(words: list[str]) -> None:
        monkeypatch.setattr(sys, "argv", words)
        importlib.import_module(f"scripts.{Path(words[0]).stem}").main(Console(quiet=True))

    monkeypatch.chdir(project)
    monkeypatch.setattr(tyro, "cli", stopping(tyro.cli))
    from_dict = tyro.extras.subcommand_cli_from_dict
    monkeypatch.setattr(tyro.extras, "subcommand_cli_from_dict", stopping(from_dict))
    return run


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_command_line_parses(
    page: Path, parse: Callable[[list[str]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    refused = []
    for command in commands(page):
        if PATTERN.search(command):
            continue
        words = words_of(command)
        if not (PROJECT / words[0]).is_file():
            refused.append(f"{command}: no such script")
            continue
        try:
            parse(words)
        except Parsed:
            continue
        except BadOption as error:
            if "expected a folder" not in str(error):  # a reader's folder need not be here
                refused.append(f"{command}: {error}")
        except SystemExit:
            told = " ".join(re.sub(r"[─-╿]", " ", capsys.readouterr().err).split())
            refused.append(f"{command}: {told}")
    assert not refused, "\n".join(refused)


def test_commands_are_found() -> None:
    found = [command for page in PAGES for command in commands(page)]
    assert len(found) > 150
    assert sum(bool(PATTERN.search(command)) for command in found) < 10


def test_a_wrong_option_would_be_found(parse: Callable[[list[str]], None]) -> None:
    with pytest.raises(SystemExit):
        parse(words_of("CFR_DATA=x python scripts/make_synthetic.py OUT --scale enormous"))
    with pytest.raises(BadOption):
        parse(words_of("python scripts/make_synthetic.py OUT --seed -1"))
    with pytest.raises(Parsed):
        parse(words_of("torchrun --nproc-per-node 2 scripts/train_gan.py PAIRS --devices 2"))


def test_every_script_answers_help(
    project: Path, parse: Callable[[list[str]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    for script in sorted((project / "scripts").glob("[!_]*.py")):
        with pytest.raises(SystemExit) as ended:
            parse([f"scripts/{script.name}", "--help"])
        assert ended.value.code == 0
        assert "usage" in capsys.readouterr().out.lower(), script

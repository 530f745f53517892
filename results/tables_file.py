"""``TABLES.md``: what the kept records say, written by nobody's hand."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from protocols.roots import project_root
from results.cache.durable import write_durably
from results.kept import kept_records
from results.record import Cell, Comparison, RunRecord
from results.tables.remarks import remarks
from results.verdicts import Verdict, judge
from results.verdicts.types import FEWEST_TRAININGS

TABLES_FILE = "TABLES.md"
_HEAD = (
    "Made by `python scripts/report.py tables` from `results/records/*.json`, the records of "
    "longer runs; a test fails where the two differ. A cell is the number measured, its 95 % "
    "interval, and the paper's number where there is one. What was measured on the synthetic "
    "world, on made-up people, says whether the code works and the rows are in the paper's order; "
    "it is no number of the real set."
)
_RULE = (
    f"*Reproduced* needs every comparison of a claim to hold over {FEWEST_TRAININGS} trainings of "
    "each row or more: a paired 95 % interval wholly above 0 in the claimed direction, or within "
    "what the claim tolerates. *Not reproduced*: all were measured over as many trainings and one "
    "does not hold, or one goes the other way, however few the trainings. Intervals are not "
    "corrected for their number."
)


def tables_markdown(records: Mapping[str, RunRecord]) -> str:
    """Every record's table, differences and provenance, after the verdicts over all of them.

    Args:
        records: By name.
    """
    verdicts = judge(list(records.values()), list(records))
    parts = ["# Tables", _HEAD, "## Verdicts", _RULE, _outcomes(verdicts), *_verdicts(verdicts)]
    for name, record in records.items():
        parts += _section(name, record)
    return "\n\n".join(parts) + "\n"


def write_tables(path: Path | None = None) -> Path:
    """Write what the kept records say.

    Args:
        path: Where to; the checkout's ``TABLES.md`` by default.

    Raises:
        BadInput: A kept record is none.
        CacheFailed: The file could not be written; what stood there before still does.
    """
    path = project_root() / TABLES_FILE if path is None else path
    write_durably(path, tables_markdown(kept_records()).encode())
    return path


def _outcomes(verdicts: Sequence[Verdict]) -> str:
    """All verdicts at one glance."""
    rows = ([one.claim.name, f"*{one.outcome}*", _about(one)] for one in verdicts)
    return _table(["claim", "verdict", "data, record"], rows, left=3)


def _about(one: Verdict) -> str:
    return f"{one.data}, [{one.record}](#{one.record})" if one.record else one.data


def _verdicts(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Each claim with what was found below it."""
    claims = {one.claim.name: one.claim for one in verdicts}
    for name, claim in claims.items():
        lines = [f"**{claim.statement}** ({name})", ""]
        own = [one for one in verdicts if one.claim.name == name]
        lines += [f"- *{one.outcome}* ({_about(one)}). {_text(one.sentence)}" for one in own]
        notes = dict.fromkeys(note for one in own for note in one.notes)
        if notes:
            lines.append(f"- {_text(' '.join(notes))}")
        yield "\n".join(lines)


def _section(name: str, record: RunRecord) -> Iterator[str]:
    yield f"## {name}"
    yield f"{_text(record.title)}. Rule: {_text(_sentence(record.rule))}"
    yield _table(
        ["", *(_header(record, column) for column in record.columns)],
        (
            [_text(row), *(_value(record.cell(row, one)) for one in record.columns)]
            for row in record.rows
        ),
    )
    if record.comparisons:
        yield "Differences, pair by pair; bold where the interval excludes 0:"
        yield _differences(record)
    notes = [*_provenance(record), *(_text(_sentence(note)) for note in remarks(record))]
    yield "\n".join(f"- {note}" for note in notes)


def _header(record: RunRecord, column: str) -> str:
    """With the number of units, where all rows have the same."""
    units = {cell.n for row in record.rows if (cell := record.cell(row, column)).n is not None}
    return f"{_text(column)} (n={units.pop():,})" if len(units) == 1 else _text(column)


def _value(cell: Cell) -> str:
    if cell.origin == "reported by the paper":
        return f"reported {_number(cell.value)}"
    told = _number(cell.value)
    if cell.interval is not None:
        told += f" ({_number(cell.interval[0])} to {_number(cell.interval[1])})"
    return told if cell.paper is None else f"{told}; paper {_number(cell.paper)}"


def _differences(record: RunRecord) -> str:
    pairs: dict[str, dict[str, str]] = {}
    for one in record.comparisons:
        pairs.setdefault(f"{one.left} − {one.right}", {})[one.column] = _difference(one)
    columns = [one for one in record.columns if any(one in told for told in pairs.values())]
    rows = ([_text(pair), *(told.get(one, "–") for one in columns)] for pair, told in pairs.items())
    return _table(["", *map(_text, columns)], rows)


def _difference(one: Comparison) -> str:
    told = _number(one.difference, "+.3f")
    if one.interval is not None:
        told += f" ({_number(one.interval[0], '+.3f')} to {_number(one.interval[1], '+.3f')})"
    return f"**{told}**" if one.real else told


def _provenance(record: RunRecord) -> Iterator[str]:
    """Origin, trainings, command, commit, time."""
    origins = ", ".join(sorted({cell.origin for cell in record.cells}))
    measured = [cell.seeds for cell in record.cells if cell.origin.startswith("measured")]
    fewest, most = min(measured, default=0), max(measured, default=0)
    seeds = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    yield f"Origin: {origins}. Trainings of a row: {seeds}. Status: {_text(record.status)}."
    environment = record.environment
    changed = "" if environment.git_dirty is False else " with changed files"
    yield (
        f"`{environment.command or 'no command of ours'}` at commit "
        f"{(environment.git_commit or 'none')[:12]}{changed}, seed {record.seed}, "
        f"{environment.device}: {record.seconds:,.1f} s."
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """The first columns stand on the left; the others are numbers."""
    sides = ["---"] * left + ["---:"] * (len(header) - left)
    lines = [header, sides, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _number(value: float | None, form: str = ".3f") -> str:
    return "–" if value is None else format(value, form).replace("-", "−")


def _sentence(text: str) -> str:
    return text if text.endswith((".", ":")) else f"{text}."


def _text(text: str) -> str:
    """Signs that Markdown would take for its own stand for themselves."""
    for sign in "\\|<*_[]`":
        text = text.replace(sign, f"\\{sign}")
    line = " ".join(text.split())
    return f"\\{line}" if line[:1] in {"#", ">", "+", "-"} else line

"""List every data set, weight file and optional package: found, missing or wrong."""

import json
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from protocols.manifest import Finding, inspect, read_manifest
from results.console import run

_COLOURS = {"found": "green", "missing": "yellow", "wrong": "red"}


@dataclass(frozen=True)
class Doctor:
    """What to look for, and how to print it."""

    names: tuple[str, ...] = ()
    """Entries of the manifest to look for; all by default."""
    json: bool = False
    """Print JSON instead of a table."""


def main(console: Console) -> int:
    """Look for everything; the exit status is 1 if something is wrong."""
    import tyro

    config = tyro.cli(Doctor, prog="doctor.py", description=__doc__)
    manifest = read_manifest()
    unknown = sorted(set(config.names) - set(manifest))
    if unknown:
        console.print(f"unknown: {', '.join(unknown)}; known: {', '.join(manifest)}")
        return 2
    chosen = [manifest[name] for name in config.names or manifest]
    findings = [finding for entry in chosen for finding in inspect(entry)]
    if config.json:
        console.print_json(json.dumps([asdict(finding) for finding in findings]))
    else:
        _print(findings, console)
    return int(any(finding.state == "wrong" for finding in findings))


def _print(findings: list[Finding], console: Console) -> None:
    table = Table(show_lines=True)
    for column in ("what", "state", "where it looked, and what is there", "how to get it; licence"):
        table.add_column(column, overflow="fold")
    for one in findings:
        state = f"[{_COLOURS[one.state]}]{one.state}[/]"
        where = f"{one.looked}\n{one.detail}".strip()
        table.add_row(one.entry, state, where, f"{one.get}\n{one.licence}")
    console.print(table)
    counts = {state: sum(one.state == state for one in findings) for state in _COLOURS}
    console.print(", ".join(f"{number} {state}" for state, number in counts.items()))


if __name__ == "__main__":
    run(main)

"""List every data set, weight file and optional package: found, missing or wrong."""

import json
from dataclasses import asdict, dataclass
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape

from protocols.errors import BadOption
from protocols.manifest import Finding, inspect, read_manifest, unknown_roots
from results.console import run

_COLOURS = {"found": "green", "missing": "yellow", "wrong": "red"}


@dataclass(frozen=True)
class Doctor:
    """What to look for, and how to print it."""

    names: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Entries of the manifest to look for; all by default."""
    json: bool = False
    """Print JSON instead of text."""


def main(console: Console) -> int:
    """Look for everything; the exit status is 1 if something is wrong."""
    config = tyro.cli(Doctor, prog="doctor.py", description=__doc__)
    manifest = read_manifest()
    unknown = sorted(set(config.names) - set(manifest))
    if unknown:
        raise BadOption(", ".join(unknown), f"any of {', '.join(manifest)}")
    findings = unknown_roots(manifest)
    with console.status("looking"):  # digests and counts of a large data set take a while
        for name in config.names or manifest:
            findings.extend(inspect(manifest[name]))
    if config.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        _print(findings, console)
    return int(any(finding.state == "wrong" for finding in findings))


def _print(findings: list[Finding], console: Console) -> None:
    for one in findings:
        state = f"[{_COLOURS[one.state]}]{one.state:8}[/]"
        console.print(f"{state}[bold]{escape(one.entry)}[/]: {escape(one.title)}")
        lines = {"looked": one.looked, "": one.detail, "licence": one.licence}
        if one.state != "found":
            lines["get"] = one.get
        for label, text in lines.items():
            if text:
                console.print(f"        [dim]{label:8}[/]{escape(text)}", highlight=False)
    counts = {state: sum(one.state == state for one in findings) for state in _COLOURS}
    console.print(", ".join(f"{number} {state}" for state, number in counts.items()))


if __name__ == "__main__":
    run(main)

"""From the parts to the finished set: pictures, versions, lists of both, counts, a sheet."""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from protocols.counts import FILE
from protocols.errors import BadInput
from protocols.images import decode_image
from results.augmenting import rafdb_writer
from results.augmenting.finding import photo
from results.augmenting.parts import FAILURES, Done, read_part, read_versions
from results.augmenting.sets import SourceSet
from results.augmenting.versions import Version
from results.augmenting.writers import Entry, SetWriter, ToFolders, ToRecords
from results.figures.augmented import Shown, draw_versions

VERSIONS, FAILED, SHEET = "versions.csv", "failures.csv", "sheet.png"
_SHOWN = 12
_WRITERS: dict[str, Callable[[Path, SourceSet], SetWriter]] = {
    "records": ToRecords,
    "folders": ToFolders,
    "rafdb": rafdb_writer.ToRafdb,
}


@dataclass(frozen=True)
class Assembly:
    """A set whose parts are all there.

    Attributes:
        out: Where it goes.
        source: What it is made of.
        parts: The folder of the parts.
        block: Pictures of a part.
        to: The format to write.
        drop: Whether pictures without versions because of a failure are left out.
        why: What the set is, for its ``counts.json``.
    """

    out: Path
    source: SourceSet
    parts: Path
    block: int
    to: str
    drop: bool
    why: str

    def write(self, advance: Callable[[int], None]) -> dict[str, Any]:
        """Write everything; what a killed run left is written again.

        Returns:
            The counts, for the record.

        Raises:
            BadInput: A part is damaged, a picture changed meanwhile, an identity has no picture
                left, or there is no version at all.
        """
        counts, shown = self._count()
        self._write_counts(counts)
        pictures: list[list[Shown]] = []
        with ExitStack() as stack:
            versions = stack.enter_context((self.parts / VERSIONS).open("w", newline=""))
            table = csv.writer(versions, lineterminator="\n")
            table.writerow(["picture", "source", "kind", "yaw_degrees", "pitch_degrees"])
            writer = _WRITERS[self.to](self.out, self.source)
            try:
                for entry in self._entries(advance):
                    names = writer.add(entry)
                    for name, one in zip(names[1:], entry.done.versions, strict=True):
                        own = self.source.name(entry.at)
                        table.writerow([name, own, one.kind, _cell(one.yaw), _cell(one.pitch)])
                    if entry.at in shown:
                        pictures.append(self._shown(entry))
                writer.close()
            except BaseException:
                writer.discard()
                raise
        (self.parts / VERSIONS).replace(self.out / VERSIONS)
        draw_versions(pictures).savefig(self.parts / SHEET)
        (self.parts / SHEET).replace(self.out / SHEET)
        return counts

    def _blocks(self) -> Iterator[tuple[int, range]]:
        for number, first in enumerate(range(0, len(self.source), self.block)):
            yield number, range(first, min(first + self.block, len(self.source)))

    def _kept(self, done: Done) -> bool:
        return not done.failure or (done.failure != "damaged" and not self.drop)

    def _count(self) -> tuple[dict[str, Any], set[int]]:
        """What there is, and which pictures the sheet shows; failures are listed on the way."""
        kinds: Counter[str] = Counter()
        failures: Counter[str] = Counter()
        kept = np.zeros(len(self.source), bool)
        turned: list[int] = []
        with (self.parts / FAILED).open("w", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(["picture", "failure", "why", "kept"])
            for number, places in self._blocks():
                for at, one in zip(places, read_part(self.parts, number), strict=True):
                    kept[at] = self._kept(one)
                    kinds.update(version.kind for version in one.versions)
                    turned += [at] * bool(one.versions)
                    if one.failure:
                        failures[one.failure] += 1
                        row = [self.source.name(at), one.failure, one.why, int(kept[at])]
                        table.writerow(row)
        (self.parts / FAILED).replace(self.out / FAILED)
        self._check(kept, turned, failures)
        some = np.unique(np.linspace(0, len(turned) - 1, min(_SHOWN, len(turned))).astype(int))
        counts = {
            "pictures": len(self.source),
            "kept": int(kept.sum()),
            "added": dict(sorted(kinds.items())),
            "failures": {name: failures[name] for name in FAILURES},
        }
        return counts, {turned[at] for at in some.tolist()}

    def _check(self, kept: np.ndarray, turned: list[int], failures: Counter[str]) -> None:
        if not turned:
            found = ", ".join(f"{name} {count:,}" for name, count in failures.items())
            raise BadInput(self.source.source, "", "a face to turn", found or "none was drawn")
        left = np.unique(self.source.labels[kept])
        if len(left) < len(self.source.identities) and self.source.kind != "rafdb":
            gone = np.setdiff1d(np.arange(len(self.source.identities)), left)[0]
            name = self.source.identities[int(gone)]
            expected = "a picture that is not left out (--missing keep)"
            raise BadInput(self.source.source, f"identity {name}", expected, "none")

    def _write_counts(self, counts: dict[str, Any]) -> None:
        """Before anything else, so that a set that is not finished is refused."""
        added = sum(counts["added"].values())
        if self.source.kind == "rafdb":
            more = added + counts["kept"] - counts["pictures"]
            numbers = rafdb_writer.counts_of(self.source, more)
        else:
            identities = len(self.source.identities)
            numbers = {"photos": counts["kept"] + added, "identities": identities}
        text = json.dumps({"why": self.why, "counts": numbers}, indent=1, ensure_ascii=False)
        (self.out / FILE).write_text(text + "\n", encoding="utf-8")

    def _entries(self, advance: Callable[[int], None]) -> Iterator[Entry]:
        for number, places in self._blocks():
            done = read_part(self.parts, number)
            contents = read_versions(self.parts, number, done)
            for at, one, versions in zip(places, done, contents, strict=True):
                if self._kept(one):
                    content = photo(self.source, at).content
                    if hashlib.sha256(content).hexdigest() != one.sha256:
                        expected = "the picture that versions were made of (begin anew)"
                        raise BadInput(*self.source.place(at), expected, "another one")
                    yield Entry(at, content, one, tuple(versions))
            advance(len(places))

    def _shown(self, entry: Entry) -> list[Shown]:
        contents = (entry.content, *entry.versions)
        titles = ("picture", *map(_title, entry.done.versions))
        return [
            Shown(title, decode_image(content, *self.source.place(entry.at)))
            for title, content in zip(titles, contents, strict=True)
        ]


def _title(version: Version) -> str:
    if version.kind != "turned":
        return version.kind
    pitch = "" if version.pitch is None else f", pitch {version.pitch:.0f}°"
    return f"yaw {version.yaw:.0f}°{pitch}"


def _cell(angle: float | None) -> str:
    return "" if angle is None else f"{angle:g}"

"""Artifacts as commands leave them, small, and a reader of the page that is made of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from protocols.images import save_image
from results.paper import TABLES
from results.record import Cell, Comparison, Environment, RunRecord

VOID = ("img", "meta", "br", "link", "input")
EVIL = '<script>alert("&")</script>'


def ramp(height: int = 24, width: int = 40) -> np.ndarray:
    """A picture in colours."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x % 256, y % 256, (x + y) % 256], axis=-1).astype(np.uint8)


def table1(
    *, seeds: int = 1, value: float = 90.0, n: int = 600, profile: str = "tiny"
) -> RunRecord:
    """All rows but one measured on made-up people; R&R lacks its weights."""
    plain, rival, ours = rows = tuple(TABLES["table1"].rows)
    columns = TABLES["table1"].columns

    def cell(row: str, column: str) -> Cell:
        paper = TABLES["table1"].rows[row][column].value
        if row == rival:
            return Cell(row, column, None, "unavailable", paper=paper, reason=f"absent: {EVIL}")
        ends = (value - 1.5, value + 1.5)
        return Cell(
            row, column, value, "measured on the synthetic world", n, ends, paper, seeds=seeds
        )

    return RunRecord(
        table="table1",
        title=TABLES["table1"].title,
        rule="ten folds",
        columns=columns,
        rows=rows,
        cells=tuple(cell(row, column) for row in rows for column in columns),
        comparisons=tuple(
            Comparison(ours, plain, column, 0.75, (0.25, 1.25), True, seeds) for column in columns
        ),
        config={"data": "synthetic", "profile": profile},
        inputs={"pairs.txt": "e" * 64},
        seed=0,
        seconds=12.5,
        environment=Environment(
            "c" * 40, False, "cpu", {"numpy": "2.0"}, "python scripts/reproduce.py table1"
        ),
        notes=(f"A note with {EVIL}.",),
        weights={"res18": "ab" * 32},
    )


def write(folder: Path, record: RunRecord) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "record.json").write_text(record.to_json())
    return folder


@pytest.fixture
def artifacts(tmp_path: Path, record: RunRecord) -> Path:
    """Table 1, Table 4 with curves, an evaluation with ROC and DET, Fig. 5; no more."""
    root = tmp_path / "artifacts"
    write(root / "table1", table1())
    four = write(root / "table4", replace(record, table="table4"))
    for name in ("table4", "first-foremost", "table4-points-on-photos"):
        save_image(four / f"{name}.png", ramp())
    other = write(root / "evaluate-x-1-1", replace(record, table="evaluate-x-1-1"))
    for name in ("roc", "det"):
        save_image(other / f"evaluate-x-1-1-{name}.png", ramp())
    save_image(other / "second-scores.png", ramp())
    (root / "fig5").mkdir()
    save_image(root / "fig5" / "fig5.png", ramp())
    told = {
        "title": "Turned & cleared",
        "caption": f"Made-up people {EVIL}.",
        "environment": {"command": "python scripts/reproduce.py fig5 --seed 3"},
    }
    (root / "fig5" / "fig5.json").write_text(json.dumps(told))
    return root


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """One record that is kept for good: of Table 1, over three trainings."""
    folder = tmp_path / "records"
    folder.mkdir()
    kept = table1(seeds=3, value=95.5, n=6000, profile="mini")
    (folder / "table1-synthetic-mini.json").write_text(kept.to_json())
    return folder


@dataclass
class Read(HTMLParser):
    """A page taken apart.

    Attributes:
        text: What is to be read, without what opens.
        boxes: What opens, by the id of its element.
        attributes: Of every tag: its name, and its attributes.
        errors: Tags that do not nest.
    """

    text: str = ""
    boxes: dict[str, str] = field(default_factory=dict)
    attributes: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    opened: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.attributes.append((tag, found))
        if tag not in VOID:
            self.opened.append((tag, found["id"] if "popover" in found else ""))

    def handle_endtag(self, tag: str) -> None:
        last, _ = self.opened.pop() if self.opened else ("", "")
        if last != tag:
            self.errors.append(f"</{tag}> at {self.getpos()} closes <{last}>")

    def handle_data(self, data: str) -> None:
        data = " ".join(data.split())
        if not data or {"script", "style"} & {tag for tag, _ in self.opened}:
            return
        if box := "".join(box for _, box in self.opened):
            self.boxes[box] = f"{self.boxes.get(box, '')} {data}".strip()
        else:
            self.text = f"{self.text} {data}".strip()

    def all_of(self, name: str) -> list[str]:
        """The values of an attribute, of all tags."""
        return [found[name] for _, found in self.attributes if name in found]


@pytest.fixture
def read() -> Callable[[Path], Read]:
    def parse(path: Path) -> Read:
        page = Read()
        page.feed(path.read_text(encoding="utf-8"))
        page.close()
        page.errors += [f"<{tag}> is not closed" for tag, _ in page.opened]
        return page

    return parse

"""The networks that come with the project: what they are, and that they do what their cards say."""

import csv
import json
from pathlib import Path

import pytest

from cfr.morphable.sources import load_model
from cfr.regressor.weights import load, read_about

STAGES = ("baseline", "stage1", "stage2")
MOST = 8_000_000  # bytes of all three together
TOLD = {  # NME %, mean of the yaw bins, crops by labelled points
    "baseline": 8.385,
    "baseline, occluded": 11.763,
    "stage1": 8.210,
    "stage1, occluded": 10.359,
    "stage2": 8.205,
    "stage2, occluded": 10.261,
}


@pytest.fixture(scope="module")
def assets(project: Path) -> dict[str, Path]:
    return {stage: project / f"assets/regressor-{stage}.safetensors" for stage in STAGES}


def test_regressors_load_and_are_small(assets: dict[str, Path]) -> None:
    layout = load_model("builtin").layout()
    for path in assets.values():
        net = load(path, layout)
        assert net.size == 112
        assert not net.training
    assert sum(path.stat().st_size for path in assets.values()) <= MOST


def test_cards_say_what_matters(assets: dict[str, Path]) -> None:
    for stage, path in assets.items():
        card, about = path.with_suffix(".md").read_text(), read_about(path)
        for word in ("research only", "train_photos_strict.txt", "| seed | 0 |", f" {stage} "):
            assert word in card, word
        assert about["stage"] == stage
        assert about["command"] in card
        assert path.with_name(f"{path.stem}-curves.png").is_file()
        assert "/tmp" not in card
        assert "/home" not in card


def test_no_trained_person_is_in_a_pair(shared: Path) -> None:
    lists = shared / "lfw/lists"
    trained = {
        line.split("/")[0] for line in (lists / "train_photos_strict.txt").read_text().split()
    }
    rows = (shared / "lfw/pairs.txt").read_text().splitlines()[1:]
    tested = {word for row in rows for word in row.split("\t") if not word.isdigit()}
    assert len(trained) == 1468
    assert not trained & tested


@pytest.mark.slow
def test_they_are_as_good_as_told(shared: Path, tmp_path: Path) -> None:
    """Means of docs/regressor.md, on the photos that they were measured on."""
    from results.publish import write
    from results.tables.table4 import Table4, compute

    root = shared / "aflw2000"
    options = Table4(source="models", root=root, others=(), resamples=200, cache=tmp_path / "cache")
    write(compute(options), tmp_path)
    with (tmp_path / "table4.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["column"] == "Mean"]
    assert {row["n"] for row in rows} == {"1000"}, "the figures are of 1,000 photos, not of these"
    means = {row["row"]: float(row["value"]) for row in rows}
    assert json.loads((tmp_path / "record.json").read_text())["table"] == "table4"
    assert {row: means[row] for row in TOLD} == pytest.approx(TOLD, abs=0.05)
    lost = {stage: means[f"{stage}, occluded"] - means[stage] for stage in STAGES}
    assert lost["stage2"] < lost["stage1"] < 0.7 * lost["baseline"]


def test_what_is_told_is_what_the_page_says(project: Path) -> None:
    page = (project / "docs/regressor.md").read_text()
    for stage in STAGES:
        clean, occluded = TOLD[stage], TOLD[f"{stage}, occluded"]
        assert f"| `{stage}` | {clean:.3f} | {occluded:.3f} |" in page

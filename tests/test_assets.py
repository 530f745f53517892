"""The networks that come with the project: what they are, and that they do what their cards say."""

import csv
import json
from pathlib import Path

import pytest

from cfr.morphable.sources import load_model
from cfr.regressor.weights import load, read_about

STAGES = ("baseline", "stage1", "stage2")
MOST = 8_000_000  # bytes of all three together


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
    """Every tenth photo at hand: means near those of docs/table4.md, hands cost stage 2 less."""
    from results.publish import write
    from results.tables.table4 import Table4, compute

    root = shared / "aflw2000"
    names = (root / "AFLW2000-3D_crop.list").read_text().split()
    there = [name for name in names if (root / "AFLW2000-3D" / name).is_file()]
    subset = tmp_path / "subset.txt"
    subset.write_text("\n".join(there[::10]))
    result = compute(
        Table4(
            source="models",
            root=root,
            others=(),
            subset=subset,
            resamples=200,
            cache=tmp_path / "cache",
        )
    )
    write(result, tmp_path)
    with (tmp_path / "table4.csv").open() as file:
        means = {
            row["row"]: float(row["value"])
            for row in csv.DictReader(file)
            if row["column"] == "Mean"
        }
    assert json.loads((tmp_path / "record.json").read_text())["table"] == "table4"
    lost = {stage: means[f"{stage}, occluded"] - means[stage] for stage in STAGES}
    assert max(means[stage] for stage in STAGES) < 9.5
    assert lost["stage2"] < 0.8 * lost["baseline"]

"""The networks that come with the project: what they are, and that they do what their cards say."""

import csv
import hashlib
import json
import re
from pathlib import Path

import pytest

from cfr.gan.presets import PRESETS
from cfr.gan.weights import GeneratorKind, open_generator
from cfr.morphable.sources import load_model
from cfr.regressor.weights import load, read_about

GENERATORS = ("mini", "mini-short", "mini-without-identity", "rotate-and-render-mini")
PHOTOS = "assets/gan-photos.sha256"
"""The photos that all generators were trained on."""
TESTED = (
    "faces/masked_pairs_prajnasb",
    "faces/rwmfd_part1_sample",
    "faces/cfrgan_test_imgs",
    "expressions",
    "aflw2000/AFLW2000-3D",
)
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


def test_all_of_them_are_small(project: Path) -> None:
    sizes = [one.stat().st_size for one in (project / "assets").iterdir()]
    assert max(sizes) <= 12_000_000
    assert sum(sizes) <= 24_000_000


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_loads_and_its_card_says_what_matters(project: Path, name: str) -> None:
    path = project / f"assets/gan-{name}.safetensors"
    kind: GeneratorKind = "rotate-and-render" if name.startswith("rotate") else "cfr-gan"
    saved, card = open_generator(path, kind), path.with_suffix(".md").read_text()
    assert saved.side == 112
    assert not saved.net.training
    if name.startswith("mini"):
        assert saved.net.size == PRESETS["mini"].generator
    listed = hashlib.sha256((project / PHOTOS).read_bytes()).hexdigest()
    assert listed in saved.about["photos"]
    for label, value in saved.about.items():
        assert f"| {label} | {value} |" in card
    for word in ("research only", "train_photos_strict.txt", "| seed | 0 |", f"`{name}`"):
        assert word in card, word
    assert path.with_name(f"{path.stem}-curves.png").is_file()
    assert "/tmp" not in card
    assert "/home" not in card


def test_what_is_trained_on_is_not_tested_on(project: Path, shared: Path) -> None:
    lines = (project / PHOTOS).read_text("utf-8").splitlines()
    trained = dict(line.split("  ") for line in lines)
    assert len(trained) == 1549
    listed = (shared / "lfw/lists/train_photos_strict.txt").read_text().split()
    assert set(trained.values()) <= set(listed)
    people = {name.split("/")[0] for name in trained.values()}
    rows = (shared / "lfw/pairs.txt").read_text().splitlines()[1:]
    tested = {word for row in rows for word in row.split("\t") if not word.isdigit()}
    assert not people & tested
    files = [one for folder in TESTED for one in (shared / folder).rglob("*") if one.is_file()]
    photos = shared / "lfw/lfw-deepfunneled"
    files += [one for person in sorted(tested) for one in (photos / person).glob("*.jpg")]
    assert len(files) > 4000
    found = {hashlib.sha256(one.read_bytes()).hexdigest() for one in files}
    assert not trained.keys() & found


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


@pytest.fixture(scope="module")
def gan(project: Path) -> Path:
    return project / "assets/gan-mini.safetensors"


def test_the_generators_page_says_what_its_card_says(project: Path, gan: Path) -> None:
    """Every value of the card's table stands in docs/gan.md, rounded to a tenth or a hundredth."""
    page = (project / "docs/gan.md").read_text()
    rows = [line.split("|")[1:3] for line in gan.with_suffix(".md").read_text().splitlines()
            if re.fullmatch(r"\| [a-zA-Z, ]+ \| [0-9.]+ \|", line)]  # fmt: skip
    told = {name.strip(): float(value) for name, value in rows if name.strip() != "seed"}
    assert {"hidden", "hidden, damaged", "identity", "mask IoU"} <= told.keys()
    for name, value in told.items():
        assert f"{value:.1f}" in page or f"{value:.2f}" in page, name


@pytest.mark.slow
def test_it_repairs_photos_that_it_was_not_trained_on(
    shared: Path, gan: Path, tmp_path: Path
) -> None:
    """Every twentieth photo of the list was for validation: the hidden gets closer to the photo."""
    import torch

    from cfr.gan.batches import PairDraws
    from cfr.gan.presets import GanAugmentation
    from cfr.gan.validation import validation_scores
    from cfr.gan.weights import open_generator
    from cfr.pairs.folder import PairFolder
    from results.export.work import no_bar
    from results.making_pairs import MakePairs, make_pairs_of

    names = (shared / "lfw/lists/train_photos_strict.txt").read_text().split()[19::20][:20]
    listed = tmp_path / "held-out.txt"
    listed.write_text("\n".join(names))
    photos = shared / "lfw/lfw-deepfunneled"
    made = MakePairs(photos, tmp_path / "pairs", list=listed, landmarks="dlib-hog", jobs=1)
    make_pairs_of(made, no_bar)
    saved, none = open_generator(gan), GanAugmentation(0.0, 0.0, 0.0, 0.0)
    pairs = PairFolder(made.out)
    assert len(pairs) >= 12
    draws = PairDraws(pairs, saved.side, none, binary=False, batch=12, seed=0)
    found = validation_scores(saved.net, draws, 1, torch.device("cpu"))
    assert found["hidden"] < 0.6 * found["hidden, damaged"]
    assert found["mask IoU"] > 0.4

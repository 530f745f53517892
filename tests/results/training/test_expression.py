"""Training expressions from end to end on coloured pictures; what a run leaves, and Table 3."""

import json
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from rich.console import Console

from eval.classification import class_report
from protocols import rafdb
from protocols.errors import BadInput
from protocols.images import read_image
from recognizers.onnx_about import read_about
from recognizers.training.expression import answers_of
from recognizers.vgg import VggSize
from results.tables import table3
from results.tables.table3 import Table3
from results.tracking import store_address
from results.training.expression import TrainedExpression, train_expression
from results.training.expression_files import Left
from results.training.expression_options import TrainExpression
from results.training.expression_photos import faces_of
from results.training.expression_report import summary
from results.training.expression_weights import open_expressions

Write = Callable[[Path, int, int, int | None], Path]
QUIET = Console(quiet=True)
CPU = torch.device("cpu")


@dataclass(frozen=True)
class World:
    """A run on 140 pictures.

    Attributes:
        data: The pictures.
        config: Its options.
        trained: What it left.
    """

    data: Path
    config: TrainExpression
    trained: TrainedExpression

    @property
    def left(self) -> Left:
        return self.trained.runs[0]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, write_rafdb: Write) -> Iterator[World]:
    artifacts = tmp_path_factory.mktemp("artifacts")
    threads = torch.get_num_threads()
    data = write_rafdb(artifacts / "data/rafdb", 140, 70, None)
    config = TrainExpression(
        data,
        preset="tiny",
        size=32,
        steps=50,
        batch=28,
        weighted=True,
        device="cpu",
        threads=1,
        workers=0,
        jobs=1,
        checkpoint_every=25,
        validate_every=25,
        name="vgg16",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CFR_ARTIFACTS", str(artifacts))
        yield World(data, config, train_expression(config, QUIET))
    torch.set_num_threads(threads)


def test_it_learns_what_is_to_be_seen_and_nothing_of_shuffled_labels(
    world: World, tmp_path: Path, write_rafdb: Write
) -> None:
    report = world.left.reports["test"]
    assert report.count == 70
    assert report.accuracy > 0.6
    data = write_rafdb(tmp_path / "shuffled", 140, 70, 1)
    config = replace(world.config, data=data, out=tmp_path / "run")
    left = train_expression(config, QUIET).runs[0]
    assert left.reports["test"].accuracy < 0.35


def test_the_card_says_what_was_measured_and_how_it_came_about(world: World) -> None:
    text, report = world.left.card.read_text(encoding="utf-8"), world.left.reports["test"]
    about = read_about(world.left.onnx)
    assert about["network"].startswith(
        "narrow VGG16 with batch normalisation (8 of 64 channels), 32 pixels, "
    )
    assert about["started from"] == "nothing (from scratch)"
    assert about["photos"].startswith("140 of RAF-DB (counts: counts.json (in colours); digest ")
    assert about["photos"].endswith("surprise 20, fear 20, disgust 20, happiness 20, sadness 20, "
                                    "anger 20, neutral 20")  # fmt: skip
    assert about["loss"] == "cross entropy, every class counts alike"
    assert about["seed"] == "0"
    assert "schedule" not in about
    for label, value in about.items():
        assert f"| {label} | {value} |\n" in text
    hits = int(report.confusion.trace())
    assert f"| test | {100 * report.accuracy:.2f} (" in text
    assert f"), {hits} of 70 |\n" in text
    assert f"| recall of anger | {100 * report.recall[5]:.2f} (" in text
    assert list(world.left.reports) == ["test", "occlusion", "pose > 30°"]
    for picture in ("confusion", "curves"):
        path = world.left.card.with_name(f"vgg16-{picture}.png")
        assert f"({path.name})" in text
        assert read_image(path).shape[1] > 600


def test_every_file_of_the_network_answers_alike(world: World) -> None:
    """The last validation saw the network, the report its ONNX file; half precision is close."""
    points = pd.read_csv(world.left.card.with_name("curves.csv"))
    validated = points[points["name"] == "validation: accuracy"]
    assert validated["step"].tolist() == [0, 25, 50]
    accuracy = 100 * world.left.reports["test"].accuracy
    assert validated["value"].tolist()[-1] == pytest.approx(accuracy, abs=100 / 70 + 1e-6)
    protocol = rafdb.load(world.data)
    saved = open_expressions(world.left.weights)
    assert (saved.net.size, saved.side) == (VggSize(8, 1, normalised=True), 32)
    assert saved.classes == rafdb.CLASSES
    rows = protocol.subsets["test"].astype(np.int64)
    answers = answers_of(saved.net, faces_of(protocol, rows, saved.side), CPU)
    again = class_report(protocol.labels[rows], answers, 7)
    assert abs(again.confusion - world.left.reports["test"].confusion).sum() <= 4


def test_table_3_finds_it_and_says_how_it_was_trained(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CFR_DATA", str(tmp_path))
    (tmp_path / "rafdb").symlink_to(world.data)
    (tmp_path / "recognizers").mkdir()
    for ending in ("onnx", "toml"):
        shutil.copy(world.left.onnx.with_suffix(f".{ending}"), tmp_path / "recognizers")
    record = table3.compute(Table3(jobs=1, cache=tmp_path / "cache")).record
    columns = {"total": "test", "occlusion": "occlusion", "pose > 30°": "pose > 30°"}
    for column, subset in columns.items():
        cell, report = record.cell("VGG16", column), world.left.reports[subset]
        assert cell.value == pytest.approx(100 * report.accuracy), column
        assert cell.n == report.count
    told = " ".join(record.notes)
    assert "VGG16, as its file says: preset tiny; network narrow VGG16 with batch" in told
    assert "started from nothing (from scratch)" in told
    # Without its card the file is refused, not read with other numbers.
    (tmp_path / "recognizers/vgg16.toml").unlink()
    with pytest.raises(BadInput, match=r"vgg16\.onnx, nodes: expected a card beside the file"):
        table3.compute(Table3(jobs=1, cache=tmp_path / "cache"))
    card = tomllib.loads(world.left.onnx.with_suffix(".toml").read_text())
    assert card == {"colour": "RGB", "mean": 0, "std": 255, "template": "whole"}


def test_it_is_tracked(world: World) -> None:
    from mlflow import MlflowClient

    folder = world.left.card.parent
    client = MlflowClient(store_address(folder.parents[2]))
    known = json.loads((folder / "tracked.json").read_text())["mlflow"]
    run = client.get_run(known)
    assert run.info.status == "FINISHED"
    assert run.data.params["started from"] == "nothing (from scratch)"
    accuracy = 100 * world.left.reports["occlusion"].accuracy
    assert run.data.metrics["measured_occlusion"] == pytest.approx(accuracy)
    assert "loss" in run.data.metrics
    files = {one.path for one in client.list_artifacts(known)}
    assert {"vgg16.onnx", "vgg16.toml", "vgg16.md", "vgg16-confusion.png", "curves.csv"} <= files


def test_a_finished_run_is_not_trained_again_and_other_options_are_refused(world: World) -> None:
    curves = world.left.card.with_name("curves.csv").read_bytes()
    weights = world.left.weights
    before = open_expressions(weights).net.state_dict()
    again = train_expression(world.config, QUIET).runs[0]
    assert world.left.card.with_name("curves.csv").read_bytes() == curves
    for name, tensor in open_expressions(again.weights).net.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    with pytest.raises(BadInput, match="the options, photos and code that the run began with"):
        train_expression(replace(world.config, weighted=False), QUIET)


def test_a_run_starts_from_one_of_ours_and_seeds_are_told_together(
    world: World, tmp_path: Path
) -> None:
    begin = world.left.weights
    config = replace(
        world.config,
        start=begin,
        steps=1,
        learning_rate=1e-9,
        seeds=(3, 4),
        validate_every=1,
        out=tmp_path / "more",
    )
    trained = train_expression(config, QUIET)
    assert list(trained.runs) == [3, 4]
    for seed, left in trained.runs.items():
        assert left.onnx == tmp_path / f"more/seed-{seed}/vgg16.onnx"
        about = read_about(left.onnx)
        assert about["started from"].startswith("vgg16.safetensors (sha256 ")
        assert about["seed"] == str(seed)
        ours, theirs = (open_expressions(one).net.state_dict() for one in (begin, left.weights))
        assert torch.equal(ours["classifier.1.weight"], theirs["classifier.1.weight"])
    assert trained.summary is not None
    text = trained.summary.read_text(encoding="utf-8")
    assert text == summary({seed: left.reports for seed, left in trained.runs.items()})
    first, second = (100 * left.reports["test"].accuracy for left in trained.runs.values())
    assert f"| test | {first:.2f} | {second:.2f} | {(first + second) / 2:.2f} (" in text
    with pytest.raises(BadInput, match=r"expected VggSize\(width=4, .* found VggSize\(width=8"):
        train_expression(replace(config, width=4, out=tmp_path / "other"), QUIET)

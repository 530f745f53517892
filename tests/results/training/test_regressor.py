"""Training from end to end on made-up people: three stages, each from the one before."""

import hashlib
import json
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console
from torch import Tensor

from cfr.camera import Camera
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from cfr.regressor.network import MINI, build
from cfr.regressor.weights import load, read_about
from cfr.render.shading import render
from protocols.errors import BadInput
from results.figures.overlays import draw_overlays
from results.tracking import store_address
from results.training.curves import Curves
from results.training.options import Stage, TrainRegressor
from results.training.regressor import Trained, train_regressor

STAGES: tuple[Stage, ...] = ("baseline", "stage1", "stage2")
STEPS = 4


@dataclass(frozen=True)
class World:
    """Three runs.

    Attributes:
        artifacts: Where they are.
        configs: Their options.
        trained: What they left.
    """

    artifacts: Path
    configs: dict[Stage, TrainRegressor]
    trained: dict[Stage, Trained]

    def folder(self, stage: Stage) -> Path:
        return self.artifacts / "regressor" / stage


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    artifacts = tmp_path_factory.mktemp("artifacts")
    threads = torch.get_num_threads()
    trained: dict[Stage, Trained] = {}
    configs: dict[Stage, TrainRegressor] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CFR_ARTIFACTS", str(artifacts))
        for stage in STAGES:
            words = ["scripts/train_regressor.py", stage, "--note", "a b"]
            patch.setattr(sys, "argv", words)
            configs[stage] = TrainRegressor(
                stage,
                renders=20,
                size=64 if stage == "baseline" else None,
                steps=STEPS,
                batch=4,
                seed=5,
                device="cpu",
                threads=1,
                jobs=1,
                workers=0,
                checkpoint_every=2,
                validate_every=STEPS,
            )
            trained[stage] = train_regressor(configs[stage], Console(quiet=True))
        yield World(artifacts, configs, trained)
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def builtin() -> MorphableModel:
    return load_model("builtin")


def weights_of(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(path)


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("stage", STAGES)
def test_a_run_leaves_weights_that_load(
    stage: Stage, world: World, builtin: MorphableModel
) -> None:
    left = world.trained[stage]
    assert left.weights == world.folder(stage) / f"regressor-{stage}.safetensors"
    net = load(left.weights, builtin.layout())
    assert (net.backbone, net.size) == (MINI, 64)
    checkpoint = torch.load(world.folder(stage) / "checkpoint.pt", weights_only=True)
    assert checkpoint["step"] == STEPS
    state = net.state_dict()
    for name, tensor in checkpoint["net"].items():
        if "num_batches" not in name:
            torch.testing.assert_close(state[name], tensor, rtol=1e-3, atol=1e-6)
    assert any(one.any() for one in net.heads.state_dict().values())


def test_each_stage_starts_from_the_one_before(world: World) -> None:
    for stage, before in (("stage1", "baseline"), ("stage2", "stage1")):
        name = f"regressor-{before}.safetensors"
        file = world.folder(before) / name  # type: ignore[arg-type]
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        about = read_about(world.trained[stage].weights)  # type: ignore[index]
        assert about["started from"] == f"{name} (sha256 {digest})"
    assert read_about(world.trained["baseline"].weights)["started from"] == "nothing"
    # Four steps at a low rate leave the student near where it started.
    one, two = (weights_of(world.trained[stage].weights) for stage in ("stage1", "stage2"))
    zero = weights_of(world.trained["baseline"].weights)
    name = next(name for name in one if name.endswith("conv_stem.weight"))
    moved = [(one[name].float() - other[name].float()).norm() for other in (zero, two)]
    untrained = build(MINI, load_model("builtin").layout(), size=64).state_dict()[name]
    assert 0 < max(moved) < 0.2 * (one[name].float() - untrained).norm()


@pytest.mark.parametrize("stage", STAGES)
def test_the_card_tells_how_it_was_made(stage: Stage, world: World) -> None:
    left = world.trained[stage]
    text, about = left.card.read_text(encoding="utf-8"), read_about(left.weights)
    words = shlex.join(["python", "scripts/train_regressor.py", stage, "--note", "a b"])
    expected = {
        "stage": stage,
        "preset": "mini",
        "photos": "no photos",
        "steps": str(STEPS),
        "seed": "5",
        "command": words,
    }
    assert about | expected == about
    assert about["network"].startswith(f"{MINI}, crops of 64 pixels, ")
    assert about["samples"].startswith("20, of which every twentieth")
    assert about["samples"].endswith("a batch has 4 renders")
    assert text.startswith(f"# The regressor `{stage}`\n")
    for label, value in about.items():
        assert f"| {label} | {value} |\n" in text
    table = Curves(world.folder(stage) / "curves.csv", STEPS, None).table()
    for name in ("others", "others, occluded"):
        last = table[table["name"] == f"validation: {name}"]["value"].tolist()[-1]
        assert f"| {name} | {last:.3f} |\n" in text
    assert f"(regressor-{stage}-curves.png)" in text
    identity = "no identity loss: no recognizer was given"
    assert left.warnings == (() if stage == "stage2" else (identity,))
    assert (f"- {identity}\n" in text) == (stage != "stage2")


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(float)


@pytest.mark.parametrize("stage", STAGES)
def test_curves_and_overlays_show_something(stage: Stage, world: World) -> None:
    folder = world.folder(stage)
    pictures = [folder / f"overlays-{step:07d}.png" for step in (0, STEPS)]
    assert sorted(folder.glob("*.png")) == [*pictures, folder / f"regressor-{stage}-curves.png"]
    for path in folder.glob("*.png"):
        shown = pixels(path)
        assert min(shown.shape[:2]) > 200
        assert (shown.min(axis=-1) < 128).mean() > 0.005
        assert shown.std() > 10
    first, last = map(pixels, pictures)
    assert first.shape != last.shape or (first != last).any()


def test_overlays_are_the_face_and_its_points(builtin: MorphableModel) -> None:
    """An untrained network sees the mean face, whatever it is shown."""
    net = build(MINI, builtin.layout(), size=64).eval()
    torch.manual_seed(1)
    clean, given = torch.rand(2, 2, 3, 64, 64)
    figure = draw_overlays(net, builtin, given, clean, "a title")
    shown = [np.asarray(axis.images[0].get_array()) for axis in figure.axes if axis.images]
    assert len(shown) == 8
    camera = Camera().resized(64)
    mean = net.layout.split(torch.zeros(1, net.layout.size))
    drawn = render(reconstruct(builtin, mean), camera)
    covered, face = drawn.coverage[0].numpy(), drawn.image[0].permute(1, 2, 0).clamp(0, 1).numpy()
    for row in range(2):
        photo, occluded, seen, points = (one[::2, ::2] for one in shown[4 * row : 4 * row + 4])
        expected = 255 * clean[row].permute(1, 2, 0).numpy()
        np.testing.assert_allclose(photo, expected, atol=1)
        np.testing.assert_allclose(occluded, 255 * given[row].permute(1, 2, 0).numpy(), atol=1)
        np.testing.assert_allclose(seen[covered], 255 * face[covered], atol=1)
        np.testing.assert_allclose(seen[~covered], expected[~covered], atol=1)
        dotted = (points == (57, 255, 20)).all(axis=-1)
        assert 68 < dotted.sum() < 9 * 68
        np.testing.assert_allclose(points[~dotted], expected[~dotted], atol=1)
        assert dotted[covered].mean() > dotted[~covered].mean()


def test_runs_are_tracked(world: World) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(store_address(world.artifacts))
    for stage in STAGES:
        noted = json.loads((world.folder(stage) / "tracked.json").read_text())
        assert noted["options"]["seed"] == 5
        run = client.get_run(noted["mlflow"])
        assert (run.info.run_name, run.info.status) == (stage, "FINISHED")
        assert run.data.params["steps"] == str(STEPS)
        points = client.get_metric_history(run.info.run_id, "validation_others")
        assert [one.step for one in points] == [0, STEPS]
        logged = {one.path for one in client.list_artifacts(run.info.run_id)}
        assert {path.name for path in world.folder(stage).glob("*.png")} <= logged
        assert {world.trained[stage].weights.name, world.trained[stage].card.name} <= logged


def content(folder: Path) -> dict[str, bytes]:
    """Of what says nothing of the time."""
    kept = (path for path in folder.iterdir() if path.suffix not in (".md", ".safetensors"))
    return {path.name: path.read_bytes() for path in kept}


def test_a_finished_run_changes_nothing_when_it_is_run_again(world: World) -> None:
    stage = "stage2"
    before, weights = content(world.folder(stage)), weights_of(world.trained[stage].weights)
    again = train_regressor(world.configs[stage], Console(quiet=True))
    assert again == world.trained[stage]
    assert equal(weights_of(again.weights), weights)
    assert content(world.folder(stage)) == before


@pytest.mark.parametrize("change", [{"steps": 5}, {"learning_rate": 0.1}])
def test_other_options_do_not_go_on_in_its_folder(change: dict[str, Any], world: World) -> None:
    folder = world.folder("stage1")
    weights, checkpoint = (
        folder / name for name in ("regressor-stage1.safetensors", "checkpoint.pt")
    )
    before = weights.read_bytes(), checkpoint.read_bytes()
    curves = (folder / "curves.csv").read_bytes()
    with pytest.raises(
        BadInput, match=r"checkpoint\.pt: expected the options, photos and code that the run began"
    ):
        train_regressor(replace(world.configs["stage1"], **change), Console(quiet=True))
    assert (weights.read_bytes(), checkpoint.read_bytes()) == before
    assert (folder / "curves.csv").read_bytes() == curves

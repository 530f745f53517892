"""Training CFR-GAN from end to end on made-up pairs: what a run leaves, and how it goes on."""

import hashlib
import json
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from rich.console import Console

from cfr.gan.sizes import GeneratorSize, RotateSize
from cfr.gan.weights import load_generator, open_generator, read_about
from cfr.pairs.folder import PairFolder
from protocols.errors import BadInput, BadOption, DatasetUnavailable
from protocols.images import read_image
from results.alone import alone
from results.bench.made_up_pairs import MadeUpPairs, write_pairs
from results.tracking import store_address
from results.training.gan import TrainedGan, train_gan
from results.training.gan_options import TrainGan

QUIET = Console(quiet=True)


@dataclass(frozen=True)
class World:
    """A run of eight steps.

    Attributes:
        artifacts: Where it is.
        config: Its options.
        trained: What it left.
    """

    artifacts: Path
    config: TrainGan
    trained: TrainedGan

    @property
    def folder(self) -> Path:
        return self.artifacts / "gan" / "mini-without-identity-without-perceptual"


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs") / "made-up"
    write_pairs(folder, MadeUpPairs(80, 64))
    return folder


@pytest.fixture(scope="module")
def world(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    artifacts = tmp_path_factory.mktemp("artifacts")
    threads = torch.get_num_threads()
    config = TrainGan(
        (pairs,),
        without=("perceptual", "identity"),
        size=64,
        width=4,
        blocks=1,
        steps=8,
        batch=4,
        seed=3,
        device="cpu",
        threads=1,
        workers=0,
        checkpoint_every=2,
        validate_every=4,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CFR_ARTIFACTS", str(artifacts))
        patch.setattr(sys, "argv", ["scripts/train_gan.py", "PAIRS", "--note", "a b"])
        yield World(artifacts, config, train_gan(config, QUIET))
    torch.set_num_threads(threads)


def test_a_run_leaves_weights_that_load(world: World) -> None:
    left = world.trained
    assert left.weights == world.folder / f"gan-{world.folder.name}.safetensors"
    net = load_generator(left.weights)
    assert net.size == GeneratorSize(4, 1)
    checkpoint = torch.load(world.folder / "checkpoint.pt", weights_only=True)
    assert checkpoint["step"] == 8
    state = net.state_dict()
    for name, tensor in checkpoint["generator"].items():
        if "num_batches" not in name:
            torch.testing.assert_close(state[name], tensor, rtol=1e-3, atol=1e-4)


def test_the_card_tells_how_it_was_made(world: World) -> None:
    text = world.trained.card.read_text(encoding="utf-8")
    about = read_about(world.trained.weights)
    assert about["without"] == "perceptual, identity"
    assert about["generator"].startswith("width 4, 1 blocks, 64 pixels, ")
    assert about["pairs"].startswith("80, release (digest ")
    assert about["steps"] == "8 of 4 pairs"
    assert about["command"] == shlex.join(
        ["python", "scripts/train_gan.py", "PAIRS", "--note", "a b"]
    )
    assert "perceptual loss" not in about
    for label, value in about.items():
        assert f"| {label} | {value} |\n" in text
    assert world.trained.warnings[0] == "without the losses perceptual, identity"
    assert "- without the losses perceptual, identity\n" in text
    points = pd.read_csv(world.folder / "curves.csv")
    for name in ("hidden", "hidden, damaged", "mask IoU"):
        last = points[points["name"] == f"validation: {name}"]["value"].tolist()[-1]
        assert f"| {name} | {last:.3f} |\n" in text
    assert "not a number" not in text


def test_pictures_are_drawn_at_every_validation(world: World) -> None:
    points = pd.read_csv(world.folder / "curves.csv")
    assert points[points["name"] == "validation: hidden"]["step"].tolist() == [0, 4, 8]
    for step in (0, 4, 8):
        assert read_image(world.folder / f"painted-{step:07d}.png").shape == (64, 8 * 64, 3)
        assert read_image(world.folder / f"grid-{step:07d}.png").shape[1] >= 6 * 64
    assert read_image(world.trained.progress).shape[1] >= 6 * 64  # three steps, two inputs, photo
    first, last = (read_image(world.folder / f"painted-000000{one}.png") for one in (0, 8))
    assert (first != last).any()


def test_it_is_tracked(world: World) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(store_address(world.artifacts))
    known = json.loads((world.folder / "tracked.json").read_text())["mlflow"]
    run = client.get_run(known)
    assert run.info.status == "FINISHED"
    assert run.data.params["without"] == "['perceptual', 'identity']"
    assert run.data.params["steps"] == "8"
    history = client.get_metric_history(known, "validation_hidden")
    assert [one.step for one in history] == [0, 4, 8]
    files = {one.path for one in client.list_artifacts(known)}
    assert {world.trained.weights.name, "grid-0000008.png", "curves.csv"} <= files


def test_a_finished_run_is_not_trained_again_and_other_options_are_refused(world: World) -> None:
    before = load_generator(world.trained.weights).state_dict()
    curves = (world.folder / "curves.csv").read_bytes()
    again = train_gan(world.config, QUIET)
    assert (world.folder / "curves.csv").read_bytes() == curves
    after = load_generator(again.weights)
    assert after.size == GeneratorSize(4, 1)
    for name, tensor in after.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert read_about(again.weights)["seed"] == "3"
    with pytest.raises(BadInput, match="the options, photos and code that the run began with"):
        train_gan(replace(world.config, seed=4, out=world.folder), QUIET)


def test_two_runs_in_one_folder_are_refused(world: World) -> None:
    with alone(world.folder), pytest.raises(BadInput, match="no other run writes to"):
        train_gan(world.config, QUIET)


def test_a_network_that_is_absent_is_said_with_what_else_would_do(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CFR_DATA", str(tmp_path))
    with pytest.raises(DatasetUnavailable, match="--without perceptual identity"):
        train_gan(replace(world.config, without=(), out=tmp_path / "run"), QUIET)


def test_networks_of_losses_are_named_with_their_digest(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from results.training.gan_networks import load_identity, load_perceptual

    (tmp_path / "mobilefacenet").symlink_to(shared / "networks/foamliu_mobilefacenet")
    monkeypatch.setenv("CFR_DATA", str(tmp_path))
    network, words = load_perceptual("mobilefacenet", torch.device("cpu"))
    assert network.weights == (1 / 8, 1 / 4, 1 / 2, 1)
    assert words.startswith("4 maps of MobileFaceNet.onnx (sha256 b7120c09")
    maps = network.features(torch.rand(1, 3, 64, 64))
    assert len(maps) == 4
    embed, words = load_identity(None, torch.device("cpu"))
    assert words.startswith("MobileFaceNet, MobileFaceNet.onnx (sha256 b7120c09")
    faces = torch.rand(2, 3, 112, 112, requires_grad=True)
    embed(faces).sum().backward()
    assert faces.grad is not None
    assert faces.grad.abs().sum() > 0


def test_the_photos_are_listed_beside_the_weights(world: World) -> None:
    listed = world.folder / f"gan-{world.folder.name}-photos.sha256"
    pairs = PairFolder(world.config.pairs[0])
    photos = {(one.photo_sha256, one.photo) for one in pairs.records()}
    lines = listed.read_text("utf-8").splitlines()
    assert {tuple(line.split("  ")) for line in lines} == photos
    assert len(lines) == len(photos) > 1
    digest = hashlib.sha256(listed.read_bytes()).hexdigest()
    assert digest in read_about(world.trained.weights)["photos"]


def test_a_run_starts_from_weights_with_more_pairs(world: World, tmp_path: Path) -> None:
    more = tmp_path / "more"
    shutil.copytree(world.config.pairs[0], more)
    begin = world.trained.weights
    config = replace(
        world.config,
        pairs=(*world.config.pairs, more),
        start=str(begin),
        steps=1,
        learning_rate=1e-9,
        out=tmp_path / "run",
    )
    left = train_gan(config, QUIET)
    about = read_about(left.weights)
    assert about["started from"].startswith(f"{begin.name} (sha256 ")
    assert about["pairs"].count("80, release (digest ") == 2
    before, after = load_generator(begin).state_dict(), load_generator(left.weights).state_dict()
    for name, tensor in before.items():
        if name.endswith("weight") or name.endswith("original"):
            torch.testing.assert_close(after[name], tensor, rtol=1e-2, atol=1e-3)
    wider = replace(config, width=5, out=tmp_path / "wider")
    with pytest.raises(BadOption, match=r"a generator of .*'width': 4"):
        train_gan(wider, QUIET)
    with pytest.raises(BadInput, match="the options, photos and code"):
        train_gan(replace(config, start=None), QUIET)


def test_pairs_made_anew_want_what_they_were_made_with(world: World, tmp_path: Path) -> None:
    config = replace(world.config, live=True, out=tmp_path / "run")
    with pytest.raises(
        BadInput, match=r"parser: expected the parser at hand .* found name made up"
    ):
        train_gan(config, QUIET)
    with pytest.raises(BadOption, match="parser nope: expected any of model"):
        train_gan(replace(config, parser="nope"), QUIET)


def test_the_baseline_is_trained_by_the_same_command(
    world: World, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no identity loss, and is measured by the recognizer all the same; it goes on, too."""
    monkeypatch.setenv("CFR_ARTIFACTS", str(world.artifacts))
    (tmp_path / "mobilefacenet").symlink_to(shared / "networks/foamliu_mobilefacenet")
    monkeypatch.setenv("CFR_DATA", str(tmp_path))
    monkeypatch.setattr("results.training.gan._VALIDATION_BATCHES", 1)
    small = {"width": 4, "blocks": 1, "downs": 3, "size": 64, "steps": 4, "validate_every": 4}
    config = replace(
        world.config,
        preset="rotate-and-render-mini",
        without=(),
        out=tmp_path / "whole",
        **small,
    )
    left = train_gan(config, QUIET)
    assert left.weights.name == "gan-rotate-and-render-mini.safetensors"
    saved = open_generator(left.weights, "rotate-and-render")
    assert (saved.net.size, saved.side) == (RotateSize(4, 1, 3), 64)
    assert saved.about["losses"] == "adversarial 1, features 10, perceptual 10"
    assert "identity loss" not in saved.about
    assert "MobileFaceNet" in saved.about["identity, measured"]
    names = set(pd.read_csv(left.weights.with_name("curves.csv"))["name"])
    assert {"hinge, photos", "hinge, paintings", "features", "validation: identity"} <= names
    assert "validation: mask IoU" not in names

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    stopped = replace(config, out=tmp_path / "stopped")
    with monkeypatch.context() as patch:
        patch.setattr("cfr.training.loop.tell_validation", _after(1, killed))
        with pytest.raises(KeyboardInterrupt):
            train_gan(stopped, QUIET)
    again = train_gan(stopped, QUIET)
    for name, one in open_generator(again.weights, "rotate-and-render").net.state_dict().items():
        assert torch.equal(one, saved.net.state_dict()[name]), name


def _after(calls: int, end: Callable[..., None]) -> Callable[..., None]:
    """What does nothing so many times, and then ends it."""
    left = [calls]

    def call(*given: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            end(*given)

    return call

"""Options of CFR-GAN's training: what is refused, and what the presets are then."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tyro

from cfr.gan.presets import PRESETS, GanAugmentation, Part
from cfr.gan.sizes import GeneratorSize, RotateSize
from protocols.errors import BadOption
from results.training.gan_options import TrainGan

PAIRS = (Path("/pairs"),)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"perceptual": "vgg"}, "--perceptual vgg: expected mobilefacenet, onnx:FILE, vgg19:FILE"),
        ({"perceptual": "vgg19"}, "--perceptual vgg19: expected"),
        ({"perceptual": "vgg19:"}, "--perceptual vgg19:: expected"),
        ({"perceptual": "mobilefacenet:x"}, "--perceptual mobilefacenet:x: expected"),
        ({"size": 62}, "--size 62: expected at least 64"),
        ({"size": 66}, "--size 66: expected a multiple of 4"),
        ({"width": 0}, "--width 0: expected at least 1"),
        ({"blocks": -1}, "--blocks -1: expected at least 0"),
        ({"steps": 0}, "--steps 0: expected at least 1"),
        ({"batch": 0}, "--batch 0: expected at least 1"),
        ({"batch": 3, "devices": 2}, "--batch 3: expected a multiple of --devices 2"),
        ({"learning_rate": float("nan")}, "--learning-rate nan: expected a positive number"),
        ({"checkpoint_every": 0}, "--checkpoint-every 0: expected at least 1"),
        ({"seed": -1}, "--seed -1: expected at least 0"),
        ({"name": "a/b"}, "--name a/b: expected a name without slashes"),
        ({"name": ".."}, "--name ..: expected a name without slashes"),
    ],
)
def test_what_no_run_could_use_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(BadOption) as caught:
        TrainGan(PAIRS, **options)
    assert str(caught.value).startswith(told)


def test_the_command_line_is_the_options() -> None:
    words = [
        "/pairs",
        "/more",
        "--without",
        "identity",
        "augmentation",
        "--steps",
        "7",
        "--no-live",
    ]
    config = tyro.cli(TrainGan, args=words)
    folders = (*PAIRS, Path("/more"))
    assert config == TrainGan(folders, without=("identity", "augmentation"), steps=7)
    assert config.called == "mini-without-augmentation-without-identity"
    assert TrainGan(PAIRS, preset="release").called == "release"
    assert TrainGan(PAIRS, name="mine").called == "mine"


def test_pairs_have_to_be_somewhere_and_are_made_anew_from_one_folder() -> None:
    with pytest.raises(BadOption, match="no folder of pairs"):
        TrainGan(())
    with pytest.raises(BadOption, match="--live and 2 folders of pairs: expected one"):
        TrainGan((*PAIRS, Path("/more")), live=True)


@pytest.mark.parametrize(
    "part", ["adversarial", "perceptual", "reconstruction", "mask", "identity"]
)
def test_a_loss_is_left_out_by_its_weight(part: Part) -> None:
    losses = TrainGan(PAIRS, without=(part,)).numbers.losses
    assert getattr(losses, part) == 0
    assert (
        replace(losses, **{part: getattr(PRESETS["mini"].losses, part)}) == PRESETS["mini"].losses
    )  # and nothing else is


def test_the_other_ablations() -> None:
    plain = TrainGan(PAIRS, without=("occlusion-path",)).numbers
    assert plain.generator == GeneratorSize(24, 6, occlusion_path=False)
    assert plain.losses == replace(PRESETS["mini"].losses, mask=0.0)
    still = TrainGan(PAIRS, without=("augmentation",)).numbers
    assert still.augmentation == GanAugmentation(0.0, 0.0, flip=0.0)
    assert replace(still, augmentation=GanAugmentation()) == PRESETS["mini"]


def test_own_numbers_take_the_place_of_the_presets() -> None:
    config = TrainGan(
        PAIRS, "paper", size=128, width=8, blocks=2, steps=9, batch=4, learning_rate=1e-3
    )
    found, preset = config.numbers, PRESETS["paper"]
    assert found.generator == GeneratorSize(8, 2)
    assert (found.size, found.width, found.form, found.binary) == (128, 8, "paper", True)
    assert found.schedule == replace(
        preset.schedule, batch=4, steps=9, epochs=None, learning_rate=1e-3
    )
    assert TrainGan(PAIRS, "paper").numbers == preset


def test_the_baseline_has_its_own_numbers_and_parts() -> None:
    config = TrainGan(PAIRS, preset="rotate-and-render-mini", blocks=3, downs=4)
    assert config.called == "rotate-and-render-mini"
    assert config.numbers.generator == RotateSize(24, 3, 4)
    assert config.numbers.schedule.discriminator == 4
    with pytest.raises(BadOption, match="--size 120: expected a multiple of 16"):
        replace(config, size=120)
    with pytest.raises(BadOption, match="--without mask: expected a part of the preset"):
        replace(config, without=("mask",))
    with pytest.raises(BadOption, match=r"--downs 2: expected a preset of Rotate-and-Render"):
        TrainGan(PAIRS, downs=2)

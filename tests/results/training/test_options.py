"""Options of a training run: what is refused, and what the presets are then."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tyro

from cfr.regressor import mini, presets
from cfr.regressor.network import MINI
from cfr.regressor.preparing import Preparing
from cfr.regressor.presets import FacePreset, Mix, StudentPreset
from cfr.regressor.samples import Frame
from protocols.errors import BadOption
from results.training.options import Stage, TrainRegressor, frame_of

PHOTOS = ("folder=/photos",)
STAGES: tuple[Stage, ...] = ("baseline", "stage1", "stage2")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"photos": ("folder",)}, "--photos folder: expected KIND=FOLDER, KIND one of 300w-lp"),
        ({"photos": ("folder=",)}, "--photos folder=: expected KIND=FOLDER"),
        ({"photos": ("=x",)}, "--photos =x: expected"),
        ({"photos": ("lfw=/x",)}, "--photos lfw=/x: expected KIND=FOLDER"),
        ({"photos": (*PHOTOS, "Folder=/x")}, "--photos Folder=/x: expected"),
        ({"photos": (*PHOTOS, *PHOTOS), "list": Path("a.txt")}, "--list: expected one --photos"),
        ({"list": Path("a.txt")}, "--list: expected one --photos"),
        ({"renders": 0}, "no --photos: expected photos: renders alone are for --preset mini"),
        ({"preset": "paper"}, "no --photos: expected photos: renders alone"),
        ({"preset": "release", "renders": 20}, "no --photos: expected photos: renders alone"),
        ({"photos": PHOTOS, "renders": 0}, "--renders 0: expected some made-up people"),
        ({"renders": -5}, "--renders -5: expected at least 0"),
        ({"seed": -1}, "--seed -1: expected at least 0"),
        ({"workers": -1}, "--workers -1: expected at least 0"),
        ({"threads": -1}, "--threads -1: expected at least 0"),
        ({"jobs": -1}, "--jobs -1: expected at least 0"),
        ({"learning_rate": float("nan")}, "--learning-rate nan: expected a positive number"),
        ({"learning_rate": 0.0}, "--learning-rate 0.0: expected a positive number"),
        ({"learning_rate": float("inf")}, "--learning-rate inf: expected a positive number"),
        ({"batch": 5, "devices": 2}, "--batch 5: expected a multiple of --devices 2"),
        ({"batch": 1}, "--batch 1: expected at least 2"),
        ({"stage": "stage1", "backbone": "resnet50"}, "--backbone, --size: expected neither"),
        ({"stage": "stage2", "size": 64}, "--backbone, --size: expected neither"),
        ({"steps": 0}, "--steps 0: expected at least 1"),
        ({"batch": 0}, "--batch 0: expected at least 2"),
        ({"batch": -8}, "--batch -8: expected at least 2"),
        ({"checkpoint_every": 0}, "--checkpoint-every 0: expected at least 1"),
        ({"validate_every": 0}, "--validate-every 0: expected at least 1"),
        ({"devices": 0}, "--devices 0: expected at least 1"),
    ],
)
def test_what_no_run_could_use_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(BadOption) as caught:
        TrainRegressor(**{"stage": "baseline", **options})
    assert str(caught.value).startswith(told)


def test_the_command_line_is_the_options() -> None:
    words = "stage1 --photos 300w-lp=/a folder=/b=c --steps 7 --learning-rate 1e-5 --renders 9"
    found = tyro.cli(TrainRegressor, args=[*words.split(), "--start", "cfr-gan:x.pth"])
    expected = TrainRegressor(
        "stage1",
        photos=("300w-lp=/a", "folder=/b=c"),
        steps=7,
        learning_rate=1e-5,
        renders=9,
        start="cfr-gan:x.pth",
    )
    assert found == expected
    for wrong in (["stage3"], ["baseline", "--preset", "large"], []):
        with pytest.raises(SystemExit):
            tyro.cli(TrainRegressor, args=wrong)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("preset", ["paper", "release"])
def test_published_presets_are_as_published(stage: Stage, preset: Any) -> None:
    config = TrainRegressor(stage, PHOTOS, preset=preset)
    assert config.architecture == ("resnet50", 224)
    assert config.people == 0
    masks = 1.0 if stage == "stage2" else 0.0
    assert config.preparing == Preparing(views=0, mirrored=False, masks=masks)
    published = {"baseline": presets.BASELINE, "stage1": presets.STAGE1, "stage2": presets.STAGE2}
    assert config.numbers == published[stage][preset]
    if isinstance(config.numbers, FacePreset):
        assert config.numbers.known is None
    assert config.numbers.mix == Mix(pairs=stage == "stage2")


@pytest.mark.parametrize("stage", STAGES)
def test_our_own_preset(stage: Stage) -> None:
    config = TrainRegressor(stage, PHOTOS)
    assert config.architecture == (MINI, 112)
    assert config.people == 4096
    assert config.preparing == Preparing()
    assert config.preparing.views > 0
    own = {"baseline": mini.BASELINE, "stage1": mini.STAGE1, "stage2": mini.STAGE2}
    assert config.numbers == own[stage]
    assert isinstance(config.numbers, StudentPreset) == (stage == "stage2")
    assert config.numbers.mix.turned > 0
    assert TrainRegressor(stage, PHOTOS, renders=5).people == 5


def test_options_beat_presets() -> None:
    for preset in ("mini", "release"):
        plain = TrainRegressor("baseline", PHOTOS, preset=preset)  # type: ignore[arg-type]
        changed = replace(plain, steps=7, batch=3, learning_rate=0.5)
        schedule = replace(plain.numbers.schedule, steps=7, epochs=None, batch=3, learning_rate=0.5)
        assert changed.numbers == replace(plain.numbers, schedule=schedule)
    assert plain.numbers.schedule.epochs == 20  # which steps must not be added to
    other = replace(plain, backbone="timm:resnet18", size=64)
    assert other.architecture == ("timm:resnet18", 64)


def test_without_photos_there_are_renders_alone() -> None:
    for stage in STAGES:
        alone, beside = TrainRegressor(stage), TrainRegressor(stage, PHOTOS)
        assert alone.numbers == replace(beside.numbers, mix=Mix(photo=0.0, render=1.0))


def test_the_frame_is_wider_than_the_crop() -> None:
    assert frame_of(112) == Frame()
    assert frame_of(224) == Frame(224, 288)
    assert frame_of(64) == Frame(64, 82)

from typing import Any

import pytest
import tyro

from protocols.errors import BadOption
from recognizers.training.presets import PRESETS, NetworkSize
from results.training.recognizer_options import TrainRecognizer


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"steps": 0}, "--steps 0: expected at least 1"),
        ({"batch": 1}, "--batch 1: expected at least 2"),
        ({"batch": 3, "devices": 2}, "--batch 3: expected a multiple of --devices 2"),
        ({"width": 0}, "--width 0: expected at least 1"),
        ({"size": 16}, "--size 16: expected at least 32"),
        ({"dimension": 1}, "--dimension 1: expected at least 2"),
        ({"scale": 0.0}, "--scale 0: expected a positive number"),
        ({"scale": float("nan")}, "--scale nan: expected a positive number"),
        ({"margin": 2.0}, "--margin 2: expected 0 to π/2"),
        ({"margin": -0.1}, "--margin -0.1: expected 0 to π/2"),
        ({"share": 0.0}, "--share 0: expected more than 0, up to 1"),
        ({"share": 1.5}, "--share 1.5: expected more than 0, up to 1"),
        ({"augmented": 1.5}, "--augmented 1.5: expected 0 to 1"),
        ({"learning_rate": 0.0}, "--learning-rate 0.0: expected a positive number"),
        ({"architecture": "resnet18"}, "--architecture resnet18: expected iresnet18, iresnet34"),
        ({"architecture": "timm:"}, "--architecture timm:: expected iresnet18, iresnet34"),
        ({"architecture": "timm:resnet18", "width": 8}, "--width 8: expected an iresnet"),
        ({"hold_out": 1}, "--hold-out 1: expected 0, or 2 and more"),
        ({"hold_out": 0}, "nothing to validate on: expected a protocol to --validate-on"),
        ({"preset": "paper"}, "nothing to validate on: expected a protocol to --validate-on"),
        ({"validate_on": ("lwf",)}, "lwf: expected any of lfw"),
        ({"precision": "16-mixed", "device": "cpu"}, "--precision 16-mixed --device cpu: expected"),
        ({"name": "a/b"}, "--name a/b: expected a name without slashes"),
        ({"seed": -1}, "--seed -1: expected at least 0"),
        ({"workers": -1}, "--workers -1: expected at least 0"),
        ({"checkpoint_every": 0}, "--checkpoint-every 0: expected at least 1"),
    ],
)
def test_what_no_run_could_use_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(BadOption) as caught:
        TrainRecognizer("/faces", **options)
    assert str(caught.value).startswith(told)


def test_the_command_line_is_the_options() -> None:
    words = "/faces --preset paper --validate-on lfw a.bin --share 0.3 --steps 8 --balanced"
    config = tyro.cli(TrainRecognizer, args=words.split())
    assert config == TrainRecognizer(
        "/faces", "paper", validate_on=("lfw", "a.bin"), share=0.3, steps=8, balanced=True
    )
    assert config.called == "paper"
    numbers, paper = config.numbers, PRESETS["paper"]
    assert numbers.network == paper.network
    assert (numbers.share, numbers.balanced, numbers.schedule.steps) == (0.3, True, 8)
    assert numbers.schedule.drops == paper.schedule.drops


def test_options_change_a_preset_and_nothing_else() -> None:
    assert TrainRecognizer("x").numbers == PRESETS["mini"]
    config = TrainRecognizer(
        "x",
        architecture="timm:resnet18",
        size=96,
        dimension=64,
        scale=30.0,
        margin=0.0,
        hold_out=0,
        validate_on=("lfw",),
        steps=40,
        name="own",
    )
    numbers = config.numbers
    assert config.called == "own"
    assert numbers.network == NetworkSize("timm:resnet18", PRESETS["mini"].network.width, 96, 64)
    assert (numbers.scale, numbers.margin, numbers.hold_out) == (30.0, 0.0, 0)
    assert numbers.schedule.warmup == 10  # a short run does not warm up for all of it

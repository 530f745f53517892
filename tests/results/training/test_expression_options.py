"""The options of train_expression.py: presets, own numbers, refusals before anything is read."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from protocols.errors import BadOption
from recognizers.training.expression import PRESETS
from results.training.expression_options import TrainExpression

CONFIG = TrainExpression(Path("nowhere"))


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"size": 31}, "--size 31: expected at least 32"),
        ({"width": 65}, "--width 65: expected 64 at most, which is VGG16"),
        ({"width": 0}, "--width 0: expected at least 1"),
        ({"epochs": 0}, "--epochs 0: expected at least 1"),
        ({"epochs": 1, "steps": 2}, "--epochs 1 and --steps 2: expected one of them"),
        ({"batch": 7, "devices": 2}, "--batch 7: expected a multiple of --devices 2"),
        ({"learning_rate": 0.0}, "--learning-rate 0.0: expected a positive number"),
        ({"seeds": ()}, "--seeds : expected one or more"),
        ({"seeds": (1, 1)}, "--seeds 1 1: expected one or more, none negative and none twice"),
        ({"seeds": (-1,)}, "--seeds -1: expected one or more, none negative and none twice"),
        ({"name": "../a"}, "--name ../a: expected a name without slashes"),
        ({"workers": -1}, "--workers -1: expected at least 0"),
    ],
)
def test_what_no_run_could_use_is_refused_at_once(option: dict[str, Any], told: str) -> None:
    with pytest.raises(BadOption, match=told):
        replace(CONFIG, **option)


def test_own_numbers_take_the_presets_place() -> None:
    assert CONFIG.numbers == PRESETS["mini"]
    assert CONFIG.called == "vgg16-mini"
    own = replace(CONFIG, preset="paper", batch_norm=True, steps=9, batch=4, learning_rate=1e-3)
    found = own.numbers
    assert found.size.words == "VGG16 with batch normalisation"
    schedule = replace(PRESETS["paper"].schedule, steps=9, epochs=None, batch=4, learning_rate=1e-3)
    assert found.schedule == schedule
    small = replace(CONFIG, preset="tiny", size=40, width=4, epochs=3).numbers
    assert (small.width, small.side, small.size.cells) == (4, 40, 1)
    assert (small.schedule.epochs, small.schedule.steps) == (3, None)

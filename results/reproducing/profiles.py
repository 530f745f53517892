"""How large an experiment is: of which scale, how long, how often."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from results.synthetic.options import Scale

ProfileName = Literal["tiny", "mini", "paper"]
Data = Literal["real", "synthetic"]


@dataclass(frozen=True)
class Profile:
    """How large an experiment is.

    Attributes:
        scale: Of the synthetic world's training sets.
        tests: Of its other sets.
        seeds: A training of every network for each.
        recognizer: Options of ``train_recognizer.py``.
        expression: Options of ``train_expression.py``.
        augment: Options of ``augment.py``, of both methods and sets.
        seconds: Of one core, that a training of each takes here, roughly; for the time left.
        one_by_one: Whether a training takes the whole machine; else one takes a core.
        resamples: Of the bootstrap behind intervals.
    """

    scale: Scale
    tests: Scale
    seeds: tuple[int, ...]
    recognizer: Mapping[str, Any]
    expression: Mapping[str, Any]
    augment: Mapping[str, Any] = field(default_factory=dict)
    seconds: tuple[float, float] = (60.0, 60.0)
    one_by_one: bool = False
    resamples: int = 1000


PHOTOS: Mapping[Scale, Mapping[str, int]] = {
    "tiny": {"casia": 192, "rafdb": 294, "lfw": 120, "ijba": 192, "ijbb": 320, "ijbc": 320},
    "small": {
        "casia": 800,
        "rafdb": 1100,
        "lfw": 400,
        "ijba": 256,
        "ijbb": 288,
        "ijbc": 288,
        "aflw2000": 120,
    },
    "mini": {"casia": 4000, "rafdb": 6903, "lfw": 1000, "ijba": 1440, "ijbb": 1400, "ijbc": 1800},
    "full": {
        "casia": 490_623,
        "rafdb": 15_339,
        "lfw": 7680,
        "ijba": 25_500,
        "ijbb": 73_800,
        "ijbc": 144_771,
        "aflw2000": 2000,
    },
}
"""About how many photos a made-up set has; for the time left."""

PROFILES: Mapping[ProfileName, Profile] = {
    "tiny": Profile(
        scale="small",
        tests="small",
        seeds=(0, 1, 2),
        recognizer={"preset": "mini", "width": 8, "size": 48, "steps": 200, "hold_out": 20},
        expression={"preset": "tiny", "size": 48, "steps": 200},
        augment={"coefficients": "regressor"},
        seconds=(35.0, 25.0),
    ),
    "mini": Profile(
        scale="mini",
        tests="small",
        seeds=(0, 1, 2),
        recognizer={"preset": "mini", "steps": 300},
        expression={"preset": "tiny", "steps": 800},
        augment={"coefficients": "regressor", "share": 0.5},
        seconds=(130.0, 110.0),
    ),
    "paper": Profile(
        scale="full",
        tests="full",
        seeds=(0, 1, 2),
        recognizer={"preset": "paper", "hold_out": 0, "validate_on": ("lfw",)},
        expression={"preset": "paper", "steps": 11_504},
        seconds=(3e6, 1e6),
        one_by_one=True,
    ),
}
"""``tiny``: for a demonstration on two cores. ``mini``: what small networks learn something from.
``paper``: the paper's networks and sizes, for a GPU. Steps and not epochs everywhere: an augmented
set is larger, and its network shall not be trained longer for that. RAF-DB's 11,504 are 60 epochs
of the set as it is."""

"""How pairs can be made: by Swap-R&R as the paper or its code has it, or by Rotate-and-Render."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cfr.occlusion import RULES as DIFFERENCES
from cfr.occlusion import DifferenceRule
from cfr.parsing.types import Label

ROTATE_AND_RENDER = "rotate-and-render"
"""The preset that exchanges nothing: :mod:`cfr.rotate_and_render.turning`."""
Swapping = Literal["paper", "release", "parsing"]
Preset = Literal["paper", "release", "parsing", "rotate-and-render"]


@dataclass(frozen=True)
class PairRule:
    """How pairs are made by Swap-R&R.

    Attributes:
        difference: Of Eq. 5.
        objects: The labels that are objects wherever they lie on the face; None for all that are
            not in :data:`cfr.parsing.types.FACE`.
        binary: Whether the target mask is 0 or 1, else of the published code's six levels.
        sampling: How vertices take their colours.
        compared: Whether Eq. 5 looks for objects too, and not the parser alone.
    """

    difference: DifferenceRule
    objects: frozenset[Label] | None
    binary: bool
    sampling: Literal["bilinear", "nearest"]
    compared: bool = True


RULES: Mapping[Swapping, PairRule] = {
    # Glasses and hair are what Section 3.2 names.
    "paper": PairRule(
        DIFFERENCES["paper"],
        frozenset((Label.GLASSES, Label.HAIR)),
        binary=True,
        sampling="bilinear",
    ),
    # generate_pairs.py of yeongjoonJu/CFR-GAN; whatever is no part of a face, hands included
    "release": PairRule(DIFFERENCES["release"], None, binary=False, sampling="nearest"),
    # the ablation of Fig. 9: what Eq. 5 finds is left out
    "parsing": PairRule(
        DIFFERENCES["release"], None, binary=False, sampling="nearest", compared=False
    ),
}
PRESETS: tuple[Preset, ...] = (*RULES, ROTATE_AND_RENDER)
"""The presets by name."""

"""Pairs of photos by the method of a preset, whichever it is."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor

from cfr.morphable.model import MorphableModel
from cfr.pairs.covering import Cover
from cfr.pairs.rules import ROTATE_AND_RENDER, RULES
from cfr.pairs.swap import SwapPairs, draw_rotations, make_pairs
from cfr.parsing.types import FaceParser
from cfr.rotate_and_render.turning import TurnedPairs, draw_turns, turn_and_back
from cfr.types import Coefficients

Stages = SwapPairs | TurnedPairs
"""Pairs with the stages on the way to them."""


def pair_rng(seed: int, source: int, turn: int) -> np.random.Generator:
    """What a pair that is written is drawn from.

    Args:
        seed: Of the folder.
        source: Number of its photo.
        turn: Which of the photo's pairs it is.
    """
    return np.random.default_rng((seed, source, turn))


@dataclass(frozen=True, eq=False)
class PairMaker:
    """Makes pairs; everything that is drawn comes from the generators that it is given.

    Attributes:
        model: The face model, where pairs are computed.
        preset: Of :data:`cfr.pairs.rules.PRESETS`.
        swap: Whether what hides the face is exchanged.
        parser: Tells face and objects apart; by default the fitted face itself.
    """

    model: MorphableModel
    preset: str
    swap: bool = True
    parser: FaceParser | None = None

    def __call__(
        self,
        photo: Float[Tensor, "b 3 s s"],
        coefficients: Coefficients,
        rngs: "list[np.random.Generator]",
        cover: Cover | None = None,
    ) -> Stages:
        """A pair of each photo.

        Args:
            photo: Aligned crops, on the model's device.
            coefficients: Of the faces in them, likewise.
            rngs: One a photo.
            cover: Occluders drawn in front of the faces; Rotate-and-Render has no use for them.

        Raises:
            WrongFaceModel: The coefficients belong to another face model.
        """
        fitted = coefficients.rotation
        if self.preset == ROTATE_AND_RENDER:
            turn = draw_turns(fitted, rngs)
            return turn_and_back(self.model, photo, coefficients, turn)
        return make_pairs(
            self.model,
            photo,
            coefficients,
            draw_rotations(fitted, rngs),
            parser=self.parser,
            rule=RULES[self.preset],  # type: ignore[index]
            swap=self.swap,
            cover=cover,
        )

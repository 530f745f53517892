"""Seven expressions as movements of the built-in face model, never the same twice.

Which movements belong to which expression follows the action units of Ekman and Friesen's Facial
Action Coding System, as far as the model's modes can show them.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float64

from cfr.morphable.model import MorphableModel

_SIDES = ("left", "right")
_WIDE = -0.28  # eyes that are opened further than usual: their modes reach from −0.9 to 3
RECIPES: Mapping[str, Sequence[Mapping[str, float]]] = {
    "surprise": (
        {"brow inner up": 0.8, "brow outer up": 0.9, "blink": _WIDE, "jaw open": 0.6},
        {
            "brow inner up": 0.9,
            "brow outer up": 0.9,
            "blink": _WIDE,
            "funnel": 0.5,
            "jaw open": 0.3,
        },
    ),
    "fear": (
        {
            "brow inner up": 0.9,
            "frown": 0.5,
            "blink": _WIDE,
            "mouth stretch": 0.9,
            "jaw open": 0.25,
        },
        {
            "brow inner up": 0.7,
            "brow outer up": 0.4,
            "blink": _WIDE,
            "lower lip down": 0.7,
            "mouth stretch": 0.6,
        },
    ),
    "disgust": (
        {"nose wrinkle": 0.9, "upper lip up": 0.8, "squint": 0.4, "brow down": 0.3},
        {"nose wrinkle": 0.8, "mouth corner down": 0.6, "chin up": 0.5, "upper lip up": 0.4},
    ),
    "happiness": (
        {"smile": 1.2, "squint": 0.4, "upper lip up": 0.3},
        {"smile": 1.0, "squint": 0.3, "jaw open": 0.3, "upper lip up": 0.5},
        {"smile": 0.9, "mouth stretch": 0.3},
    ),
    "sadness": (
        {"brow inner up": 0.7, "mouth corner down": 0.7, "chin up": 0.4, "blink": 0.15},
        {"mouth corner down": 0.9, "frown": 0.4, "squint": 0.2},
    ),
    "anger": (
        {"brow down": 0.9, "frown": 0.8, "squint": 0.4, "lips in": 0.6},
        {
            "brow down": 0.9,
            "frown": 0.6,
            "nose wrinkle": 0.3,
            "jaw open": 0.4,
            "lower lip down": 0.6,
        },
    ),
    "neutral": ({},),
}
"""Expression → its variants: movement → share of its full extent. A movement that the model has on
either side is made on both."""
WEAKEST, STRONGEST = 0.75, 1.3
"""Shares of a recipe that are drawn; the model's limits cut what is more than it can show."""
_LEFT_OUT = 0.1  # how often a movement of a recipe is not made
_ELSEWHERE = 0.08  # deviation of all other movements, as a share of their extent


def draw_expression(
    rng: np.random.Generator, model: MorphableModel, name: str, strayed: float = 1.0
) -> Float64[np.ndarray, " e"]:
    """Weights of the expression modes; the model's limits are still to be met.

    Args:
        rng: Where the variant, its strength and what strays from it come from.
        model: A face model that names its expressions.
        name: A key of :data:`RECIPES`.
        strayed: How far it strays from the recipe; 0 for the recipe itself.

    Raises:
        ValueError: The model lacks a movement of the recipe.
    """
    names, extent = list(model.expression_names), model.expression_high.cpu().numpy()
    recipe = RECIPES[name][int(rng.integers(len(RECIPES[name])))]
    strength = rng.uniform(WEAKEST, STRONGEST)
    weights = np.zeros(len(extent))
    few = rng.uniform(size=len(extent)) < 0.3
    weights += strayed * few * rng.normal(0, _ELSEWHERE, len(extent)) * extent
    for movement, share in recipe.items():
        left_out = rng.uniform() < _LEFT_OUT * strayed
        factor = strength * np.exp(rng.normal(0, 0.2) * strayed)
        for mode in _modes(names, movement):
            uneven = np.exp(rng.normal(0, 0.12) * strayed)
            if not left_out:
                weights[mode] += share * factor * uneven * extent[mode]
    return weights


def _modes(names: list[str], movement: str) -> list[int]:
    wanted = [movement] if movement in names else [f"{movement} {side}" for side in _SIDES]
    if not set(wanted) <= set(names):
        raise ValueError(f"{movement}: expected a face model that has it, as builtin has")
    return [names.index(one) for one in wanted]

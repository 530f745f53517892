"""Random people: coefficients of a face model, and detail that its modes cannot express.

Without the detail a fit could be exact, which no fit of a real face ever is. It is a random field
on the skin, of shape and of colour, with its projection onto the model's modes taken away.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cfr.morphable.model import MorphableModel

CLIP = 2.2
"""Coefficients are drawn from a normal distribution and clipped at so many deviations."""
_Kind = Literal["shape", "texture"]
_STREAM = 1  # a scene of the same seed draws from others
_NEARLY_NOTHING = 1e-9
_WAVES = 40
_SPOTS = 12


@dataclass(frozen=True, eq=False)
class Identity:
    """A made-up person.

    Attributes:
        seed: It names the person; the same seed is the same person.
        identity: ``(i,)`` coefficients.
        texture: ``(t,)`` coefficients.
        relief: ``(v, 3)`` displacement in decimetres, orthogonal to all shape modes.
        complexion: ``(v, 3)`` change of albedo (RGB), orthogonal to the texture modes.
    """

    seed: int
    identity: Float[Tensor, " i"]
    texture: Float[Tensor, " t"]
    relief: Float[Tensor, "v 3"]
    complexion: Float[Tensor, "v 3"]


class IdentitySampler:
    """Draws people for one face model.

    Args:
        model: The face model.
        spread: Deviations of the coefficients, as a share of the model's own; real samples of a
            normal model look overdrawn.
        relief: Deviation of the shape's detail in decimetres; 0 for none.
        complexion: Deviation of the albedo's detail; 0 for none.
    """

    def __init__(
        self,
        model: MorphableModel,
        *,
        spread: float = 0.9,
        relief: float = 0.004,
        complexion: float = 0.025,
    ) -> None:
        self.model, self.spread = model, spread
        self._relief, self._complexion = relief, complexion
        self._spans: dict[str, Tensor] = {}

    @torch.no_grad()
    def draw(self, seed: int) -> Identity:
        """The person of a seed."""
        rng = np.random.default_rng((seed, _STREAM))
        layout = self.model.layout()
        mean = self.model.mean_shape
        identity = self._coefficients(rng, layout.identity)
        texture = self._coefficients(rng, layout.texture)
        normal = torch.nn.functional.normalize(mean - mean.mean(0) + 1e-6, dim=1)
        relief = self._relief * _waves(rng, mean, 1, 1.5, 6.0) * normal
        colour = _waves(rng, mean, 3, 1.0, 12.0)
        grey = colour.mean(1, keepdim=True)
        complexion = self._complexion * (grey + 0.5 * (colour - grey))
        complexion = complexion + 2 * self._complexion * _spots(rng, self.model)
        return Identity(
            seed,
            identity,
            texture,
            self._outside("shape", relief),
            self._outside("texture", complexion),
        )

    def _coefficients(self, rng: np.random.Generator, number: int) -> Tensor:
        drawn = np.clip(rng.normal(size=number), -CLIP, CLIP) * self.spread
        return torch.tensor(drawn, dtype=torch.float32, device=self.model.mean_shape.device)

    def _outside(self, name: _Kind, field: Tensor) -> Tensor:
        """What is left of a field without its projection onto the modes."""
        span, flat = self._span(name), field.reshape(-1)
        return field - ((span @ flat) @ span).view_as(field)

    def _span(self, name: _Kind) -> Tensor:
        """``(n, 3 · v)`` orthonormal directions that span the modes, where some nearly agree."""
        if name not in self._spans:
            modes = self.model.modes(name).double()
            values, vectors = torch.linalg.eigh(modes @ modes.mT)
            known = values > _NEARLY_NOTHING * values.max() if len(values) else values > 0
            span = (vectors[:, known] / values[known].sqrt()).mT @ modes
            self._spans[name] = span.float()
        return self._spans[name]


def _waves(
    rng: np.random.Generator, points: Tensor, channels: int, lowest: float, highest: float
) -> Tensor:
    """``(v, channels)`` random fields of variance 1: plane waves through space.

    Args:
        rng: Where the waves come from.
        points: ``(v, 3)`` in decimetres.
        channels: How many fields.
        lowest: Waves a decimetre.
        highest: Likewise.
    """
    direction = rng.normal(size=(_WAVES, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    frequency = np.exp(rng.uniform(np.log(lowest), np.log(highest), _WAVES))
    strength = rng.normal(size=(_WAVES, channels)) * np.sqrt(2 / _WAVES)
    phase = rng.uniform(0, 2 * np.pi, _WAVES)

    def tensor(values: np.ndarray) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=points.device)

    turns = points @ tensor(2 * np.pi * direction * frequency[:, None]).mT + tensor(phase)
    return turns.cos() @ tensor(strength)


def _spots(rng: np.random.Generator, model: MorphableModel) -> Tensor:
    """``(v, 3)`` moles and freckles: dark spots of 1 to 3 millimetres on the skin."""
    mean, skin = model.mean_shape, model.skin.nonzero().squeeze(1)
    field = torch.zeros(len(mean), 1, device=mean.device)
    for _ in range(int(rng.integers(0, _SPOTS + 1))):
        centre = mean[skin[int(rng.integers(len(skin)))]]
        width, depth = rng.uniform(0.01, 0.03), rng.uniform(1, 6)
        squared = (mean - centre).square().sum(1, keepdim=True)
        field = field - depth * torch.exp(-squared / (2 * width**2))
    return field * torch.tensor([0.8, 1.0, 1.0], device=mean.device)

"""The texture modes: principal components of many incomplete faces."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

TEXTURES = 80
_SURE = 0.6  # trust from which a colour counts fully
_WORST = 0.06  # share of the photos that fit worst, as a whole or at the eyes, that are left out


@dataclass(frozen=True, eq=False)
class TextureModes:
    """Albedo at some vertices.

    Attributes:
        mean: ``(m, 3)`` RGB.
        modes: ``(80, m, 3)`` for one deviation.
        used: How many photos they come from.
        explained: Share of the variance of what is seen that the modes give back.
    """

    mean: Float32[np.ndarray, "m 3"]
    modes: Float32[np.ndarray, "t m 3"]
    used: int
    explained: float


def learn_texture(
    colors: Float32[np.ndarray, "n m 3"],
    trust: Float32[np.ndarray, "n m"],
    mean: Float32[np.ndarray, "m 3"],
    places: np.ndarray,
    rounds: int = 7,
) -> TextureModes:
    """Components of incomplete data: fill in, decompose, fill in from the components, again.

    Photos that the others explain badly (sunglasses, failed landmarks) are left out.

    Args:
        colors: Albedo.
        trust: How well each is known.
        mean: A first mean.
        places: ``(m, 2)`` longitude and latitude in radians.
        rounds: How often.
    """
    longitude, latitude = np.degrees(places).T
    middle = (np.abs(longitude) < 35) & (np.abs(latitude) < 15)
    eyes = (np.abs(longitude) < 45) & (latitude > 8) & (latitude < 32)
    tone = _average(colors - mean, trust * middle)
    sure = np.clip(trust / _SURE, 0, 1)[..., None]
    filled = sure * colors + (1 - sure) * (mean + tone[:, None])
    kept = np.ones(len(colors), bool)
    for number in range(rounds):
        center, basis, size = _components(filled[kept])
        weights = (filled - center).reshape(len(filled), -1) @ basis.T
        given = (weights @ basis).reshape(filled.shape) + center
        error = np.square(colors - given).sum(2)
        total = _average(error[..., None], trust)[:, 0]
        if number in (1, 3):
            at_eyes = _average(error[..., None], trust * eyes)[:, 0]
            kept = (total <= np.quantile(total, 1 - _WORST)) & (
                at_eyes <= np.quantile(at_eyes, 1 - _WORST)
            )
        filled = sure * colors + (1 - sure) * given
    spread = _average(np.square(colors - center).sum(2)[..., None], trust)[:, 0]
    modes = (basis * size[:, None]).reshape(len(basis), -1, 3)
    explained = 1 - total[kept].sum() / spread[kept].sum()
    return TextureModes(center, modes, int(kept.sum()), float(explained))


def _average(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    total = np.einsum("nmc,nm->nc", values, weights)
    return total / np.maximum(weights.sum(1, keepdims=True), 1e-3)


def _components(filled: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, orthonormal directions, deviations; by the small Gram matrix of the photos."""
    center = filled.mean(0)
    flat = (filled - center).reshape(len(filled), -1)
    values, vectors = np.linalg.eigh((flat @ flat.T).astype(np.float64))
    values, vectors = values[::-1][:TEXTURES], vectors[:, ::-1][:, :TEXTURES]
    basis = (vectors / np.sqrt(values)).T.astype(np.float32) @ flat
    largest = np.abs(basis).argmax(1)
    basis *= np.sign(basis[np.arange(len(basis)), largest])[:, None]
    return center, basis, np.sqrt(values / len(filled)).astype(np.float32)

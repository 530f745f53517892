"""Spherical-harmonic light of three bands, after Ramamoorthi and Hanrahan (2001).

Constants and signs are those of microsoft/Deep3DFaceReconstruction (``face_decoder.py``), so that
its coefficients can be used.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from cfr.precision import full_precision

AMBIENT = 0.8
"""Added to the first weight of each channel: coefficients of zero are an even light."""

# a_l c_l of the bands 0, 1, 2.
_BAND_0 = math.pi / math.sqrt(4 * math.pi)
_BAND_1 = 2 * math.pi / math.sqrt(3) * math.sqrt(3) / math.sqrt(4 * math.pi)
_BAND_2 = 2 * math.pi / math.sqrt(8) * 3 * math.sqrt(5) / math.sqrt(12 * math.pi)


def harmonics(normals: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 9"]:
    """The nine basis values at unit normals (x image right, y up, z towards the camera)."""
    x, y, z = normals.unbind(-1)
    values = (
        torch.full_like(x, _BAND_0),
        -_BAND_1 * y,
        _BAND_1 * z,
        -_BAND_1 * x,
        _BAND_2 * x * y,
        -_BAND_2 * y * z,
        _BAND_2 / (2 * math.sqrt(3)) * (3 * z**2 - 1),
        -_BAND_2 * x * z,
        _BAND_2 / 2 * (x**2 - y**2),
    )
    return torch.stack(values, dim=-1)


@full_precision
def shade(
    albedo: Float[Tensor, "b v 3"],
    normals: Float[Tensor, "b v 3"],
    lighting: Float[Tensor, "b l"],
) -> Float[Tensor, "b v 3"]:
    """Light vertex colours; the result is not clamped and may leave [0, 1].

    Args:
        albedo: RGB in [0, 1].
        normals: Unit normals in the pose in which the light falls on them.
        lighting: 27 weights, nine each for red, green, blue; or 9 for all three alike.

    Raises:
        ValueError: ``lighting`` has neither 27 nor 9 weights.
    """
    if lighting.shape[-1] not in (9, 27):
        raise ValueError(f"expected 27 or 9 lighting weights, found {lighting.shape[-1]}")
    weights = lighting.unflatten(-1, (-1, 9))
    ambient = torch.zeros(9, dtype=weights.dtype, device=weights.device)
    ambient[0] = AMBIENT
    return albedo * (harmonics(normals) @ (weights + ambient).mT)

"""Restore a face by CFR-GAN: two renders in the wanted pose, and a network that makes one of them.

Ju et al., Complete Face Recovery GAN, WACV 2022, Section 3.3 and ``inference.py`` of
yeongjoonJu/CFR-GAN: nothing is exchanged between the renders at work, and the face stands in the
middle.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cfr.frontalizers.painting import PaintingFrontalizer
from cfr.texture import sample_photo

PITCH = math.radians(5)
"""The pitch that the published code turns faces to."""


@dataclass(frozen=True, eq=False)
class CfrGanFrontalizer(PaintingFrontalizer):
    """CFR-GAN at work.

    Attributes:
        pitch: Radians, positive lowers the nose; the published code's 5° by default.
    """

    pitch: float = PITCH

    @property
    def name(self) -> str:
        """What tables call it."""
        return "cfr-gan"

    def _pitches(self, own: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        return torch.full_like(own, self.pitch)

    def _seen(
        self, picture: Float[Tensor, "b 3 s s"], at: Float[Tensor, "b v 3"]
    ) -> Float[Tensor, "b v 3"]:
        return sample_photo(picture, at)

"""Restore a face by Rotate-and-Render: an eroded render in the wanted pose, and its generator.

Zhou et al., Rotate-and-Render, CVPR 2020, and ``rotate_render.py`` of
Hangz-nju-cuhk/Rotate-and-Render: the photo's render loses its edge and is filled with its mean
colour before it is turned.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cfr.frontalizers.painting import PaintingFrontalizer
from cfr.rotate_and_render.erosion import AT_WORK, middle_erosion
from cfr.rotate_and_render.turning import erode_photo

LOWEST_PITCH = 0.0
"""Radians: a face that looks up is turned level, as the published code does; one that looks down
keeps its pitch. A pitch that is asked for counts as it is."""


@dataclass(frozen=True, eq=False)
class RotateAndRenderFrontalizer(PaintingFrontalizer):
    """Rotate-and-Render at work.

    Attributes:
        pitch: Radians, positive lowers the nose; None for each face's own, at least
            :data:`LOWEST_PITCH`.
    """

    @property
    def name(self) -> str:
        """What tables call it."""
        return "rotate-and-render"

    def _pitches(self, own: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        if self.pitch is None:
            return own.clamp(min=LOWEST_PITCH)
        return torch.full_like(own, self.pitch)

    def _seen(
        self, picture: Float[Tensor, "b 3 s s"], at: Float[Tensor, "b v 3"]
    ) -> Float[Tensor, "b v 3"]:
        erosion = middle_erosion(len(picture))
        return erode_photo(picture, at, self.model.triangles, AT_WORK, erosion).colors

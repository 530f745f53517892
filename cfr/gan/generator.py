"""The generator: from a damaged render and a guide to a whole face and what hid it.

Ju et al., Complete Face Recovery GAN, WACV 2022, Section 3.3 and Eq. 9; layers as in ``model`` of
yeongjoonJu/CFR-GAN. Its gates suppress where their branch is high, in the encoder as (1 − σ) and
in the residual blocks as σ.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfr.gan.batch_norm import SharedBatchNorm
from cfr.gan.layers import (
    SLOPE,
    GatedDown,
    GatedResidual,
    convolved,
    normalized_conv,
    raised,
)
from cfr.gan.painting import FaceGenerator, Painted
from cfr.gan.sizes import PUBLISHED, GeneratorSize


class MaskPath(nn.Module):
    """From the difference of the stems and the gates of the encoder to the occlusion mask."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.coarse = _raised_with_batch_norm(4 * width, 2 * width)
        self.mix = nn.Sequential(
            nn.Conv2d(4 * width, 2 * width, 3, padding=1),
            SharedBatchNorm(2 * width),
            nn.LeakyReLU(SLOPE),
        )
        self.fine = _raised_with_batch_norm(2 * width, width)
        self.out = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, difference: Tensor, fine: Tensor, coarse: Tensor) -> Tensor:
        """The mask in [0, 1]; the gates are those of half and of a quarter of the sides."""
        both = torch.cat((fine, self.coarse(coarse)), dim=1)
        return self.out(difference + self.fine(self.mix(both))).sigmoid()


class Generator(FaceGenerator):
    """The generator of CFR-GAN.

    The guide is seen through the attention alone: what of the damaged render is let into the
    encoder depends on how far its features are from the guide's (Eq. 9).

    Attributes:
        size: How large it is.

    Args:
        size: As the attribute.
    """

    def __init__(self, size: GeneratorSize = PUBLISHED) -> None:
        super().__init__(size)
        width, path = size.width, size.occlusion_path
        self.stem_damaged = convolved(3, width, 7)
        self.stem_guide = convolved(3, width, 7)
        if path:
            self.difference = nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1), nn.InstanceNorm2d(width)
            )
        self.down = nn.ModuleList(
            GatedDown(part * width, 2 * part * width, gated=path) for part in (1, 2)
        )
        self.residual = nn.Sequential(
            *(GatedResidual(4 * width, gated=path) for _ in range(size.blocks))
        )
        self.up = nn.Sequential(raised(4 * width, 2 * width), raised(2 * width, width))
        self.out = normalized_conv(width, 3, 7, padding=3, border="reflect")
        if path:
            self.mask = MaskPath(width)

    def forward(
        self, damaged: Float[Tensor, "b 3 s s"], guide: Float[Tensor, "b 3 s s"]
    ) -> Painted:
        """Paint a face and its occlusion mask.

        Args:
            damaged: RGB in [0, 1]: in training R_psr, at work R_p in the wanted pose.
            guide: The same: in training R_es, at work R_e in the wanted pose.

        Raises:
            ValueError: The sides are no multiple of 4, or below 16.
        """
        painted, difference, gates = self._paint(damaged, guide)
        if difference is None:
            return Painted(painted, torch.zeros_like(painted[:, :1]))
        return Painted(painted, self.mask(difference, *gates))

    def paint(
        self, damaged: Float[Tensor, "b 3 s s"], guide: Float[Tensor, "b 3 s s"]
    ) -> Float[Tensor, "b 3 s s"]:
        """The face alone; the mask's path, and its batch normalisation, is left out."""
        return self._paint(damaged, guide)[0]

    def _paint(self, damaged: Tensor, guide: Tensor) -> tuple[Tensor, Tensor | None, list[Tensor]]:
        self.require_side(damaged.shape[-1])
        x, other = self.stem_damaged(2 * damaged - 1), self.stem_guide(2 * guide - 1)
        if self.size.occlusion_path:  # Eq. 9, with the code's convolution
            difference = self.difference((x - other).square())
            x = x * (1 - difference.sigmoid())
        else:
            difference, x = None, (x + other) / 2
        gates = []
        for down in self.down:
            x, gate = down(x)
            gates.append(gate)
        painted = self.out(self.up(self.residual(x))).tanh()
        return (painted + 1) / 2, difference, gates


def _raised_with_batch_norm(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, output_padding=1)
    return nn.Sequential(conv, SharedBatchNorm(outputs), nn.LeakyReLU(SLOPE))

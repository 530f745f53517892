"""The generator: from a damaged render and a guide to a whole face and what hid it.

Ju et al., Complete Face Recovery GAN, WACV 2022, Section 3.3 and Eq. 9; layers as in ``model`` of
yeongjoonJu/CFR-GAN. Its gates suppress where their branch is high, in the encoder as (1 − σ) and
in the residual blocks as σ.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfr.gan.batch_norm import SharedBatchNorm
from cfr.gan.layers import (
    SLOPE,
    GatedDown,
    GatedResidual,
    convolved,
    fold_spectral_norm,
    normalized_conv,
    raised,
)
from cfr.gan.sizes import PUBLISHED, GeneratorSize
from cfr.gan.winograd import use_winograd

STEP = 4
"""Sides of pictures are multiples of this."""
_SMALLEST = 16


class Painted(NamedTuple):
    """What a generator makes of a pair.

    Attributes:
        image: ``(b, 3, s, s)`` the face without what hid it, RGB in [0, 1].
        mask: ``(b, 1, s, s)`` how surely each pixel of the damaged render was hidden, in [0, 1];
            all 0 without the occlusion path.
    """

    image: Float[Tensor, "b 3 s s"]
    mask: Float[Tensor, "b 1 s s"]


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


class Generator(nn.Module):
    """The generator of CFR-GAN.

    The guide is seen through the attention alone: what of the damaged render is let into the
    encoder depends on how far its features are from the guide's (Eq. 9).

    Attributes:
        size: How large it is.

    Args:
        size: As the attribute.
    """

    def __init__(self, size: GeneratorSize = PUBLISHED) -> None:
        super().__init__()
        self.size, width, path = size, size.width, size.occlusion_path
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
        side = damaged.shape[-1]
        if side % STEP or side < _SMALLEST:
            raise ValueError(f"pictures of {side} pixels: expected a multiple of 4, 16 or more")
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


def for_inference(net: Generator) -> Generator:
    """A copy without spectral norm, in evaluation mode: the same pictures, sooner.

    It is meant for the device that the network is on: on a CPU, wide convolutions are computed in
    another way as well (:mod:`cfr.gan.winograd`).
    """
    # Not deepcopy: a copy's layers share the classes that folding changes.
    with torch.random.fork_rng(devices=()):
        copy = Generator(net.size)
    copy.load_state_dict(net.state_dict())
    fold_spectral_norm(copy)
    device = next(net.parameters()).device
    if device.type == "cpu":
        use_winograd(copy)
    return copy.to(device).requires_grad_(requires_grad=False)


def _raised_with_batch_norm(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, output_padding=1)
    return nn.Sequential(conv, SharedBatchNorm(outputs), nn.LeakyReLU(SLOPE))

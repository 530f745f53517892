"""The generator: from a damaged render and a guide to a whole face and what hid it.

Ju et al., Complete Face Recovery GAN, WACV 2022, Section 3.3 and Eq. 9; layers as in ``model`` of
yeongjoonJu/CFR-GAN. Its gates suppress where their branch is high, in the encoder as (1 − σ) and
in the residual blocks as σ.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfr.gan.layers import (
    SLOPE,
    GatedDown,
    GatedResidual,
    convolved,
    fold_spectral_norm,
    normalized_conv,
    raised,
)

STEP = 4
"""Sides of pictures are multiples of this."""
_SMALLEST = 16


@dataclass(frozen=True)
class GeneratorSize:
    """How large a generator is.

    Attributes:
        width: Channels of its first layer; twice and four times as many follow. Published: 64.
        blocks: Residual blocks. Published: 9.
    """

    width: int = 64
    blocks: int = 9

    def __post_init__(self) -> None:
        """Refuse what is no network."""
        if self.width < 1 or self.blocks < 0:
            raise ValueError(f"a generator of width {self.width} with {self.blocks} blocks")


PUBLISHED = GeneratorSize()


class Painted(NamedTuple):
    """What a generator makes of a pair.

    Attributes:
        image: ``(b, 3, s, s)`` the face without what hid it, RGB in [0, 1].
        mask: ``(b, 1, s, s)`` how surely each pixel of the damaged render was hidden, in [0, 1].
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
            nn.BatchNorm2d(2 * width),
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
        self.size, width = size, size.width
        self.stem_damaged = convolved(3, width, 7)
        self.stem_guide = convolved(3, width, 7)
        self.difference = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.InstanceNorm2d(width)
        )
        self.down = nn.ModuleList(
            (GatedDown(width, 2 * width), GatedDown(2 * width, 4 * width)),
        )
        self.residual = nn.Sequential(*(GatedResidual(4 * width) for _ in range(size.blocks)))
        self.up = nn.Sequential(raised(4 * width, 2 * width), raised(2 * width, width))
        self.out = normalized_conv(width, 3, 7, padding=3, border="reflect")
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
        return Painted(painted, self.mask(difference, *gates))

    def paint(
        self, damaged: Float[Tensor, "b 3 s s"], guide: Float[Tensor, "b 3 s s"]
    ) -> Float[Tensor, "b 3 s s"]:
        """The face alone; the mask's path, and its batch normalisation, is left out."""
        return self._paint(damaged, guide)[0]

    def _paint(self, damaged: Tensor, guide: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        side = damaged.shape[-1]
        if side % STEP or side < _SMALLEST:
            raise ValueError(f"pictures of {side} pixels: expected a multiple of 4, 16 or more")
        x, other = self.stem_damaged(2 * damaged - 1), self.stem_guide(2 * guide - 1)
        difference = self.difference((x - other).square())  # Eq. 9, with the code's convolution
        x = x * (1 - difference.sigmoid())
        gates = []
        for down in self.down:
            x, gate = down(x)
            gates.append(gate)
        painted = self.out(self.up(self.residual(x))).tanh()
        return (painted + 1) / 2, difference, gates


def for_inference(net: Generator) -> Generator:
    """A copy without spectral norm, in evaluation mode: the same pictures, sooner."""
    # Not deepcopy: a copy's layers share the classes that folding changes.
    with torch.random.fork_rng(devices=()):
        copy = Generator(net.size)
    copy.load_state_dict(net.state_dict())
    fold_spectral_norm(copy)
    return copy.to(next(net.parameters()).device).requires_grad_(requires_grad=False)


def _raised_with_batch_norm(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, output_padding=1)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(SLOPE))

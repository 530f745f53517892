"""The generator of Rotate-and-Render: a whole face from one damaged render of it.

Zhou et al., Rotate-and-Render, CVPR 2020, Section 3.3; layers as in ``RotateGenerator`` of
Hangz-nju-cuhk/Rotate-and-Render, which is the generator of pix2pixHD with spectral norm and one
more ReLU at the end of a residual block.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfr.gan.painting import FaceGenerator, Painted
from cfr.gan.sizes import RotateSize
from cfr.rotate_and_render.layers import begun, normed


class Residual(nn.Module):
    """x + f(x), where f ends in a ReLU: what is added is never negative."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = (
            normed(nn.Conv2d(width, width, 3, 1, 1, bias=False, padding_mode="reflect"), nn.ReLU())
            for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape."""
        return x + self.second(self.first(x))


class RotateGenerator(FaceGenerator):
    """The generator ``rotate``; it looks at the damaged render alone.

    Attributes:
        size: How large it is.

    Args:
        size: As the attribute.
    """

    def __init__(self, size: RotateSize | None = None) -> None:
        size = size or RotateSize()
        super().__init__(size)
        width = size.width
        widths = [width * 2**step for step in range(size.downs + 1)]
        first = nn.Conv2d(3, width, 7, padding=3, bias=False, padding_mode="reflect")
        self.first = normed(first, nn.ReLU())
        self.down = nn.Sequential(
            *(
                normed(nn.Conv2d(one, 2 * one, 3, 2, 1, bias=False), nn.ReLU())
                for one in widths[:-1]
            )
        )
        self.residual = nn.Sequential(*(Residual(widths[-1]) for _ in range(size.blocks)))
        self.up = nn.Sequential(
            *(
                normed(
                    nn.ConvTranspose2d(2 * one, one, 3, 2, 1, output_padding=1, bias=False),
                    nn.ReLU(),
                )
                for one in reversed(widths[:-1])
            )
        )
        self.out = begun(nn.Conv2d(width, 3, 7, padding=3, padding_mode="reflect"))

    def forward(
        self, damaged: Float[Tensor, "b 3 s s"], guide: Float[Tensor, "b 3 s s"]
    ) -> Painted:
        """Paint a face; the mask is 0.

        Args:
            damaged: RGB in [0, 1]: in training turned away and back, at work in the wanted pose.
            guide: Not looked at.

        Raises:
            ValueError: The sides are no multiple of the size's step, or below 16.
        """
        self.require_side(damaged.shape[-1])
        painted = self.out(self.up(self.residual(self.down(self.first(2 * damaged - 1))))).tanh()
        return Painted((painted + 1) / 2, torch.zeros_like(painted[:, :1]))

"""The discriminator: patches of a face at two scales, real or painted.

Ju et al., Complete Face Recovery GAN, WACV 2022, Section 3.3. The paper speaks of six layers, its
code has five.
"""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from cfr.gan.layers import SLOPE, normalized_conv
from cfr.gan.sizes import Form


class Patches(nn.Sequential):
    """A logit for each patch of a picture."""

    def __init__(self, width: int, form: Form) -> None:
        widths = [3, *(width * scale for scale in (1, 2, 4, 8))]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            conv = normalized_conv(inputs, outputs, 4, stride=2, padding=2)
            layers += [conv, nn.LeakyReLU(SLOPE)]
        last = widths[-1]
        if form == "paper":
            layers += [normalized_conv(last, last, 4, padding=2), nn.LeakyReLU(SLOPE)]
            layers += [normalized_conv(last, 1, 4, padding=2)]
        else:
            layers += [normalized_conv(last, 1, 1)]
        super().__init__(*layers)


class Discriminator(nn.Module):
    """Two networks of the same form: one sees the picture, the other one half of its sides.

    Args:
        width: Channels of the first layer. Published: 64.
        form: As :data:`Form`.
    """

    def __init__(self, width: int = 64, form: Form = "release") -> None:
        super().__init__()
        self.fine, self.coarse = Patches(width, form), Patches(width, form)

    def forward(self, faces: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b n"]:
        """The logits of all patches of both scales: higher is more real.

        Args:
            faces: RGB in [0, 1].
        """
        pictures = 2 * faces - 1
        halved = functional.avg_pool2d(pictures, 2)
        logits = self.fine(pictures).flatten(1), self.coarse(halved).flatten(1)
        return torch.cat(logits, dim=1)

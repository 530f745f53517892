"""A U-Net of 467,123 weights that parses faces at 256 pixels.

Source: SimonEnkel/lightweight-unet-face-parsing. It has no licence: for checks, not for results.
"""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from cfr.parsing.network import NetworkParser, load_network
from cfr.parsing.types import Label

SIZE = 256
"""Pixels a side of the photos that it was trained on."""
ORDER = tuple(Label(i) for i in (0, 11, 6, 1, 9, 5, 2, 16, 8, 3, 12, 7, 14, 13, 10, 17, 18, 4, 15))
"""What its classes are; found with the label maps of four photos of CelebAMask-HQ."""


class UNet(nn.Module):
    """RGB in [0, 1] → scores of the classes at the same size; scaled to [−1, 1] inside.

    Args:
        classes: How many there are.
    """

    def __init__(self, classes: int = len(Label)) -> None:
        super().__init__()
        self.enc1, self.enc2 = _twice(3, 32), _twice(32, 64)
        self.bottleneck = _twice(64, 128)
        self.up1, self.dec1 = nn.ConvTranspose2d(128, 64, 2, stride=2), _twice(128, 64)
        self.up2, self.dec2 = nn.ConvTranspose2d(64, 32, 2, stride=2), _twice(64, 32)
        self.out = nn.Conv2d(32, classes, 1)

    def forward(self, photo: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """Scores of the classes.

        Args:
            photo: RGB in [0, 1]; sides that four divides.
        """
        whole = self.enc1(2 * photo - 1)
        half = self.enc2(functional.max_pool2d(whole, 2))
        x = self.bottleneck(functional.max_pool2d(half, 2))
        x = self.dec1(torch.cat((self.up1(x), half), dim=1))
        return self.out(self.dec2(torch.cat((self.up2(x), whole), dim=1)))


def load_unet(path: Path, device: torch.device | str = "cpu") -> NetworkParser:
    """Import its ``model_best.pth``.

    Args:
        path: The file, read without running code from it.
        device: Where it computes.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged or another network's; lists missing and unexpected names and
            other shapes.
    """
    net, digest = load_network(UNet(), path, "the weights of the small U-Net", device)
    return NetworkParser("unet", net, SIZE, ORDER, digest)


def _twice(inputs: int, outputs: int) -> nn.Sequential:
    first = nn.Conv2d(inputs, outputs, 3, padding=1)
    return nn.Sequential(first, nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU())

"""How the networks of Rotate-and-Render begin."""

from typing import TypeVar

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

_GAIN = 0.02
Conv = TypeVar("Conv", bound=nn.Conv2d | nn.ConvTranspose2d)


def begun(conv: Conv) -> Conv:
    """A convolution whose weights are drawn by Xavier's rule with gain 0.02; biases are 0."""
    nn.init.xavier_normal_(conv.weight, gain=_GAIN)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv


def normed(conv: nn.Conv2d | nn.ConvTranspose2d, active: nn.Module) -> nn.Sequential:
    """Spectral norm, instance norm without weights of its own, and a non-linearity."""
    return nn.Sequential(spectral_norm(begun(conv)), nn.InstanceNorm2d(conv.out_channels), active)

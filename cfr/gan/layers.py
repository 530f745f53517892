"""Convolutions as the generator and the discriminator have them."""

from typing import Literal

from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

SLOPE = 0.2
"""Of the leaky ReLUs."""


def normalized_conv(
    inputs: int,
    outputs: int,
    kernel: int,
    *,
    stride: int = 1,
    padding: int = 0,
    border: Literal["zeros", "reflect"] = "zeros",
) -> nn.Module:
    """A convolution under spectral norm, started as the published code starts it.

    Weights are drawn from Kaiming's normal distribution with gain √2 over the inputs; biases keep
    PyTorch's start.
    """
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, padding_mode=border)
    nn.init.kaiming_normal_(conv.weight)
    return spectral_norm(conv)


def convolved(
    inputs: int, outputs: int, kernel: int, *, stride: int = 1, active: bool = True
) -> nn.Sequential:
    """Reflecting border, convolution under spectral norm, instance norm, and a leaky ReLU."""
    conv = normalized_conv(
        inputs, outputs, kernel, stride=stride, padding=kernel // 2, border="reflect"
    )
    layers = [conv, nn.InstanceNorm2d(outputs), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*(layers if active else layers[:2]))


class GatedDown(nn.Module):
    """Halve the sides; a second branch says what of the features is let through.

    The gate is open where its branch is low: (1 − σ(g)) · f. Without, all is let through.
    """

    def __init__(self, inputs: int, outputs: int, *, gated: bool = True) -> None:
        super().__init__()
        self.gate = convolved(inputs, outputs, 3, stride=2, active=False) if gated else None
        self.feature = convolved(inputs, outputs, 3, stride=2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The features, and the gate before its sigmoid (the features themselves without)."""
        feature = self.feature(x)
        if self.gate is None:
            return feature, feature
        gate = self.gate(x)
        return (1 - gate.sigmoid()) * feature, gate


class GatedResidual(nn.Module):
    """A residual block whose input is gated first: x ← x · σ(g(x)). Without, it is not."""

    def __init__(self, width: int, *, gated: bool = True) -> None:
        super().__init__()
        gate = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.InstanceNorm2d(width))
        self.gate = gate if gated else None
        self.first = convolved(width, width, 3)
        self.second = convolved(width, width, 3, active=False)

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape."""
        if self.gate is not None:
            x = x * self.gate(x).sigmoid()
        return x + self.second(self.first(x))


def raised(inputs: int, outputs: int) -> nn.Sequential:
    """Double the sides by a transposed convolution under spectral norm."""
    conv = spectral_norm(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1))
    return nn.Sequential(conv, nn.InstanceNorm2d(outputs), nn.LeakyReLU(SLOPE))


def fold_spectral_norm(net: nn.Module) -> None:
    """Replace every weight under spectral norm by its value, in place: for inference only.

    In evaluation mode the values are what the network computes with; in training mode each look at
    a weight would move its estimate of the norm.
    """
    net.eval()
    for layer in net.modules():
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight")

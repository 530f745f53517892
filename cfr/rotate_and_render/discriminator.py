"""The discriminator of Rotate-and-Render: patches at two scales, with the features on the way.

``MultiscaleDiscriminator`` of Hangz-nju-cuhk/Rotate-and-Render, in the form of its model
``rotate``: four layers and an output, as pix2pixHD and SPADE have them.
"""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from cfr.gan.layers import SLOPE
from cfr.rotate_and_render.layers import begun, normed

_WIDEST = 512


class FeaturePatches(nn.Module):
    """A logit for each patch of a picture, and what each layer before it says."""

    def __init__(self, width: int) -> None:
        super().__init__()
        first = begun(nn.Conv2d(3, width, 4, 2, 2))
        layers = [nn.Sequential(first, nn.LeakyReLU(SLOPE))]
        widths = [width, *(min(width * scale, _WIDEST) for scale in (2, 4, 8))]
        for place, (inputs, outputs) in enumerate(pairwise(widths)):
            stride = 2 if place < 2 else 1
            conv = nn.Conv2d(inputs, outputs, 4, stride, 2, bias=False)
            layers.append(normed(conv, nn.LeakyReLU(SLOPE)))
        layers.append(nn.Sequential(begun(nn.Conv2d(widths[-1], 1, 4, 1, 2))))
        self.layers = nn.ModuleList(layers)

    def forward(self, pictures: Float[Tensor, "b 3 s s"]) -> list[Float[Tensor, "b _ _ _"]]:
        """The features of four layers, then the logits; pictures are in [−1, 1]."""
        found = []
        for layer in self.layers:
            pictures = layer(pictures)
            found.append(pictures)
        return found


class FeatureDiscriminator(nn.Module):
    """Two networks of the same form: one sees the picture, the other one half of its sides.

    Args:
        width: Channels of the first layer. Published: 64.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.fine, self.coarse = FeaturePatches(width), FeaturePatches(width)

    def forward(
        self, faces: Float[Tensor, "b 3 s s"]
    ) -> tuple[list[Float[Tensor, "b _ _ _"]], list[Float[Tensor, "b _ _ _"]]]:
        """What each scale says: four feature maps, then the logits. Higher is more real.

        Args:
            faces: RGB in [0, 1].
        """
        pictures = 2 * faces - 1
        halved = functional.avg_pool2d(pictures, 3, 2, 1, count_include_pad=False)
        return self.fine(pictures), self.coarse(halved)

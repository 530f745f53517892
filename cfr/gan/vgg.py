"""VGG-19 for the perceptual loss (Eq. 12), from a file that the user has.

The five maps and their weights are those of NVIDIA/pix2pixHD (``models/networks.py``, VGGLoss).
"""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfr.gan.losses import FeatureMaps
from cfr.weight_files import install, read_tensors
from protocols.errors import DatasetUnavailable
from protocols.roots import is_file

WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
"""What each map counts in :func:`cfr.gan.losses.perceptual`."""
FILE = "vgg19-dcbb9e9d.pth"
"""What torchvision calls the weights."""

_RELUS = (1, 6, 11, 20, 29)  # relu1_1, relu2_1, relu3_1, relu4_1, relu5_1
_UNUSED = "classifier."
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, RGB in [0, 1]
_HOW = (
    f"Get {FILE} from torchvision's page of pretrained weights (VGG19_Weights.IMAGENET1K_V1) and "
    "say where it lies. Nothing downloads it for you."
)


class Vgg19(nn.Module):
    """The convolutions of VGG-19 up to relu5_1.

    Simonyan and Zisserman, Very Deep Convolutional Networks, ICLR 2015, configuration E.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, features: nn.Sequential) -> None:
        super().__init__()
        self.features = features[: _RELUS[-1] + 1]
        for layer in self.features:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False
        self.register_buffer("mean", torch.tensor(_MEAN).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(_STD).view(3, 1, 1))

    def forward(self, pictures: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """See a picture at five scales.

        Args:
            pictures: RGB in [0, 1], at least 16 pixels a side; scaled as ImageNet's are in here.

        Returns:
            relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1: 64, 128, 256, 512 and 512 channels, each
            half the height and width of the one before (rounded down).
        """
        value, maps = (pictures - self.mean) / self.std, []
        for place, layer in enumerate(self.features):
            value = layer(value)
            if place in _RELUS:
                maps.append(value)
        return maps


def load_vgg19(path: Path, device: torch.device) -> FeatureMaps:
    """Load VGG-19: frozen, evaluating, differentiable in its pictures.

    Args:
        path: torchvision's weights (read without running code from them). The classifier's are not
            used, and may be absent.
        device: Where it runs.

    Returns:
        Pictures, RGB in [0, 1], ``(b, 3, s, s)``, to the five maps of :class:`Vgg19`.

    Raises:
        DatasetUnavailable: There is no such file; says how to get it.
        BadInput: It is damaged or another network's; lists missing and unexpected names and other
            shapes.
    """
    from torchvision.models import vgg19

    if not is_file(path):
        raise DatasetUnavailable("VGG-19", path, _HOW)
    with torch.device("meta"):  # weights that are replaced need not be drawn
        whole = vgg19(weights=None)
    del whole.classifier
    whole.to_empty(device="cpu")
    found = read_tensors(path)
    state = {name: one for name, one in found.items() if not name.startswith(_UNUSED)}
    install(whole, state, path, "the weights of torchvision's VGG-19")
    return Vgg19(nn.Sequential(*whole.features.children())).to(device).eval().requires_grad_(False)

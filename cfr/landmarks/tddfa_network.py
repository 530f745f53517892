"""The MobileNet of half width that 3DDFA-V2 publishes as mb05: a 120² crop to 62 numbers.

Howard et al., MobileNets, 2017; Guo et al., Towards Fast, Accurate and Stable 3D Dense Face
Alignment, ECCV 2020. The names of the modules are the checkpoint's.
"""

from jaxtyping import Float
from torch import Tensor, nn

# (name, channels in, channels out, stride) of the depthwise blocks.
_BLOCKS = (
    ("dw2_1", 16, 32, 1),
    ("dw2_2", 32, 64, 2),
    ("dw3_1", 64, 64, 1),
    ("dw3_2", 64, 128, 2),
    ("dw4_1", 128, 128, 1),
    ("dw4_2", 128, 256, 2),
    *((f"dw5_{index}", 256, 256, 1) for index in range(1, 6)),
    ("dw5_6", 256, 512, 2),
    ("dw6", 512, 512, 1),
)


class TddfaNetwork(nn.Module):
    """The regressor."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        for name, inputs, outputs, stride in _BLOCKS:
            self.add_module(name, _Block(inputs, outputs, stride))
        self.fc = nn.Linear(512, 62)

    def forward(self, crops: Float[Tensor, "b 3 120 120"]) -> Float[Tensor, "b 62"]:
        """Whitened pose (12), shape (40) and expression (10).

        Args:
            crops: BGR, less 127.5, divided by 128.
        """
        features = self.bn1(self.conv1(crops)).relu()
        for name, *_ in _BLOCKS:
            features = self.get_submodule(name)(features)
        return self.fc(features.mean((2, 3)))


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False)
        self.bn_dw = nn.BatchNorm2d(inputs)
        self.conv_sep = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.bn_sep = nn.BatchNorm2d(outputs)

    def forward(self, features: Tensor) -> Tensor:
        features = self.bn_dw(self.conv_dw(features)).relu()
        return self.bn_sep(self.conv_sep(features)).relu()

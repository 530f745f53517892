"""RetinaFace with a MobileNet-0.25 trunk, named so that the public checkpoint loads.

Deng et al., RetinaFace: Single-Shot Multi-Level Face Localisation in the Wild, CVPR 2020, in the
form of biubug6/Pytorch_Retinaface that foamliu/MobileFaceNet ships weights for: three levels of a
feature pyramid, a context module (SSH, Najibi et al. 2017) on each, and three heads. The names of
the modules are the checkpoint's.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

STRIDES = (8, 16, 32)
"""Pixels between the cells of each level."""
ANCHOR_SIZES = ((16, 32), (64, 128), (256, 512))
"""Sides in pixels of the square anchors in each cell, level by level."""
_LEAK = 0.1
_WIDTH = 64
# (channels in, channels out, stride) of the trunk's depthwise blocks, stage by stage.
_STAGES = (
    ((8, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)),
    ((64, 128, 2), *[(128, 128, 1)] * 5),
    ((128, 256, 2), (256, 256, 1)),
)


class RetinaFaceNetwork(nn.Module):
    """The network: a photo to boxes, scores and points relative to its anchors."""

    def __init__(self) -> None:
        super().__init__()
        first, second, third = ([_depthwise(*block) for block in stage] for stage in _STAGES)
        self.body = nn.ModuleDict(
            {
                "stage1": nn.Sequential(_conv(3, 8, 3, 2), *first),
                "stage2": nn.Sequential(*second),
                "stage3": nn.Sequential(*third),
            }
        )
        self.fpn = _Pyramid((64, 128, 256))
        self.ssh1, self.ssh2, self.ssh3 = _Context(), _Context(), _Context()
        self.ClassHead = nn.ModuleList(_Head(2) for _ in STRIDES)
        self.BboxHead = nn.ModuleList(_Head(4) for _ in STRIDES)
        self.LandmarkHead = nn.ModuleList(_Head(10) for _ in STRIDES)

    def forward(
        self, photos: Float[Tensor, "b 3 h w"]
    ) -> tuple[Float[Tensor, "b a 4"], Float[Tensor, "b a"], Float[Tensor, "b a 10"]]:
        """Box offsets, probability of a face, and point offsets of every anchor.

        Args:
            photos: BGR, 0 to 255, less the mean that the network was trained with.
        """
        levels = []
        for stage in self.body.values():
            photos = stage(photos)
            levels.append(photos)
        contexts = (self.ssh1, self.ssh2, self.ssh3)
        features = [
            context(level) for context, level in zip(contexts, self.fpn(levels), strict=True)
        ]
        boxes, classes, points = (
            torch.cat([head(one) for head, one in zip(heads, features, strict=True)], 1)
            for heads in (self.BboxHead, self.ClassHead, self.LandmarkHead)
        )
        return boxes, classes.softmax(-1)[..., 1], points


def anchors(height: int, width: int) -> Float[Tensor, "a 3"]:
    """Centre (x, y) and side of every anchor, in pixels, in the order of the network's outputs."""
    every = []
    for stride, sides in zip(STRIDES, ANCHOR_SIZES, strict=True):
        rows, columns = -(-height // stride), -(-width // stride)
        y, x, side = torch.meshgrid(
            (torch.arange(rows) + 0.5) * stride,
            (torch.arange(columns) + 0.5) * stride,
            torch.tensor(sides, dtype=torch.float32),
            indexing="ij",
        )
        every.append(torch.stack((x, y, side), -1).reshape(-1, 3))
    return torch.cat(every)


def decode(
    boxes: Float[Tensor, "a 4"], points: Float[Tensor, "a 10"], anchors: Float[Tensor, "a 3"]
) -> tuple[Float[Tensor, "a 4"], Float[Tensor, "a 5 2"]]:
    """Boxes (left, top, right, bottom) and five points in pixels from the network's offsets.

    The offsets were trained with the variances 0.1 (positions) and 0.2 (sizes) of SSD.
    """
    centre, side = anchors[:, :2], anchors[:, 2:]
    middle = centre + 0.1 * boxes[:, :2] * side
    half = side * torch.exp(0.2 * boxes[:, 2:]) / 2
    placed = centre[:, None] + 0.1 * points.reshape(-1, 5, 2) * side[:, None]
    return torch.cat((middle - half, middle + half), 1), placed


def _conv(
    inputs: int, outputs: int, size: int, stride: int = 1, *, active: bool = True
) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([nn.LeakyReLU(_LEAK)] if active else []))


def _depthwise(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
        nn.BatchNorm2d(inputs),
        nn.LeakyReLU(_LEAK),
        *_conv(inputs, outputs, 1),
    )


class _Pyramid(nn.Module):
    """Gives finer levels what coarser ones know (Lin et al. 2017)."""

    def __init__(self, channels: tuple[int, int, int]) -> None:
        super().__init__()
        self.output1, self.output2, self.output3 = (_conv(one, _WIDTH, 1) for one in channels)
        self.merge1, self.merge2 = _conv(_WIDTH, _WIDTH, 3), _conv(_WIDTH, _WIDTH, 3)

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        fine, middle, coarse = levels
        coarse = self.output3(coarse)
        middle = self.output2(middle)
        middle = self.merge2(middle + functional.interpolate(coarse, middle.shape[2:]))
        fine = self.output1(fine)
        fine = self.merge1(fine + functional.interpolate(middle, fine.shape[2:]))
        return [fine, middle, coarse]


class _Context(nn.Module):
    """Looks at 3, 5 and 7 pixels around (SSH)."""

    def __init__(self) -> None:
        super().__init__()
        half, quarter = _WIDTH // 2, _WIDTH // 4
        self.conv3X3 = _conv(_WIDTH, half, 3, active=False)
        self.conv5X5_1 = _conv(_WIDTH, quarter, 3)
        self.conv5X5_2 = _conv(quarter, quarter, 3, active=False)
        self.conv7X7_2 = _conv(quarter, quarter, 3)
        self.conv7x7_3 = _conv(quarter, quarter, 3, active=False)

    def forward(self, features: Tensor) -> Tensor:
        wider = self.conv5X5_1(features)
        parts = (
            self.conv3X3(features),
            self.conv5X5_2(wider),
            self.conv7x7_3(self.conv7X7_2(wider)),
        )
        return torch.cat(parts, 1).relu()


class _Head(nn.Module):
    """So many numbers for each of the two anchors of a cell."""

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.numbers = numbers
        self.conv1x1 = nn.Conv2d(_WIDTH, 2 * numbers, 1)

    def forward(self, features: Tensor) -> Tensor:
        out = self.conv1x1(features).permute(0, 2, 3, 1)
        return out.reshape(len(out), -1, self.numbers)

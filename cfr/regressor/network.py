"""R-Net: from an aligned crop to the coefficients of a face, the camera and the light.

A ResNet-50, or any convolutional network of timm, with seven linear heads on its pooled features.
Deng et al., Accurate 3D Face Reconstruction with Weakly-Supervised Learning, CVPRW 2019; the heads
as in ``networks.py`` of microsoft/Deep3DFaceReconstruction, which starts them at zero.
"""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfr.coefficients import Layout
from cfr.regressor import resnet50
from protocols.errors import BadOption

MINI = "timm:mobilenetv4_conv_small_050"
"""A backbone that two cores can train, at :data:`MINI_SIZE`."""
MINI_SIZE = 112
"""Pixels a side of the crop that :data:`MINI` is meant for."""
STRIDES = (8, 16, 32)
"""Pixels of the crop for one of each of the feature maps that :meth:`RNet.look` gives."""
TIMM = "timm:"
_SMALLEST, _LARGEST = 32, 1024


class Features(NamedTuple):
    """What a network makes of a crop on its way to the coefficients.

    Attributes:
        maps: Feature maps of the strides 8, 16 and 32, finest first: ``(b, c, h, w)`` each;
            layer2, layer3 and layer4 of a ResNet. Backbones differ in how they round their sides.
        pooled: ``(b, c)`` what the heads see.
        vector: ``(b, n)`` the coefficients, as from :meth:`RNet.forward`.
    """

    maps: tuple[Tensor, Tensor, Tensor]
    pooled: Tensor
    vector: Tensor


class RNet(nn.Module):
    """A backbone with seven heads.

    The heads are identity, expression, texture, rotation, lighting, and two for the translation
    (across the image, and along the viewing axis). All weights and biases of theirs start at zero:
    an untrained network puts out the mean face, facing the camera in an even light.

    The buffers ``mean`` and ``std`` normalise the photo first. They are saved with the weights, so
    that a trained network does not depend on what timm says of its backbone later.

    Attributes:
        backbone: ``resnet50``, or ``timm:NAME``.
        size: Pixels along each side of its crops.
        layout: What its vector means, and which face model it speaks of.
        offset: Add this to the (x, y) of a landmark that :class:`cfr.camera.Camera` projects to
            get the pixel where the network means it. (0, 0) for networks trained here, and
            :data:`cfr.camera.REGRESSOR_OFFSET` for published weights.
        trunk: The backbone, a network of timm's without its classifier.
        heads: The linear heads by name.

    Args:
        backbone: As the attribute.
        trunk: As the attribute.
        layout: As the attribute.
        size: As the attribute.

    Raises:
        BadOption: The trunk does not give feature maps of the strides 8, 16 and 32 at this size.
    """

    mean: Float[Tensor, "3 1 1"]
    std: Float[Tensor, "3 1 1"]

    def __init__(self, backbone: str, trunk: nn.Module, layout: Layout, size: int) -> None:
        super().__init__()
        self.backbone, self.size, self.layout = backbone, size, layout
        self.offset: tuple[float, float] = (0.0, 0.0)
        self.trunk: Any = trunk
        for name in ("mean", "std"):
            values = torch.tensor(self.trunk.pretrained_cfg[name], dtype=torch.float32)
            self.register_buffer(name, values.view(3, 1, 1))
        self._indices = _stages(backbone, self.trunk)
        width = self._check()
        self.heads = nn.ModuleDict()
        for name, outputs in _head_sizes(layout).items():
            head = nn.Linear(width, outputs)
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)
            self.heads[name] = head

    def forward(self, photo: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b n"]:
        """The coefficients of the face in each crop.

        Args:
            photo: RGB in [0, 1], cut by :func:`cfr.align.align_deep3d` at :attr:`size`.

        Returns:
            Vectors for :meth:`cfr.coefficients.Layout.split`.

        Raises:
            ValueError: The crops have another size.
        """
        return self.look(photo).vector

    def look(self, photo: Float[Tensor, "b 3 s s"]) -> Features:
        """The coefficients together with the features that they come from.

        Args:
            photo: As for :meth:`forward`.

        Raises:
            ValueError: The crops have another size.
        """
        if photo.shape[-1] != self.size:
            raise ValueError(f"expected crops of {self.size} pixels, found {photo.shape[-1]}")
        maps, pooled = self._features(photo)
        vector = torch.cat([head(pooled) for head in self.heads.values()], dim=1)
        fine, middle, coarse = maps
        return Features((fine, middle, coarse), pooled, vector)

    def _features(self, photo: Tensor) -> tuple[list[Tensor], Tensor]:
        normal = (photo - self.mean) / self.std
        last, maps = self.trunk.forward_intermediates(normal, indices=self._indices)
        return maps, self.trunk.forward_head(last, pre_logits=True)

    @torch.no_grad()
    def _check(self) -> int:
        """Try the trunk on one black crop; the number of its pooled features."""
        training = self.trunk.training
        self.trunk.eval()
        try:
            maps, pooled = self._features(torch.zeros(1, 3, self.size, self.size))
        except (RuntimeError, AssertionError, ValueError) as error:  # timm's kinds for a wrong size
            reason = " ".join(str(error).split())[:120]
            raise _no_maps(self.backbone, f"it cannot read {self.size} pixels: {reason}") from error
        self.trunk.train(training)
        if pooled.ndim != 2 or any(one.ndim != 4 for one in maps):
            raise _no_maps(self.backbone, "its features have other axes")
        return pooled.shape[1]


def build(backbone: str, layout: Layout, *, size: int) -> RNet:
    """Build a network with a random backbone (of PyTorch's global generator) and heads of zero.

    Args:
        backbone: ``resnet50`` for the form that Deep3D's weights have (:mod:`cfr.regressor.
            resnet50`), or ``timm:NAME`` for a network of timm's.
        layout: The face model's (:meth:`cfr.morphable.model.MorphableModel.layout`).
        size: Pixels along each side of its crops.

    Raises:
        BadOption: There is no such backbone, it does not give feature maps of the strides 8, 16
            and 32, or the size is out of range.
    """
    if not _SMALLEST <= size <= _LARGEST:
        raise BadOption(f"crops of {size} pixels", f"{_SMALLEST} to {_LARGEST} pixels")
    trunk = resnet50.build_caffe_resnet50() if backbone == resnet50.NAME else _timm(backbone)
    return RNet(backbone, trunk, layout, size)


def _timm(backbone: str) -> nn.Module:
    import timm

    name = backbone.removeprefix(TIMM)
    if name == backbone or not timm.is_model(name):
        raise BadOption(backbone, "resnet50, or timm: and the name of one of timm's networks")
    try:
        return timm.create_model(name, pretrained=False, num_classes=0)
    except RuntimeError as error:  # no weights of this tag
        raise BadOption(backbone, f"the name of one of timm's networks ({error})") from error


def _stages(backbone: str, trunk: Any) -> list[int]:
    """Which of the trunk's feature maps have the strides 8, 16 and 32: the last of each."""
    if not hasattr(trunk, "forward_intermediates") or not hasattr(trunk, "feature_info"):
        raise _no_maps(backbone, "timm does not show its feature maps")
    found = [one["reduction"] for one in trunk.feature_info]
    if not set(STRIDES) <= set(found):
        seen = ", ".join(str(one) for one in sorted(set(found)))
        raise _no_maps(backbone, f"its feature maps have the strides {seen} only")
    last = {stride: index for index, stride in enumerate(found)}
    return [last[stride] for stride in STRIDES]


def _no_maps(backbone: str, reason: str) -> BadOption:
    return BadOption(backbone, f"a backbone with feature maps of the strides 8, 16, 32; {reason}")


def _head_sizes(layout: Layout) -> dict[str, int]:
    """Outputs of each head by name, in order; a face model without texture has no head for it."""
    sizes = layout.sizes
    del sizes["translation"]
    sizes |= {"shift": 2, "depth": 1}
    return {name: size for name, size in sizes.items() if size}

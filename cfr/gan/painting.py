"""What every generator has: renders of a face in, a face out; and getting one ready to work."""

from abc import ABC, abstractmethod
from typing import NamedTuple, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfr.gan.layers import fold_spectral_norm
from cfr.gan.sizes import AnySize
from cfr.gan.winograd import use_winograd

SMALLEST = 16
"""Pixels along each side of the smallest picture."""
N = TypeVar("N", bound="FaceGenerator")


class Painted(NamedTuple):
    """What a generator makes of a pair.

    Attributes:
        image: ``(b, 3, s, s)`` the face without what hid it, RGB in [0, 1].
        mask: ``(b, 1, s, s)`` how surely each pixel of the damaged render was hidden, in [0, 1];
            all 0 without the occlusion path.
    """

    image: Float[Tensor, "b 3 s s"]
    mask: Float[Tensor, "b 1 s s"]


class FaceGenerator(nn.Module, ABC):
    """A network that paints a face from renders of it.

    Attributes:
        size: How large it is; another one of this size is made by calling the class with it.

    Args:
        size: As the attribute.
    """

    size: AnySize

    def __init__(self, size: AnySize) -> None:
        super().__init__()
        self.size = size

    @abstractmethod
    def forward(
        self, damaged: Float[Tensor, "b 3 s s"], guide: Float[Tensor, "b 3 s s"]
    ) -> Painted:
        """Paint a face, and an occlusion mask if the network has one.

        Args:
            damaged: RGB in [0, 1]: the photo's colours, as far as they are known.
            guide: The same: the estimated face. Not every method looks at it.

        Raises:
            ValueError: No picture of these sides can be painted.
        """

    def require_side(self, side: int) -> None:
        """Refuse pictures that the network cannot halve and double.

        Raises:
            ValueError: The side is no multiple of the size's step, or below :data:`SMALLEST`.
        """
        step = self.size.step
        if side % step or side < SMALLEST:
            expected = f"a multiple of {step}, {SMALLEST} or more"
            raise ValueError(f"pictures of {side} pixels: expected {expected}")


def for_inference(net: N) -> N:
    """A copy without spectral norm, in evaluation mode: the same pictures, sooner.

    It is meant for the device that the network is on: on a CPU, wide convolutions are computed in
    another way as well (:mod:`cfr.gan.winograd`).
    """
    # Not deepcopy: a copy's layers share the classes that folding changes.
    with torch.random.fork_rng(devices=()):
        copy = type(net)(net.size)
    copy.load_state_dict(net.state_dict())
    fold_spectral_norm(copy)
    device = next(net.parameters()).device
    if device.type == "cpu":
        use_winograd(copy)
    return copy.to(device).requires_grad_(requires_grad=False)

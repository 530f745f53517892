"""Occluders drawn in front of faces whose photo is known without them: an addition to Swap-R&R.

In a pair of the paper what hid the face lies in the guide alone (Eq. 6), while at work it lies in
the photo. Here a drawn occluder stays in the render of the photo, the guide knows nothing of it,
and the photo without it is what should come out: the same task, follow the guide wherever the two
differ, seen from the other side.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from cfr.types import Coefficients

_COVERED = 0.5  # from how much of a pixel on an occluder hides it


class Cover(NamedTuple):
    """Occluders in front of the faces of a batch.

    Attributes:
        photo: ``(b, 3, s, s)`` the photos with them, RGB in [0, 1].
        alpha: ``(b, 1, s, s)`` how much of each pixel they hide; 0 where a face has none.
        coefficients: Of the faces without them: what hid a face before is looked for with these.
    """

    photo: Float[Tensor, "b 3 s s"]
    alpha: Float[Tensor, "b 1 s s"]
    coefficients: Coefficients


def put_over(
    picture: Float[Tensor, "b 3 s s"], photo: Float[Tensor, "b 3 s s"], cover: Cover
) -> Float[Tensor, "b 3 s s"]:
    """Another picture of the same faces behind the same occluders.

    Args:
        picture: RGB in [0, 1].
        photo: The photos without occluders.
        cover: The photos with them.
    """
    behind = 1 - cover.alpha
    return (picture * behind + cover.photo - photo * behind).clamp(0, 1)


def hidden_too(
    target: Float[Tensor, "b 1 s s"], face: Bool[Tensor, "b s s"], cover: Cover
) -> Float[Tensor, "b 1 s s"]:
    """A target mask with the occluders in it, where they lie on the face."""
    return torch.where((cover.alpha >= _COVERED) & face[:, None], 1.0, target)

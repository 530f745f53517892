"""What a face recognizer sees of an aligned crop, for the identity loss; differentiable."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from cfr.align import ARCFACE_112, five_from_68, similarity

_SIZE = 112
# Rows cut off above and below, columns left and right, of a crop of 224.
_CUT_OF, _CUT = 224, (15, 40, 15, 15)


def aligned_crop(
    picture: Float[Tensor, "b 3 h w"], points: Float[Tensor, "b 68 2"]
) -> Float[Tensor, "b 3 112 112"]:
    """A face on ArcFace's template, in [−1, 1]; black around the picture.

    So does ``models/losses.py`` of sicxu/Deep3DFaceRecon_pytorch, with the photo on its own
    landmarks and the render on the network's.

    Args:
        picture: RGB in [0, 1].
        points: Its landmarks, in pixels; no gradient.

    Raises:
        ValueError: Landmarks are not finite, or lie in one place.
    """
    from kornia.geometry import warp_affine

    five = five_from_68(points.detach().double().cpu().numpy())
    matrices = np.stack([similarity(face, ARCFACE_112) for face in five])
    # To kornia, integers are pixel centres, as they are here.
    warped = warp_affine(
        picture, torch.from_numpy(matrices).to(picture), (_SIZE, _SIZE), align_corners=True
    )
    return 2 * warped - 1


def fixed_crop(picture: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 3 112 112"]:
    """The part of an aligned crop that the paper authors' stage 1 recognizes, in [−1, 1].

    Of 224 pixels it is rows 15 to 183 and columns 15 to 208, squeezed to a square; of another size
    as many in proportion. Source: ``train_stage1.py`` of
    yeongjoonJu/Occlusion-Robust-3D-Face-CFR-GAN.

    Args:
        picture: RGB in [0, 1].
    """
    side = picture.shape[-1]
    top, bottom, left, right = (round(cut * side / _CUT_OF) for cut in _CUT)
    part = picture[:, :, top : side - bottom, left : side - right]
    return 2 * functional.interpolate(part, (_SIZE, _SIZE), mode="bilinear", align_corners=True) - 1

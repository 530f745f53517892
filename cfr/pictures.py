"""Between pictures as bytes, channels last, and as float tensors; and of other sizes."""

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor


def to_uint8(pictures: Float[Tensor, "b c h w"]) -> UInt8[np.ndarray, "b h w 3"]:
    """Pictures in [0, 1], RGB or of one channel, as RGB bytes on the CPU."""
    rgb = to_bytes(pictures.detach().expand(-1, 3, -1, -1))
    return np.ascontiguousarray(rgb.transpose(0, 2, 3, 1))


def to_bytes(values: Float[Tensor, "..."]) -> UInt8[np.ndarray, "..."]:
    """Values in [0, 1] as 0 to 255, rounded; beyond, the nearest of these."""
    return (255 * values.clamp(0, 1)).round().to(torch.uint8).cpu().numpy()


def to_float(
    pictures: UInt8[np.ndarray, "b h w 3"], device: torch.device | str = "cpu"
) -> Float[Tensor, "b 3 h w"]:
    """The inverse of :func:`to_uint8`."""
    return torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float() / 255


def resized(picture: UInt8[np.ndarray, "s s 3"], size: int) -> UInt8[np.ndarray, "t t 3"]:
    """A square picture of another size: means where it shrinks, cubic where it grows."""
    if len(picture) == size:
        return picture
    way = cv2.INTER_AREA if size < len(picture) else cv2.INTER_CUBIC
    return cv2.resize(picture, (size, size), interpolation=way)


def resized_mask(mask: Bool[np.ndarray, "s s"], size: int) -> Bool[np.ndarray, "t t"]:
    """The same of a mask; half or more of a pixel counts."""
    if len(mask) == size:
        return mask
    way = cv2.INTER_AREA if size < len(mask) else cv2.INTER_LINEAR
    return cv2.resize(mask.astype(np.float32), (size, size), interpolation=way) >= 0.5

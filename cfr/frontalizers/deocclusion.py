"""Take away what hides a face, and leave the rest of its photo as it is.

Fig. 5(b) of Ju et al., Complete Face Recovery GAN, WACV 2022: M · G + (1 − M) · I, with G painted
in the photo's own pose. The published code has no such step; soft edges are ours.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from cfr.align import Alignment

_EDGE = 1 / 56  # of the crop's side: how far the two pictures run into each other


@dataclass(frozen=True, eq=False)
class Deoccluded:
    """A photo without what hid a face in it.

    Attributes:
        photo: RGB; where :attr:`share` is 0, byte for byte the photo that it was made from.
        share: How much of each pixel is painted, from 0 to 1.
        miss: As of :class:`cfr.frontalizers.types.Restored`.
    """

    photo: UInt8[np.ndarray, "h w 3"]
    share: Float[np.ndarray, "h w"]
    miss: float | None = None

    @property
    def mask(self) -> Bool[np.ndarray, "h w"]:
        """What may differ from the photo."""
        return self.share > 0


def soft_share(
    occlusion: Bool[np.ndarray, "s s"], face: Bool[np.ndarray, "s s"]
) -> UInt8[np.ndarray, "s s"]:
    """How much of each pixel is to be painted, from 0 to 255: a mask with soft edges.

    All of what hides the face, a little of what is beside it, nothing outside the face; towards the
    face's outline it fades as well.

    Args:
        occlusion: What hides the face.
        face: Where the face is.
    """
    reach = max(1, round(len(face) * _EDGE))
    window = (2 * reach + 1, 2 * reach + 1)
    square = np.ones(window, np.uint8)
    # Whole numbers: a running sum of fractions would leave traces where there is nothing.
    hidden = (occlusion & face).astype(np.uint8) * 255
    grown = cv2.blur(cv2.dilate(hidden, square), window, borderType=cv2.BORDER_REPLICATE)
    inner = cv2.erode(face.astype(np.uint8) * 255, square)
    faded = cv2.blur(inner, window, borderType=cv2.BORDER_REPLICATE)
    return (grown.astype(np.uint16) * faded // 255).astype(np.uint8)


def blend(
    photo: UInt8[np.ndarray, "h w 3"],
    painted: UInt8[np.ndarray, "s s 3"],
    share: UInt8[np.ndarray, "s s"],
    alignment: Alignment,
) -> Deoccluded:
    """Put what was painted back into the whole photo.

    Args:
        photo: RGB.
        painted: The face in its own pose, in the crop.
        share: How much of each of its pixels counts, from 0 to 255.
        alignment: From the photo to the crop.
    """
    height, width = photo.shape[:2]
    over, _ = alignment.paste(painted, height, width)
    three = np.repeat(share[..., None], 3, axis=2)
    part = alignment.paste(three, height, width)[0][..., :1].astype(np.float32) / 255
    result, touched = photo.copy(), part[..., 0] > 0
    some = part[touched]
    mixed = some * over[touched] + (1 - some) * photo[touched]
    result[touched] = np.round(mixed).astype(np.uint8)
    return Deoccluded(result, part[..., 0])

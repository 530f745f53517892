"""From a generator's mask to the regions that something hides.

A mask is surest at an object's rim, where both renders differ most in their shapes; a plain surface
behind it gets less. So what is somewhat sure counts where it hangs together with what is sure. The
published code rounds; these numbers are ours, chosen on photos for training with drawn occluders.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float
from skimage.filters import apply_hysteresis_threshold

_SURE = 0.5  # from where on something is hidden: as train.py rounds
_SOMEWHAT = 0.3
_SMOOTH = 3 / 112  # deviation of a Gaussian, as a share of the side


def hidden_regions(
    mask: Float[np.ndarray, "s s"], face: Bool[np.ndarray, "s s"]
) -> Bool[np.ndarray, "s s"]:
    """What of a face is hidden.

    The mask is smoothed on the face alone, so that its outline loses nothing.

    Args:
        mask: How surely each pixel is hidden, in [0, 1].
        face: Where the face is.
    """
    on_face = face.astype(np.float32)
    deviation = _SMOOTH * len(mask)
    smooth, weight = (
        cv2.GaussianBlur(one, (0, 0), deviation, borderType=cv2.BORDER_CONSTANT)
        for one in (mask.astype(np.float32) * on_face, on_face)
    )
    sure = np.where(face, smooth / np.maximum(weight, 1e-6), 0)
    return apply_hysteresis_threshold(sure, _SOMEWHAT, _SURE)

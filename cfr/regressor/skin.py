"""Which pixels of a photo have the colour of skin: what the photometric loss looks at.

Deep3D uses a naive Bayes classifier with Gaussian mixtures of its own. Here it is the fixed range
of chroma of Chai and Ngan, Face Segmentation Using Skin-Color Map in Videophone Applications, IEEE
Transactions on Circuits and Systems for Video Technology 1999: the same for light and dark skin,
since it leaves brightness out. Wood and warm walls have the colour of skin, too, and so have hands:
the mask is cut to the rendered face, and taken from the photo without the occluder. A parser's mask
is better where there is one.
"""

from jaxtyping import Bool, Float
from torch import Tensor

_BLUE, _RED = (77.0, 127.0), (133.0, 173.0)  # Cb and Cr of 8 bits, ends included


def skin_colored(photo: Float[Tensor, "b 3 h w"]) -> Bool[Tensor, "b h w"]:
    """Pixels whose chroma is that of skin.

    Args:
        photo: RGB in [0, 1].
    """
    from kornia.color import rgb_to_ycbcr

    _, blue, red = (255 * rgb_to_ycbcr(photo)).unbind(dim=1)
    blue_fits = (blue >= _BLUE[0]) & (blue <= _BLUE[1])
    return blue_fits & (red >= _RED[0]) & (red <= _RED[1])

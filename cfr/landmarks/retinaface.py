"""RetinaFace, the paper's detector (Deng et al. 2020), with the public mobilenet0.25 weights.

The network was trained on BGR photos less the mean (104, 117, 123). Source of the weights:
foamliu/MobileFaceNet, ``retinaface/weights/mobilenet0.25_Final.pth``; of the conventions:
biubug6/Pytorch_Retinaface.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from jaxtyping import UInt8

from cfr.landmarks.face import FoundFace
from protocols.errors import BadInput, BadOption, DatasetUnavailable
from protocols.roots import require_root

if TYPE_CHECKING:  # PyTorch is imported when the weights are loaded
    from torch import Tensor

    from cfr.landmarks.retinaface_network import RetinaFaceNetwork

TITLE = "RetinaFace's weights"
HOW = "Get them with: python scripts/fetch.py mobilefacenet."
FILE = "retinaface_mobilenet0.25_Final.pth"
_MEAN_BGR = (104.0, 117.0, 123.0)


@dataclass(frozen=True, eq=False)
class RetinaFace:
    """The detector: five points and a box for each face.

    Attributes:
        network: Its network, in evaluation mode.
        threshold: Least probability of a face.
        overlap: Boxes that overlap more (intersection over union) are one face.
        longest_side: A photo with a longer side is shrunk to it before the network sees it. Its
            anchors go up to 512 pixels: larger faces are found less surely.
        name: What commands print.
    """

    network: "RetinaFaceNetwork"
    threshold: float = 0.5
    overlap: float = 0.4
    longest_side: int = 1024
    name: str = "retinaface"

    def __post_init__(self) -> None:
        """Refuse what nothing could be found with."""
        if not 0 < self.threshold < 1:
            raise BadOption(f"threshold {self.threshold}", "a probability between 0 and 1")
        if self.longest_side < 32:
            raise BadOption(f"longest side {self.longest_side}", "at least 32 pixels")

    def __call__(
        self, photo: UInt8[np.ndarray, "h w 3"], path: Path | None = None
    ) -> list[FoundFace]:
        """Find the faces of a photo of any size, the surest first.

        The network's positions are taken as pixel centres of what it sees; where the photo was
        shrunk, they are mapped back so that pixel areas, not centres, coincide.
        """
        import torch
        from torchvision.ops import nms

        from cfr.landmarks.retinaface_network import anchors, decode

        seen, scale = _shrink(photo, self.longest_side)
        device = next(self.network.parameters()).device
        with torch.inference_mode():
            offsets, scores, points = self.network(_to_input(seen).to(device))
            kept = scores[0] > self.threshold
            places = anchors(*seen.shape[:2]).to(device)[kept]
            boxes, five = decode(offsets[0, kept], points[0, kept], places)
            scores = scores[0, kept]
            kept = nms(boxes, scores, self.overlap)
            found = [one[kept].double().cpu().numpy() for one in (boxes, five, scores)]
        boxes, five = ((one + 0.5) / np.resize(scale, one.shape) - 0.5 for one in found[:2])
        return [
            FoundFace(box, float(score), points, None, "retinaface")
            for box, points, score in zip(boxes, five, found[2], strict=True)
        ]


def load(root: Path | None = None, device: str = "cpu") -> RetinaFace:
    """Load the detector from the root ``mobilefacenet``.

    Args:
        root: The folder of the weights, if not the usual place.
        device: Where the network runs.

    Raises:
        DatasetUnavailable: The weights are absent.
        BadInput: They are damaged, or another network's.
    """
    (path,) = files(root)
    return RetinaFace(load_network(path).to(device))


def files(root: Path | None = None) -> tuple[Path]:
    """The weight file.

    Raises:
        DatasetUnavailable: It is absent.
    """
    path = require_root("mobilefacenet", TITLE, HOW, root) / FILE
    if not path.is_file():
        raise DatasetUnavailable(TITLE, path, HOW)
    return (path,)


def load_network(path: Path) -> "RetinaFaceNetwork":
    """Read the public checkpoint; every weight has to be there and none may be left over.

    Raises:
        BadInput: It is damaged, or another network's.
    """
    import torch

    from cfr.landmarks.retinaface_network import RetinaFaceNetwork

    network = RetinaFaceNetwork()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict({name.removeprefix("module."): one for name, one in state.items()})
    except Exception as error:  # a damaged file raises many kinds
        found = " ".join(str(error).split())[:200]
        raise BadInput(path, "", "RetinaFace mobilenet0.25 weights", found) from error
    return network.eval()


def _shrink(photo: np.ndarray, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """The photo with its longer side at most so long, and the scales of x and y."""
    height, width = photo.shape[:2]
    factor = min(1.0, longest / max(height, width))
    if factor == 1:
        return photo, np.ones(2)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    seen = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    return seen, np.array(size) / (width, height)


def _to_input(photo: np.ndarray) -> "Tensor":
    import torch

    pixels = photo[..., ::-1].astype(np.float32) - np.array(_MEAN_BGR, np.float32)
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))[None]

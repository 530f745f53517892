"""From uint8 faces to the numbers that a network takes, as its input is stated."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32, UInt8

from protocols.faces import Faces
from recognizers.types import Input


def check_size(faces: Faces, given: Input) -> None:
    """Whether faces are as large as a network wants them.

    Raises:
        ValueError: They have another size.
    """
    height, width = faces.images.shape[1:3]
    template = given.template
    if (width, height) != (template.width, template.height):
        raise ValueError(
            f"faces: expected {template.width} × {template.height} ({template.name}), "
            f"found {width} × {height}"
        )


def normalised(
    images: UInt8[np.ndarray, "n h w 3"], given: Input
) -> Float32[np.ndarray, "n 3 h w"]:
    """Order the channels, subtract the mean, divide by std.

    Args:
        images: RGB.
        given: What the network wants.
    """
    ordered = images if given.colour == "RGB" else images[..., ::-1]
    mean, std = np.array(given.mean, np.float32), np.array(given.std, np.float32)
    numbers = (ordered.astype(np.float32) - mean) / std
    return np.ascontiguousarray(numbers.transpose(0, 3, 1, 2))


def stated(given: Input) -> Mapping[str, str]:
    """Everything that a stated input says, as text for a recognizer's identity."""
    template = given.template
    return {
        "colour": given.colour,
        "mean": repr(given.mean),
        "std": repr(given.std),
        "template": template.name,
        "width": str(template.width),
        "height": str(template.height),
        "five": repr(template.five),
        "dense": repr(template.dense),
        "antialias": str(template.antialias),
        "fitted": "in the photo" if template.in_photo else "in the crop",
    }

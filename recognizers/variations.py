"""Ways in which a recognizer's input is commonly wrong: what a sanity probe tries instead."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from recognizers.templates import Template

Flip = Literal["", "mirror", "upside-down"]


@dataclass(frozen=True)
class Variation:
    """Another input than the one stated.

    The face is moved when it is cut out of the photo, so that nothing is lost at the borders; the
    crop is flipped and its channels are swapped after that.

    Attributes:
        name: What tables call it.
        swapped: Whether red and blue change places.
        flip: ``mirror`` exchanges left and right, ``upside-down`` top and bottom.
        right: Shift of the face, in crop widths.
        down: Shift of the face, in crop heights.
        zoom: How much larger the face gets, about the middle of the crop.
    """

    name: str
    swapped: bool = False
    flip: Flip = ""
    right: float = 0.0
    down: float = 0.0
    zoom: float = 1.0

    @property
    def moves(self) -> bool:
        """Whether the face lies elsewhere in the crop."""
        return (self.right, self.down, self.zoom) != (0.0, 0.0, 1.0)

    def applies(self, template: Template) -> bool:
        """Whether it changes anything: a face cannot be moved in a picture taken whole."""
        return not self.moves or bool(template.five or template.dense)

    def template(self, template: Template) -> Template:
        """Where the face is to lie: the same crop size, and the same template if nothing moves."""
        return template.moved(self.right, self.down, self.zoom) if self.moves else template

    def images(self, images: UInt8[np.ndarray, "n h w 3"]) -> UInt8[np.ndarray, "n h w 3"]:
        """Flip and swap crops that were cut by :meth:`template`.

        Args:
            images: RGB.

        Returns:
            What takes their place, as if it were RGB; the same array if nothing changes.
        """
        if self.flip:
            images = images[:, ::-1] if self.flip == "upside-down" else images[:, :, ::-1]
        if self.swapped:
            images = images[..., ::-1]
        return np.ascontiguousarray(images)


AS_IS = Variation("as stated")
MIRRORED = Variation("mirrored", flip="mirror")

VARIATIONS: tuple[Variation, ...] = (
    Variation("with red and blue swapped", swapped=True),
    MIRRORED,
    Variation("upside down", flip="upside-down"),
    Variation("8 % to the left", right=-0.08),
    Variation("8 % to the right", right=0.08),
    Variation("8 % higher", down=-0.08),
    Variation("8 % lower", down=0.08),
    Variation("13 % smaller", zoom=0.87),
    Variation("15 % larger", zoom=1.15),
)

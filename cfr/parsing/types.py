"""What a face parser is, and the labels that it gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, runtime_checkable

from jaxtyping import Float, Int64
from torch import Tensor

from cfr.camera import Camera
from cfr.morphable.model import MorphableModel
from cfr.types import Coefficients


class Label(IntEnum):
    """What a pixel shows, in the order of CelebAMask-HQ.

    Left and right are the person's own: the left eye is in the right half of a photo from the
    front, as in the data set's label maps. iBUG's points 36 to 41 are the right eye.

    Source: Lee et al., MaskGAN, CVPR 2020; switchablenorms/CelebAMask-HQ.
    """

    BACKGROUND = 0
    SKIN = 1
    NOSE = 2
    GLASSES = 3
    LEFT_EYE = 4
    RIGHT_EYE = 5
    LEFT_BROW = 6
    RIGHT_BROW = 7
    LEFT_EAR = 8
    RIGHT_EAR = 9
    INNER_MOUTH = 10
    UPPER_LIP = 11
    LOWER_LIP = 12
    HAIR = 13
    HAT = 14
    EARRING = 15
    NECKLACE = 16
    NECK = 17
    CLOTH = 18


FACE = frozenset(
    (
        Label.SKIN,
        Label.NOSE,
        Label.LEFT_EYE,
        Label.RIGHT_EYE,
        Label.LEFT_BROW,
        Label.RIGHT_BROW,
        Label.INNER_MOUTH,
        Label.UPPER_LIP,
        Label.LOWER_LIP,
    )
)
"""What belongs to a face: on it, every other label is an object."""


@dataclass(frozen=True, eq=False)
class FittedFaces:
    """The face of each photo of a batch, as a face model describes it.

    Attributes:
        model: The face model.
        coefficients: One face a photo.
        camera: The camera they were fitted with. It may have another number of pixels than the
            photos have: it sees the same part of the world on theirs.
    """

    model: MorphableModel
    coefficients: Coefficients
    camera: Camera


@runtime_checkable
class FaceParser(Protocol):
    """A method that tells the parts of a face apart."""

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    @property
    def identity(self) -> Mapping[str, str]:
        """What decides its answers, beside the arguments, as plain text; no path of this machine.

        The fitted faces are an argument: who keeps answers names the model and the fit too.
        """
        ...

    @property
    def finds(self) -> frozenset[Label]:
        """The labels that it can give.

        What it cannot find is absent from its maps, not from the photos: a parser that draws a
        face model never sees glasses or hair.
        """
        ...

    def parse(self, photo: Float[Tensor, "b 3 s s"], faces: FittedFaces) -> Int64[Tensor, "b s s"]:
        """Label every pixel.

        Args:
            photo: RGB in [0, 1], on the parser's device.
            faces: The faces in them. Networks do not look at them; a parser that draws the face
                model looks at nothing else.

        Returns:
            Values of :class:`Label`.

        Raises:
            ValueError: There are more or fewer faces than photos.
        """
        ...

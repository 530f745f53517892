"""What a recognizer is, and what it says of the input that it expects."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from protocols.faces import Faces
from recognizers.templates import Template

Colour = Literal["RGB", "BGR"]
Device = Literal["auto", "cpu", "cuda"]
"""Where networks run; ``auto`` takes CUDA where the backend has it."""


@dataclass(frozen=True)
class Input:
    """What a network wants to be fed; a recognizer converts to it from uint8 RGB by itself.

    Attributes:
        colour: The order of its channels.
        mean: Subtracted from each channel, in the network's order and in grey levels (0 … 255).
        std: What each channel is divided by then, likewise.
        template: Where the facial points lie in the crop, and how large that is.
    """

    colour: Colour
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    template: Template

    @property
    def words(self) -> str:
        """For tables and records: colour order, range, size and template."""
        low = [0.0 - round(mean / std, 3) for mean, std in zip(self.mean, self.std, strict=True)]
        high = [round((255 - mean) / std, 3) for mean, std in zip(self.mean, self.std, strict=True)]
        return (
            f"{self.colour}, {min(low):g} … {max(high):g}, "
            f"{self.template.width} × {self.template.height}, {self.template.name}"
        )


@runtime_checkable
class Recognizer(Protocol):
    """From faces to vectors whose direction tells people apart."""

    @property
    def name(self) -> str:
        """What tables call it, such as ``mobilefacenet``; of a file, its name without folders."""
        ...

    @property
    def input(self) -> Input:
        """What it expects, stated."""
        ...

    @property
    def dimension(self) -> int:
        """How many numbers an embedding has."""
        ...

    @property
    def identity(self) -> Mapping[str, str]:
        """Everything that decides what it answers, as plain text: a cache key is made of it.

        sha256 of the weights, the backend with its version, device and precision, the stated
        input, and what else changes the numbers. No path of this machine.
        """
        ...

    def embed(self, faces: Faces) -> Float32[np.ndarray, "n d"]:
        """Embed faces; a face's answer does not depend on the others beside it.

        Args:
            faces: Cut to the template's height and width, uint8 RGB.

        Returns:
            A row a face, as the network gives it: not scaled to length 1.

        Raises:
            ValueError: The faces have another size.
        """
        ...

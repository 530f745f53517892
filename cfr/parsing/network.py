"""A network that parses photos: sizes, the order of its classes, and what decides its answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from cfr.parsing.types import FittedFaces, Label
from cfr.weight_files import install, read_tensors
from protocols.types import InputFile


@dataclass(frozen=True, eq=False)
class NetworkParser:
    """A trained network and how it is asked; a :class:`cfr.parsing.types.FaceParser`.

    Attributes:
        name: What tables call it.
        network: ``(b, 3, size, size)`` RGB in [0, 1] → ``(b, c, h, w)`` scores of its classes, of
            any size; in evaluation mode.
        size: Pixels a side of its input.
        order: What each of its ``c`` classes is.
        weights: SHA-256 of the weight file.
    """

    name: str
    network: nn.Module
    size: int
    order: tuple[Label, ...]
    weights: str

    @property
    def identity(self) -> Mapping[str, str]:
        """The network, its weights, and how it is asked."""
        return {
            "method": self.name,
            "weights": self.weights,
            "size": str(self.size),
            "order": " ".join(str(one.value) for one in self.order),
            "torch": str(torch.__version__),
        }

    @property
    def finds(self) -> frozenset[Label]:
        """The classes that the network has."""
        return frozenset(self.order)

    @torch.no_grad()
    def parse(
        self, photo: Float[Tensor, "b 3 s s"], faces: FittedFaces | None = None
    ) -> Int64[Tensor, "b s s"]:
        """Label every pixel; the most likely class after the scores are brought to its size.

        Args:
            photo: RGB in [0, 1], on the network's device.
            faces: Not looked at.
        """
        # A smaller photo is enlarged corner to corner, as the published code does; a larger one
        # is averaged, as a picture that was made smaller before.
        shrinks = photo.shape[-1] > self.size
        asked = functional.interpolate(
            photo,
            (self.size, self.size),
            mode="bilinear",
            align_corners=not shrinks,
            antialias=shrinks,
        )
        scores = functional.interpolate(
            self.network(asked), photo.shape[-2:], mode="bilinear", align_corners=True
        )
        order = torch.tensor(self.order, dtype=torch.int64, device=photo.device)
        return order[scores.argmax(1)]


def load_network(
    network: nn.Module, path: Path, what: str, device: torch.device | str = "cpu"
) -> tuple[nn.Module, str]:
    """Fill a network with a file's weights, all of them and nothing else.

    Args:
        network: Its names are the file's.
        path: A file of ``torch.save`` (read without running code from it) or safetensors.
        what: What the weights should be, for messages.
        device: Where it computes.

    Returns:
        The network in evaluation mode, without gradients; and the file's SHA-256.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged or another network's; lists missing and unexpected names and
            other shapes.
    """
    install(network, read_tensors(path), path, what)
    return network.eval().requires_grad_(False).to(device), InputFile.of(path).sha256

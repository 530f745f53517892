"""The vector that a regressor puts out, cut into named coefficients; and files of them.

With 80, 64 and 80 modes the vector has 257 numbers, in the order of the published weights:
identity, expression, texture, rotation (3), lighting (27), translation (3). The paper counts 239:
one light for the three channels.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from cfr.types import Coefficients
from protocols.errors import BadInput, DataError

_FORMAT, _METADATA = "cfr-coefficients-1", "__metadata__"


class WrongFaceModel(DataError):
    """Something that was made with one face model met another.

    Args:
        what: What was made with it.
        made: Digest of the model that it was made with.
        here: Name and digest of the model at hand.
    """

    def __init__(self, what: str, made: str, here: str) -> None:
        super().__init__(f"{what}: made with face model {made[:12]}…, the one at hand is {here}")


@dataclass(frozen=True)
class Layout:
    """How many numbers of a vector are what.

    Attributes:
        identity: Identity modes.
        expression: Expression modes.
        texture: Texture modes, 0 for a model without.
        lighting: 27, or 9 for one light for the three channels.
        model: Digest of the face model.
    """

    identity: int
    expression: int
    texture: int
    lighting: int
    model: str

    @property
    def sizes(self) -> dict[str, int]:
        """Numbers by name, in order."""
        return {
            "identity": self.identity,
            "expression": self.expression,
            "texture": self.texture,
            "rotation": 3,
            "lighting": self.lighting,
            "translation": 3,
        }

    @property
    def size(self) -> int:
        """Length of the vector."""
        return sum(self.sizes.values())

    def require(self, digest: str, what: str) -> None:
        """Refuse what was made with another face model.

        Args:
            digest: The model that it was made with.
            what: What it is, for the message.

        Raises:
            WrongFaceModel: The digests differ.
        """
        if digest != self.model:
            raise WrongFaceModel(what, digest, f"{self.model[:12]}…")

    def split(self, vector: Float[Tensor, "b n"]) -> Coefficients:
        """Cut a regressor's output into coefficients; half precision becomes float32.

        Raises:
            ValueError: The vector has another length.
        """
        if vector.shape[1] != self.size:
            raise ValueError(f"expected {self.size} coefficients, found {vector.shape[1]}")
        if vector.dtype in (torch.float16, torch.bfloat16):
            vector = vector.float()
        parts = vector.split(list(self.sizes.values()), dim=1)
        return Coefficients(*parts, model=self.model)

    def join(self, coefficients: Coefficients) -> Float[Tensor, "b n"]:
        """The inverse of :meth:`split`.

        Raises:
            WrongFaceModel: The coefficients belong to another face model.
            ValueError: A part has another length.
        """
        self.require(coefficients.model, "these coefficients")
        parts = coefficients.parts()
        for name, size in self.sizes.items():
            if parts[name].shape[1] != size:
                raise ValueError(f"{name}: expected {size} numbers, found {parts[name].shape[1]}")
        return torch.cat(list(parts.values()), dim=1)

    def zeros(self, batch: int, device: torch.device | str = "cpu") -> Coefficients:
        """The mean face, facing the camera in an even light."""
        return self.split(torch.zeros(batch, self.size, device=device))


def save_coefficients(path: Path, coefficients: Coefficients) -> None:
    """Write coefficients as safetensors; the file names their face model.

    Equal coefficients are equal bytes.

    Raises:
        OSError: The file cannot be written.
    """
    from safetensors.torch import save

    tensors = {name: part.detach().contiguous() for name, part in coefficients.parts().items()}
    content = save(tensors, {"format": _FORMAT, "model": coefficients.model})
    path.write_bytes(_in_order(content))


def _in_order(content: bytes) -> bytes:
    """Safetensors with its metadata sorted: the library puts them in an order of chance."""
    start = 8  # the length of the header comes first
    end = start + int.from_bytes(content[:start], "little")
    header = json.loads(content[start:end])
    header[_METADATA] = dict(sorted(header[_METADATA].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return content[:start] + text.ljust(end - start) + content[end:]


def load_coefficients(path: Path, layout: Layout) -> Coefficients:
    """Read coefficients of the face model at hand.

    Raises:
        BadInput: The file is absent or damaged, or holds something else.
        WrongFaceModel: It was written with another face model.
    """
    from safetensors import SafetensorError, safe_open

    expected = "coefficients written by this project, as safetensors"
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            parts = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise BadInput(path, "", expected, str(error)) from error
    if about.get("format") != _FORMAT or set(parts) != set(layout.sizes):
        raise BadInput(path, "", expected, f"{about.get('format')}: {', '.join(sorted(parts))}")
    layout.require(about.get("model", ""), str(path))
    rows = next(iter(parts["rotation"].shape), 0)
    for name, size in layout.sizes.items():
        part = parts[name]
        if part.shape != (rows, size) or not part.is_floating_point():
            found = f"{tuple(part.shape)} {part.dtype}"
            raise BadInput(path, f"tensor {name}", f"real numbers of shape ({rows}, {size})", found)
        if not part.isfinite().all():
            raise BadInput(path, f"tensor {name}", "finite numbers", "NaN or infinity")
    return Coefficients(**parts, model=layout.model)

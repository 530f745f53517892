"""What a trained recognizer is kept in: an ONNX file and PyTorch weights, each with its card.

``recognizers.sources.load_recognizer`` reads both, and so does every command's ``--recognizer``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save as save_tensors
from torch import nn

from cfr.weight_files import write_whole
from recognizers.onnx_export import export_onnx
from recognizers.training.arcface import LEVEL
from recognizers.training.presets import TIMM, NetworkSize

_KEY = "about"


@dataclass(frozen=True)
class RecognizerFiles:
    """Where a recognizer lies.

    Attributes:
        onnx: For every runtime.
        weights: For PyTorch, safetensors in single precision.
    """

    onnx: Path
    weights: Path

    @classmethod
    def within(cls, folder: Path, name: str) -> "RecognizerFiles":
        """Those of a name in a folder."""
        return cls(folder / f"{name}.onnx", folder / f"{name}-torch.safetensors")

    @property
    def all(self) -> tuple[Path, ...]:
        """The files and their cards."""
        both = self.onnx, self.weights
        return (*both, *(one.with_suffix(".toml") for one in both))


def save_recognizer(
    files: RecognizerFiles, network: nn.Module, size: NetworkSize, about: Mapping[str, str]
) -> None:
    """Write a recognizer, each file whole or not at all; the ONNX file is tried.

    Args:
        files: Where.
        network: From RGB in −1 … 1 to embeddings.
        size: Which network it is.
        about: What is said of it: data, command, seed, …

    Raises:
        ValueError: onnxruntime answers otherwise than PyTorch.
        OSError: A file cannot be written.
    """
    state = {name: one.detach().cpu().contiguous() for name, one in network.state_dict().items()}
    half = files.onnx.with_name(f".half-{files.onnx.name}")
    export_onnx(network, (size.size, size.size), half)
    for path, more in ((files.onnx, {}), (files.weights, _architecture(size))):
        card = "".join(f'{key} = "{value}"\n' for key, value in more.items())
        write_whole(path.with_suffix(".toml"), (_input_card(size) + card).encode())
    write_whole(files.weights, save_tensors(state, {_KEY: json.dumps(dict(about))}))
    half.replace(files.onnx)


def _input_card(size: NetworkSize) -> str:
    """The card's lines that both files need (:mod:`recognizers.card`)."""
    return (
        f'colour = "RGB"\nmean = {LEVEL}\nstd = {LEVEL}\ntemplate = "arcface"\n'
        f"width = {size.size}\nheight = {size.size}\n"
    )


def _architecture(size: NetworkSize) -> dict[str, str]:
    """What PyTorch has to build; of timm's networks the classifier's outputs are the embedding."""
    if size.architecture.startswith(TIMM):
        return {"architecture": size.architecture.removeprefix(TIMM), "output": "logits"}
    return {"architecture": size.architecture}

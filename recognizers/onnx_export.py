"""From a PyTorch network to an ONNX file, which every runtime reads."""

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # PyTorch is imported when a network is written
    from torch import Tensor, nn

_OPSET = 17
_TRACED, _TRIED = 2, 3


def export_onnx(network: "nn.Module", size: tuple[int, int], path: Path) -> None:
    """Write a network as one ONNX file that takes any number of faces, and try the file.

    Its input ``input`` is scaled already: float32, n × 3 × height × width. Its output
    ``embedding`` is n × d. How the input is to be scaled is for a card beside the file to say.

    Args:
        network: On any device; a copy is written, in evaluation mode.
        size: Width and height of the crop.
        path: The file to write.

    Raises:
        ValueError: onnxruntime answers otherwise than PyTorch, for another number of faces than
            the network was written with; the file is removed.
    """
    import torch

    still = copy.deepcopy(network).cpu().float().eval()
    generator = torch.Generator().manual_seed(0)
    given = torch.randn(_TRIED, 3, size[1], size[0], generator=generator)
    with warnings.catch_warnings(), _unchecked():
        # That this is the older exporter (the newer one needs onnxscript, which nothing else here
        # does), and that a size became a constant: where that is wrong, the trial shows it.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            still,
            (given[:_TRACED],),
            path,
            input_names=["input"],
            output_names=["embedding"],
            dynamic_axes={"input": {0: "n"}, "embedding": {0: "n"}},
            opset_version=_OPSET,
            dynamo=False,
        )
    _try(still, given, path)


def _try(network: "nn.Module", given: "Tensor", path: Path) -> None:
    import onnxruntime
    import torch

    with torch.inference_mode():
        expected = network(given).numpy()
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        found = np.asarray(session.run(["embedding"], {"input": given.numpy()})[0])
        off = float(np.abs(found - expected).max() / np.abs(expected).max())
    except Exception as error:  # onnxruntime raises many kinds, which share no other parent
        path.unlink()
        raise ValueError(f"{path.name}: onnxruntime refuses the network: {error}") from error
    if not off < 1e-3:
        path.unlink()
        raise ValueError(f"{path.name}: onnxruntime is off by {off:.2g} of the largest number")


@contextmanager
def _unchecked() -> Iterator[None]:
    """In a trace sizes are no numbers, so that shapes in signatures cannot be checked."""
    from jaxtyping import config

    before = config.jaxtyping_disable
    config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        config.update("jaxtyping_disable", before)

"""PyTorch recognizers: insightface's iresnets, and any network of timm.

Answers are float32 through and through (:mod:`recognizers.precision`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, UInt8

from protocols.errors import BadInput, BadOption
from protocols.faces import Faces
from protocols.types import InputFile
from recognizers import checkpoints, timm_models
from recognizers.batches import in_batches
from recognizers.card import Card, input_of
from recognizers.precision import exact
from recognizers.preparing import check_size, normalised, stated
from recognizers.templates import arcface, sphereface
from recognizers.types import Device, Input

if TYPE_CHECKING:  # PyTorch is imported when a recognizer is loaded
    import torch
    from torch import Tensor, nn

# On a CPU a batch is hardly faster: resnet18 at 224 pixels takes 30 ms a face alone, 26 in two and
# 33 in eight; and a face alone cannot depend on others, whatever kernels the CPU gets.
_BATCH = {"cpu": 1, "cuda": 32}


@dataclass(frozen=True, eq=False)
class TorchRecognizer:
    """A network with what it is fed.

    Attributes:
        name: What tables call it.
        input: What the network expects.
        dimension: Numbers of an embedding.
        identity: What decides the answer; see :class:`recognizers.types.Recognizer`.
        network: In evaluation mode, float32, on its device.
        device: Where it runs.
    """

    name: str
    input: Input
    dimension: int
    identity: Mapping[str, str]
    network: "nn.Module"
    device: "torch.device"

    def embed(self, faces: Faces) -> Float32[np.ndarray, "n d"]:
        """Embed faces of the template's size, uint8 RGB; rows as the network gives them.

        Raises:
            ValueError: The faces have another size.
        """
        check_size(faces, self.input)
        return _answers(self.network, self.input, self.device, faces.images)


def load(path: Path, card: Card, *, device: Device = "auto", threads: int = 0) -> TorchRecognizer:
    """Load a checkpoint: an iresnet of insightface, or a network of timm.

    Args:
        path: A file that :func:`recognizers.checkpoints.read_state` reads.
        card: What its card says. Without an architecture there, an iresnet is told by the names of
            its weights. ``output = "logits"`` takes the classifier's outputs of a timm network in
            place of its pooled features.
        device: Where to run.
        threads: CPU threads to use; 0 is PyTorch's own choice.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: File or card are not what they have to be.
        BadOption: There is no CUDA device.
    """
    where = _device(device, threads)
    state = checkpoints.read_state(path)
    architecture = card.architecture or checkpoints.architecture_of(state)
    if architecture is None:
        expected = (
            f"the names of an iresnet's weights, or a card {path.with_suffix('.toml').name} beside "
            'it that says architecture = "…" (iresnet18, …, or the name of a timm model)'
        )
        raise BadInput(path, "", expected, checkpoints.some_of(list(state)))
    made = _iresnet if architecture.startswith("iresnet") else _timm
    network, given, left_out = made(architecture, state, path, card)
    extra = {"left_out": ", ".join(left_out)} if left_out else {}
    if card.output:
        extra["output"] = card.output
    return _recognizer(path, path.stem, architecture, network, given, where, extra)


def load_timm(name: str, *, device: Device = "auto", threads: int = 0) -> TorchRecognizer:
    """Load a timm model with its published weights; its pooled features are the embedding.

    Args:
        name: As timm has it, such as ``resnet18.tv_in1k``.
        device: Where to run.
        threads: CPU threads to use; 0 is PyTorch's own choice.

    Raises:
        BadOption: timm has no such model, or none of its weights; or there is no CUDA device.
        DatasetUnavailable: The weights are neither here nor can they be downloaded.
        BadInput: They are damaged.
    """
    where = _device(device, threads)
    model = timm_models.find_model(name)
    if model is None:
        raise BadOption(f"timm:{name}", "the name of a timm model (timm.list_pretrained())")
    file = timm_models.published_weights(model)
    with _own_draws():
        network = timm_models.build_published(model, file)
    extra = {"left_out": ", ".join(model.heads)}
    return _recognizer(file, f"timm:{name}", model.name, network, model.usual, where, extra)


Made = tuple["nn.Module", Input, tuple[str, ...]]
"""A network with its weights, what it is fed, and which weights of the file it has no use for."""


def _iresnet(architecture: str, state: "dict[str, Tensor]", path: Path, card: Card) -> Made:
    from recognizers.iresnet import ARCHITECTURES, IResNet

    if architecture not in ARCHITECTURES:
        raise _unknown(card, path, architecture)
    if card.output not in ("", "embedding"):
        expected = f'"embedding", which is all that {architecture} has'
        raise BadInput(card.file or path, "output", expected, card.output)
    dimension, width, side = checkpoints.iresnet_shape(state, path)
    template = arcface(side) if side else sphereface()
    usual = Input("RGB", (127.5, 127.5, 127.5), (127.5, 127.5, 127.5), template)
    # A card may know better than the weights: all crops of 97 to 112 pixels leave 7 cells a side.
    size = None if side is None or (card.width and card.height) else (side, side)
    given = input_of(card, usual, size)
    crop = given.template.width, given.template.height
    with _own_draws():
        network = IResNet(ARCHITECTURES[architecture], dimension=dimension, width=width, size=crop)
    heads = checkpoints.IRESNET_HEADS
    return network, given, checkpoints.load_state(network, state, path, architecture, heads)


def _timm(architecture: str, state: "dict[str, Tensor]", path: Path, card: Card) -> Made:
    model = timm_models.find_model(architecture)
    if model is None:
        raise _unknown(card, path, architecture)
    if card.output not in ("", "embedding", "logits"):
        raise BadInput(card.file or path, "output", '"embedding" or "logits"', card.output)
    given = input_of(card, model.usual)
    classes = _classes(model, state, path) if card.output == "logits" else 0
    crop = given.template.width, given.template.height
    with _own_draws():
        network = timm_models.build(model, classes, crop)
    heads = () if classes else tuple(f"{head}." for head in model.heads)
    return network, given, checkpoints.load_state(network, state, path, architecture, heads)


def _classes(model: timm_models.TimmModel, state: "dict[str, Tensor]", path: Path) -> int:
    """How many outputs the classifier in a checkpoint has."""
    names = [f"{head}.weight" for head in model.heads]
    expected = f'one classifier of {model.name}, because its card says output = "logits"'
    if len(names) != 1:
        raise BadInput(path, "", expected, f"{len(names)} in that architecture")
    if names[0] not in state or not state[names[0]].ndim:
        raise BadInput(path, names[0], expected, "none")
    return state[names[0]].shape[0]


def _unknown(card: Card, path: Path, architecture: str) -> BadInput:
    from recognizers.iresnet import ARCHITECTURES

    expected = f"one of {', '.join(ARCHITECTURES)}, or the name of a timm model"
    return BadInput(card.file or path, "architecture", expected, architecture)


def _recognizer(
    file: Path,
    name: str,
    architecture: str,
    network: "nn.Module",
    given: Input,
    device: "torch.device",
    extra: Mapping[str, str],
) -> TorchRecognizer:
    """Put a network in place, and ask it once for the dimension."""
    import torch

    network = network.to(device=device, dtype=torch.float32).eval().requires_grad_(False)
    template = given.template
    none = np.zeros((0, template.height, template.width, 3), np.uint8)
    try:
        dimension = _answers(network, given, device, none).shape[1]
    except (RuntimeError, ValueError, AssertionError) as error:
        expected = f"a network that answers crops of {template.width} × {template.height}"
        found = " ".join(str(error).split())[:200]
        raise BadInput(file, "", expected, found) from error
    on_cpu = device.type == "cpu"
    identity = {
        "backend": f"torch {torch.__version__}",
        "weights": InputFile.of(file).sha256,
        "architecture": architecture,
        "device": "cpu" if on_cpu else f"cuda {torch.cuda.get_device_name(device)}",
        "precision": "float32",
        "batch": str(_BATCH[device.type]),
        **stated(given),
        **extra,
    }
    if not architecture.startswith("iresnet"):
        import timm

        identity["timm"] = timm.__version__
    return TorchRecognizer(name, given, dimension, identity, network, device)


def _answers(
    network: "nn.Module",
    given: Input,
    device: "torch.device",
    images: UInt8[np.ndarray, "n h w 3"],
) -> Float32[np.ndarray, "n d"]:
    import torch

    def run(batch: UInt8[np.ndarray, "b h w 3"]) -> Float32[np.ndarray, "b d"]:
        return network(torch.from_numpy(normalised(batch, given)).to(device)).cpu().numpy()

    with exact(), torch.inference_mode():
        return in_batches(images, _BATCH[device.type], run)


def _device(device: Device, threads: int) -> "torch.device":
    """The device, and the threads set."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise BadOption("--device cuda", "a CUDA device that PyTorch finds; here it finds none")
    if threads > 0:
        torch.set_num_threads(threads)
    wanted = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


@contextmanager
def _own_draws() -> Iterator[None]:
    """Weights that are drawn only to be replaced take nothing from the caller's generator."""
    import torch

    with torch.random.fork_rng(devices=[]):
        yield

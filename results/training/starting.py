"""What a training run starts from: a network, and a recognizer for the identity loss."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cfr.morphable.model import MorphableModel
from cfr.regressor.losses import Embed
from cfr.regressor.network import RNet, build
from cfr.regressor.published import KINDS as PUBLISHED
from cfr.regressor.published import load_published
from cfr.regressor.weights import load, start_from
from protocols.errors import BadInput, DatasetUnavailable
from protocols.roots import artifacts_folder, project_root
from protocols.types import InputFile
from results.training.options import BEFORE

if TYPE_CHECKING:
    from torch import nn

    from recognizers.types import Input
    from results.training.options import TrainRegressor

_IMAGENET = "imagenet"
_SIDE = 112


def first_network(config: "TrainRegressor", model: MorphableModel) -> tuple[RNet, str]:
    """The network as training finds it, in single precision on the CPU; and what it is in words.

    Raises:
        DatasetUnavailable: The weights are absent; says how they are made.
        BadInput: They are damaged, or another network's.
        WrongFaceModel: They belong to another face model.
        BadOption: There is no such backbone, or published weights and another face model.
    """
    torch.manual_seed(config.seed)
    start = config.start
    if start is None and config.stage in BEFORE:
        start = str(_before(config))
    if start is None:
        return _from_nothing(config, model), "nothing"
    kind, colon, path = start.partition(":")
    if colon and kind in (*PUBLISHED, _IMAGENET):
        file = Path(path).expanduser()
        if kind == _IMAGENET:
            net = _from_nothing(config, model)
            start_from(net, file)
        else:
            net = load_published(file, model, kind)
    else:
        kind, file = "", Path(start).expanduser()
        net = load(file, model.layout())
    return net, f"{kind and f'{kind} '}{file.name} (sha256 {InputFile.of(file).sha256})"


def load_embed(path: Path, device: torch.device, usual: "Input | None" = None) -> Embed:
    """A face recognizer as the identity loss needs it: frozen, differentiable in its input.

    Args:
        path: A PyTorch checkpoint or an ONNX file that :mod:`recognizers` reads, for crops of
            112 × 112. A card beside it says how faces are scaled where conventions do not hold.
        device: Where it runs.
        usual: What an ONNX file expects where no card says so: MobileFaceNet's wants
            :data:`recognizers.sources.MOBILEFACENET`. By default insightface's conventions hold.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is no such file, for crops of another size, or has an operator that gradients
            do not pass through here.
    """
    if not path.is_file():
        raise DatasetUnavailable("the recognizer", path, "Check its name.")
    network, given = with_gradient(path, device, usual)
    if (given.template.width, given.template.height) != (_SIDE, _SIDE):
        expected = f"a recognizer for crops of {_SIDE} × {_SIDE}"
        raise BadInput(path, "", expected, f"{given.template.width} × {given.template.height}")
    feed = feeding(given, device)

    def embed(faces: Tensor) -> Tensor:
        return network(feed(127.5 * faces + 127.5))

    return embed


def feeding(given: "Input", device: torch.device) -> Callable[[Tensor], Tensor]:
    """From RGB levels up to 255, ``(b, 3, h, w)``, to what a recognizer is fed; differentiable."""
    mean, std = (torch.tensor(one, device=device).view(3, 1, 1) for one in (given.mean, given.std))
    reverse = given.colour == "BGR"
    return lambda levels: ((levels.flip(1) if reverse else levels) - mean) / std


def with_gradient(
    path: Path, device: torch.device, usual: "Input | None"
) -> "tuple[nn.Module, Input]":
    """A recognizer's frozen network on a device, and what it is fed.

    Args:
        path: As for :func:`load_embed`.
        device: Where it runs.
        usual: Likewise.

    Raises:
        DatasetUnavailable, BadInput: Likewise.
    """
    from recognizers.card import read_card

    if path.suffix.lower() == ".onnx":
        from recognizers import differentiable, onnx_model

        # onnxruntime tells input and output alone, for which it needs no GPU.
        told = onnx_model.load(path, read_card(path), device="cpu", threads=1, usual=usual)
        return differentiable.load_network(path, told.output).to(device), told.input
    from recognizers.sources import load_recognizer
    from recognizers.torch_model import TorchRecognizer

    found = load_recognizer(str(path), device="cuda" if device.type == "cuda" else "cpu")
    if not isinstance(found, TorchRecognizer):
        raise BadInput(path, "", "a PyTorch checkpoint or an ONNX file", "another recognizer")
    return found.network.to(device), found.input


def _from_nothing(config: "TrainRegressor", model: MorphableModel) -> RNet:
    backbone, size = config.architecture
    return build(backbone, model.layout(), size=size)


def _before(config: "TrainRegressor") -> Path:
    """The weights of the stage before: those trained here, else the project's own."""
    before = BEFORE[config.stage]
    name = f"regressor-{before}.safetensors"
    places = artifacts_folder() / "regressor" / before / name, project_root() / "assets" / name
    for place in places:
        if place.is_file():
            return place
    how = f"Train it: python scripts/train_regressor.py {before}. Or name other ones: --start."
    raise DatasetUnavailable(f"the regressor {before}", places[0], how)

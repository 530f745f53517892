"""What a training run starts from: a network, and a recognizer for the identity loss."""

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
from protocols.roots import project_root
from protocols.types import InputFile
from results.publish import artifacts_folder
from results.training.options import BEFORE

if TYPE_CHECKING:
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


def load_embed(path: Path, device: torch.device) -> Embed:
    """A face recognizer as the identity loss needs it: frozen, differentiable in its input.

    Args:
        path: A PyTorch checkpoint that :mod:`recognizers` reads, for crops of 112 × 112.
        device: Where it runs.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is no such checkpoint, or for crops of another size.
    """
    from recognizers.sources import load_recognizer
    from recognizers.torch_model import TorchRecognizer

    if not path.is_file():
        raise DatasetUnavailable("the recognizer", path, "Check its name.")
    recognizer = load_recognizer(str(path), device="cuda" if device.type == "cuda" else "cpu")
    if not isinstance(recognizer, TorchRecognizer):
        raise BadInput(path, "", "a PyTorch checkpoint, which gradients pass through", "another")
    given = recognizer.input
    if (given.template.width, given.template.height) != (_SIDE, _SIDE):
        expected = f"a recognizer for crops of {_SIDE} × {_SIDE}"
        raise BadInput(path, "", expected, f"{given.template.width} × {given.template.height}")
    mean, std = (torch.tensor(one, device=device).view(3, 1, 1) for one in (given.mean, given.std))
    network = recognizer.network.to(device)

    def embed(faces: Tensor) -> Tensor:
        levels = 127.5 * faces + 127.5
        return network(((levels.flip(1) if given.colour == "BGR" else levels) - mean) / std)

    return embed


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

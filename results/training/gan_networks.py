"""The frozen networks that CFR-GAN's losses look through, and what a run says of them."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from cfr.gan.losses import Embed
from cfr.gan.objective import PerceptualNetwork
from cfr.gan.vgg import WEIGHTS, load_vgg19
from protocols.errors import BadInput
from protocols.roots import require_root
from protocols.types import InputFile
from recognizers.sources import MOBILEFACENET
from recognizers.types import Input
from results.training.starting import load_embed

_FILE = "MobileFaceNet.onnx"
_HOW = (
    "Get it with: python scripts/fetch.py mobilefacenet. Or name networks of your own: "
    "--perceptual vgg19:FILE --recognizer FILE. Or leave the losses out: "
    "--without perceptual identity."
)


def load_perceptual(name: str, device: torch.device) -> tuple[PerceptualNetwork, str]:
    """The network of the perceptual loss, and what it is in words.

    Args:
        name: As ``train_gan.py --perceptual`` takes it.
        device: Where it runs.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged, or another network's.
    """
    kind, _, file = name.partition(":")
    if kind == "vgg19":
        path = Path(file).expanduser()
        return PerceptualNetwork(load_vgg19(path, device), WEIGHTS), f"VGG-19, {_named(path)}"
    path = Path(file).expanduser() if file else mobilefacenet()
    return _feature_maps(path, device, MOBILEFACENET if not file else None)


def load_identity(path: Path | None, device: torch.device) -> tuple[Embed, str]:
    """The network of the identity loss, and what it is in words.

    Args:
        path: A recognizer; None for MobileFaceNet.
        device: Where it runs.

    Raises:
        DatasetUnavailable, BadInput: As of :func:`results.training.starting.load_embed`.
    """
    if path is None:
        path = mobilefacenet()
        return load_embed(path, device, usual=MOBILEFACENET), f"MobileFaceNet, {_named(path)}"
    return load_embed(path, device), _named(path)


def mobilefacenet() -> Path:
    """Where MobileFaceNet lies.

    Raises:
        DatasetUnavailable: It is absent; says how to get it, and what else would do.
    """
    return require_root("mobilefacenet", "MobileFaceNet", _HOW) / _FILE


def _feature_maps(
    path: Path, device: torch.device, usual: Input | None
) -> tuple[PerceptualNetwork, str]:
    """The maps of a recognizer's ONNX file; each counts twice what the finer one does."""
    from recognizers import differentiable, onnx_model
    from recognizers.card import read_card

    told = onnx_model.load(path, read_card(path), device="cpu", threads=1, usual=usual)
    given, network = told.input, differentiable.load_network(path, told.output).to(device)
    count = len(network.mapped)
    if not count:
        raise BadInput(path, "", "a network with feature maps", "none")
    mean, std = (torch.tensor(one, device=device).view(3, 1, 1) for one in (given.mean, given.std))

    def features(pictures: Tensor) -> Sequence[Tensor]:
        levels = 255 * (pictures.flip(1) if given.colour == "BGR" else pictures)
        return network.maps((levels - mean) / std)

    weights = tuple(2.0 ** (place - count + 1) for place in range(count))
    return PerceptualNetwork(features, weights), f"{count} maps of {_named(path)}"


def _named(path: Path) -> str:
    return f"{path.name} (sha256 {InputFile.of(path).sha256})"

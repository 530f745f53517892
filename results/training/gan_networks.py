"""The frozen networks that losses look through, and what a run says of them."""

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
from recognizers.differentiable import OnnxNetwork
from recognizers.sources import MOBILEFACENET
from recognizers.types import Input
from results.training.starting import feeding, load_embed, with_gradient

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
    network, given = with_gradient(path, device, usual)
    if not isinstance(network, OnnxNetwork) or not network.mapped:
        raise BadInput(path, "", "an ONNX file of a network with feature maps", "none")
    count, feed = len(network.mapped), feeding(given, device)

    def features(pictures: Tensor) -> Sequence[Tensor]:
        return network.maps(feed(255 * pictures))

    weights = tuple(2.0 ** (place - count + 1) for place in range(count))
    return PerceptualNetwork(features, weights), f"{count} maps of {_named(path)}"


def _named(path: Path) -> str:
    return f"{path.name} (sha256 {InputFile.of(path).sha256})"

"""timm's networks: built by name, fed as they were trained, with their published weights.

Wightman, PyTorch Image Models, https://github.com/huggingface/pytorch-image-models.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from protocols.errors import BadInput, BadOption, DatasetUnavailable
from recognizers.templates import arcface, whole
from recognizers.types import Input

if TYPE_CHECKING:  # PyTorch and timm are imported when a network is built
    from torch import nn

_FILES = ("model.safetensors", "pytorch_model.bin")
_SECONDS = 5.0


@dataclass(frozen=True)
class TimmModel:
    """What timm knows of one of its models.

    Attributes:
        name: With the tag of the weights, as in ``resnet18.tv_in1k``.
        usual: How it was trained to be fed: mean, std and size; ArcFace's template, scaled.
        heads: The names of its classifiers.
        fixed: Whether it has to be built for a size.
        repository: Where its published weights are on the Hugging Face hub; empty if they are not.
    """

    name: str
    usual: Input
    heads: tuple[str, ...]
    fixed: bool
    repository: str


def find_model(name: str) -> TimmModel | None:
    """Look a model up by its name, with or without a tag; None where timm has none of this name."""
    import timm
    from timm.models import get_pretrained_cfg

    try:
        config = get_pretrained_cfg(name) if timm.is_model(name) else None
    except RuntimeError:  # it has no weights of this tag
        config = None
    if config is None:
        return None
    red, green, blue = (float(255 * one) for one in config.mean)
    reds, greens, blues = (float(255 * one) for one in config.std)
    _, height, width = config.input_size
    template = arcface(width) if width == height else whole(width, height)
    heads = config.classifier or ()
    return TimmModel(
        name=f"{config.architecture}.{config.tag}" if config.tag else str(config.architecture),
        usual=Input("RGB", (red, green, blue), (reds, greens, blues), template),
        heads=(heads,) if isinstance(heads, str) else tuple(heads),
        fixed=bool(config.fixed_input_size),
        repository=config.hf_hub_id or "",
    )


def build(model: TimmModel, classes: int, size: tuple[int, int]) -> "nn.Module":
    """Build a network with random weights.

    Args:
        model: Which.
        classes: Outputs of its classifier; 0 for none: the pooled features come out.
        size: Width and height of the crop, for networks that are built for one.
    """
    import timm

    options: dict[str, Any] = {"img_size": (size[1], size[0])} if model.fixed else {}
    return timm.create_model(model.name, pretrained=False, num_classes=classes, **options)


def build_published(model: TimmModel, file: Path) -> "nn.Module":
    """Build a network with its published weights, without the classifier.

    Args:
        model: Which.
        file: From :func:`published_weights`.

    Raises:
        BadInput: The file is damaged, or has not all of the weights.
    """
    import timm

    try:  # with its classifier at first, so that timm insists on every name
        network: Any = timm.create_model(
            model.name, pretrained=True, pretrained_cfg_overlay={"file": str(file)}
        )
    except Exception as error:  # a damaged file raises many kinds
        found = " ".join(str(error).split())[:200]
        raise BadInput(file, "", f"timm's weights of {model.name}", found) from error
    network.reset_classifier(0)
    return network


def published_weights(model: TimmModel) -> Path:
    """The file of a model's published weights: from the hub's cache, else downloaded to it.

    Raises:
        BadOption: None are published on the Hugging Face hub.
        DatasetUnavailable: They are not in the cache, and the hub cannot be reached (that is tried
            for seconds, not minutes) or is not to be (``HF_HUB_OFFLINE``).
    """
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    if not model.repository:
        expected = "a timm model whose weights are on the Hugging Face hub"
        raise BadOption(f"timm:{model.name}", expected)
    for name in _FILES:
        cached = try_to_load_from_cache(model.repository, name)
        if isinstance(cached, str):
            return Path(cached)
    try:
        return Path(hf_hub_download(model.repository, _published_name(model)))
    except Exception as error:  # the hub's client raises many kinds
        reason = " ".join(str(error).split())[:200]
        raise _unavailable(model, f"The Hugging Face hub did not give it ({reason}).") from error


def _published_name(model: TimmModel) -> str:
    """Which file the hub has: one short question each, where a download would insist for long."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError

    *others, last = _FILES
    for name in others:
        try:
            get_hf_file_metadata(hf_hub_url(model.repository, name), timeout=_SECONDS)
        except EntryNotFoundError:
            continue
        return name
    return last


def _unavailable(model: TimmModel, reason: str) -> DatasetUnavailable:
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE) / f"models--{model.repository.replace('/', '--')}"
    how = (
        f"{reason} Where there is a network: hf download {model.repository} {_FILES[0]}. Copy that "
        "folder here, or give the file itself, with a card beside it (its name with the ending "
        f'.toml) that says architecture = "{model.name}".'
    )
    return DatasetUnavailable(f"{_FILES[0]} of {model.repository}", folder, how)

"""The face parsers that commands know by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cfr.parsing.from_model import ModelParser
from cfr.parsing.types import FaceParser
from protocols.errors import BadOption, DatasetUnavailable
from protocols.roots import is_file

MODEL = "model"
"""The name of the parser that needs no file: it draws the fitted face model."""


@dataclass(frozen=True)
class Source:
    """A kind of weight file.

    Attributes:
        title: For messages.
        how: How to get one.
        load: Reads it, for a device.
    """

    title: str
    how: str
    load: Callable[[Path, str], FaceParser]


def _retrained(path: Path, device: str) -> FaceParser:
    from cfr.parsing.bisenet import load_bisenet

    return load_bisenet(path, "celebamask-hq", device)


def _public(path: Path, device: str) -> FaceParser:
    from cfr.parsing.bisenet import load_bisenet

    return load_bisenet(path, "public", device)


def _unet(path: Path, device: str) -> FaceParser:
    from cfr.parsing.unet import load_unet

    return load_unet(path, device)


SOURCES: Mapping[str, Source] = {
    "bisenet": Source(
        "the weights of a face-parsing BiSeNet in CelebAMask-HQ's order",
        "The repository github.com/yeongjoonJu/CFR-GAN holds one "
        "(faceParsing/model_final_diss.pth); the parser 'model' needs no file.",
        _retrained,
    ),
    "bisenet-public": Source(
        "the weights of a face-parsing BiSeNet in the public order",
        "The readme of github.com/zllrunning/face-parsing.PyTorch links them "
        "(79999_iter.pth); the parser 'model' needs no file.",
        _public,
    ),
    "unet": Source(
        "the weights of the small U-Net",
        "github.com/SimonEnkel/lightweight-unet-face-parsing holds them (model_best.pth; no "
        "licence, for checks alone); the parser 'model' needs no file.",
        _unet,
    ),
}
"""Kind → what reads its files."""
EXPECTED = ", ".join((MODEL, *(f"{kind}:FILE" for kind in SOURCES)))


def load_parser(name: str = MODEL, *, device: str = "cpu") -> FaceParser:
    """Load a face parser. Nothing is ever downloaded.

    Args:
        name: ``model``, or ``KIND:FILE`` with a key of :data:`SOURCES`.
        device: Where a network computes; the parser ``model`` computes where the face model is.

    Raises:
        BadOption: There is no such parser, or the file is not named.
        DatasetUnavailable: The file is absent; says where to get it.
        BadInput: It is damaged, or another network's.
    """
    if name == MODEL:
        return ModelParser()
    kind, _, file = name.partition(":")
    if kind not in SOURCES or not file:
        raise BadOption(f"parser {name}", f"any of {EXPECTED}")
    source, path = SOURCES[kind], Path(file).expanduser()
    if not is_file(path):
        raise DatasetUnavailable(source.title, path, source.how)
    return source.load(path, device)

"""The recognizers that commands know by name, and those in a user's own files."""

from collections.abc import Callable, Mapping
from pathlib import Path

from protocols.errors import BadOption, DatasetUnavailable
from protocols.roots import is_dir, is_file, require_root
from recognizers import onnx_model, packs, with_dlib
from recognizers.card import read_card
from recognizers.checkpoints import SUFFIXES
from recognizers.templates import arcface
from recognizers.types import Device, Input, Recognizer

MOBILEFACENET = Input(
    "RGB",
    (255 * 0.485, 255 * 0.456, 255 * 0.406),
    (255 * 0.229, 255 * 0.224, 255 * 0.225),
    arcface(),
)
"""ImageNet's mean and deviation. Source: foamliu/MobileFaceNet, ``data_gen.py``."""

Loader = Callable[[Path | None, Device, int], Recognizer]


def _dlib(root: Path | None, device: Device, threads: int) -> Recognizer:
    return with_dlib.load(root, device=device, threads=threads)


def _mobilefacenet(root: Path | None, device: Device, threads: int) -> Recognizer:
    get = "Get it with: python scripts/fetch.py mobilefacenet"
    path = require_root("mobilefacenet", "MobileFaceNet", get, root) / "MobileFaceNet.onnx"
    if not is_file(path):
        raise DatasetUnavailable("MobileFaceNet", path, get)
    return onnx_model.load(
        path,
        read_card(path),
        device=device,
        threads=threads,
        name="mobilefacenet",
        usual=MOBILEFACENET,
    )


def _insightface(root: Path | None, device: Device, threads: int) -> Recognizer:
    return _onnx(packs.recognizer_of(packs.default_pack(root)), device, threads)


SOURCES: Mapping[str, Loader] = {
    "dlib": _dlib,
    "mobilefacenet": _mobilefacenet,
    "insightface": _insightface,
}
"""Name → loader, which takes the root (or None), the device and the threads."""
EXPECTED = (
    f"{', '.join(SOURCES)}, timm:NAME, an .onnx file, a weight file ({', '.join(SUFFIXES)}) or "
    "the folder of an insightface model pack"
)


def load_recognizer(
    name: str, root: Path | None = None, *, device: Device = "auto", threads: int = 0
) -> Recognizer:
    """Load a recognizer. Nothing is downloaded but the weights that ``timm:NAME`` asks for.

    Args:
        name: A key of :data:`SOURCES`; the path of an ``.onnx`` file or of PyTorch weights, with a
            card beside it (:mod:`recognizers.card`) where conventions do not hold; the folder of
            an insightface model pack; or ``timm:`` and a model's name.
        root: The value of ``--root``: the folder of a named recognizer's weights; by default the
            usual places.
        device: ``auto`` takes CUDA where the backend has it, and says so in the identity.
        threads: CPU threads; 0 is the backend's own choice.

    Raises:
        BadOption: There is no such name, and no such kind of file.
        DatasetUnavailable: Its weights are absent; says how to get them.
        PackageUnavailable: Its package is not installed, or lacks CUDA, which was asked for.
        BadInput: A file or its card is not what it has to be.
    """
    if name in SOURCES:
        return SOURCES[name](root, device, threads)
    if name.startswith("timm:") and name != "timm:":
        from recognizers.torch_model import load_timm

        return load_timm(name.removeprefix("timm:"), device=device, threads=threads)
    try:
        path = Path(name).expanduser()
    except RuntimeError as error:  # ~ of somebody who has no home here
        raise BadOption(f"recognizer {name}", EXPECTED) from error
    suffix = path.suffix.lower()
    if suffix == ".onnx":
        return _onnx(path, device, threads)
    if suffix in SUFFIXES:
        from recognizers.torch_model import load

        return load(path, read_card(path), device=device, threads=threads)
    if name and is_dir(path):
        return _onnx(packs.recognizer_of(path), device, threads)
    raise BadOption(f"recognizer {name}", EXPECTED)


def _onnx(path: Path, device: Device, threads: int) -> Recognizer:
    return onnx_model.load(path, read_card(path), device=device, threads=threads)

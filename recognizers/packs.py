"""insightface's model packs: folders of ONNX files, of which one is the recognizer."""

from pathlib import Path

from protocols.errors import BadInput, DatasetUnavailable
from protocols.roots import is_dir, resolve_root
from recognizers.onnx_file import OnnxFile, read_onnx

PACK = "buffalo_l"
HOW = (
    f"Unpack a model pack there, such as {PACK}.zip of https://github.com/deepinsight/insightface "
    "(for non-commercial research), or point to its folder."
)

_SMALLEST_SIDE, _SIDE_STEP = 112, 16
_OTHER_TASKS = ((192, 192), (96, 96))  # landmarks; age and gender


def default_pack(root: Path | None = None) -> Path:
    """The folder of the pack that is meant by ``insightface``.

    Args:
        root: The pack's folder. By default that of the root ``insightface``, if there is one, else
            insightface's own place, ``~/.insightface/models/buffalo_l``.

    Raises:
        DatasetUnavailable: There is no such folder; nothing is ever downloaded.
    """
    folder = resolve_root("insightface", root).path
    if root is None and not is_dir(folder):
        folder = Path.home() / ".insightface" / "models" / PACK
    if not is_dir(folder):
        raise DatasetUnavailable("insightface's model pack", folder, HOW)
    return folder


def recognizer_of(folder: Path) -> Path:
    """The recognizer of a pack: the one file that insightface would take for one.

    insightface tells its models by their shapes: a recognizer has one square input, of at least 112
    pixels and a multiple of 16, that is not the 192 of landmarks; and one output, where a detector
    has at least five. Source: deepinsight/insightface, ``ModelRouter`` of ``model_zoo.py`` and
    ``ArcFaceONNX``.

    Raises:
        DatasetUnavailable: The folder has no ONNX file.
        BadInput: None of the files is a recognizer, or several are; or one cannot be read.
    """
    paths = sorted(folder.glob("*.onnx"))
    if not paths:
        raise DatasetUnavailable("a model pack (*.onnx)", folder, HOW)
    files = [read_onnx(path) for path in paths]
    found = [file for file in files if _recognizes(file)]
    if len(found) == 1:
        return found[0].path
    expected = "one recognizer: an input of 3 × 112 × 112 or a larger square, one row a face"
    if found:
        names = ", ".join(file.path.name for file in found)
        raise BadInput(
            folder, "", f"{expected} (or the path of one file)", f"{len(found)}: {names}"
        )
    raise BadInput(folder, "", expected, "none; " + "; ".join(_words(file) for file in files))


def _recognizes(file: OnnxFile) -> bool:
    if len(file.inputs) != 1 or len(file.outputs) != 1:
        return False
    sides, row = file.inputs[0].shape, file.outputs[0].shape
    if sides is None or len(sides) != 4 or sides[1] != 3 or (row is not None and len(row) != 2):
        return False
    height, width = sides[2:]
    if height is None or height != width or (height, width) in _OTHER_TASKS:
        return False
    return height >= _SMALLEST_SIDE and height % _SIDE_STEP == 0


def _words(file: OnnxFile) -> str:
    shapes = ", ".join(port.words for port in file.inputs)
    return f"{file.path.name} ({shapes}; {len(file.outputs)} outputs)"

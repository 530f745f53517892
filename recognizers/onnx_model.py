"""Any recognizer in an ONNX file, through onnxruntime.

Where the card beside the file is silent, insightface's conventions hold (deepinsight/insightface,
``arcface_onnx.py``): RGB; grey levels less 127.5, by 127.5, unless the graph normalises by itself;
ArcFace's template in a square, and here SphereFace's in 96 × 112.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from protocols.errors import BadInput, PackageUnavailable
from protocols.faces import Faces
from recognizers.batches import in_batches
from recognizers.card import Card, input_of
from recognizers.onnx_file import OnnxFile, Port, read_onnx, whole_content
from recognizers.preparing import check_size, normalised, stated
from recognizers.templates import Template, arcface, sphereface, whole
from recognizers.types import Device, Input

HOW_GPU = (
    "Get it with: pip uninstall onnxruntime && pip install onnxruntime-gpu, with NVIDIA's CUDA and "
    "cuDNN; or say --device cpu."
)
_KINDS: Mapping[str, str] = {"float": "float32", "float16": "float16"}
# A batch is no faster on a CPU (12.6 ms a face alone, 11.9 in 16, of a network like iresnet18).
_FREE_BATCH: Mapping[str, int] = {"cpu": 1, "cuda": 32}
_CUDA = "CUDAExecutionProvider"
# Else it picks algorithms by a race at each start, and rounds to 10 bits.
_CUDA_OPTIONS: Mapping[str, str] = {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}


@dataclass(frozen=True, eq=False)
class OnnxRecognizer:
    """A network that onnxruntime runs.

    Attributes:
        name: What tables call it.
        input: What it expects, stated.
        dimension: How many numbers an embedding has.
        identity: What decides its answers.
        session: onnxruntime's.
        feed: The graph's input.
        output: Which of the graph's outputs is the embedding's.
        batch: Faces that it is given at a time.
        channels_last: Whether it takes (n, h, w, 3) instead of (n, 3, h, w).
    """

    name: str
    input: Input
    dimension: int
    identity: Mapping[str, str]
    session: Any
    feed: Port
    output: str
    batch: int
    channels_last: bool

    def embed(self, faces: Faces) -> Float32[np.ndarray, "n d"]:
        """Embed faces; see :class:`recognizers.types.Recognizer`."""
        check_size(faces, self.input)
        return in_batches(faces.images, self.batch, self.run)

    def run(self, images: UInt8[np.ndarray, "b h w 3"]) -> np.ndarray:
        """One batch, whatever the shape of the answer."""
        numbers = normalised(images, self.input)
        if self.channels_last:
            numbers = np.ascontiguousarray(numbers.transpose(0, 2, 3, 1))
        fed = {self.feed.name: numbers.astype(_KINDS[self.feed.kind], copy=False)}
        return self.session.run([self.output], fed)[0].astype(np.float32, copy=False)


def load(
    path: Path,
    card: Card,
    *,
    device: Device = "auto",
    threads: int = 0,
    name: str = "",
    usual: Input | None = None,
) -> OnnxRecognizer:
    """Load a recognizer from an ONNX file.

    Args:
        path: The file. Weights outside of it have to lie in its folder.
        card: What is said of it (:func:`recognizers.card.read_card`).
        device: ``auto`` takes CUDA where onnxruntime has it.
        threads: CPU threads; 0 is onnxruntime's own choice, one a core.
        name: What tables call it; the file's name without ending by default.
        usual: What it expects where the card is silent, if that is known; else as the module says.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged, or no recognizer: not one input of RGB pictures, not one output
            (or none that the card names), no row a face.
        PackageUnavailable: ``cuda`` was asked for, and onnxruntime has none.
    """
    file = read_onnx(path)
    feed = _feed(file)
    channels_last = _shape(feed)[1] != 3
    given = input_of(card, usual or _usual(file, feed, card), _size(feed))
    output = _output(file, card)
    content, sha256 = whole_content(file)
    session, used = _session(path, content, device, threads)
    batch = _shape(feed)[0] or _FREE_BATCH[used]
    identity = {
        "backend": f"onnxruntime {_version()}",
        "weights": sha256,
        "device": used,
        "precision": _KINDS[feed.kind],
        "batch": str(batch),
        "output": output,
        **stated(given),
    }
    found = OnnxRecognizer(
        name or path.stem, given, 0, identity, session, feed, output, batch, channels_last
    )
    return _with_dimension(found, path)


def _feed(file: OnnxFile) -> Port:
    """The graph's input, if it is one of RGB pictures."""
    for port in file.inputs if len(file.inputs) == 1 else ():
        sides = port.shape
        if port.kind in _KINDS and sides and len(sides) == 4 and 3 in (sides[1], sides[3]):
            return port
    expected = "one input of float (n, 3, height, width) or (n, height, width, 3)"
    raise BadInput(file.path, "inputs", expected, _listed(file.inputs))


def _shape(port: Port) -> tuple[int | None, ...]:
    return port.shape or ()


def _size(feed: Port) -> tuple[int, int] | None:
    """Width and height that the graph demands; None if it leaves one of them free."""
    sides = _shape(feed)
    height, width = sides[2:] if sides[1] == 3 else sides[1:3]
    return None if height is None or width is None else (width, height)


def _usual(file: OnnxFile, feed: Port, card: Card) -> Input:
    """What insightface's conventions say of such a file."""
    template = _usual_template(file, feed, card)
    if file.normalises:
        return Input("RGB", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), template)
    if file.arithmetic and not (card.mean and card.std):
        expected = (
            f"a card beside the file that says what its input is ({_card_name(file)}, with mean "
            "and std: 0 and 1 for grey levels of 0 to 255 as they are)"
        )
        kinds = f"{', '.join(file.arithmetic)} before its first layer: it may normalise by itself"
        raise BadInput(file.path, "nodes", expected, kinds)
    return Input("RGB", (127.5, 127.5, 127.5), (127.5, 127.5, 127.5), template)


def _usual_template(file: OnnxFile, feed: Port, card: Card) -> Template:
    width, height = _size(feed) or (112, 112)
    if width == height:
        return arcface(width)
    if (width, height) == (96, 112):
        return sphereface()
    if card.template is None:
        expected = (
            "a square input, or one of 96 × 112 pixels, or a card beside the file that names the "
            f'template ({_card_name(file)}, template = "…")'
        )
        raise BadInput(file.path, f"input {feed.name}", expected, f"{width} × {height}")
    return whole(width, height)


def _card_name(file: OnnxFile) -> str:
    return file.path.with_suffix(".toml").name


def _output(file: OnnxFile, card: Card) -> str:
    """Which output is the embedding."""
    names = [port.name for port in file.outputs if port.kind in _KINDS]
    if card.output:
        if card.output not in names:
            expected = f"one of {', '.join(names) or 'no outputs'}"
            raise BadInput(card.file or file.path, "output", expected, card.output)
        return card.output
    if len(names) == 1 == len(file.outputs):
        return names[0]
    expected = (
        "one output of float, or a card beside the file that names one "
        f'({_card_name(file)}, output = "…")'
    )
    raise BadInput(file.path, "outputs", expected, _listed(file.outputs))


def _session(path: Path, content: bytes, device: Device, threads: int) -> tuple[Any, str]:
    """A session, and where it runs: cpu or cuda."""
    import onnxruntime

    offered = _CUDA in onnxruntime.get_available_providers()
    if device == "cuda" and not offered:
        raise PackageUnavailable("onnxruntime-gpu", HOW_GPU)
    providers: list[Any] = ["CPUExecutionProvider"]
    if device != "cpu" and offered:
        onnxruntime.preload_dlls()  # those that PyTorch brought along
        providers.insert(0, (_CUDA, dict(_CUDA_OPTIONS)))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.use_deterministic_compute = True
    options.log_severity_level = 4  # what is fatal: errors are raised, and told once
    try:
        session = onnxruntime.InferenceSession(content, options, providers=providers)
    except Exception as error:  # onnxruntime raises many kinds, which share no other parent
        raise BadInput(path, "", "an ONNX file that onnxruntime loads", _line(error)) from error
    used = "cuda" if session.get_providers()[0] == _CUDA else "cpu"
    if device == "cuda" and used != "cuda":
        raise PackageUnavailable("CUDA as onnxruntime-gpu wants it", HOW_GPU)
    return session, used


def _with_dimension(found: OnnxRecognizer, path: Path) -> OnnxRecognizer:
    """Run it once, on black faces, and see how long an embedding is."""
    template = found.input.template
    black = np.zeros((found.batch, template.height, template.width, 3), np.uint8)
    expected = f"a row of 2 or more numbers a face ({found.output}) for {found.batch} faces"
    try:
        answer = found.run(black)
    except Exception as error:  # as above
        raise BadInput(path, "a first run", expected, _line(error)) from error
    if answer.ndim != 2 or len(answer) != found.batch or answer.shape[1] < 2:
        raise BadInput(path, "a first run", expected, f"shape {answer.shape}")
    return replace(found, dimension=answer.shape[1])


def _listed(ports: Sequence[Port]) -> str:
    return f"{len(ports)}: " + "; ".join(port.words for port in ports) if ports else "none"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _version() -> str:
    import onnxruntime

    return onnxruntime.__version__

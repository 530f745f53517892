"""Small real networks in ONNX files, faces to feed them with, and photos of people."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from protocols.faces import Faces

MakeOnnx = Callable[..., Path]
DIMENSION = 24


def _weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    return {
        "conv1": rng.normal(0, 0.3, (16, 3, 3, 3)).astype(np.float32),
        "slope": rng.uniform(0.1, 0.4, (16, 1, 1)).astype(np.float32),
        "conv2": rng.normal(0, 0.1, (32, 16, 3, 3)).astype(np.float32),
        "fc": rng.normal(0, 0.2, (32 * 16, DIMENSION)).astype(np.float32),
    }


def _write(
    path: Path,
    *,
    shape: tuple[Any, ...] = ("n", 3, 112, 112),
    kind: int = TensorProto.FLOAT,
    outputs: tuple[str, ...] = ("embedding",),
    ending: str = "rows",
    before: tuple[str, ...] = (),
    inputs: int = 1,
    outside: str | None = None,
) -> Path:
    """Two convolutions, 4 × 4 means of their answers, and a matrix: (n, 3, h, w) to (n, 24).

    Args:
        path: Where.
        shape: Of the input; with 3 as its last side, channels come last.
        kind: Of the numbers that come in and go out.
        outputs: Their names; the first is the embedding, each further one its negative.
        ending: ``rows``: (n, 24); ``one``: (1, 24 n); ``maps``: (n, 32, 4, 4); ``scores``: (n, 1).
        before: Names of nodes in front of all, such as ``Sub_0`` (− 127.5), ``Mul_1`` (÷ 128).
        inputs: How many there are; all but the first are not used.
        outside: Where the weights lie, below the file's folder; in the file by default.
    """
    half = kind == TensorProto.FLOAT16
    numbers = {name: value.astype("f2" if half else "f4") for name, value in _weights().items()}
    numbers["fc"] = numbers["fc"][:, :1] if ending == "scores" else numbers["fc"]
    nodes, last = [], "picture"

    def add(operation: str, *given: str, name: str = "", **options: Any) -> None:
        nonlocal last
        output = f"value{len(nodes)}"
        nodes.append(helper.make_node(operation, [last, *given], [output], name, **options))
        last = output

    for name in before:
        operation = "Sub" if "sub" in name.lower() or "minus" in name else "Mul"
        numbers[name] = np.array(127.5 if operation == "Sub" else 1 / 128, np.float32)
        add(operation, name, name=name)
    if shape[1] != 3 and shape[-1] == 3:
        add("Transpose", perm=[0, 3, 1, 2])
    add("Conv", "conv1", strides=[4, 4])
    add("PRelu", "slope")
    add("Conv", "conv2", strides=[2, 2])
    add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    numbers.update(begin=np.array([0, 0]), end=np.array([4, 4]), axes=np.array([2, 3]))
    add("Slice", "begin", "end", "axes")
    if ending != "maps":
        add("Flatten")
        add("MatMul", "fc")
    if ending == "one":
        numbers["flat"] = np.array([1, -1])
        add("Reshape", "flat")
    nodes.append(helper.make_node("Identity", [last], [outputs[0]]))
    nodes += [helper.make_node("Neg", [last], [name]) for name in outputs[1:]]
    graph = helper.make_graph(
        nodes,
        "small",
        [
            helper.make_tensor_value_info(name, kind, list(shape))
            for name in ["picture", "other", "third"][:inputs]
        ],
        [helper.make_tensor_value_info(name, kind, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in numbers.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    if outside is not None:
        _move_out(model, path, outside)
    path.write_bytes(model.SerializeToString())
    return path


def _move_out(model: onnx.ModelProto, path: Path, outside: str) -> None:
    """Put the weights of the matrix in another file."""
    (matrix,) = [one for one in model.graph.initializer if one.name == "fc"]
    content = matrix.raw_data
    matrix.ClearField("raw_data")
    matrix.data_location = TensorProto.EXTERNAL
    matrix.external_data.add(key="location", value=outside)
    place = path.parent / outside
    if not place.exists():
        place.write_bytes(content)


@pytest.fixture(scope="session")
def small_weights() -> dict[str, np.ndarray]:
    """The numbers in the files of ``make_onnx``."""
    return _weights()


@pytest.fixture(scope="session")
def make_onnx() -> MakeOnnx:
    """Writes a small network; ``make_onnx(path, shape=…, …)``."""
    return _write


@pytest.fixture(scope="session")
def some_faces() -> Callable[..., Faces]:
    """Smooth random pictures of a size: ``some_faces(5, width=112, height=112)``."""

    def draw(count: int, width: int = 112, height: int = 112, seed: int = 0) -> Faces:
        import cv2

        rng = np.random.default_rng(seed)
        small = rng.integers(0, 256, (count, 9, 9, 3), dtype=np.uint8)
        large = [cv2.resize(one, (width, height), interpolation=cv2.INTER_CUBIC) for one in small]
        images = np.array(large, np.uint8).reshape(count, height, width, 3)
        return Faces(images, np.full((count, 5, 2), np.nan))

    return draw


@pytest.fixture(scope="session")
def people() -> np.ndarray:
    """insightface's photo of six people, RGB."""
    from PIL import Image

    package = importlib.util.find_spec("insightface")
    assert package is not None
    assert package.origin is not None
    photo = Image.open(Path(package.origin).parent / "data" / "images" / "t1.jpg")
    return np.array(photo.convert("RGB"))

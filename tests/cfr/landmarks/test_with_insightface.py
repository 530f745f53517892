"""insightface's own code with a pack made here: a detector of red squares, as an ONNX graph."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from insightface.app.common import Face
from onnx import TensorProto, helper

from cfr.landmarks import with_insightface
from protocols.errors import BadInput, DatasetUnavailable

STRIDES = (8, 16, 32)


def red_square_detector(path: Path, *, with_points: bool) -> None:
    """A graph with SCRFD's inputs and outputs that finds cells of 8 pixels that are all red.

    Two anchors a cell: the first scores by red less green, the second never. Boxes reach one
    cell to every side of the cell's first pixel; the five points lie at (k, −k) pixels from it.
    """
    nodes, outputs = [], []
    constants: dict[str, Any] = {"flat": np.array([1, -1, 1]), "only": np.array([0])}

    def add(kind: str, inputs: list[str], output: str, **options: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], **options))
        return output

    weights = np.zeros((1, 3, 1, 1), np.float32)
    weights[0, :2, 0, 0] = (0.5, -0.5)
    constants["weights"] = weights
    add("Conv", ["input", "weights"], "red")
    for stride in STRIDES:
        size = {"kernel_shape": [stride] * 2, "strides": [stride] * 2}
        pooled = add("AveragePool", ["red"], f"pooled{stride}", **size)
        score = add("Reshape", [pooled, "flat"], f"cells{stride}")  # (1, cells, 1)
        if stride > 8:
            score = add("Sub", [score, score], f"never{stride}")
        zero = add("Sub", [score, score], f"zero{stride}")
        both = add("Concat", [score, zero], f"both{stride}", axis=2)
        constants["column"] = np.array([-1, 1])
        add("Reshape", [both, "column"], f"score{stride}")
        outputs.append((f"score{stride}", 1))
    numbers = {"box": np.ones(4), "points": np.repeat(np.arange(5.0), 2) * np.tile([1, -1], 5) / 8}
    for name in ("box", "points") if with_points else ("box",):
        constants[name] = numbers[name].astype(np.float32)[None]
        for stride in STRIDES:
            zero = add("Sub", [f"score{stride}"] * 2, f"{name}zero{stride}")
            add("Add", [zero, name], f"{name}{stride}")
            outputs.append((f"{name}{stride}", constants[name].size))
    graph = helper.make_graph(
        nodes,
        "red squares",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["a", c]) for n, c in outputs],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    red_square_detector(tmp_path / "det_red.onnx", with_points=True)
    return tmp_path


def photo_with_square(color: tuple[int, int, int]) -> np.ndarray:
    """640², black, with the square from (160, 240) to (167, 247)."""
    photo = np.zeros((640, 640, 3), np.uint8)
    photo[240:248, 160:168] = color
    return photo


def test_insightface_runs_on_a_pack_and_its_colours_are_not_swapped(pack: Path) -> None:
    landmarker = with_insightface.load(pack)
    (face,) = landmarker(photo_with_square((255, 0, 0)))
    np.testing.assert_allclose(face.box, [152, 232, 168, 248])
    np.testing.assert_allclose(face.five, [(160 + k, 240 - k) for k in range(5)], atol=1e-4)
    assert face.score == pytest.approx(255 / 2 / 128, abs=1e-3)
    assert (face.points, face.found_by, landmarker.name) == (None, "insightface", "insightface")
    assert landmarker(photo_with_square((0, 0, 255))) == []


def test_a_detector_without_points_is_refused(tmp_path: Path) -> None:
    red_square_detector(tmp_path / "det_red.onnx", with_points=False)
    landmarker = with_insightface.load(tmp_path)
    with pytest.raises(BadInput, match="five points"):
        landmarker(photo_with_square((255, 0, 0)))


def test_68_points_of_a_pack_are_taken() -> None:
    rng = np.random.default_rng(0)
    solid, five = rng.normal(size=(68, 3)).astype("f4"), rng.normal(size=(5, 2)).astype("f4")
    given = Face(bbox=np.arange(4, dtype="f4"), kps=five, det_score=np.float32(0.5))
    given["landmark_3d_68"] = solid
    (face,) = with_insightface.to_faces([given])
    np.testing.assert_array_equal(face.points, solid[:, :2])
    np.testing.assert_array_equal(face.five, five)


def test_a_missing_pack_is_told_and_nothing_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CFR_DATA", str(tmp_path / "data"))
    place = tmp_path / ".insightface" / "models" / "buffalo_l"
    with pytest.raises(DatasetUnavailable, match=f"{place}.*buffalo_l.zip"):
        with_insightface.load()
    with pytest.raises(DatasetUnavailable, match="elsewhere"):
        with_insightface.load(tmp_path / "elsewhere")
    assert not place.exists()


def test_a_pack_is_found_where_it_is_said_to_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CFR_DATA", str(tmp_path / "data"))
    home = tmp_path / ".insightface" / "models" / "buffalo_l"
    root = tmp_path / "data" / "insightface"
    for folder in (home, root):
        folder.mkdir(parents=True)
        (folder / "det.onnx").touch()
        assert with_insightface.find_pack() == folder
    assert with_insightface.find_pack(home) == home


def test_a_damaged_pack_is_named(tmp_path: Path) -> None:
    (tmp_path / "det.onnx").write_bytes(b"nothing of the kind")
    with pytest.raises(BadInput, match="a model pack with a detector"):
        with_insightface.load(tmp_path)

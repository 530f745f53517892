"""A small record with everything that a layout can stumble over, and a small world of faces."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from protocols.images import save_image
from results.record import Cell, Comparison, Environment, RunRecord


@pytest.fixture(scope="session")
def record() -> RunRecord:
    return RunRecord(
        table="table9",
        title="Sizes, cm",
        rule='by ruler <&> "eye"',
        columns=("0–30", "50%_wide"),
        rows=("first & foremost", "second"),
        cells=(
            Cell(
                "first & foremost", "0–30", 1.23456, "measured on real data", 7, (1.0, 1.5), 1.2341
            ),
            Cell("first & foremost", "50%_wide", None, "unavailable", reason="no ruler"),
            Cell("second", "0–30", -0.5, "measured on the synthetic world", 7),
            Cell("second", "50%_wide", 4.0, "reported by the paper", paper=4.0),
        ),
        comparisons=(
            Comparison("first & foremost", "second", "0–30", 1.73456, (1.5, 2.0), True),
            Comparison("first & foremost", "second", "50%_wide", -0.001, (-0.2, 0.3), False),
        ),
        config={"source": "ruler", "seed": 3},
        inputs={"a.txt": "00"},
        seed=3,
        seconds=0.25,
        environment=Environment("abc", True, "cpu", {"python": "3.11"}),
        notes=("Mind the gap.",),
    )


@dataclass(frozen=True)
class FaceWorld:
    """Photos of made-up people, where their faces are, pairs of them, and a recognizer.

    Attributes:
        root: Holds ``photos/``, ``points.csv`` (68 points a photo), ``pairs.csv``, ``small.onnx``.
        names: The photos, in the order of the pairs' faces.
    """

    root: Path
    names: tuple[str, ...]

    @property
    def pairs(self) -> str:
        return str(self.root / "pairs.csv")

    @property
    def points(self) -> Path:
        return self.root / "points.csv"

    @property
    def recognizer(self) -> str:
        return str(self.root / "small.onnx")


@pytest.fixture(scope="session")
def face_world(tmp_path_factory: pytest.TempPathFactory) -> FaceWorld:
    """Twenty people, two photos each; genuine and impostor pairs in two folds."""
    from cfr.morphable.sources import load_model
    from cfr.synthetic.identity import IdentitySampler
    from cfr.synthetic.scene import SceneSettings, draw_scenes

    root = tmp_path_factory.mktemp("faces")
    (root / "photos").mkdir()
    model, people = load_model("builtin"), 20
    sampler = IdentitySampler(model)
    persons = [sampler.draw(seed) for seed in range(people) for _ in range(2)]
    scenes = draw_scenes(model, persons, list(range(2 * people)), SceneSettings(size=160))
    names = [f"p{index // 2:02d}_{index % 2}.png" for index in range(2 * people)]
    with (root / "points.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", *(f"{axis}{i}" for i in range(1, 69) for axis in "xy")])
        for name, scene in zip(names, scenes, strict=True):
            save_image(root / "photos" / name, scene.photo)
            rows.writerow([name, *scene.points.ravel().tolist()])
    lines = ["left,right,same,fold"]
    for person in range(people):
        fold, other = person % 2, (person + 2) % people
        lines.append(f"photos/{names[2 * person]},photos/{names[2 * person + 1]},1,{fold}")
        lines.append(f"photos/{names[2 * person]},photos/{names[2 * other + 1]},0,{fold}")
    (root / "pairs.csv").write_text("\n".join(lines) + "\n")
    _write_recognizer(root / "small.onnx", 0)
    _write_recognizer(root / "other.onnx", 1)
    return FaceWorld(root, tuple(names))


def _write_recognizer(path: Path, seed: int) -> None:
    """A fixed random projection of a coarse, centred picture: alike for alike pictures."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(3 * 14 * 14, 24)).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["face"], ["coarse"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Flatten", ["coarse"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["embedding"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, ["n", 3, 112, 112])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 24])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(path))


@pytest.fixture(scope="session")
def write_colour_network() -> Callable[[Path, np.ndarray], None]:
    """Writes a matrix (3, d) from a crop's mean colour to an embedding."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def write(path: Path, matrix: np.ndarray) -> None:
        nodes = [
            helper.make_node("GlobalAveragePool", ["picture"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["colour"]),
            helper.make_node("MatMul", ["colour", "matrix"], ["embedding"]),
        ]
        kind = TensorProto.FLOAT
        graph = helper.make_graph(
            nodes,
            "colour",
            [helper.make_tensor_value_info("picture", kind, ["n", 3, 112, 112])],
            [helper.make_tensor_value_info("embedding", kind, None)],
            [numpy_helper.from_array(matrix.astype(np.float32), "matrix")],
        )
        opset = [helper.make_opsetid("", 13)]
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))

    return write

"""Executed graphs against onnxruntime, against PyTorch's own networks and finite differences."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import NodeProto, TensorProto, helper, numpy_helper
from PIL import Image

from protocols.errors import BadInput, DatasetUnavailable
from recognizers.differentiable import load_network
from recognizers.iresnet import ARCHITECTURES, IResNet
from recognizers.onnx_export import export_onnx
from recognizers.onnx_steps import OPERATORS
from recognizers.preparing import normalised
from recognizers.sources import MOBILEFACENET

RNG = np.random.default_rng(11)
Numbers = Mapping[str, Any]
node = helper.make_node


def numbers(*shape: int) -> np.ndarray:
    return RNG.normal(0, 0.5, shape).astype(np.float32)


def write(
    path: Path,
    nodes: Sequence[NodeProto],
    constants: Numbers,
    shape: tuple[Any, ...] = ("n", 3, 12, 10),
    opset: int = 17,
) -> Path:
    """A graph from ``picture`` to ``embedding``."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("mine", 1)]
    path.write_bytes(
        helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    )
    return path


def by_onnxruntime(path: Path, given: np.ndarray, outputs: Sequence[str] = ()) -> list[Any]:
    """The embedding, or values between, which are made outputs."""
    model = onnx.load(path)
    for name in outputs:
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return list(session.run(list(outputs) or None, {session.get_inputs()[0].name: given}))


SMALL: Numbers = {
    "w1": numbers(4, 3, 3, 3),
    "b1": numbers(4),
    "scale": numbers(4),
    "shift": numbers(4),
    "average": numbers(4),
    "variance": np.abs(numbers(4)) + 0.5,
    "slope": np.abs(numbers(4, 1, 1)),
    "w2": numbers(4, 4, 3, 3),
    "w3": numbers(4, 1, 3, 3),
    "matrix": numbers(5, 4 * 6 * 5),
    "added": numbers(5),
}
SMALL_NODES = [
    node("Conv", ["picture", "w1", "b1"], ["a"], strides=[2, 2], pads=[1, 1, 1, 1]),
    node("BatchNormalization", ["a", "scale", "shift", "average", "variance"], ["b"], epsilon=0.01),
    node("PRelu", ["b", "slope"], ["c"]),
    node("Conv", ["c", "w2"], ["d"], pads=[1, 1, 1, 1]),
    node("Add", ["b", "d"], ["e"]),
    node("Flatten", ["e"], ["f"]),
    node("Gemm", ["f", "matrix", "added"], ["embedding"], transB=1, alpha=0.5, beta=2.0),
]


def int64(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def scalar(value: float) -> np.ndarray:
    return np.array(value, np.float32)


# What each does to ``picture`` (2, 3, 12, 10); the last output is flattened.
CASES: Mapping[str, tuple[list[NodeProto], Numbers]] = {
    "Conv, uneven": (
        [
            node(
                "Conv",
                ["picture", "w", "b"],
                ["x"],
                strides=[2, 1],
                pads=[0, 1, 2, 3],
                dilations=[1, 2],
                kernel_shape=[3, 2],
            )
        ],
        {"w": numbers(4, 3, 3, 2), "b": numbers(4)},
    ),
    "Conv, depthwise": (
        [node("Conv", ["picture", "w"], ["x"], group=3, pads=[1, 0, 1, 0], auto_pad="NOTSET")],
        {"w": numbers(6, 1, 3, 3)},
    ),
    "PRelu": ([node("PRelu", ["picture", "s"], ["x"])], {"s": numbers(3, 1, 1)}),
    "Relu": ([node("Relu", ["picture"], ["x"])], {}),
    "Clip": (
        [
            node("Constant", [], ["most"], value_float=0.3),
            node("Clip", ["picture", "least", "most"], ["x"]),
        ],
        {"least": scalar(-0.2)},
    ),
    "Clip, no least": ([node("Clip", ["picture", "", "most"], ["x"])], {"most": scalar(0.1)}),
    "sums and products": (
        [
            node("Sub", ["picture", "one"], ["y"]),
            node("Mul", ["y", "three"], ["z"]),
            node("Div", ["z", "two"], ["v"]),
            node("Add", ["one", "v"], ["x"]),
        ],
        {"one": numbers(3, 1, 1), "three": scalar(0.7), "two": np.full((1, 1), 2, np.float32)},
    ),
    "GlobalAveragePool": ([node("GlobalAveragePool", ["picture"], ["x"])], {}),
    "Reshape, keeping": (
        [node("Reshape", ["picture", "sides"], ["x"])],
        {"sides": int64(0, -1, 5)},
    ),
    "Reshape, counting": (
        [
            node("Constant", [], ["sides"], value_ints=[-1, 360]),
            node("Reshape", ["picture", "sides"], ["x"]),
        ],
        {},
    ),
    "MatMul": (
        [node("Flatten", ["picture"], ["y"], axis=1), node("MatMul", ["y", "m"], ["x"])],
        {"m": numbers(360, 4)},
    ),
    "Gemm, plain": (
        [node("Flatten", ["picture"], ["y"]), node("Gemm", ["y", "m"], ["x"])],
        {"m": numbers(360, 4)},
    ),
    "Dropout, Identity": (
        [
            node("Dropout", ["picture", "ratio", "off"], ["y"]),
            node("Identity", ["y"], ["x"]),
        ],
        {"ratio": scalar(0.4), "off": np.array(False)},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_operator_gives_what_onnxruntime_gives(case: str, tmp_path: Path) -> None:
    nodes, constants = CASES[case]
    path = write(tmp_path / "one.onnx", [*nodes, node("Flatten", ["x"], ["embedding"])], constants)
    pictures = np.random.default_rng(3).normal(0, 0.5, (2, 3, 12, 10)).astype(np.float32)
    (expected,) = by_onnxruntime(path, pictures)
    found = load_network(path)(torch.from_numpy(pictures)).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_every_operator_is_tried() -> None:
    tried = {one.op_type for nodes, _ in CASES.values() for one in nodes} - {"Constant"}
    assert tried | {one.op_type for one in SMALL_NODES} == set(OPERATORS)


def test_a_small_network_and_its_gradient(tmp_path: Path) -> None:
    path = write(tmp_path / "small.onnx", SMALL_NODES, SMALL)
    pictures = np.random.default_rng(4).normal(0, 0.5, (3, 3, 12, 10)).astype(np.float32)
    network = load_network(path)
    (expected,) = by_onnxruntime(path, pictures)
    np.testing.assert_allclose(network(torch.from_numpy(pictures)).numpy(), expected, atol=1e-5)
    faces = torch.from_numpy(pictures[:1]).double().requires_grad_()
    assert torch.autograd.gradcheck(network.double(), (faces,), eps=1e-6, atol=1e-7)
    assert torch.autograd.gradcheck(
        lambda given: [one.square().sum() for one in network.maps(given)], (faces,), atol=1e-6
    )
    network(faces)[0, 0].backward()
    assert faces.grad is not None
    assert faces.grad.any()


def test_it_is_frozen_and_moves_as_a_whole(tmp_path: Path) -> None:
    network = load_network(write(tmp_path / "small.onnx", SMALL_NODES, SMALL))
    pictures = torch.from_numpy(numbers(2, 3, 12, 10))
    evaluating = network.eval()(pictures)
    assert not evaluating.requires_grad
    assert not list(network.parameters())
    assert torch.equal(network.train()(pictures), evaluating)
    assert torch.equal(network(pictures), evaluating)  # no statistics moved
    away = network.to("meta")
    assert away(pictures.to("meta")).device.type == "meta"


def test_maps_are_the_last_of_each_resolution(tmp_path: Path) -> None:
    nodes = [
        node("Sub", ["picture", "grey"], ["before"]),
        node("Conv", ["before", "w1"], ["fine"], pads=[1, 1, 1, 1]),
        node("Relu", ["fine"], ["fine again"]),
        node("Conv", ["fine again", "w2"], ["half"], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("PRelu", ["half", "slope"], ["half again"]),
        node("Conv", ["half again", "w3"], ["cell"], group=4, strides=[9, 9]),
        node("Flatten", ["cell"], ["embedding"]),
    ]
    constants = {**SMALL, "grey": scalar(0.1)}
    path = write(tmp_path / "maps.onnx", nodes, constants)
    network = load_network(path)
    assert network.mapped == ("fine again", "half again")
    for shape in ((2, 3, 12, 10), (3, 3, 30, 24)):
        pictures = np.random.default_rng(5).normal(0, 0.5, shape).astype(np.float32)
        found = network.maps(torch.from_numpy(pictures))
        if shape[2] == 12:
            expected = by_onnxruntime(path, pictures, ["fine again", "half again"])
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_allclose(one.numpy(), other, atol=1e-5)
        height, width = shape[2:]
        sides = [(height, width), (height // 2, width // 2)]
        assert [tuple(one.shape) for one in found] == [(shape[0], 4, *one) for one in sides]
    coarse = [nodes[0], node("Conv", ["before", "w1"], ["x"], strides=[2, 2]), END]
    # A picture that is only scaled is no map.
    assert load_network(write(tmp_path / "coarse.onnx", coarse, constants)).mapped == ("x",)
    flat = [node("Flatten", ["picture"], ["embedding"])]
    assert load_network(write(tmp_path / "flat.onnx", flat, {})).maps(torch.zeros(1, 3, 9, 9)) == []


def test_a_file_for_one_face_takes_many(tmp_path: Path) -> None:
    nodes = [node("Reshape", ["picture", "sides"], ["embedding"])]
    constants = {"sides": int64(1, -1)}
    network = load_network(write(tmp_path / "one.onnx", nodes, constants, (1, 3, 4, 4)))
    faces = torch.from_numpy(numbers(5, 3, 4, 4))
    assert torch.equal(network(faces), faces.flatten(1))
    free = write(tmp_path / "free.onnx", nodes, constants, ("n", 3, 4, 4))
    with pytest.raises(BadInput, match=r"a row of finite numbers a face .* shape \(1, 96\)"):
        load_network(free)


def test_an_exported_iresnet_and_its_gradient(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(1)
    arguments = {"width": 8, "dimension": 16, "size": (32, 32), "generator": generator}
    original = IResNet(ARCHITECTURES["iresnet18"], **arguments)
    with torch.inference_mode():
        original.train()(torch.randn(8, 3, 32, 32, generator=generator))
    original.eval().requires_grad_(False)
    export_onnx(original, (32, 32), tmp_path / "iresnet.onnx")
    network = load_network(tmp_path / "iresnet.onnx")
    faces = torch.randn(3, 3, 32, 32, generator=generator, requires_grad=True)
    found, expected = network(faces), original(faces)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
    weights = torch.randn(found.shape, generator=generator)
    (slope,) = torch.autograd.grad((weights * found).sum(), faces)
    (wanted,) = torch.autograd.grad((weights * expected).sum(), faces)
    torch.testing.assert_close(slope, wanted, rtol=1e-3, atol=1e-3 * wanted.abs().max().item())
    assert [one.shape[2] for one in network.maps(faces)] == [32, 16, 8, 4, 2]


def test_weights_may_lie_outside(tmp_path: Path) -> None:
    nodes = [node("Flatten", ["picture"], ["f"]), node("MatMul", ["f", "m"], ["embedding"])]
    matrix = numbers(3 * 4 * 4, 6)
    path = write(tmp_path / "large.onnx", nodes, {"m": matrix}, ("n", 3, 4, 4))
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="large.data", size_threshold=0)
    assert (tmp_path / "large.data").is_file()
    faces = torch.from_numpy(numbers(2, 3, 4, 4))
    found = load_network(path)(faces)
    torch.testing.assert_close(found, faces.flatten(1) @ torch.from_numpy(matrix))
    (tmp_path / "large.data").unlink()
    with pytest.raises(BadInput, match="tensor m"):
        load_network(path)


END = node("Flatten", ["x"], ["embedding"])
REFUSED: Mapping[str, tuple[list[NodeProto], Numbers, str]] = {
    "operator": (
        [node("Sin", ["picture"], ["x"], "wave"), END],
        {},
        r"bad\.onnx, node wave: expected an operator that gradients .* found Sin",
    ),
    "somebody's own operator": (
        [node("Relu", ["picture"], ["x"], "", domain="mine"), END],
        {},
        r"node x: .* found mine\.Relu",
    ),
    "option": (
        [node("Flatten", ["picture"], ["embedding"], "end", axis=0)],
        {},
        r"node end: expected Flatten with axis = 1, found 0",
    ),
    "padding": (
        [node("Conv", ["picture", "w"], ["x"], "first", auto_pad="SAME_UPPER"), END],
        {"w": numbers(4, 3, 3, 3)},
        r"node first: expected Conv with auto_pad = 'NOTSET', found 'SAME_UPPER'",
    ),
    "unknown option": (
        [node("Relu", ["picture"], ["x"], "first", slope=2), END],
        {},
        r"node first: .*found slope",
    ),
    "computed shape": (
        [
            node("Add", ["sides", "sides"], ["more"]),
            node("Reshape", ["picture", "more"], ["embedding"], "end"),
        ],
        {"sides": int64(0, -1)},
        r"node end: expected more to be a constant",
    ),
    "what nothing gives": (
        [node("Add", ["picture", "ghost"], ["x"], "sum"), END],
        {},
        r"node sum: .* found ghost",
    ),
    "no output": ([node("Relu", ["picture"], ["x"])], {}, "output embedding"),
    "shapes": (
        [node("Conv", ["picture", "w"], ["x"], "first"), END],
        {"w": numbers(4, 5, 3, 3)},
        r"node first: expected a node that can be executed, found Conv: ",
    ),
    "maps at its end": ([node("Relu", ["picture"], ["embedding"])], {}, "a first run"),
    "infinite": (
        [node("Div", ["picture", "nothing"], ["x"]), END],
        {"nothing": scalar(0.0)},
        "a first run",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_executed_is_refused_by_its_name(case: str, tmp_path: Path) -> None:
    nodes, constants, complaint = REFUSED[case]
    path = write(tmp_path / "bad.onnx", nodes, constants)
    with pytest.raises(BadInput, match=complaint):
        load_network(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match="the ONNX file is not at"):
        load_network(tmp_path / "absent.onnx")
    grey = write(tmp_path / "grey.onnx", [END], {}, ("n", 1, 12, 10))
    with pytest.raises(BadInput, match=r"one of float \(n, 3, height, width\), found picture: "):
        load_network(grey)


def test_only_what_the_embedding_needs_is_looked_at(tmp_path: Path) -> None:
    nodes = [
        node("Sin", ["picture"], ["angles"]),
        node("Relu", ["picture"], ["x"]),
        node("Flatten", ["x"], ["other"]),
        END,
    ]
    path = write(tmp_path / "two.onnx", nodes, {})
    model = onnx.load(path)
    model.graph.output.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, None))
    onnx.save(model, path)
    faces = torch.from_numpy(numbers(2, 3, 12, 10))
    for output in ("", "embedding", "other"):
        assert torch.equal(load_network(path, output)(faces), faces.relu().flatten(1))
    with pytest.raises(BadInput, match="node angles"):
        load_network(path, "angles")
    with pytest.raises(BadInput, match="output third"):
        load_network(path, "third")


def test_mobilefacenet_gives_what_onnxruntime_gives(shared: Path) -> None:
    path = shared / "networks" / "foamliu_mobilefacenet" / "MobileFaceNet.onnx"
    photos = sorted((shared / "lfw" / "lfw-deepfunneled").glob("*/*_0001.jpg"))[:3]
    assert len(photos) == 3
    crops = np.stack([np.array(Image.open(one))[69:181, 69:181] for one in photos])
    network = load_network(path)
    drawn = np.random.default_rng(0).normal(size=(2, 3, 112, 112)).astype(np.float32)
    given = np.concatenate([normalised(crops, MOBILEFACENET), drawn])
    names = ["output0", *network.mapped]
    alone = [by_onnxruntime(path, one[None], names[1:]) for one in given]
    embeddings = [by_onnxruntime(path, one[None])[0] for one in given]
    faces = torch.from_numpy(given).requires_grad_()
    found = network(faces)
    np.testing.assert_allclose(
        found.detach().numpy(), np.concatenate(embeddings), rtol=0, atol=1e-4
    )
    maps = network.maps(faces.detach())
    sides = [(128, 56), (256, 28), (512, 14), (512, 7)]
    assert [tuple(one.shape) for one in maps] == [(5, width, n, n) for width, n in sides]
    for place, one in enumerate(maps):
        expected = np.concatenate([values[place] for values in alone])
        assert expected.std() > 0.01
        np.testing.assert_allclose(one.numpy(), expected, rtol=0, atol=1e-4)
    found[0].square().sum().backward()
    assert faces.grad is not None
    assert faces.grad[0].any()
    assert not faces.grad[1:].any()

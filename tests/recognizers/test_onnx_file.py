"""ONNX files with weights inside and outside, and those that are none."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from protocols.errors import BadInput, DatasetUnavailable
from recognizers.onnx_file import Port, read_onnx, whole_content

MakeOnnx = Callable[..., Path]


def answer(content: bytes) -> np.ndarray:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    picture = np.random.default_rng(1).normal(size=(1, 3, 112, 112)).astype(np.float32)
    return np.asarray(session.run(None, {"picture": picture})[0])


def test_inputs_and_outputs_are_read(tmp_path: Path, make_onnx: MakeOnnx) -> None:
    path = make_onnx(tmp_path / "mine.onnx", outputs=("embedding", "other"))
    file = read_onnx(path)
    assert file.inputs == (Port("picture", "float", (None, 3, 112, 112)),)
    assert [port.name for port in file.outputs] == ["embedding", "other"]
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert file.inputs[0].words == "picture: float (n, 3, 112, 112)"


def test_weights_that_are_listed_as_inputs_are_none(tmp_path: Path, make_onnx: MakeOnnx) -> None:
    """Files of ONNX's third version list them so; insightface's older models are such."""
    model = onnx.load(make_onnx(tmp_path / "new.onnx"))
    for tensor in model.graph.initializer:
        model.graph.input.add().CopyFrom(
            helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
        )
    model.ir_version = 3
    onnx.save(model, tmp_path / "old.onnx")
    assert [port.name for port in read_onnx(tmp_path / "old.onnx").inputs] == ["picture"]


@pytest.mark.parametrize("before", [(), ("Sub_0", "Mul_1"), ("_minusscalar0", "_mulscalar0")])
def test_nodes_that_normalise_are_seen(
    tmp_path: Path, make_onnx: MakeOnnx, before: tuple[str, ...]
) -> None:
    from insightface.model_zoo.arcface_onnx import ArcFaceONNX

    path = make_onnx(tmp_path / "mine.onnx", before=before)
    theirs = ArcFaceONNX(str(path))
    assert read_onnx(path).normalises == (theirs.input_std == 1.0) == bool(before)
    # One of the two is not enough, and a network's own later nodes do not count.
    for half in before:
        assert not read_onnx(make_onnx(tmp_path / "half.onnx", before=(half,))).normalises


def test_nodes_far_from_the_input_do_not_normalise(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", [f"v{k}"], [f"v{k + 1}"], f"Relu_{k}") for k in range(7)]
    nodes.append(helper.make_node("Sub", ["v7", "v0"], ["v8"]))
    nodes.append(helper.make_node("Mul", ["v8", "v0"], ["v9"]))
    for far, expected in ((nodes, False), (nodes[1:], True)):
        ports = [helper.make_tensor_value_info(name, 1, None) for name in ("v0", "v9")]
        model = helper.make_model(helper.make_graph(far, "far", ports[:1], ports[1:]))
        onnx.save(model, tmp_path / "far.onnx")
        assert read_onnx(tmp_path / "far.onnx").normalises is expected


def test_content_of_a_file_in_one_piece_is_the_file(tmp_path: Path, make_onnx: MakeOnnx) -> None:
    path = make_onnx(tmp_path / "mine.onnx")
    content, sha256 = whole_content(read_onnx(path))
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    np.testing.assert_array_equal(answer(content), answer(path.read_bytes()))


def test_weights_outside_are_read_and_digested(tmp_path: Path, make_onnx: MakeOnnx) -> None:
    inside = make_onnx(tmp_path / "one.onnx")
    path = make_onnx(tmp_path / "two" / "two.onnx", outside="two.onnx.data")
    assert path.stat().st_size < inside.stat().st_size
    content, sha256 = whole_content(read_onnx(path))
    np.testing.assert_array_equal(answer(content), answer(inside.read_bytes()))
    data = path.with_name("two.onnx.data")
    changed = np.frombuffer(data.read_bytes(), np.float32).copy()
    changed[7] += 1
    data.write_bytes(changed.tobytes())
    again, other = whole_content(read_onnx(path))
    assert other != sha256
    assert read_onnx(path).sha256 == read_onnx(path).sha256
    assert np.abs(answer(again) - answer(content)).max() > 1e-6


def test_a_constants_numbers_outside_are_found_too(tmp_path: Path) -> None:
    """They stand in an attribute of a node of a function, deep in the file."""
    value = onnx.numpy_helper.from_array(np.arange(6, dtype=np.float32), "deep")
    (tmp_path / "deep.data").write_bytes(value.raw_data)
    value.ClearField("raw_data")
    value.data_location = TensorProto.EXTERNAL
    value.external_data.add(key="location", value="deep.data")
    nodes = [
        helper.make_node("Constant", [], ["six"], value=value),
        helper.make_node("Add", ["x", "six"], ["y"]),
    ]
    opset = [helper.make_opsetid("", 16), helper.make_opsetid("mine", 1)]
    function = helper.make_function("mine", "AddSix", ["x"], ["y"], nodes, opset[:1])
    ports = [helper.make_tensor_value_info(name, 1, [6]) for name in ("a", "b")]
    call = helper.make_node("AddSix", ["a"], ["b"], domain="mine")
    graph = helper.make_graph([call], "deep", ports[:1], ports[1:])
    model = helper.make_model(graph, functions=[function], opset_imports=opset, ir_version=8)
    (tmp_path / "deep.onnx").write_bytes(model.SerializeToString())
    content, _ = whole_content(read_onnx(tmp_path / "deep.onnx"))
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"a": np.ones(6, np.float32)})
    np.testing.assert_array_equal(np.asarray(found), 1 + np.arange(6))


@pytest.mark.parametrize("way", ["..", "absolute", "link", "link to a folder", "hard link"])
def test_no_weights_are_read_from_elsewhere(tmp_path: Path, make_onnx: MakeOnnx, way: str) -> None:
    make_onnx(tmp_path / "elsewhere" / "mine.onnx", outside="secret.data")
    secret = tmp_path / "elsewhere" / "secret.data"
    folder = tmp_path / "model"
    folder.mkdir()
    location = "secret.data"
    if way == "..":
        location = "../elsewhere/secret.data"
    elif way == "absolute":
        location = str(secret)
    elif way == "link":
        (folder / location).symlink_to(secret)
    elif way == "hard link":
        os.link(secret, folder / location)
    else:
        (folder / "inner").symlink_to(secret.parent)
        location = "inner/secret.data"
    path = make_onnx(folder / "mine.onnx", outside=location)
    with pytest.raises(BadInput, match=r"mine\.onnx, tensor fc: expected its weights in plain"):
        whole_content(read_onnx(path))


def test_absent_or_short_weights_outside_are_told(tmp_path: Path, make_onnx: MakeOnnx) -> None:
    path = make_onnx(tmp_path / "mine.onnx", outside="mine.data")
    model = onnx.load(path, load_external_data=False)
    (matrix,) = [one for one in model.graph.initializer if one.name == "fc"]
    matrix.external_data.add(key="length", value=str(10**9))
    (tmp_path / "long.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(BadInput, match=r"long\.onnx, tensor fc.*exceeds available data"):
        whole_content(read_onnx(tmp_path / "long.onnx"))
    (tmp_path / "mine.data").unlink()
    with pytest.raises(BadInput, match=r"mine\.onnx, tensor fc"):
        whole_content(read_onnx(path))


def test_what_is_no_onnx_file_is_told(tmp_path: Path, make_onnx: MakeOnnx) -> None:
    with pytest.raises(DatasetUnavailable, match=r"absent\.onnx"):
        read_onnx(tmp_path / "absent.onnx")
    with pytest.raises(DatasetUnavailable, match="ONNX file"):
        read_onnx(tmp_path)
    whole = make_onnx(tmp_path / "whole.onnx").read_bytes()
    for content in (b"<html>not found</html>", whole[: len(whole) // 2]):
        (tmp_path / "bad.onnx").write_bytes(content)
        with pytest.raises(BadInput, match=r"bad\.onnx: expected an ONNX file"):
            read_onnx(tmp_path / "bad.onnx")


def test_ports_without_shape_or_tensor_have_words() -> None:
    ports = [
        helper.make_tensor_value_info("free", TensorProto.FLOAT16, None),
        helper.make_tensor_sequence_value_info("list", TensorProto.FLOAT, [1]),
    ]
    node = helper.make_node("SequenceAt", ["list", "free"], ["free2"])
    graph = helper.make_graph([node], "g", ports, [])
    model = helper.make_model(graph)
    from recognizers.onnx_file import _port

    words = [_port(one).words for one in model.graph.input]
    assert words == ["free: float16", "list: sequence_type"]

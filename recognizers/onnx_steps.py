"""From an ONNX file to the steps that PyTorch executes, with the operators that it knows."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from protocols.errors import BadInput
from recognizers.onnx_file import OnnxFile, Port

if TYPE_CHECKING:  # imported when a file is read
    from onnx import NodeProto


@dataclass(frozen=True)
class Step:
    """One node of the graph.

    Attributes:
        name: For messages.
        operator: A key of :data:`OPERATORS`.
        inputs: Names of what it is fed; empty where an optional one is left out.
        output: The name of what it gives.
        options: Its attributes, and inputs that have to be constants, such as a shape.
        done: Names of what no later step needs.
    """

    name: str
    operator: str
    inputs: tuple[str, ...]
    output: str
    options: Mapping[str, Any]
    done: tuple[str, ...] = ()


class Steps:
    """What leads from the input of a parsed file to one of its outputs.

    Attributes:
        steps: In order.
        constants: Name → what the steps use, float32 or int64.

    Args:
        file: The file, with all its weights.
        feed: Its input.
        output: The name of one of its outputs.

    Raises:
        BadInput: A node has an operator or an option that is not known here, or is fed something
            that no node gives; names the node.
    """

    def __init__(self, file: OnnxFile, feed: Port, output: str) -> None:
        from onnx import numpy_helper

        self._file, self._batch = file, (feed.shape or (None,))[0]
        graph = file.model.graph
        self._constants = {
            one.name: self._tensor(one.name, lambda one=one: numpy_helper.to_array(one))
            for one in graph.initializer
        }
        given = {feed.name, ""}
        steps: list[Step] = []
        for node in self._needed(output):
            if node.op_type == "Constant":
                self._constants[node.output[0]] = self._constant(node)
                continue
            step = self._step(node)
            absent = [one for one in step.inputs if one not in given and one not in self._constants]
            if absent:
                expected = "inputs that nodes before it give, first outputs only"
                raise BadInput(file.path, f"node {step.name}", expected, ", ".join(absent))
            steps.append(step)
            given.add(step.output)
        if not steps or steps[-1].output != output:
            raise BadInput(file.path, f"output {output}", "one that a node gives", "none")
        fed = {name for step in steps for name in step.inputs}
        self.constants = {name: one for name, one in self._constants.items() if name in fed}
        self.steps = self._settled(steps)

    def _needed(self, output: str) -> "list[NodeProto]":
        wanted, found = {output}, []
        for node in reversed(self._file.model.graph.node):
            if not wanted.isdisjoint(node.output):
                wanted.update(node.input)
                found.append(node)
        return found[::-1]

    def _settled(self, steps: Sequence[Step]) -> list[Step]:
        """The steps, each with what is done after it."""
        later: set[str] = set(self._constants) | {"", steps[-1].output}
        found = []
        for step in reversed(steps):
            done = tuple({name for name in step.inputs if name not in later})
            later.update(step.inputs)
            found.append(replace(step, done=done))
        return found[::-1]

    def _step(self, node: "NodeProto") -> Step:
        name = node.name or node.output[0]
        if node.domain not in ("", "ai.onnx") or node.op_type not in OPERATORS:
            found = f"{node.domain and f'{node.domain}.'}{node.op_type}"
            expected = f"an operator that gradients pass through here ({', '.join(OPERATORS)})"
            raise BadInput(self._file.path, f"node {name}", expected, found)
        settings = _SETTINGS.get(node.op_type, ())
        inputs = tuple(node.input)
        options = self._options(node, name)
        if settings:
            inputs = inputs[:1]
            for setting, value in zip(settings, node.input[1:], strict=False):
                if value:
                    options[setting] = self._setting(name, value)
        for setting in set(options) & set(_FIXED.get(node.op_type, {})):
            value, only = options.pop(setting), _FIXED[node.op_type][setting]
            if only is not None and value != only:
                expected = f"{node.op_type} with {setting} = {only!r}"
                raise BadInput(self._file.path, f"node {name}", expected, repr(value))
        if "shape" in options and options["shape"][:1] == [self._batch]:
            options["shape"] = [0, *options["shape"][1:]]  # the batch it was written for
        return Step(name, node.op_type, inputs, node.output[0], options)

    def _options(self, node: "NodeProto", name: str) -> dict[str, Any]:
        from onnx.helper import get_attribute_value

        parameters = inspect.signature(OPERATORS[node.op_type]).parameters.values()
        known = {one.name for one in parameters if one.kind is one.KEYWORD_ONLY}
        known |= set(_FIXED.get(node.op_type, ()))
        options: dict[str, Any] = {}
        for attribute in node.attribute:
            if attribute.name not in known:
                expected = f"{node.op_type} with none but {', '.join(sorted(known)) or 'inputs'}"
                raise BadInput(self._file.path, f"node {name}", expected, attribute.name)
            value = get_attribute_value(attribute)
            options[attribute.name] = value.decode() if isinstance(value, bytes) else value
        return options

    def _setting(self, node: str, name: str) -> Any:
        if name not in self._constants:
            raise BadInput(self._file.path, f"node {node}", f"{name} to be a constant", "another")
        return self._constants[name].tolist()

    def _constant(self, node: "NodeProto") -> Tensor:
        from onnx import TensorProto, numpy_helper
        from onnx.helper import get_attribute_value

        def read() -> Any:
            (attribute,) = node.attribute
            value = get_attribute_value(attribute)
            return numpy_helper.to_array(value) if isinstance(value, TensorProto) else value

        return self._tensor(node.output[0], read)

    def _tensor(self, name: str, read: Callable[[], Any]) -> Tensor:
        import numpy as np

        try:
            array = np.asarray(read())
            kind = np.int64 if array.dtype.kind in "biu" else np.float32
            return torch.from_numpy(array.astype(kind))
        except (TypeError, ValueError) as error:
            found = " ".join(str(error).split())[:200]
            raise BadInput(self._file.path, f"tensor {name}", "numbers", found) from error


def _conv(
    maps: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    strides: Sequence[int] = (1, 1),
    pads: Sequence[int] = (0, 0, 0, 0),
    dilations: Sequence[int] = (1, 1),
    group: int = 1,
) -> Tensor:
    top, left, bottom, right = pads
    around = top, left
    if around != (bottom, right):
        maps, around = functional.pad(maps, (left, right, top, bottom)), (0, 0)
    return functional.conv2d(maps, weight, bias, tuple(strides), around, tuple(dilations), group)


def _batch_norm(
    maps: Tensor,
    scale: Tensor,
    shift: Tensor,
    mean: Tensor,
    variance: Tensor,
    *,
    epsilon: float = 1e-5,
) -> Tensor:
    return functional.batch_norm(maps, mean, variance, scale, shift, eps=epsilon)


def _prelu(maps: Tensor, slope: Tensor) -> Tensor:
    return torch.where(maps > 0, maps, slope * maps)


def _clip(maps: Tensor, *, min: float | None = None, max: float | None = None) -> Tensor:  # noqa: A002
    return maps if min is None and max is None else maps.clamp(min, max)


def _gemm(
    left: Tensor,
    right: Tensor,
    added: Tensor | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,  # noqa: N803 – as ONNX calls it
    transB: int = 0,  # noqa: N803
) -> Tensor:
    product = alpha * ((left.T if transA else left) @ (right.T if transB else right))
    return product if added is None else product + beta * added


def _reshape(maps: Tensor, *, shape: Sequence[int]) -> Tensor:
    return maps.reshape([side or maps.shape[place] for place, side in enumerate(shape)])


def _same(maps: Tensor) -> Tensor:
    return maps


OPERATORS: Mapping[str, Callable[..., Tensor]] = {
    "Add": lambda left, right: left + right,
    "BatchNormalization": _batch_norm,
    "Clip": _clip,
    "Conv": _conv,
    "Div": lambda left, right: left / right,
    "Dropout": _same,
    "Flatten": lambda maps: maps.flatten(1),
    "Gemm": _gemm,
    "GlobalAveragePool": lambda maps: maps.mean((2, 3), keepdim=True),
    "Identity": _same,
    "MatMul": lambda left, right: left @ right,
    "Mul": lambda left, right: left * right,
    "PRelu": _prelu,
    "Relu": functional.relu,
    "Reshape": _reshape,
    "Sub": lambda left, right: left - right,
}
"""ONNX operator → what computes it; names after the ``*`` are attributes."""

_SETTINGS: Mapping[str, Sequence[str]] = {
    "Clip": ("min", "max"),
    "Dropout": ("ratio", "training_mode"),
    "Reshape": ("shape",),
}
"""Operators whose inputs after the first have to be constants, and what these are."""

_FIXED: Mapping[str, Mapping[str, Any]] = {
    "BatchNormalization": {"momentum": None, "training_mode": 0, "spatial": 1},
    "Conv": {"auto_pad": "NOTSET", "kernel_shape": None},
    "Dropout": {"ratio": None, "seed": None, "training_mode": 0},
    "Flatten": {"axis": 1},
    "Reshape": {"allowzero": 0},
}
"""Options that decide nothing here (None), or that may have one value only."""

"""What an ONNX file holds: inputs, outputs, weights, their digest; whether it normalises."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from protocols.errors import BadInput, DatasetUnavailable
from protocols.roots import is_file

if TYPE_CHECKING:  # imported when a file is read
    from onnx import ModelProto, TensorProto, ValueInfoProto

_LOOKED_AT = 8
_SUBTRACTS, _MULTIPLIES = ("Sub", "_minus"), ("Mul", "_mul")
_ARITHMETIC = "Add", "Sub", "Mul", "Div"
_LEARNED = "Conv", "Gemm", "MatMul"


@dataclass(frozen=True)
class Port:
    """An input or an output.

    Attributes:
        name: Its name in the graph.
        kind: The type of its numbers, such as ``float``; or what it is if no tensor.
        shape: Its sides, None where they are free; None if even their count is.
    """

    name: str
    kind: str
    shape: tuple[int | None, ...] | None

    @property
    def words(self) -> str:
        """For messages: ``input0: float (n, 3, 112, 112)``."""
        if self.shape is None:
            return f"{self.name}: {self.kind}"
        sides = ", ".join("n" if side is None else str(side) for side in self.shape)
        return f"{self.name}: {self.kind} ({sides})"


@dataclass(frozen=True, eq=False)
class OnnxFile:
    """A parsed file; weights that lie outside of it are not read yet.

    Attributes:
        path: The file.
        sha256: Digest of the file alone.
        model: What it holds.
        inputs: What the network is fed.
        outputs: What it answers.
    """

    path: Path
    sha256: str
    model: "ModelProto"
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    @property
    def normalises(self) -> bool:
        """Whether the graph subtracts a mean and scales by itself.

        It does if the name of one of its first eight nodes begins with ``Sub`` or ``_minus``, and
        one with ``Mul`` or ``_mul``. Source: deepinsight/insightface, ``arcface_onnx.py``. A node
        without a name goes by its kind.
        """
        names = [node.name or node.op_type for node in self.model.graph.node[:_LOOKED_AT]]
        subtracts = any(name.startswith(_SUBTRACTS) for name in names)
        return subtracts and any(name.startswith(_MULTIPLIES) for name in names)

    @property
    def arithmetic(self) -> tuple[str, ...]:
        """Kinds of the sums and products between the input and the first learned layer.

        A graph may normalise under names that the rule of :attr:`normalises` does not know, as
        PyTorch's exporter gives them.
        """
        fed, found = {port.name for port in self.inputs}, []
        for node in self.model.graph.node:
            if fed.isdisjoint(node.input):
                continue
            if node.op_type in _LEARNED:
                break
            fed.update(node.output)
            if node.op_type in _ARITHMETIC:
                found.append(node.op_type)
        return tuple(found)


def read_onnx(path: Path) -> OnnxFile:
    """Parse a file.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It cannot be read, or is no ONNX.
    """
    from google.protobuf.message import DecodeError
    from onnx import load_model_from_string

    if not is_file(path):
        raise DatasetUnavailable("the ONNX file", path, "Check its name.")
    try:
        content = path.read_bytes()
        model = load_model_from_string(content)
    except (OSError, DecodeError) as error:
        raise BadInput(path, "", "an ONNX file", " ".join(str(error).split())[:200]) from error
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = tuple(_port(one) for one in model.graph.input if one.name not in weights)
    outputs = tuple(_port(one) for one in model.graph.output)
    return OnnxFile(path, hashlib.sha256(content).hexdigest(), model, inputs, outputs)


def whole_content(file: OnnxFile) -> tuple[bytes, str]:
    """The model with all its weights, as one string, and its digest.

    Weights may lie in further files (``my.onnx.data``): these are read, so that the digest covers
    them, and so that a backend needs no path. They have to be plain files in the model's folder.

    Returns:
        The model, and its sha256: that of the file, if nothing lies outside.

    Raises:
        BadInput: Such a file is absent, too short, a link, or lies outside the folder; or it all
            has more than 2 GiB.
    """
    from google.protobuf.message import EncodeError
    from onnx.checker import ValidationError
    from onnx.external_data_helper import load_external_data_for_tensor

    outside = list(_outside(file.model))
    if not outside:
        return file.model.SerializeToString(deterministic=True), file.sha256
    digest = hashlib.sha256(file.sha256.encode())
    for tensor in outside:
        try:
            load_external_data_for_tensor(tensor, str(file.path.parent.resolve()))
        except (ValidationError, ValueError, OSError) as error:
            expected = "its weights in plain files beside it"
            found = " ".join(str(error).split())[:300]
            raise BadInput(file.path, f"tensor {tensor.name}", expected, found) from error
        digest.update(tensor.raw_data)
    try:
        return file.model.SerializeToString(deterministic=True), digest.hexdigest()
    except (EncodeError, ValueError) as error:
        raise BadInput(file.path, "", "at most 2 GiB with its weights", str(error)) from error


def _outside(message: Any) -> "Iterator[TensorProto]":
    """Every tensor, wherever it stands, whose numbers are not in the file."""
    from google.protobuf.message import Message
    from onnx import TensorProto
    from onnx.external_data_helper import uses_external_data

    if isinstance(message, TensorProto):
        if uses_external_data(message):
            yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in [value] if isinstance(value, Message) else value:
                yield from _outside(part)


def _port(value: "ValueInfoProto") -> Port:
    from onnx import TensorProto

    if not value.type.HasField("tensor_type"):
        return Port(value.name, value.type.WhichOneof("value") or "unknown", None)
    tensor = value.type.tensor_type
    kind = TensorProto.DataType.Name(tensor.elem_type).lower()
    if not tensor.HasField("shape"):
        return Port(value.name, kind, None)
    sides = tuple(side.dim_value if side.dim_value > 0 else None for side in tensor.shape.dim)
    return Port(value.name, kind, sides)

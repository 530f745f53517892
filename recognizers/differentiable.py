"""Recognizers in ONNX files as frozen PyTorch networks that gradients pass through.

onnxruntime answers, but gives no gradient. Losses need one, so the graph is executed here, node by
node, with PyTorch's functions. The operators that are known are those of such networks: foamliu's
MobileFaceNet, insightface's packs, and iresnets as :mod:`recognizers.onnx_export` writes them
(:data:`recognizers.onnx_steps.OPERATORS`). No code of the file is run.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from protocols.errors import BadInput
from recognizers.onnx_file import OnnxFile, Port, read_onnx, whole_content
from recognizers.onnx_steps import OPERATORS, Step, Steps

_SIDE = 112  # of the crops, where a file leaves it free
_TRIED = 2


class OnnxNetwork(nn.Module):
    """A graph that PyTorch executes; made by :func:`load_network`.

    Its weights are buffers in float32, so nothing trains them, and they follow ``to(device)`` and
    ``double()``. It behaves the same in training and in evaluation mode.

    Attributes:
        steps: The nodes that the embedding needs, in order.
        feed: The name of the input.
        output: The name of the embedding.
        mapped: The names of what :meth:`maps` returns.
    """

    def __init__(
        self, steps: Sequence[Step], constants: Mapping[str, Tensor], feed: str, output: str
    ) -> None:
        super().__init__()
        self.steps, self.feed, self.output = tuple(steps), feed, output
        self.mapped: tuple[str, ...] = ()
        # Names in a graph have dots, which names of buffers cannot have.
        self._buffer_of = {name: f"constant{index}" for index, name in enumerate(constants)}
        for name, tensor in constants.items():
            self.register_buffer(self._buffer_of[name], tensor)

    def forward(self, faces: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """Embed faces; any number of them, whatever batch the file was written for.

        Args:
            faces: As the graph wants them: in the order, range and size that the recognizer's
                :class:`recognizers.types.Input` states.

        Returns:
            A row a face, not scaled to length 1.
        """
        return self._pick(faces, (self.output,))[0]

    def maps(self, faces: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """What layers between see: the last feature map of each resolution, the finest first.

        Last is meant in the order of the nodes, from the first convolution on. A map of one cell
        is an embedding, and does not count. Which maps these are is settled at the file's own
        size; pictures of another size give the same ones, and the layers behind do not run.

        Args:
            faces: As for :meth:`forward`, of any size.

        Returns:
            Maps ``(b, c, h, w)``; none, if the network has no convolution.
        """
        return self._pick(faces, self.mapped)

    def values(self, faces: Tensor) -> Iterator[tuple[Step, Tensor]]:
        """Execute the graph; yields each step with what it gave."""
        known = {self.feed: faces}
        for step in self.steps:
            given = [self._value(name, known) for name in step.inputs]
            known[step.output] = OPERATORS[step.operator](*given, **step.options)
            yield step, known[step.output]
            del given
            for name in step.done:
                del known[name]

    def _value(self, name: str, known: Mapping[str, Tensor]) -> Tensor | None:
        if name in self._buffer_of:
            return self.get_buffer(self._buffer_of[name])
        return known[name] if name else None

    def _pick(self, faces: Tensor, names: Sequence[str]) -> list[Tensor]:
        found: dict[str, Tensor] = {}
        if names:
            for step, value in self.values(faces):
                if step.output in names:
                    found[step.output] = value
                if len(found) == len(names):
                    break
        return [found[name] for name in names]


def load_network(path: Path, output: str = "") -> OnnxNetwork:
    """Turn an ONNX file into a network, and try it on two black crops.

    Args:
        path: The file; weights outside of it have to lie in its folder.
        output: Which of its outputs is the embedding; the first by default.

    Returns:
        The network on the CPU, in float32 (half precision is widened).

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged, is not fed pictures (n, 3, height, width), has an operator or an
            option that is not known here (names the node), or does not give a row a face.
    """
    file = read_onnx(path)
    whole_content(file)  # weights that lie outside come in
    feed, output = _feed(file), output or file.outputs[0].name
    read = Steps(file, feed, output)
    network = OnnxNetwork(read.steps, read.constants, feed.name, output).eval()
    network.mapped = _try(network, feed, path)
    return network


def _feed(file: OnnxFile) -> Port:
    (port, *more) = file.inputs or (Port("none", "none", None),)
    if more or port.shape is None or len(port.shape) != 4 or port.shape[1] != 3 or not file.outputs:
        found = "; ".join(one.words for one in file.inputs)
        raise BadInput(file.path, "inputs", "one of float (n, 3, height, width)", found)
    return port


@torch.no_grad()
def _try(network: OnnxNetwork, feed: Port, path: Path) -> tuple[str, ...]:
    """Run it once; the names of its maps."""
    height, width = (side or _SIDE for side in (feed.shape or ())[2:])
    last: dict[tuple[int, ...], str] = {}
    ran, learned, value = 0, False, torch.zeros(())
    try:
        for step, value in network.values(torch.zeros(_TRIED, 3, height, width)):
            ran, learned = ran + 1, learned or step.operator == "Conv"
            if learned and value.ndim == 4 and value[0, 0].numel() > 1:
                last[tuple(value.shape[2:])] = step.output
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        step = network.steps[ran]
        found = f"{step.operator}: {' '.join(str(error).split())[:200]}"
        raise BadInput(path, f"node {step.name}", "a node that can be executed", found) from error
    if value.ndim != 2 or len(value) != _TRIED or not value.isfinite().all():
        expected = f"a row of finite numbers a face ({network.output}) for {_TRIED} faces"
        raise BadInput(path, "a first run", expected, f"shape {tuple(value.shape)}")
    finest_first = sorted(last, key=lambda sides: -sides[0] * sides[1])
    return tuple(last[sides] for sides in finest_first)

"""From PyTorch to ONNX: the file answers as the network does, through onnxruntime and our own."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import timm
import torch
from jaxtyping import config
from torch import nn

from protocols.faces import Faces
from recognizers import onnx_model, torch_model
from recognizers.card import Card
from recognizers.iresnet import IResNet
from recognizers.onnx_export import export_onnx

SIZE = (48, 32)


@pytest.fixture(params=["iresnet", "test_resnet", "test_vit"])
def network(request: pytest.FixtureRequest) -> nn.Module:
    """With statistics of a few pictures, in training mode."""
    torch.manual_seed(0)
    if request.param == "iresnet":
        made = IResNet((2, 1, 1, 1), width=8, dimension=16, size=SIZE, dropout=0.4)
    else:
        options: dict[str, Any] = {"img_size": SIZE[::-1]} if request.param == "test_vit" else {}
        made = timm.create_model(request.param, num_classes=0, **options)
    made.train()(torch.randn(8, 3, SIZE[1], SIZE[0]))
    return made


@pytest.mark.parametrize("count", [1, 5])
def test_the_file_answers_as_the_network_does(
    tmp_path: Path, network: nn.Module, count: int
) -> None:
    export_onnx(network, SIZE, tmp_path / "a.onnx")
    assert network.training, "the network itself was changed"
    assert not config.jaxtyping_disable, "shapes are no longer checked"
    assert [one.name for one in tmp_path.iterdir()] == ["a.onnx"], "weights lie outside the file"
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx")
    assert [one.shape[0] for one in (*session.get_inputs(), *session.get_outputs())] == ["n", "n"]
    given = np.random.default_rng(0).normal(size=(count, 3, SIZE[1], SIZE[0])).astype(np.float32)
    answer = np.asarray(session.run(["embedding"], {"input": given})[0])
    with torch.inference_mode():
        expected = network.eval()(torch.from_numpy(given)).numpy()
    assert expected.std() > 0.01
    np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-5)


class Counting(nn.Module):
    """Its answer depends on the number of faces, which a trace makes a constant."""

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        return faces.mean((2, 3)) * float(len(faces))


class Fixed(nn.Module):
    """It takes as many faces as it was written with, and no others."""

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        return faces.reshape(len(faces), 3, -1).mean(2)


@pytest.mark.parametrize(
    ("network", "words"), [(Counting(), "off by 0.33 of"), (Fixed(), "refuses the network")]
)
def test_a_file_that_answers_otherwise_is_not_left(
    tmp_path: Path, network: nn.Module, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        export_onnx(network, (8, 8), tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_both_recognizers_agree(tmp_path: Path) -> None:
    """The same weights as a checkpoint and as ONNX, loaded as a user would load them."""
    torch.manual_seed(0)
    network = IResNet((2, 2, 2, 2), width=8, dimension=16)
    network.train()(torch.randn(8, 3, 112, 112))
    torch.save(network.state_dict(), tmp_path / "a.pth")
    export_onnx(network, (112, 112), tmp_path / "a.onnx")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), np.uint8)
    faces = Faces(pixels, np.full((3, 5, 2), np.nan))
    one = torch_model.load(tmp_path / "a.pth", Card(), device="cpu")
    other = onnx_model.load(tmp_path / "a.onnx", Card(), device="cpu")
    assert one.input == other.input
    np.testing.assert_allclose(one.embed(faces), other.embed(faces), rtol=1e-5, atol=1e-5)

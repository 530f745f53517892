"""What is said in an ONNX file: it comes back, and the network answers as before."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from protocols.errors import BadInput
from recognizers.onnx_about import read_about, write_about
from recognizers.onnx_export import export_onnx


def test_what_was_said_comes_back_and_the_network_stays(tmp_path: Path) -> None:
    torch.manual_seed(0)
    path = tmp_path / "a.onnx"
    export_onnx(nn.Sequential(nn.Flatten(), nn.Linear(48, 3)), (4, 4), path)
    assert read_about(path) == {}
    given = {"input": np.random.default_rng(0).random((2, 3, 4, 4), np.float32)}
    before = onnxruntime.InferenceSession(path).run(None, given)[0]
    write_about(path, {"seed": "3"})
    write_about(path, {"seed": "4", "grün": "ja"})
    assert read_about(path) == {"seed": "4", "grün": "ja"}
    np.testing.assert_array_equal(onnxruntime.InferenceSession(path).run(None, given)[0], before)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("text", ["{", "[]"])
def test_what_is_no_such_text_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.onnx"
    export_onnx(nn.Sequential(nn.Flatten(), nn.Linear(48, 3)), (4, 4), path)
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {"about": text})
    onnx.save(model, path)
    with pytest.raises(BadInput, match="about: expected JSON text of labels and texts"):
        read_about(path)

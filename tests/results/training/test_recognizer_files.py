"""Both files of a recognizer answer as the network does, through the loader that commands use."""

from pathlib import Path

import numpy as np
import pytest
import torch

from protocols.faces import Faces
from recognizers.sources import load_recognizer
from recognizers.training.arcface import build_network
from recognizers.training.presets import NetworkSize
from results.training.recognizer_files import RecognizerFiles, save_recognizer
from results.training.recognizer_validation import embed_crops


@pytest.mark.parametrize(
    "size",
    [
        NetworkSize(width=2, size=48, dimension=8),
        NetworkSize("timm:resnet18", size=64, dimension=8),
    ],
)
def test_both_files_answer_as_the_network(size: NetworkSize, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build_network(size, torch.Generator().manual_seed(0)).eval()
    images = np.random.default_rng(0).integers(0, 256, (3, size.size, size.size, 3), np.uint8)
    expected = embed_crops(network, images, torch.device("cpu"))
    files = RecognizerFiles.within(tmp_path, "mine")
    save_recognizer(files, network, size, {"use": "research only"})
    assert {path.name for path in tmp_path.iterdir()} == {
        *("mine.onnx", "mine.toml", "mine-torch.safetensors", "mine-torch.toml")
    }
    assert set(files.all) == set(tmp_path.iterdir())
    faces = Faces(images, np.full((3, 5, 2), np.nan))
    for file in (files.onnx, files.weights):
        loaded = load_recognizer(str(file), device="cpu", threads=1)
        template = loaded.input.template
        assert (template.name, template.width, template.height) == ("arcface", *[size.size] * 2)
        assert loaded.input.words.startswith("RGB, -1 … 1")
        assert loaded.dimension == 8
        assert np.allclose(loaded.embed(faces), expected, rtol=1e-3, atol=1e-3)

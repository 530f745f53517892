"""The small U-Net on the data set's own photos."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from cfr.parsing.network import NetworkParser
from cfr.parsing.types import FaceParser, Label
from cfr.parsing.unet import SIZE, UNet, load_unet
from protocols.errors import BadInput

ACCURACY = (0.888, 0.834, 0.968, 0.904)  # of photos 0 to 3: shared/data/SOURCES.md


@pytest.fixture(scope="module")
def parser(shared: Path) -> NetworkParser:
    return load_unet(shared / "networks/face_parsing_simonenkel_unet/model_best.pth")


def sample(shared: Path, number: int) -> tuple[Tensor, Tensor]:
    """A photo of 1024 pixels and its labels of 512."""
    folder = shared / "faces/celebamaskhq_samples"
    photo = np.array(Image.open(folder / f"{number}.jpg")).transpose(2, 0, 1)[None] / 255
    labels = np.array(Image.open(folder / f"{number}.png"))
    return torch.from_numpy(photo).float(), torch.from_numpy(labels).long()


@pytest.mark.parametrize("number", range(4))
def test_it_reaches_its_known_accuracy(shared: Path, parser: NetworkParser, number: int) -> None:
    photo, labels = sample(shared, number)
    small = photo.unflatten(3, (SIZE, -1)).unflatten(2, (SIZE, -1)).mean((3, 5))
    right = parser.parse(small, None)[0] == labels[::2, ::2]
    assert right.float().mean().item() == pytest.approx(ACCURACY[number], abs=0.002)


def test_a_large_photo_is_labelled_as_well(shared: Path, parser: NetworkParser) -> None:
    photo, labels = sample(shared, 2)
    found = parser.parse(photo, None)[0]
    assert found.shape == (1024, 1024)
    assert (found[::2, ::2] == labels).float().mean() > ACCURACY[2] - 0.005


def test_it_is_a_parser_of_all_labels(parser: NetworkParser) -> None:
    assert isinstance(parser, FaceParser)
    assert parser.finds == frozenset(Label)
    assert len(parser.order) == len(Label)


def test_it_has_the_published_number_of_weights() -> None:
    assert sum(one.numel() for one in UNet().parameters()) == 467_123


def test_another_file_is_refused(tmp_path: Path) -> None:
    torch.save({"enc1.0.weight": torch.ones(32, 3, 3, 3)}, tmp_path / "part.pth")
    with pytest.raises(BadInput, match=r"25 missing: enc1\.0\.bias"):
        load_unet(tmp_path / "part.pth")

"""Parsers by name."""

from pathlib import Path

import pytest
import torch

from cfr.parsing.bisenet import BiSeNet
from cfr.parsing.from_model import ModelParser
from cfr.parsing.network import NetworkParser
from cfr.parsing.sources import load_parser
from cfr.parsing.types import FaceParser, Label
from cfr.parsing.unet import UNet
from protocols.errors import BadInput, BadOption, DatasetUnavailable


def test_the_default_needs_no_file() -> None:
    assert isinstance(load_parser(), ModelParser)
    assert isinstance(load_parser("model"), ModelParser)


@pytest.mark.parametrize(
    ("kind", "network", "second"),
    [
        ("bisenet", BiSeNet, Label.NOSE),
        ("bisenet-public", BiSeNet, Label.LEFT_BROW),
        ("unet", UNet, Label.LEFT_BROW),
    ],
)
def test_a_file_is_read_by_its_kind(tmp_path: Path, kind: str, network, second: Label) -> None:
    path = tmp_path / "with:colon.pth"
    torch.save(network().state_dict(), path)
    parser = load_parser(f"{kind}:{path}")
    assert isinstance(parser, FaceParser)
    assert isinstance(parser, NetworkParser)
    assert parser.order[2] == second
    assert not any(one.requires_grad for one in parser.network.parameters())


@pytest.mark.parametrize("name", ["", "segformer", "bisenet", "unet:", "model:x.pth", ":x.pth"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(BadOption, match=r"model, bisenet:FILE, bisenet-public:FILE, unet:FILE"):
        load_parser(name)


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        ("bisenet", "yeongjoonJu/CFR-GAN"),
        ("bisenet-public", "zllrunning/face-parsing.PyTorch"),
        ("unet", "SimonEnkel/lightweight-unet-face-parsing"),
    ],
)
def test_an_absent_file_says_where_to_get_it(tmp_path: Path, kind: str, where: str) -> None:
    with pytest.raises(DatasetUnavailable, match=where) as caught:
        load_parser(f"{kind}:{tmp_path / 'absent.pth'}")
    assert caught.value.looked == tmp_path / "absent.pth"


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    torch.save(UNet().state_dict(), tmp_path / "unet.pth")
    with pytest.raises(BadInput, match="missing"):
        load_parser(f"bisenet:{tmp_path / 'unet.pth'}")

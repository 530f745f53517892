"""Where weights are looked for, and what comes of each kind of file."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch

import cfr.gan.sources as sources
from cfr.gan.generator import Generator, GeneratorSize
from cfr.gan.published import published_name
from cfr.gan.sources import load_painter, weights_file
from cfr.gan.weights import load_generator, save_generator
from protocols.errors import BadInput, DatasetUnavailable

SMALL = GeneratorSize(width=4, blocks=1)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout and a folder of artifacts, both empty."""
    monkeypatch.setattr(sources, "project_root", lambda: tmp_path / "project")
    monkeypatch.setenv("CFR_ARTIFACTS", str(tmp_path / "artifacts"))
    return tmp_path


def put(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    save_generator(path, Generator(SMALL), {}, side=64)
    return path


def test_names_mean_the_projects_own_then_what_was_trained_here(place: Path) -> None:
    trained = put(place / "artifacts/gan/mini/gan-mini.safetensors")
    assert weights_file("mini") == trained
    own = put(place / "project/assets/gan-mini.safetensors", seed=1)
    assert weights_file("mini") == own
    other = put(place / "artifacts/gan/no-id/gan-no-id.safetensors")
    assert weights_file("no-id") == other
    with pytest.raises(DatasetUnavailable, match=r"the generator large is not at .*train_gan\.py"):
        weights_file("large")


def test_a_file_is_meant_as_it_is_written(place: Path) -> None:
    path = put(place / "mine.safetensors")
    assert weights_file(str(path)) == path
    with pytest.raises(DatasetUnavailable, match=r"the weight file of a generator is not at"):
        weights_file(str(place / "absent.safetensors"))
    with pytest.raises(DatasetUnavailable, match=r"is not at /no/such\.pth"):
        weights_file("published:/no/such.pth")


@torch.no_grad()
def test_a_painter_paints_as_its_file_says(place: Path) -> None:
    path = put(place / "mine.safetensors")
    painter = load_painter(str(path))
    assert painter.side == 64
    assert painter.weights == hashlib.sha256(path.read_bytes()).hexdigest()
    one, other = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    expected = load_generator(path)(one, other)
    for found, wanted in zip(painter.net(one, other), expected, strict=True):
        assert torch.allclose(found, wanted, atol=1e-4)


@torch.no_grad()
def test_published_weights_paint_at_224(place: Path) -> None:
    torch.manual_seed(0)
    net = Generator().eval()
    path = place / "CFRNet_G_ep55_vgg.pth"
    torch.save({published_name(name): one for name, one in net.state_dict().items()}, path)
    painter = load_painter(f"published:{path}")
    assert painter.side == 224
    one, other = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    assert torch.allclose(painter.net(one, other).image, net(one, other).image, atol=1e-4)
    with pytest.raises(BadInput, match="a whole safetensors file"):
        load_painter(str(path))


class Program:
    """Something whose unpickling would run code."""

    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("run",)


def test_code_in_published_weights_is_not_run(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = place / "g.pth"
    torch.save({"G_state_dict": Program()}, path)
    with pytest.raises(BadInput, match=r"found a pickled .*print: not loaded"):
        load_painter(f"published:{path}")
    assert capsys.readouterr().out == ""
    path.write_bytes(b"nothing")
    with pytest.raises(BadInput, match=r"g\.pth: expected a file that torch\.save wrote"):
        load_painter(f"published:{path}")
    torch.save(Generator(SMALL).state_dict(), path)
    with pytest.raises(BadInput, match="the weights of CFR-GAN's generator"):
        load_painter(f"published:{path}")

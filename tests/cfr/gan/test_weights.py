"""Files of generators: what was saved comes back, and other files are refused."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from cfr.gan.generator import Generator, GeneratorSize
from cfr.gan.weights import load_generator, open_generator, read_about, save_generator
from protocols.errors import BadInput, DatasetUnavailable

SMALL = GeneratorSize(width=4, blocks=1)


def pair(batch: int = 2, side: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.rand(batch, 3, side, side), torch.rand(batch, 3, side, side)


@pytest.fixture(scope="module")
def net() -> Generator:
    """A network as after training: norms are estimated, statistics are not as they were."""
    torch.manual_seed(0)
    net = Generator(SMALL)
    for _ in range(20):
        net(*pair())
    return net.eval()


@pytest.fixture
def path(net: Generator, tmp_path: Path) -> Path:
    save_generator(tmp_path / "mini.safetensors", net, {"seed": "3"}, side=64)
    return tmp_path / "mini.safetensors"


def rewrite(path: Path, **fields: str | None) -> None:
    """The file with other fields; None takes one out."""
    with safe_open(path, "pt") as file:
        said = json.loads(file.metadata()["cfr-gan"]) | fields
    kept = {name: one for name, one in said.items() if one is not None}
    save_file(load_file(path), path, {"cfr-gan": json.dumps(kept)})


@torch.no_grad()
def test_a_file_gives_the_network_back(net: Generator, path: Path) -> None:
    again = load_generator(path)
    assert again.size == SMALL
    assert not again.training
    for name, tensor in net.state_dict().items():
        found = again.state_dict()[name]
        assert found.dtype == tensor.dtype
        if tensor.is_floating_point():
            assert torch.equal(found, tensor.half().float()), name
    for one, other in zip(again(*pair()), net(*pair()), strict=True):
        assert (one - other).abs().max() < 2e-3
    saved = open_generator(path)
    assert (saved.side, saved.about) == (64, {"seed": "3"})
    assert read_about(path) == {"seed": "3"}


def test_every_number_is_a_half(net: Generator, path: Path) -> None:
    tensors = load_file(path)
    assert {one.dtype for one in tensors.values()} == {torch.float16}
    normed = {name.rpartition(".")[2] for name in tensors if "parametrizations" in name}
    assert normed == {"original", "_u", "_v"}
    assert tensors.keys() == {name for name in net.state_dict() if "num_batches" not in name}
    again = path.with_name("again.safetensors")
    save_generator(again, net, {"seed": "3"}, side=64)
    assert again.read_bytes() == path.read_bytes()


def test_what_half_precision_cannot_hold_stays_single(tmp_path: Path) -> None:
    net, path = Generator(SMALL), tmp_path / "bright.safetensors"
    norm: Any = net.mask.mix[1]
    norm.running_var.fill_(2e6)
    save_generator(path, net, {}, side=64)
    assert load_file(path)["mask.mix.1.running_var"].dtype == torch.float32
    again: Any = load_generator(path)
    assert again.mask.mix[1].running_var.unique().tolist() == [2e6]


def test_nothing_broken_is_saved(tmp_path: Path) -> None:
    net = Generator(SMALL)
    with pytest.raises(ValueError, match="pictures of 66 pixels: expected a multiple of 4, 16 to"):
        save_generator(tmp_path / "net.safetensors", net, {}, side=66)
    torch.nn.init.constant_(net.get_parameter("out.bias"), torch.nan)
    with pytest.raises(ValueError, match=r"out\.bias holds NaN or infinity"):
        save_generator(tmp_path / "net.safetensors", net, {}, side=64)
    assert not list(tmp_path.iterdir())


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    with pytest.raises(DatasetUnavailable, match="the weight file is not at"):
        load_generator(path)
    path.write_bytes(b"not safetensors at all")
    with pytest.raises(BadInput, match="expected a whole safetensors file, found damage"):
        load_generator(path)
    save_file({"weight": torch.zeros(2)}, path, {"cfr-regressor": "{}"})
    for read in (load_generator, read_about):
        with pytest.raises(BadInput, match=r"a generator written by this project.*found None"):
            read(path)
    for text in ("no JSON", "[]"):
        save_file({"weight": torch.zeros(2)}, path, {"cfr-gan": text})
        with pytest.raises(BadInput, match="a generator written by this project"):
            load_generator(path)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("format", "cfr-gan-generator-9", "found cfr-gan-generator-9"),
        ("about", None, "metadata: expected .* found no about"),
        ("about", "[1]", r"about: expected JSON text of a dict, found \[1\]"),
        ("size", "many", "size: expected JSON text of a int, found Expecting value"),
        ("size", "66", "size: expected a multiple of 4, 16 to 1024, found 66"),
        ("width", "0", "width: expected 1 to 512, found 0"),
        ("width", "100000", "width: expected 1 to 512, found 100000"),
        ("blocks", "true", "blocks: expected JSON text of a int, found true"),
        ("blocks", "2", r"expected the weights of a generator of width 4, 2 blocks, found \d+ mis"),
        ("width", "8", r"of width 8, 1 blocks, found \d+ of another shape"),
    ],
)
def test_damaged_fields_are_refused(path: Path, field: str, value: str | None, words: str) -> None:
    rewrite(path, **{field: value})
    with pytest.raises(BadInput, match=words):
        load_generator(path)


def test_nan_is_not_loaded(path: Path) -> None:
    with safe_open(path, "pt") as file:
        fields = file.metadata()
    tensors = load_file(path)
    tensors["out.bias"].fill_(torch.nan)
    save_file(tensors, path, fields)
    with pytest.raises(BadInput, match=r"finite numbers, found NaN or infinity in out\.bias"):
        load_generator(path)

"""The authors' generator, in a file of exactly its names and shapes, and files that are not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from cfr.gan.generator import Generator
from cfr.gan.published import load_published_generator, published_name
from protocols.errors import BadInput, DatasetUnavailable


def normed(name: str, shape: tuple[int, ...], *, out: int = 0) -> Iterator[tuple[str, Tensor]]:
    """A convolution under the older spectral norm."""
    weight = torch.randn(shape) / 10
    yield f"{name}.weight_orig", weight
    yield f"{name}.bias", torch.randn(shape[out]) / 10
    matrix = weight.movedim(out, 0).flatten(1)
    v = torch.nn.functional.normalize(torch.randn(matrix.shape[1]), dim=0)
    yield f"{name}.weight_u", torch.nn.functional.normalize(matrix @ v, dim=0)
    yield f"{name}.weight_v", v


def plain(name: str, shape: tuple[int, ...], *, out: int = 0) -> Iterator[tuple[str, Tensor]]:
    yield f"{name}.weight", torch.randn(shape) / 10
    yield f"{name}.bias", torch.randn(shape[out]) / 10


def batch_norm(name: str, width: int) -> Iterator[tuple[str, Tensor]]:
    for part in ("weight", "bias", "running_mean"):
        yield f"{name}.{part}", torch.randn(width)
    yield f"{name}.running_var", torch.rand(width) + 0.5
    yield f"{name}.num_batches_tracked", torch.tensor(7)


def as_published() -> dict[str, Tensor]:
    """What ``state_dict`` of the authors' network holds, written down from it."""
    torch.manual_seed(0)
    found: list[tuple[str, Tensor]] = []
    for stem in ("conv_r", "conv_g"):
        found += normed(f"{stem}.1.conv2d", (64, 3, 7, 7))
    for unused in ("afd.embedding_r.0", "afd.embedding_g.0", "afd.conv_IN.0"):
        found += plain(unused, (64, 64, 3, 3))
    for place, width in enumerate((64, 128)):
        for branch in ("gating", "feature_extract"):
            found += normed(f"downsample.{place}.{branch}.1.conv2d", (2 * width, width, 3, 3))
    for block in range(9):
        for place in (1, 5):
            found += normed(f"resblocks.{block}.conv_block.{place}.conv2d", (256, 256, 3, 3))
        found += plain(f"resblocks.{block}.gating.0", (256, 256, 3, 3))
    for place, width in enumerate((256, 128)):
        found += normed(f"upsample.{place}.conv_trans", (width, width // 2, 4, 4), out=1)
    found += normed("last_conv.1.conv2d", (3, 64, 7, 7))
    found += plain("mixing.upsample_64_to_128.0", (256, 128, 3, 3), out=1)
    found += batch_norm("mixing.upsample_64_to_128.1", 128)
    found += plain("mixing.upsample_128_to_256.0", (128, 256, 3, 3))
    found += batch_norm("mixing.upsample_128_to_256.1", 128)
    found += plain("mixing.upsample_128_to_256.3", (128, 64, 3, 3), out=1)
    found += batch_norm("mixing.upsample_128_to_256.4", 64)
    found += plain("mixing.conv.0", (1, 64, 3, 3))
    return dict(found)


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return as_published()


def saved(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


@torch.no_grad()
def test_every_tensor_finds_its_place(state: dict[str, Tensor], tmp_path: Path) -> None:
    net = load_published_generator(saved(tmp_path / "g.pth", state))
    assert not net.training
    own = net.state_dict()
    assert {published_name(name) for name in own} == {
        name for name in state if "embedding" not in name
    }
    for name, one in own.items():
        assert torch.equal(one, state[published_name(name)]), name
    # Weights are divided by uᵀ W v, the file's own estimate of their norm.
    raw, u, v = (state[f"last_conv.1.conv2d.weight_{part}"] for part in ("orig", "u", "v"))
    assert torch.allclose(net.out.weight, raw / (u @ raw.flatten(1) @ v), rtol=1e-4)  # type: ignore[arg-type]
    painted = net(torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32))
    assert painted.image.isfinite().all()


def test_checkpoints_and_wrapped_names(state: dict[str, Tensor], tmp_path: Path) -> None:
    wrapped = {f"module.{name}": one for name, one in state.items()}
    path = saved(tmp_path / "c.pth", {"epoch": 3, "G_state_dict": wrapped, "G_lr": [1e-4]})
    found = load_published_generator(path).state_dict()["out.bias"]
    assert torch.equal(found, state["last_conv.1.conv2d.bias"])


def test_missing_unexpected_and_misshapen_tensors_are_named(
    state: dict[str, Tensor], tmp_path: Path
) -> None:
    changed = dict(state)
    del changed["conv_r.1.conv2d.bias"]
    changed["conv_x.bias"] = torch.zeros(1)
    changed["mixing.conv.0.bias"] = torch.zeros(2)
    with pytest.raises(BadInput) as caught:
        load_published_generator(saved(tmp_path / "g.pth", changed))
    told = str(caught.value)
    assert "g.pth" in told
    assert "1 missing: conv_r.1.conv2d.bias" in told
    assert "1 unexpected: conv_x.bias" in told
    assert "mixing.conv.0.bias (2, not 1)" in told


def test_our_own_names_are_not_theirs(tmp_path: Path) -> None:
    state = Generator().state_dict()
    with pytest.raises(BadInput, match=r"unexpected: .*\(here\)"):
        load_published_generator(saved(tmp_path / "own.pth", state))


def test_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable):
        load_published_generator(tmp_path / "none.pth")

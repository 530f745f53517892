"""Batch normalisation and gradients over processes: two halves of a batch are the whole."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import ProcessExitedException, spawn

from cfr.gan.batch_norm import SharedBatchNorm, processes, share_gradients, shared


def inputs() -> Tensor:
    return torch.randn(6, 3, 5, 5, generator=torch.Generator().manual_seed(0)) * 2 + 1


def network() -> nn.Sequential:
    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), SharedBatchNorm(4), nn.Tanh(), nn.Conv2d(4, 1, 1))
    norm = net[1]
    assert isinstance(norm, SharedBatchNorm)
    nn.init.uniform_(norm.weight, 0.5, 2)
    return net.train()


def worked(net: nn.Module, x: Tensor, share: float) -> dict[str, Tensor]:
    """Outputs, gradients and statistics after a step whose cost is a mean over the batch."""
    x = x.clone().requires_grad_()
    out = net(x)
    (share * out.square().mean()).backward()
    share_gradients(net)
    gradients = {
        f"gradient of {n}": p.grad for n, p in net.named_parameters() if p.grad is not None
    }
    assert x.grad is not None
    found = {"out": out.detach(), "gradient of input": x.grad, **gradients}
    return found | {name: one.clone() for name, one in net.state_dict().items()}


def of_rank(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    # They meet over a file: a server of one's own can be gone before the other has taken its leave.
    meeting = (Path(folder) / "meeting").as_uri()
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    try:
        found = worked(network(), inputs()[rank::2], 1 / 2)
        found["shared"] = shared(torch.tensor(float(rank + 1)))
        found["processes"] = torch.tensor(processes())
        torch.save(found, Path(folder) / f"{rank}.pt")
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def test_two_halves_are_the_whole(tmp_path: Path) -> None:
    # Both have left what they found when one of them ends; Gloo's threads can abort a process then.
    with suppress(ProcessExitedException):
        spawn(of_rank, (str(tmp_path),), nprocs=2)
    whole = worked(network(), inputs(), 1.0)
    halves: list[dict[str, Any]] = [
        torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)
    ]
    for rank, half in enumerate(halves):
        assert half.pop("shared") == 3
        assert half.pop("processes") == 2
        for name in ("out", "gradient of input"):
            torch.testing.assert_close(half.pop(name), whole[name][rank::2], rtol=1e-4, atol=1e-6)
        assert "gradient of 1.weight" in half
        for name, value in half.items():
            torch.testing.assert_close(value, whole[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_alone_it_is_pytorchs_own(training: bool) -> None:
    ours, theirs = SharedBatchNorm(3).train(training), nn.BatchNorm2d(3).train(training)
    assert torch.equal(ours(inputs()), theirs(inputs()))
    for name, one in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], one)
    assert processes() == 1
    assert shared(torch.tensor(2.0)) == 2

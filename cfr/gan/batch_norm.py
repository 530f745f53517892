"""Batch normalisation over the batch of all processes, on any device.

PyTorch's own ``SyncBatchNorm`` wants a GPU.
"""

import torch
from torch import Tensor, distributed, nn


class SharedBatchNorm(nn.BatchNorm2d):
    """As ``BatchNorm2d``, with the statistics of every process's share of a batch together.

    In one process it is ``BatchNorm2d``, bit by bit. In several, each has as many pictures, and a
    gradient is that of the sum of what all processes minimise.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (its name in PyTorch)
        """Normalise ``(b, c, h, w)``; in training mode the running statistics move."""
        ranks = processes()
        if not self.training or ranks == 1:
            return super().forward(input)
        from torch.distributed.nn.functional import all_reduce

        count = ranks * input.numel() // input.shape[1]
        mean = all_reduce(input.sum((0, 2, 3))) / count
        apart = input - mean[None, :, None, None]
        variance = all_reduce(apart.square().sum((0, 2, 3))) / count
        self._move(mean.detach(), variance.detach() * count / max(1, count - 1))
        steps = (variance + self.eps).rsqrt() * self.weight
        return apart * steps[None, :, None, None] + self.bias[None, :, None, None]

    @torch.no_grad()
    def _move(self, mean: Tensor, variance: Tensor) -> None:
        """The running statistics, a step towards those of this batch."""
        if self.running_mean is None or self.running_var is None or self.momentum is None:
            return
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean.to(self.running_mean), self.momentum)
        self.running_var.lerp_(variance.to(self.running_var), self.momentum)


def processes() -> int:
    """How many processes train together."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_world_size()
    return 1


def shared(value: Tensor) -> Tensor:
    """The sum of a number over all processes; no gradient."""
    value = value.detach().clone()
    if processes() > 1:
        distributed.all_reduce(value)
    return value


def share_gradients(network: nn.Module) -> None:
    """Add up every process's gradients, in place: those of the sum of what they minimise."""
    if processes() == 1:
        return
    gradients = [one.grad for one in network.parameters() if one.grad is not None]
    flat = torch.cat([one.flatten() for one in gradients])
    distributed.all_reduce(flat)
    at = 0
    for one in gradients:
        one.copy_(flat[at : at + one.numel()].view_as(one))
        at += one.numel()

"""Lightning Fabric as a training run's options ask for it, and the folder of the run."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from recognizers.types import Device
from results.alone import alone
from results.export.ground import torch_device
from results.training.options import Precision

if TYPE_CHECKING:
    from lightning.fabric import Fabric


def launch(device: Device, devices: int, precision: Precision, threads: int) -> "Fabric":
    """Launch the processes of a run; under ``torchrun``, this is one of them.

    Args:
        device: Where networks are trained.
        devices: Processes of this machine, a device each.
        precision: Fabric's.
        threads: CPU threads of each process; 0 for PyTorch's own choice.

    Raises:
        BadOption: CUDA was asked for, and PyTorch has none.
    """
    import torch
    from lightning.fabric import Fabric

    if threads:
        torch.set_num_threads(threads)
    fabric = Fabric(
        accelerator=torch_device(device),
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        precision=precision,
    )
    fabric.launch()
    return fabric


def folder_of_its_own(folder: Path, fabric: "Fabric") -> AbstractContextManager[None]:
    """Make a run's folder, and keep other runs out of it; its first process does for all of them.

    Raises:
        BadInput: Another run writes to it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return alone(folder) if fabric.is_global_zero else nullcontext()

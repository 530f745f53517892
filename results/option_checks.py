"""Numbers on command lines that no run could use."""

from collections.abc import Mapping
from typing import Any

from protocols.errors import BadOption


def require_least(options: Any, least: Mapping[str, int]) -> None:
    """Refuse numbers that are too small; None is a number that was not given.

    Args:
        options: A dataclass that is a command line.
        least: Field → the smallest number that it may be.

    Raises:
        BadOption: One of them is smaller; names it as it is typed.
    """
    for name, lowest in least.items():
        value = getattr(options, name)
        if value is not None and value < lowest:
            raise BadOption(f"--{name.replace('_', '-')} {value}", f"at least {lowest}")


def require_trainable(rate: float | None, batch: int | None, devices: int) -> None:
    """Refuse a learning rate or a batch that nothing can be trained with; None is the preset's.

    Raises:
        BadOption: The rate is not positive and finite, or the processes cannot share the batch.
    """
    if rate is not None and not 0 < rate < float("inf"):
        raise BadOption(f"--learning-rate {rate}", "a positive number")
    if batch is not None and batch % devices:
        raise BadOption(f"--batch {batch}", f"a multiple of --devices {devices}")


def require_share(name: str, value: float) -> None:
    """Refuse what is no share.

    Raises:
        BadOption: It is not from 0 to 1.
    """
    if not 0 <= value <= 1:
        raise BadOption(f"--{name.replace('_', '-')} {value:g}", "0 to 1")
